// SPDX-License-Identifier: Apache-2.0
// Vector loads and stores: a0 is the base, a1 leads to the number of elements (a2), their offsets
// (a3) and their values (a4). They end with ebreak.
#include "macros.h"

    .option arch, +v
    .option norvc
    .macro begin
    ld a2, 0(a1)
    ld a3, 8(a1)
    ld a4, 16(a1)
    .endm
    .macro next
    slli t1, t0, 3
    add a3, a3, t1
    add a4, a4, t1
    sub a2, a2, t0
    bnez a2, 1b
    ebreak
    .endm

    .text
    stub windows_gather
    begin
1:  vsetvli t0, a2, e64, m4, ta, ma
    vle64.v v8, (a3)
    vluxei64.v v16, (a0), v8
    vse64.v v16, (a4)
    next

    stub windows_scatter
    begin
1:  vsetvli t0, a2, e64, m4, ta, ma
    vle64.v v8, (a3)
    vle64.v v16, (a4)
    vsuxei64.v v16, (a0), v8
    next

// a3 is the distance of the elements.
    stub windows_strided
    begin
1:  vsetvli t0, a2, e64, m4, ta, ma
    vlse64.v v16, (a0), a3
    vse64.v v16, (a4)
    mul t2, t0, a3
    add a0, a0, t2
    slli t1, t0, 3
    add a4, a4, t1
    sub a2, a2, t0
    bnez a2, 1b
    ebreak

// Bytes, one behind the other.
    stub windows_bytes
    begin
1:  vsetvli t0, a2, e8, m8, ta, ma
    vle8.v v16, (a0)
    vse8.v v16, (a4)
    add a0, a0, t0
    add a4, a4, t0
    sub a2, a2, t0
    bnez a2, 1b
    ebreak
