// SPDX-License-Identifier: Apache-2.0
// Zeroing that no compiler may drop.
#pragma once

#include <string.h>

namespace plinth {

/// Zeroes `size` bytes at `data`; the stores happen even if nothing reads them afterwards.
inline void wipe(void* data, std::size_t size) {
    memset(data, 0, size);
    __asm__ __volatile__("" : : "r"(data) : "memory");
}

/// Zeroes an object that holds secrets.
template <typename T> void wipe_object(T& object) { wipe(&object, sizeof object); }

/// Zeroes what was left below the caller's frame. mbedTLS goes 3.8 KiB deep on rv64 (measured with
/// a painted stack): 5 KiB are ample (scripts/stack-depth).
[[gnu::noinline, gnu::no_stack_protector]] inline void wipe_stack_below() {
    unsigned char below[5120];
    wipe(below, sizeof below);
}

} // namespace plinth
