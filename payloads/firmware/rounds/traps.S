// SPDX-License-Identifier: Apache-2.0
// Trap entries of the two parts, and the way from one to the other. mscratch is 0 in M-mode and the
// machine stack below it; tp is the hart's record everywhere.
#include "macros.h"

.equ FRAME, 32 * 8

.macro each_register op             // but x2 and x4
    .irp n, 1,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \op x\n, (8 * \n)(sp)
    .endr
.endm

    .text
    stub rounds_machine_vector
    csrrw sp, mscratch, sp
    bnez sp, 1f
    csrrw sp, mscratch, sp          // it was M-mode: sp as it was, mscratch 0
    addi sp, sp, -FRAME
    each_register sd
    sd zero, 0(sp)
    j 2f
1:  addi sp, sp, -FRAME
    each_register sd
    csrrw t0, mscratch, zero
    sd t0, 16(sp)
    addi t0, sp, FRAME
    sd t0, 0(sp)
2:  mv a0, sp
    call rounds_machine_trap
    ld t0, 0(sp)
    csrw mscratch, t0
    bnez t0, 3f
    each_register ld
    addi sp, sp, FRAME
    mret
3:  each_register ld
    ld sp, 16(sp)
    mret

    .globl enter_supervisor
enter_supervisor:
    addi sp, sp, -112
    each_of sd, 0, ra, SAVED
    csrw mscratch, sp
    csrw mepc, a0
    li t0, 3 << 11                  // MPP
    csrc mstatus, t0
    li t0, 1 << 11 | 1 << 7         // MPP = S, MPIE
    csrs mstatus, t0
    mv a0, a1
    mv sp, a2
    lla ra, supervisor_returned
    mret
supervisor_returned:
    li a7, 8                        // Call::Leave
    ecall
    .globl leave_supervisor
leave_supervisor:
    mv sp, a0
    each_of ld, 0, ra, SAVED
    addi sp, sp, 112
    ret

    stub rounds_supervisor_vector
    addi sp, sp, -FRAME
    each_register sd
    call rounds_supervisor_trap
    each_register ld
    addi sp, sp, FRAME
    sret
