// SPDX-License-Identifier: Apache-2.0
// run_from_m and run_from_s: see run.hpp. The caller's registers lie on its stack, whose pointer is
// in mscratch/sscratch, so that the code may destroy every register.

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
    sd a0, 0(sp)
    sd ra, 8(sp)
    sd gp, 16(sp)
    sd tp, 24(sp)
    sd s0, 32(sp)
    sd s1, 40(sp)
    sd s2, 48(sp)
    sd s3, 56(sp)
    sd s4, 64(sp)
    sd s5, 72(sp)
    sd s6, 80(sp)
    sd s7, 88(sp)
    sd s8, 96(sp)
    sd s9, 104(sp)
    sd s10, 112(sp)
    sd s11, 120(sp)
.endm

.macro restore_caller
    ld ra, 8(sp)
    ld gp, 16(sp)
    ld tp, 24(sp)
    ld s0, 32(sp)
    ld s1, 40(sp)
    ld s2, 48(sp)
    ld s3, 56(sp)
    ld s4, 64(sp)
    ld s5, 72(sp)
    ld s6, 80(sp)
    ld s7, 88(sp)
    ld s8, 96(sp)
    ld s9, 104(sp)
    ld s10, 112(sp)
    ld s11, 120(sp)
    addi sp, sp, FRAME
.endm

// Sixteen vector entries; entry n leaves n in t6 and goes to `common`.
.macro vectors common
    .option push
    .option norvc
    .set index, 0
    .rept 16
    j 1f + 8 * index
    .set index, index + 1
    .endr
1:
    .set index, 0
    .rept 16
    addi t6, zero, index
    j \common
    .set index, index + 1
    .endr
    .option pop
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
    vectors m_trapped
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
    vectors s_trapped
s_trapped:
    record s
    restore_caller
    ret
