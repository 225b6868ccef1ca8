// SPDX-License-Identifier: Apache-2.0
// Start of a program that QEMU puts before the monitor at every reset, on every hart. stage_main
// does the work; then the monitor is started as QEMU's reset vector does it.

.equ RESET_VECTOR, 0x1000           // QEMU virt: entry, device tree, fw_dynamic_info at 0x18

    .section .text.start, "ax"
    .globl _start
_start:
    csrr s0, mhartid
    addi t0, s0, 1
    slli t0, t0, 12
    lla sp, stage_stacks
    add sp, sp, t0
    mv a0, s0
    call stage_main
    mv s1, a0                       // bits to set in mstatus
    li t0, RESET_VECTOR
    ld a1, 0x20(t0)
    ld t1, 0x18(t0)
    addi a2, t0, 0x28
    mv a0, s0
    csrs mstatus, s1
    jr t1

    .section .stack, "aw", @nobits
    .balign 4096
stage_stacks:
    .space 8 * 4096
