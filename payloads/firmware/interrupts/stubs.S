// SPDX-License-Identifier: Apache-2.0
// Code that is interrupted. ra leads to an ecall (see run.hpp).
#include "macros.h"

    .text
    stub spin
    j spin
// Leaves room for an interrupt that must not come, then returns with a0 = 0x600d.
    stub return_at_once
    li t0, 1000
1:  addi t0, t0, -1
    bnez t0, 1b
    li a0, 0x600d
    ecall
    stub wait_in_s
    wfi
    j wait_in_s
    stub wait_in_u
    j wait_in_u

// S-mode: installs a handler and goes on at a0 in the mode of a1 (SPP); sret copies SPIE to SIE.
    stub take_in_s
    lla t0, report_interrupt
    csrw stvec, t0
    csrw sepc, a0
    li t0, 1 << 8
    csrc sstatus, t0
    csrs sstatus, a1
    sret
    .balign 4
report_interrupt:
    csrr a0, scause
    csrr a1, sip
    csrci sip, 2                    // SSIP is the one that S-mode can clear
    ecall
