// SPDX-License-Identifier: Apache-2.0
// One access at a0, under the bits a2 of mstatus if a2 is not zero (M-mode only).
#include "macros.h"

    .macro access name, instruction
    stub \name
    beqz a2, 1f
    csrs mstatus, a2
1:
    .option push
    .option norvc
    \instruction a1, 0(a0)
    .option pop
    beqz a2, 2f
    li t0, 1 << 17                  // MPRV
    csrc mstatus, t0
2:  li a7, 0                        // the ecall behind ret is no call of the monitor's
    ret
    .endm

    .text
    access load, lw
    access store, sw
