// SPDX-License-Identifier: Apache-2.0
// run_from_m and run_from_s: see run.hpp. The caller's registers lie on its stack, whose pointer is
// in mscratch/sscratch, so that the code may destroy every register.
#include "macros.h"

#define RUN_PC 0
#define RUN_A0 8
#define RUN_A1 16
#define RUN_A2 24
#define RUN_STATUS 32
#define RUN_VECTORED 40
#define RUN_CAUSE 48
#define RUN_EPC 56
#define RUN_TVAL 64
#define RUN_VECTOR 72
#define FRAME 128

.macro save_caller
    addi sp, sp, -FRAME
    each_of sd, 0, a0, ra, gp, tp, SAVED
.endm

.macro restore_caller
    each_of ld, 8, ra, gp, tp, SAVED
    addi sp, sp, FRAME
.endm

// Enters the code that the Run at a0 describes, with return address `back`.
.macro enter x, back
    lla t0, \x\()_vectors
    ld t1, RUN_VECTORED(a0)
    or t0, t0, t1
    csrw \x\()tvec, t0
    csrw \x\()scratch, sp
    ld t0, RUN_STATUS(a0)
    csrw \x\()status, t0
    ld t0, RUN_PC(a0)
    csrw \x\()epc, t0
    lla ra, \back
    ld a1, RUN_A1(a0)
    ld a2, RUN_A2(a0)
    ld a0, RUN_A0(a0)
    \x\()ret
.endm

// Records the trap in the Run.
.macro record x
    csrr sp, \x\()scratch
    ld t5, 0(sp)
    sd t6, RUN_VECTOR(t5)
    sd a0, RUN_A0(t5)
    sd a1, RUN_A1(t5)
    csrr t0, \x\()status
    sd t0, RUN_STATUS(t5)
    csrr t0, \x\()cause
    sd t0, RUN_CAUSE(t5)
    csrr t0, \x\()epc
    sd t0, RUN_EPC(t5)
    csrr t0, \x\()tval
    sd t0, RUN_TVAL(t5)
.endm

    .section .text.run_from_m, "ax"
    .globl run_from_m, run_from_m_ecall
run_from_m:
    save_caller
    enter m, run_from_m_ecall
run_from_m_ecall:
    ecall
    .balign 128
m_vectors:
    vectors t6, m_trapped
m_trapped:
    record m
    li t0, 1 << 17                  // MPRV; it had no effect until here, since the trap set MPP = M
    csrc mstatus, t0
    restore_caller
    ret

    .section .text.run_from_s, "ax"
    .globl run_from_s
run_from_s:
    save_caller
    ld t0, RUN_STATUS(a0)
    andi t0, t0, 1 << 8             // SPP
    bnez t0, 1f
    enter s, s_user_done
1:  enter s, s_supervisor_done
s_user_done:
    ecall
s_supervisor_done:
    csrr sp, sscratch
    ld t5, 0(sp)
    sd a0, RUN_A0(t5)
    sd a1, RUN_A1(t5)
    li t0, -1
    sd t0, RUN_CAUSE(t5)
    restore_caller
    ret
    .balign 128
s_vectors:
    vectors t6, s_trapped
s_trapped:
    record s
    restore_caller
    ret
