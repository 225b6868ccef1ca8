// SPDX-License-Identifier: Apache-2.0
// garbage_try(registers, lower): loads every register and executes the word in garbage_slot, in
// M-mode or in S-mode; returns 0 when the next instruction was reached in M-mode, 1 after a trap.
// Nothing but mtvec is relied upon, and in S-mode not even that the instruction comes back.
#include "macros.h"

.macro load_all                     // but x10, which comes last
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, (8 * \n)(x10)
    .endr
    ld x10, 80(x10)
.endm

    .text
    .option norvc
    stub garbage_try
    addi sp, sp, -128
    each_of sd, 0, ra, gp, tp, SAVED
    lla t0, saved_sp
    sd sp, 0(t0)
    bnez a1, 1f
    load_all
    j garbage_slot
1:  lla t0, garbage_slot
    csrw mepc, t0
    li t0, 3 << 11                  // MPP
    csrc mstatus, t0
    li t0, 1 << 11                  // S
    csrs mstatus, t0
    load_all
    mret

    .balign 64
    .globl garbage_slot, garbage_after
garbage_slot:
    nop
garbage_after:
    li t0, 1 << 17                  // MPRV, before anything is loaded; illegal in S-mode
    csrc mstatus, t0
    li a0, 0
    j back

    .globl garbage_landing
garbage_landing:                    // of mret and sret, in any mode
    li a7, 0
    ecall
    j garbage_landing

    .balign 64
    .globl garbage_vector
garbage_vector:
    li t0, 1 << 17                  // no load has happened: MPP is M here
    csrc mstatus, t0
    li a0, 1
back:
    lla t0, saved_sp
    ld sp, 0(t0)
    each_of ld, 0, ra, gp, tp, SAVED
    addi sp, sp, 128
    ret

// One access at a0, with the bits a2 of mstatus set for it (see run.hpp).
    .macro access name, instruction:vararg
    stub \name
    csrs mstatus, a2
    \instruction
    li t0, 1 << 17
    csrc mstatus, t0
    li a7, 0
    ret
    .endm

    .option arch, +d
    access garbage_mprv_load, ld a1, 0(a0)
    access garbage_fp_load, fld f0, 0(a0)
    access garbage_fp_store, fsd f0, 0(a0)

    .bss
    .balign 8
saved_sp:
    .space 8
