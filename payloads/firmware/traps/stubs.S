// SPDX-License-Identifier: Apache-2.0
// Code that traps. ra leads to an ecall (see run.hpp).
#include "macros.h"

    .text
    stub do_ecall
    ecall
    ret
    stub do_ebreak
    .option push
    .option norvc
    ebreak
    .option pop
    ret
    stub do_c_ebreak
    c.ebreak
    ret
    stub do_illegal
    .4byte 0x0000000b               // custom-0: nothing on these machines
    ret
    stub do_c_illegal
    .2byte 0
    ret
    stub do_nop_then_illegal
    c.nop
    .4byte 0x0000000b
    ret
    stub do_load
    lw a0, 0(a0)
    ret
    stub do_store
    sd a1, 0(a0)
    ret
    stub do_amo
    amoadd.w a1, a1, (a0)
    ret
    stub do_lr
    lr.w a1, (a0)
    ret
    stub do_jump
    jr a0
    stub do_mscratch
    csrr a0, mscratch
    ret
    stub do_mret
    mret
    stub do_sret
    sret
    stub do_satp
    csrw satp, zero
    ret
    stub do_sfence
    sfence.vma
    ret
    stub do_wfi
    wfi
    ret
    stub report_status
    csrr a0, mstatus
    ret
    stub do_fences
    fence
    fence.i
    sfence.vma
    sfence.vma a0, zero
    ret

    stub sret_to_s
    li t0, 1 << 8                   // SPP
    csrs mstatus, t0
    csrw sepc, a0
    sret
    stub sret_to_u
    li t0, 1 << 8
    csrc mstatus, t0
    csrw sepc, a0
    sret
    stub mret_to_a0                 // MPP is U after the mret that came here
    csrw mepc, a0
    mret

// S-mode: installs a handler, goes on at a0 in U-mode. The handler reports to M-mode.
    stub delegated_from_u
    lla t0, report_trap
    csrw stvec, t0
    csrw sepc, a0
    li t0, 1 << 8
    csrc sstatus, t0
    sret
// The same, staying in S-mode.
    stub delegated_from_s
    lla t0, report_trap
    csrw stvec, t0
    jr a0
    .balign 4
report_trap:
    csrr a0, scause
    csrr a1, sepc
    ecall

// S-mode: serves a0 ecalls of U-mode, each time continuing behind the ecall; then reports the
// number of ecalls that U-mode saw returning, plus one.
    stub delegated_sret_again
    mv s0, a0
    li s1, 0
    lla t0, serve_ecall
    csrw stvec, t0
    lla t0, user_loop
    csrw sepc, t0
    li t0, 1 << 8
    csrc sstatus, t0
    sret
user_loop:
    addi s1, s1, 1
    ecall
    j user_loop
    .balign 4
serve_ecall:
    addi s0, s0, -1
    beqz s0, 1f
    csrr t0, sepc
    addi t0, t0, 4
    csrw sepc, t0
    sret
1:  mv a0, s1
    ecall
