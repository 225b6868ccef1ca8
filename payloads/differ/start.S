// SPDX-License-Identifier: Apache-2.0
// Entry, parameters, and everything of the differ that runs with a program's registers: the end of
// a slot and the two trap handlers. x3 (gp) is the address of the next slot, x4 (tp) and x30 (t5)
// are scratch; programs use every other register.
#include "layout.h"
#include "macros.h"

    .section .text.start, "ax"
    .globl _start, params
_start:
    j 1f
    .balign 8
params:                             // Params in params.hpp: written by the runner
    .ascii "DIFFERPM"
    .space PARAMS_SIZE - 8
1:  csrw mie, zero
    csrci mstatus, 8
    csrr t0, mhartid
    beqz t0, 1f
5:  wfi                             // the others sleep: they are there so that atomics are atomic
    j 5b
1:  clear_bss
    lla sp, main_stack_top
    call differ_main
4:  j 4b

// Saves all registers but x4 and x30 into the frame `frame`, x30 being free to be overwritten.
.macro save_registers frame
    lla x30, \frame
    .irp n, 1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,31
    sd x\n, 8 * \n(x30)
    .endr
    sd x4, 8 * 4(x30)
.endm

.macro load_registers frame
    lla x30, \frame
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,31
    ld x\n, 8 * \n(x30)
    .endr
.endm

    .text
    .globl differ_slot_end, differ_m_direct, differ_m_vectored, differ_s_direct, differ_s_vectored
    .globl differ_vs_direct
    .globl differ_enter

// Every slot ends with `jal tp, differ_slot_end`.
differ_slot_end:
    save_registers slot_frame
    lla sp, slot_stack_top
    lla a0, slot_frame
    call differ_slot_done
    bnez a0, 1f
    load_registers slot_frame
    jr tp
1:  ecall                           // the program is over; medeleg never passes this on from S

// void differ_enter(uint64_t first_slot): runs a program; returns when it is over.
differ_enter:
    addi sp, sp, -128
    each_of sd, 0, ra, gp, tp, SAVED
    lla t0, main_sp
    sd sp, 0(t0)
    mv tp, a0
    .irp n, 1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li x\n, 0
    .endr
    jr tp

leave_program:
    lla t0, main_sp
    ld sp, 0(t0)
    each_of ld, 0, ra, gp, tp, SAVED
    addi sp, sp, 128
    ret

// The handlers: a vectored one is told which entry it was, a direct one 64, in x30.

    .balign 128
differ_m_vectored:
    vectors x30, m_trapped
    .balign 4
differ_m_direct:
    li x30, 64
m_trapped:
    mv tp, x30
    save_registers m_frame
    lla sp, m_stack_top
    lla a0, m_frame
    call differ_m_trap              // 0: over, 1: go on in M-mode at x4, 2: mret
    beqz a0, leave_program
    li t0, 2
    beq a0, t0, 1f
    load_registers m_frame
    jr tp
1:  load_registers m_frame
    mret

    .balign 128
differ_s_vectored:
    vectors x30, s_trapped
    .balign 4
differ_vs_direct:                   // as vstvec; sstatus and its like are the guest's there
    li x30, 65
    j s_trapped
    .balign 4
differ_s_direct:
    li x30, 64
s_trapped:
    mv tp, x30
    save_registers s_frame
    lla sp, s_stack_top
    lla a0, s_frame
    call differ_s_trap              // 0: over, 1: go on in S-mode at x4, 2: sret
    beqz a0, 2f
    li t0, 2
    beq a0, t0, 1f
    load_registers s_frame
    jr tp
1:  load_registers s_frame
    sret
2:  ecall

    .section .bss.frames, "aw", @nobits
    .balign 16
slot_frame: .space 256
m_frame: .space 256
s_frame: .space 256
main_sp: .space 16

    .section .stack, "aw", @nobits
    .balign 16
    .space 8192
main_stack_top:
    .space 4096
slot_stack_top:
    .space 4096
m_stack_top:
    .space 4096
s_stack_top:
