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
