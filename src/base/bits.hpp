// SPDX-License-Identifier: Apache-2.0
// Named bit fields of 64-bit words.
#pragma once

#include "base/types.hpp"

namespace plinth {

/// Bits [Lo, Lo+Width) of a 64-bit word.
template <unsigned Lo, unsigned Width = 1> struct Field {
    static_assert(Width > 0 && Lo + Width <= 64);
    static constexpr u64 low_mask = Width == 64 ? ~0ULL : (1ULL << Width) - 1;
    static constexpr u64 mask = low_mask << Lo;
    static constexpr u64 get(u64 word) { return (word >> Lo) & low_mask; }
    static constexpr u64 set(u64 word, u64 value) {
        return (word & ~mask) | ((value & low_mask) << Lo);
    }
};

/// Takes the bits of `mask` from `asked` and the others from `old`.
constexpr u64 merge(u64 old, u64 asked, u64 mask) { return (old & ~mask) | (asked & mask); }

/// The low `width` bits of `value`, sign-extended; width in [1, 64].
constexpr u64 sign_extend(u64 value, unsigned width) {
    auto const shift = 64 - width;
    return static_cast<u64>(static_cast<std::int64_t>(value << shift) >> shift);
}

constexpr bool is_power_of_two(u64 value) { return value != 0 && (value & (value - 1)) == 0; }

} // namespace plinth
