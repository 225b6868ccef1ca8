// SPDX-License-Identifier: Apache-2.0
// For firmwares that use hart 0 only: the other harts are never called, and park if they are.
#include "firmware.hpp"

extern "C" void secondary_main(uint64_t) {
    for (;;) asm volatile("wfi");
}
