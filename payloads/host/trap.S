// SPDX-License-Identifier: Apache-2.0
// The host's trap vector: saves what C++ may change, calls host_trap(cause, pc, value).
#include "macros.h"

    .text
    stub host_vector
    addi sp, sp, -128
    each_of sd, 0, ra, CHANGED
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    call host_trap
    each_of ld, 0, ra, CHANGED
    addi sp, sp, 128
    sret
