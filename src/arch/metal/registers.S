# SPDX-License-Identifier: Apache-2.0
# Saves and loads the floating-point and vector register files. The caller knows that the hart has
# them.

.option arch, +d, +v

.equ FS, 0x6000
.equ VS, 0x600

.macro each_f op
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \op f\n, (8 * \n)(a0)
    .endr
.endm

# All vector registers, eight at a time. In a VectorState: vstart, vl, vtype, vcsr, then 32 registers
# one behind the other.
.macro each_v op
    csrw vstart, zero
    csrr t1, vlenb
    slli t1, t1, 3
    addi t5, a0, 32
    .irp n, 0, 8, 16, 24
    \op v\n, (t5)
    add t5, t5, t1
    .endr
.endm

.section .text.plinth_registers, "ax"
.globl plinth_save_fp
plinth_save_fp:
    li t0, FS
    csrs mstatus, t0
    each_f fsd
    frcsr t0
    sd t0, 256(a0)
    ret

.globl plinth_load_fp
plinth_load_fp:
    li t0, FS
    csrs mstatus, t0
    each_f fld
    ld t0, 256(a0)
    fscsr t0
    ret

.globl plinth_save_vector
plinth_save_vector:
    li t0, VS
    csrs mstatus, t0
    csrr t1, vstart
    csrr t2, vl
    csrr t3, vtype
    csrr t4, vcsr
    sd t1, 0(a0)
    sd t2, 8(a0)
    sd t3, 16(a0)
    sd t4, 24(a0)
    each_v vs8r.v
    ret

.globl plinth_load_vector
plinth_load_vector:
    li t0, VS
    csrs mstatus, t0
    each_v vl8re8.v
    ld t2, 8(a0)
    ld t3, 16(a0)
    vsetvl zero, t2, t3
    ld t1, 0(a0)
    ld t4, 24(a0)
    csrw vcsr, t4
    csrw vstart, t1
    ret
