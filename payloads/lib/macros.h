// SPDX-License-Identifier: Apache-2.0
// What the assembly of several payloads shares.
#pragma once

// The registers besides sp that a function gives back as it got them.
#define SAVED s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11
// Those besides ra that it may change.
#define CHANGED t0, t1, t2, t3, t4, t5, t6, a0, a1, a2, a3, a4, a5, a6, a7

// Stores (sd) or loads (ld) registers, one behind the other from `first` bytes above sp.
.macro each_of instruction, first, registers:vararg
    .set place, \first
    .irp register, \registers
    \instruction \register, place(sp)
    .set place, place + 8
    .endr
.endm

// A place that C++ and trap vectors can name.
.macro stub name
    .globl \name
    .balign 4
\name:
.endm

// Destroys t0 and t1.
.macro clear_bss
    lla t0, bss_start
    lla t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:
.endm

// Sixteen vector entries; entry n leaves n in `register` and goes to `common`.
.macro vectors register, common
    .option push
    .option norvc
    .set index, 0
    .rept 16
    j 1f + 8 * index
    .set index, index + 1
    .endr
1:
    .set index, 0
    .rept 16
    li \register, index
    j \common
    .set index, index + 1
    .endr
    .option pop
.endm
