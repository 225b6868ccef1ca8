// SPDX-License-Identifier: Apache-2.0
// The four-CSR firmware: S-mode calls, the handler executes four CSR instructions and mret.
#include "macros.h"

    .section .text.bench_vm, "ax"

// uint64_t four_csr_loop(CallLoop* loop): enters S-mode, which makes loop->count calls, each with
// other numbers, and leaves the cost of each in loop->costs. Returns the number of right answers;
// the first wrong one ends the loop.
    .globl four_csr_loop
four_csr_loop:
    addi sp, sp, -64
    each_of sd, 0, ra, s0, s1, s2, s3, s4, s5, s6
    ld s0, 0(a0)                    // costs
    ld s1, 8(a0)                    // calls
    ld s2, 16(a0)                   // cost of nothing
    li s5, 0                        // right answers
    lla t0, handler
    csrw mtvec, t0
    li s6, 77
    csrw mscratch, s6
    lla t0, supervisor
    csrw mepc, t0
    li t0, 3 << 11
    csrc mstatus, t0
    li t0, 1 << 11                  // MPP = S
    csrs mstatus, t0
    mret

// The firmware: four CSR instructions. The answer depends on each of them: mscratch hands each
// caller's t0 to the next one, mcause is added, mepc decides where the caller goes on.
    .balign 4
handler:
    csrrw t0, mscratch, t0
    csrr t1, mcause
    csrr t2, mepc
    add a0, a0, t0
    add a0, a0, t1
    addi t2, t2, 4
    bnez a7, done
    csrw mepc, t2
    mret
done:
    mv a0, s5
    each_of ld, 0, ra, s0, s1, s2, s3, s4, s5, s6
    addi sp, sp, 64
    ret

    .balign 4
supervisor:
    li a7, 0
    li a1, 0x12345
    li a2, 0x9e3779b9
1:  mul a3, a1, a2
    xor a3, a3, s5
    mv a0, a3
    mv t0, a1
    rdinstret s3
    ecall
    rdinstret s4
    sub s4, s4, s3
    sub s4, s4, s2
    sd s4, 0(s0)
    addi s0, s0, 8
    addi a3, a3, 9                  // mcause: ecall from S
    add a3, a3, s6
    bne a0, a3, 2f
    bne t0, s6, 2f                  // what the handler found in mscratch
    mv s6, a1
    addi s5, s5, 1
    add a1, a1, a2
    bltu s5, s1, 1b
2:  li a7, 1
    ecall
