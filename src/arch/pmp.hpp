// SPDX-License-Identifier: Apache-2.0
// PMP entries as hardware has them: encoding and decoding of one entry (privileged 3.7.1).
#pragma once

#include "base/bits.hpp"
#include "base/phys.hpp"

#include <array>
#include <bit>
#include <optional>

namespace plinth::arch {

/// Access rights, as the low bits of pmpcfg.
struct Rights {
    bool r{false};
    bool w{false};
    bool x{false};
    friend constexpr bool operator==(Rights, Rights) = default;
    constexpr bool covers(Rights asked) const {
        return (r || !asked.r) && (w || !asked.w) && (x || !asked.x);
    }
};
inline constexpr Rights rights_none{}, rights_rw{true, true, false}, rights_rwx{true, true, true},
    rights_x{false, false, true};

namespace pmpcfg {
inline constexpr u8 r = 1, w = 2, x = 4, a_mask = 0x18, tor = 0x08, na4 = 0x10, napot = 0x18,
                    locked = 0x80;
constexpr u8 of(Rights rights) {
    return static_cast<u8>((rights.r ? r : 0) | (rights.w ? w : 0) | (rights.x ? x : 0));
}
constexpr Rights rights(u8 cfg) { return {(cfg & r) != 0, (cfg & w) != 0, (cfg & x) != 0}; }
} // namespace pmpcfg

/// Eight bytes at a multiple of 8, read at once.
inline u64 word_at(u8 const* bytes) {
    u64 word = 0;
    __builtin_memcpy(&word, __builtin_assume_aligned(bytes, 8), sizeof word);
    return word;
}
/// Eight cfg bytes from `first`, a multiple of 8, as one pmpcfg register of RV64 holds them. The
/// array itself is aligned to 8.
template <std::size_t N> u64 packed_cfg(std::array<u8, N> const& cfg, unsigned first) {
    return word_at(cfg.data() + first);
}

/// A hart with fewer entries cannot hold what the fetch of one instruction needs.
inline constexpr unsigned min_pmp_entries = 6, max_pmp_entries = 16;
/// pmpaddr holds bits 55:2 of an address.
inline constexpr u64 pmpaddr_mask = (1ULL << 54U) - 1;
/// Physical addresses have 56 bits; what lies above cannot be named.
inline constexpr u64 phys_last = (1ULL << 56U) - 1;

/// A full set of entries; those not used are OFF with address 0.
struct PmpImage {
    alignas(8) std::array<u8, max_pmp_entries> cfg{};
    std::array<u64, max_pmp_entries> addr{};
    unsigned used{0};
    bool hides_code{false}; ///< some entry grants X without R
    friend constexpr bool operator==(PmpImage const&, PmpImage const&) = default;
};

/// pmpaddr of a NAPOT entry for [base, last], if it has that shape (size ≥ 8, a power of two,
/// aligned).
constexpr std::optional<u64> napot_address(PhysRange range) {
    auto const size = range.size();
    if (size < 8 || !is_power_of_two(size) || range.base().raw % size != 0) return std::nullopt;
    return ((range.base().raw >> 2U) | ((size >> 3U) - 1)) & pmpaddr_mask;
}

/// The range that entry `index` matches, none when it is OFF or empty. `previous` is
/// pmpaddr[index-1] or 0.
constexpr std::optional<PhysRange> pmp_range(u8 cfg, u64 addr, u64 previous) {
    addr &= pmpaddr_mask;
    switch (cfg & pmpcfg::a_mask) {
    case pmpcfg::tor: {
        previous &= pmpaddr_mask;
        if (previous >= addr) return std::nullopt;
        return *PhysRange::between({previous << 2U}, {(addr << 2U) - 1});
    }
    case pmpcfg::na4: return *PhysRange::make({addr << 2U}, 4);
    case pmpcfg::napot: {
        auto const ones = static_cast<unsigned>(std::countr_one(addr));
        if (ones >= 53) return *PhysRange::between({0}, {phys_last});
        return *PhysRange::make({(addr & ~((1ULL << ones) - 1)) << 2U}, 8ULL << ones);
    }
    }
    return std::nullopt;
}

} // namespace plinth::arch
