// SPDX-License-Identifier: Apache-2.0
// What the boot hart does once: looks at what it was given, measures it, makes the keys.
#pragma once

#include "monitor/state.hpp"

#include <span>

namespace plinth::monitor {

/// What the machine hands over at reset, and where the image lies.
struct HandOver {
    u64 fdt{0};
    u64 fw_dynamic{0};
    std::span<u8 const> image{}; ///< plinth.bin as it lies in memory
    std::size_t boot_word{0};    ///< offset of its 8 bytes that were written; zero in the file
};

/// Fills Monitor::boot, prepares the device tree, derives the identity and seeds the generator.
/// Errors: Malformed (device tree, boot page), NoResource (no room for the tree to grow).
Result<void> prepare(HartState& h, HandOver const& given);

/// The banner: version, board, harts, PMP, firmware, measurements, kind of root.
void print_banner(HartState& h);

} // namespace plinth::monitor
