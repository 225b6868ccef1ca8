// SPDX-License-Identifier: Apache-2.0
// The host's trap vector, which also works when control arrives from somebody else's world: it
// trusts no register but sscratch, the top of a stack of its own. Calls
// hext_trap(cause, pc, value, status).
#include "macros.h"

    .text
    stub hext_vector
    csrrw sp, sscratch, sp
    addi sp, sp, -160
    each_of sd, 0, ra, gp, tp, CHANGED
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    csrr a3, sstatus
    call hext_trap
    each_of ld, 0, ra, gp, tp, CHANGED
    addi sp, sp, 160
    csrrw sp, sscratch, sp
    sret

// spin_in_user: counts a0 down to zero, then an ecall.
    stub spin_in_user
    addi a0, a0, -1
    bnez a0, spin_in_user
    ecall
    j spin_in_user
