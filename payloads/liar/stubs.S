// SPDX-License-Identifier: Apache-2.0
#include "macros.h"

    .text
// The operating system: os_main(tree, base) in S-mode on a stack of its own, then back to the
// firmware with what it returns.
    stub os_start
    lla sp, os_stack_top
    call os_main
    li a7, 0
    ecall

// One access in S-mode.
    stub os_load
    ld a1, 0(a0)
    ret
    stub os_store
    sd a1, 0(a0)
    ret

    .section .stack, "aw", @nobits
    .balign 16
    .space 16384
os_stack_top:
