// SPDX-License-Identifier: Apache-2.0
// The host's trap vector, which also works when control arrives from somebody else's world: it
// trusts no register but sscratch, the top of a stack of its own. Calls
// hext_trap(cause, pc, value, status).

    .text
    .globl hext_vector
    .balign 4
hext_vector:
    csrrw sp, sscratch, sp
    addi sp, sp, -160
    sd ra, 0(sp)
    .set slot, 8
    .irp reg, gp,tp,t0,t1,t2,t3,t4,t5,t6,a0,a1,a2,a3,a4,a5,a6,a7
    sd \reg, slot(sp)
    .set slot, slot + 8
    .endr
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    csrr a3, sstatus
    call hext_trap
    ld ra, 0(sp)
    .set slot, 8
    .irp reg, gp,tp,t0,t1,t2,t3,t4,t5,t6,a0,a1,a2,a3,a4,a5,a6,a7
    ld \reg, slot(sp)
    .set slot, slot + 8
    .endr
    addi sp, sp, 160
    csrrw sp, sscratch, sp
    sret

// spin_in_user: counts a0 down to zero, then an ecall.
    .globl spin_in_user
    .balign 4
spin_in_user:
    addi a0, a0, -1
    bnez a0, spin_in_user
    ecall
    j spin_in_user
