// SPDX-License-Identifier: Apache-2.0
// Code that the firmware runs through run() in M-mode or S-mode; ra leads to an ecall (see
// run.hpp), which must not be an SBI call of the monitor's: a7 is cleared before.
#include "macros.h"

// One access at a0 with a1. a2: bits set in mstatus around it (M-mode only), 0 for none.
    .macro access name, instruction:vararg
    stub \name
    beqz a2, 1f
    csrs mstatus, a2
1:
    .option push
    .option norvc
    \instruction
    .option pop
    beqz a2, 2f
    li t0, 1 << 17                  // MPRV
    csrc mstatus, t0
2:  li a7, 0
    ret
    .endm

    .macro compressed name, instruction:vararg
    stub \name
    beqz a2, 1f
    csrs mstatus, a2
1:  \instruction
    beqz a2, 2f
    li t0, 1 << 17
    csrc mstatus, t0
2:  li a7, 0
    ret
    .endm

    .text
    access access_lbu, lbu a1, 0(a0)
    access access_lhu, lhu a1, 0(a0)
    access access_lwu, lwu a1, 0(a0)
    access access_ld, ld a1, 0(a0)
    access access_sb, sb a1, 0(a0)
    access access_sh, sh a1, 0(a0)
    access access_sw, sw a1, 0(a0)
    access access_sd, sd a1, 0(a0)
    access access_lr_w, lr.w a1, (a0)
    access access_lr_d, lr.d a1, (a0)
    access access_amo_w, amoadd.w zero, zero, (a0)
    access access_amo_d, amoadd.d zero, zero, (a0)
    compressed access_c_lw, c.lw a1, 0(a0)
    compressed access_c_ld, c.ld a1, 0(a0)
    compressed access_c_sw, c.sw a1, 0(a0)
    compressed access_c_sd, c.sd a1, 0(a0)

// Keystone call a1 with argument a0; the answer is left in a0 and a1.
    stub keystone_call
    mv a6, a1
    li a7, 0x08424b45
    .globl keystone_ecall
keystone_ecall:
    ecall
    li a7, 0
    ret

// Sets the bits a2 of mstatus and traps, so that they are in force when the trap is taken.
    stub trap_with_bits
    csrs mstatus, a2
    .option push
    .option norvc
    ebreak
    .option pop
    ret

// One access at a0 with a1 around a trap. The bits a2 of mstatus are set, then the code at a1 traps.
// `then` says what happens in the handler before the access.
    .macro around_trap name, instruction, then:vararg
    stub \name
    csrr s1, mtvec
    lla t0, 1f
    csrw mtvec, t0
    mv s2, a2
    csrs mstatus, a2
    jr a1
    .balign 4
1:  csrw mtvec, s1
    \then
    .option push
    .option norvc
    \instruction a1, 0(a0)
    .option pop
    li t0, 1 << 17                  // MPRV
    csrc mstatus, t0
    li a7, 0
    ret
    .endm

// MPP as it was before the trap; MPRV is not written.
    .macro restore_mpp
    li t0, 3 << 11
    csrc mstatus, t0
    li t0, 1 << 17
    not t0, t0
    and s2, s2, t0
    csrs mstatus, s2
    .endm

// MPP is M, so M-mode goes on, with MPRV as it is and MPP = U.
    .macro return_to_machine
    csrw mie, zero                  // MIE may be set again
    lla t0, 2f
    csrw mepc, t0
    mret
2:
    .endm

    around_trap load_in_trap, ld
    around_trap store_in_trap, sd
    around_trap load_after_mpp, ld, restore_mpp
    around_trap store_after_mpp, sd, restore_mpp
    around_trap load_after_mret, ld, return_to_machine
    around_trap store_after_mret, sd, return_to_machine

// Code that traps with the bits in force.
    .option push
    .option norvc
    stub trap_by_ecall
    li a7, 0
    ecall
    stub trap_by_ebreak
    ebreak
    stub trap_by_illegal
    unimp
    stub trap_by_load
    ld zero, 0(zero)
    stub trap_by_store
    sd zero, 0(zero)
    stub trap_by_interrupt              // one that is pending and enabled in mie
    csrsi mstatus, 8
1:  j 1b
    .option pop

    stub spin
    j spin

    stub do_nothing
    li a7, 0
    ret

// sweep_loads(base, end, step): lwu at every step; returns how many did not fault with cause 5 and
// mtval = the address.
    stub sweep_loads
    csrr t6, mtvec
    lla t0, 3f
    csrw mtvec, t0
    li a3, 0
    li t3, 5
1:  bgeu a0, a1, 4f
    lwu zero, 0(a0)
2:  addi a3, a3, 1
    add a0, a0, a2
    j 1b
    .balign 4
3:  csrr t1, mcause
    csrr t2, mtval
    sub t1, t1, t3
    sub t2, t2, a0
    or t1, t1, t2
    snez t1, t1
    add a3, a3, t1
    add a0, a0, a2
    lla t0, 1b
    csrw mepc, t0
    li t0, 3 << 11                  // MPP = M
    csrs mstatus, t0
    mret
4:  csrw mtvec, t6
    mv a0, a3
    ret
