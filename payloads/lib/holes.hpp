// SPDX-License-Identifier: Apache-2.0
// Holes in the host's memory: enclaves of one page that nobody enters, scattered.
#pragma once

#include <stdint.h>

namespace payload {

inline constexpr unsigned max_holes = 256;

/// Memory, and the page shared with each hole's enclave.
struct HoleArea {
    uint64_t base;
    uint64_t pages;
    uint64_t shared; ///< address of as many pages as there are holes
};

/// Where hole `index` of `count` lies: somewhere in its part of the area, the same each time.
uint64_t hole_address(HoleArea const& area, unsigned index, unsigned count);

/// Creates the enclaves; returns 0 or what the first one that is refused got.
int64_t create_holes(HoleArea const& area, unsigned count);

/// The decimal number after `key` in the boot arguments; 0 when there is none.
unsigned number_argument(char const* bootargs, char const* key);

} // namespace payload
