// SPDX-License-Identifier: Apache-2.0
// A firmware that hands a false device tree to its operating system, and that system.
#pragma once

#include "firmware.hpp"

extern "C" {
// stubs.S
void os_start();
void os_load();
void os_store();
/// The operating system, in S-mode: uses all memory that the tree names; how many accesses ended
/// otherwise than expected. `real_size` is that of the machine's RAM.
uint64_t os_main(uint64_t tree, uint64_t real_size);
}

namespace liar {

/// Takes /reserved-memory out of a tree; returns how many nodes that were.
unsigned remove_reservations(uint64_t tree);

/// Makes the memory node name this range; returns how many properties were changed.
unsigned claim_memory(uint64_t tree, uint64_t base, uint64_t size);

} // namespace liar
