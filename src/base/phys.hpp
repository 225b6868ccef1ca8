// SPDX-License-Identifier: Apache-2.0
// Physical addresses and ranges that cannot wrap.
#pragma once

#include "base/result.hpp"

namespace plinth {

inline constexpr u64 page_size = 4096;

/// A physical address in bytes.
struct PhysAddr {
    u64 raw{0};
    friend constexpr auto operator<=>(PhysAddr, PhysAddr) = default;
};

/// A non-empty run of physical memory. Cannot wrap: `make` and `between` are the only ways in.
class PhysRange {
  public:
    /// [base, base+size). BadAddress when empty or when it would pass 2^64.
    static constexpr Result<PhysRange> make(PhysAddr base, u64 size) {
        if (size == 0 || base.raw + (size - 1) < base.raw) return Err::BadAddress;
        return PhysRange{base.raw, base.raw + (size - 1)};
    }
    /// [base, last], last inclusive.
    static constexpr Result<PhysRange> between(PhysAddr base, PhysAddr last) {
        if (last < base) return Err::BadAddress;
        return PhysRange{base.raw, last.raw};
    }
    /// As make, for constants: does not compile in a constant expression when the range is bad.
    static consteval PhysRange constant(u64 base, u64 size) { return *make({base}, size); }
    constexpr PhysAddr base() const { return {base_}; }
    constexpr u64 last() const { return last_; } // inclusive: no overflow at 2^64
    /// Bytes; 0 stands for 2^64.
    constexpr u64 size() const { return last_ - base_ + 1; }
    constexpr bool contains(PhysAddr a) const { return a.raw >= base_ && a.raw <= last_; }
    constexpr bool contains(PhysRange o) const { return o.base_ >= base_ && o.last_ <= last_; }
    constexpr bool overlaps(PhysRange o) const { return base_ <= o.last_ && o.base_ <= last_; }
    constexpr bool page_aligned() const {
        return base_ % page_size == 0 && (last_ + 1) % page_size == 0;
    }
    friend constexpr bool operator==(PhysRange, PhysRange) = default;

  private:
    constexpr PhysRange(u64 base, u64 last) : base_{base}, last_{last} {}
    u64 base_;
    u64 last_;
};

} // namespace plinth
