// SPDX-License-Identifier: Apache-2.0
// The host's trap vector: saves what C++ may change, calls host_trap(cause, pc, value).

    .text
    .globl host_vector
    .balign 4
host_vector:
    addi sp, sp, -128
    sd ra, 0(sp)
    .set slot, 8
    .irp reg, t0,t1,t2,t3,t4,t5,t6,a0,a1,a2,a3,a4,a5,a6,a7
    sd \reg, slot(sp)
    .set slot, slot + 8
    .endr
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    call host_trap
    ld ra, 0(sp)
    .set slot, 8
    .irp reg, t0,t1,t2,t3,t4,t5,t6,a0,a1,a2,a3,a4,a5,a6,a7
    ld \reg, slot(sp)
    .set slot, slot + 8
    .endr
    addi sp, sp, 128
    sret
