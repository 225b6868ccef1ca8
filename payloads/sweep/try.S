// SPDX-License-Identifier: Apache-2.0
// See sweep.hpp. The handler of try_instructions uses neither mscratch, which is being tried, nor a
// register of the instructions; nothing is expected of a hart but mepc, mcause, mtval and mret.
#include "macros.h"

#define FINDINGS_WRONG 0
#define FINDINGS_TRAPS 8
#define FINDINGS_TRAPPED 16
#define FINDINGS_CODE 24
#define FRAME 128

    .text
    .globl try_instructions, swap_status
try_instructions:
    addi sp, sp, -FRAME
    each_of sd, 0, ra, gp, tp, SAVED
    lla t0, trapped
    csrw mtvec, t0
    csrw mstatus, a1
    mv s2, a0                       // the findings, for the handler
    ld s3, FINDINGS_TRAPPED(a0)
    ld s4, FINDINGS_CODE(a0)
    csrw mepc, s4
    mv s1, a2
    li a2, 1
    li a7, 0                        // no call of the monitor's
    mret

    .balign 4
trapped:
    csrr t0, mepc
    csrr t1, mcause
    csrr t2, mtval
    li t3, 2
    bne t1, t3, 2f
    ld t4, FINDINGS_TRAPS(s2)
    addi t4, t4, 1
    sd t4, FINDINGS_TRAPS(s2)
    lwu t4, 0(t0)
    beq t2, t4, 1f
    ld t4, FINDINGS_WRONG(s2)
    addi t4, t4, 1
    sd t4, FINDINGS_WRONG(s2)
1:  sub t2, t0, s4
    srli t2, t2, 2
    add t2, t2, s3
    li t3, 1
    sb t3, 0(t2)
    addi t0, t0, 4
    csrw mepc, t0
    mret
2:  addi t1, t1, -8                 // an ecall from U, S or M
    sltiu t1, t1, 4
    bnez t1, 3f
    ld t4, FINDINGS_WRONG(s2)
    addi t4, t4, 1
    sd t4, FINDINGS_WRONG(s2)
3:  each_of ld, 0, ra, gp, tp, SAVED
    addi sp, sp, FRAME
    ret

swap_status:
    csrw mstatus, a0
    csrrw a0, mstatus, a1
    ret
