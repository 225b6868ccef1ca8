// SPDX-License-Identifier: Apache-2.0
// One access each under MPRV: mstatus bits in a2 (MPP is U on entry), address in a0, value in a1.
// ra leads to an ecall (see run.hpp).
#include "macros.h"

    .macro access name, instruction:vararg
    stub \name
    li t0, 1 << 17
    csrs mstatus, a2
    .option push
    .option norvc
    \instruction
    .option pop
    csrc mstatus, t0
    ret
    .endm

// The same in the compressed encoding; with sp as the base register where `base` is sp.
    .macro compressed name, instruction:vararg
    stub \name
    li t0, 1 << 17
    mv sp, a0
    csrs mstatus, a2
    \instruction
    csrc mstatus, t0
    ret
    .endm

    .text
    access mprv_lb, lb a1, 0(a0)
    access mprv_lbu, lbu a1, 0(a0)
    access mprv_lh, lh a1, 0(a0)
    access mprv_lhu, lhu a1, 0(a0)
    access mprv_lw, lw a1, 0(a0)
    access mprv_lwu, lwu a1, 0(a0)
    access mprv_ld, ld a1, 0(a0)
    access mprv_sb, sb a1, 0(a0)
    access mprv_sh, sh a1, 0(a0)
    access mprv_sw, sw a1, 0(a0)
    access mprv_sd, sd a1, 0(a0)
    compressed mprv_c_lw, c.lw a1, 0(a0)
    compressed mprv_c_ld, c.ld a1, 0(a0)
    compressed mprv_c_lwsp, c.lwsp a1, 0(sp)
    compressed mprv_c_ldsp, c.ldsp a1, 0(sp)
    compressed mprv_c_sw, c.sw a1, 0(a0)
    compressed mprv_c_sd, c.sd a1, 0(a0)
    compressed mprv_c_swsp, c.swsp a1, 0(sp)
    compressed mprv_c_sdsp, c.sdsp a1, 0(sp)
