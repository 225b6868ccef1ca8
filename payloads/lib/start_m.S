// SPDX-License-Identifier: Apache-2.0
// Start of a test firmware: a0 = hart id, a1 = device tree, on every hart. Hart 0 clears .bss and
// calls firmware_main(tree). The others touch no memory until hart 0 raises their CLINT software
// interrupt; they then call secondary_main(hart).
#include "macros.h"

    .section .text.start, "ax"
    .globl _start
_start:
    csrw mie, zero
    csrci mstatus, 8
    bnez a0, wait_for_call
    lla sp, boot_stack_top
    clear_bss
    mv a0, a1
    call firmware_main
halt:
    wfi
    j halt

wait_for_call:
    li t0, 8
    csrw mie, t0                    // MSIE, while mstatus.MIE = 0: wakes, does not trap
3:  wfi
    csrr t1, mip
    and t1, t1, t0
    beqz t1, 3b
    li t0, 8                        // harts 1 to 7 have a stack
    bgeu a0, t0, halt
    slli t0, a0, 12
    lla sp, secondary_stacks
    add sp, sp, t0                  // hart n owns the n-th 4 KiB from the bottom
    call secondary_main
    j halt

    .section .stack, "aw", @nobits
    .balign 16
secondary_stacks:
    .space 7 * 4096
    .space 8192
boot_stack_top:
