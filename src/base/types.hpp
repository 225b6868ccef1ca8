// SPDX-License-Identifier: Apache-2.0
// Short names for the machine's words: most of what the monitor handles has exactly one of these.
// And the base of objects that others point to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plinth {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

/// Base of what stays where it was made: neither moved nor, what this implies, copied or assigned.
struct Pinned {
    constexpr Pinned() = default;
    Pinned(Pinned&&) = delete;
};

} // namespace plinth
