// SPDX-License-Identifier: Apache-2.0
// Accesses to try; they run where they are copied to. a0 is the address, a1 the operand or result;
// each ends with an ebreak of four bytes.
#include "macros.h"

    .option arch, +d

// Code, and a row of the table: width, offset of the access, whether it stores, whether it
// must be aligned (2: and is a loop of LR and SC).
    .macro access form, width, skip, stores, aligned, code
    .section .rodata.windows_code, "a"
    .balign 4
771:
    .option push
    .option \form
    \code
    .option norvc
    ebreak
    .option pop
772:
    .section .rodata.windows_names, "a"
773:
    .asciz "\code"
    .section .rodata.windows_table, "a"
    .dword 771b, 772b
    .word \width, \skip, \stores, \aligned
    .dword 773b
    .endm

    .section .rodata.windows_table, "a"
    .balign 8
    .globl windows_accesses, windows_accesses_end
windows_accesses:
    access norvc, 1, 0, 0, 0, "lb a1, 0(a0)"
    access norvc, 1, 0, 0, 0, "lbu a1, 0(a0)"
    access norvc, 2, 0, 0, 0, "lh a1, 0(a0)"
    access norvc, 2, 0, 0, 0, "lhu a1, 0(a0)"
    access norvc, 4, 0, 0, 0, "lw a1, 0(a0)"
    access norvc, 4, 0, 0, 0, "lwu a1, 0(a0)"
    access norvc, 8, 0, 0, 0, "ld a1, 0(a0)"
    access norvc, 1, 0, 1, 0, "sb a1, 0(a0)"
    access norvc, 2, 0, 1, 0, "sh a1, 0(a0)"
    access norvc, 4, 0, 1, 0, "sw a1, 0(a0)"
    access norvc, 8, 0, 1, 0, "sd a1, 0(a0)"
    access rvc, 4, 0, 0, 0, "c.lw a1, 0(a0)"
    access rvc, 8, 0, 0, 0, "c.ld a1, 0(a0)"
    access rvc, 4, 0, 1, 0, "c.sw a1, 0(a0)"
    access rvc, 8, 0, 1, 0, "c.sd a1, 0(a0)"
    access rvc, 4, 2, 0, 0, "c.mv sp, a0; c.lwsp a1, 0(sp)"
    access rvc, 8, 2, 0, 0, "c.mv sp, a0; c.ldsp a1, 0(sp)"
    access rvc, 4, 2, 1, 0, "c.mv sp, a0; c.swsp a1, 0(sp)"
    access rvc, 8, 2, 1, 0, "c.mv sp, a0; c.sdsp a1, 0(sp)"
    access norvc, 4, 0, 0, 0, "flw fa1, 0(a0); fmv.x.w a1, fa1"
    access norvc, 8, 0, 0, 0, "fld fa1, 0(a0); fmv.x.d a1, fa1"
    access norvc, 4, 4, 1, 0, "fmv.w.x fa1, a1; fsw fa1, 0(a0)"
    access norvc, 8, 4, 1, 0, "fmv.d.x fa1, a1; fsd fa1, 0(a0)"
    access rvc, 8, 0, 0, 0, "c.fld fa1, 0(a0); fmv.x.d a1, fa1"
    access rvc, 8, 4, 1, 0, "fmv.d.x fa1, a1; c.fsd fa1, 0(a0)"
    access rvc, 8, 2, 0, 0, "c.mv sp, a0; c.fldsp fa1, 0(sp); fmv.x.d a1, fa1"
    access rvc, 8, 6, 1, 0, "c.mv sp, a0; fmv.d.x fa1, a1; c.fsdsp fa1, 0(sp)"
    .irp operation, swap, add, xor, and, or, min, max, minu, maxu
    access norvc, 4, 0, 1, 1, "amo\operation\().w a1, a1, (a0)"
    access norvc, 8, 0, 1, 1, "amo\operation\().d a1, a1, (a0)"
    .endr
    access norvc, 4, 0, 0, 1, "lr.w a1, (a0)"
    access norvc, 8, 0, 0, 1, "lr.d a1, (a0)"
    // A loop that gives up, with all ones in a1.
    .irp size, w, d
    .ifc \size, w
    .set size_of, 4
    .else
    .set size_of, 8
    .endif
    access norvc, size_of, 4, 0, 2, "li t1, 1000; 1: lr.\size t2, (a0); add t3, t2, a1; sc.\size t0, t3, (a0); beqz t0, 2f; addi t1, t1, -1; bnez t1, 1b; li t2, -1; 2: mv a1, t2"
    .endr
windows_accesses_end:

    .text
// A page of a chain of jumps: a1 = 2 * a1 ^ (index, in the place of the 0), then it goes on.
    .option norvc
    stub windows_link
    slli a1, a1, 1
    xori a1, a1, 0

    stub windows_hlv
    .insn r 0x73, 4, 0x36, a1, a0, x0 // hlv.d a1, (a0)
    ebreak
    stub windows_hlvx
    .insn r 0x73, 4, 0x34, a1, a0, x3 // hlvx.wu a1, (a0)
    ebreak
    stub windows_hsv
    .insn r 0x73, 4, 0x37, x0, a0, a1 // hsv.d a1, (a0)
    ebreak

// A trap where none is expected.
    .balign 4
    stub windows_stray
    csrw sscratch, sp
    lla sp, stray_stack_top
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    csrw satp, zero
    call windows_stray_trap

    .section .bss.stray_stack, "aw", @nobits
    .balign 16
    .space 4096
stray_stack_top:
