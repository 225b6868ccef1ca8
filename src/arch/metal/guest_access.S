# SPDX-License-Identifier: Apache-2.0
# One load or store with a guest's rights: MPRV is set for exactly one instruction, and mtvec points
# behind it, so that a fault arrives there with MPRV to be cleared and the cause to be read.
# a0 GuestAccess* (the value returned), a1 address, a2 width in bytes (1, 2, 4, 8), a3 mstatus bits
# (MPP, MPV, SUM, MXR). The value loaded or to be stored is in t1.

.equ OK, 0
.equ VALUE, 8
.equ CAUSE, 16
.equ TVAL, 24
.equ MPRV, 0x20000
.equ MXR, 0x80000

.macro with_rights instruction
    csrr t2, mstatus                # put back at 9: the short path relies on it as the trap left it
    la t0, 9f
    csrrw t0, mtvec, t0
    li t3, MPRV
    csrw mstatus, a3                # MPRV still clear
    li t4, 0
    csrs mstatus, t3
    \instruction
    csrc mstatus, t3
    li t4, 1
    .balign 4
9:  csrc mstatus, t3
    csrw mtvec, t0
    csrr t5, mcause
    csrr t6, mtval
    csrw mstatus, t2
    sd t4, OK(a0)
    sd t1, VALUE(a0)
    sd t5, CAUSE(a0)                # of this access only if it faulted, like mtval
    sd t6, TVAL(a0)
.endm

# The one of four instructions that the width names, on t1.
.macro by_width byte, half, word, double
    li t5, 4
    beq a2, t5, 4f
    bgtu a2, t5, 7f
    li t5, 1
    beq a2, t5, 1f
    with_rights "\half t1, 0(a1)"
    j 3f
1:  with_rights "\byte t1, 0(a1)"
    j 3f
4:  with_rights "\word t1, 0(a1)"
    j 3f
7:  with_rights "\double t1, 0(a1)"
3:
.endm

.section .text.plinth_guest_access, "ax"
.balign 4
.globl plinth_guest_load
plinth_guest_load:
    li t1, 0
    by_width lbu, lhu, lwu, ld
    ret

# a0 pc; returns the instruction there, or -1. mstatus is still as the trap left it: MPRV alone gives
# an access the trapped world's rights; it is as it was afterwards, also after a fault. A word at an
# odd halfword is read in two.
.balign 4
.globl plinth_fetch
plinth_fetch:
    la t0, 9f
    csrrw t0, mtvec, t0
    li t1, MPRV | MXR
    li a2, -1
    csrrs t5, mstatus, t1
    andi t2, a0, 2
    bnez t2, 2f
    lwu a2, 0(a0)
    j 9f
2:  lhu t3, 0(a0)
    andi t2, t3, 3
    addi t2, t2, -3
    bnez t2, 3f
    lhu t4, 2(a0)
    slli t4, t4, 16
    or t3, t3, t4
3:  mv a2, t3
    .balign 4
9:  csrw mstatus, t5
    csrw mtvec, t0
    mv a0, a2
    ret

.globl plinth_guest_store
plinth_guest_store:
    mv t1, a4
    by_width sb, sh, sw, sd
    ret

# First an atomic of no effect: it faults as a store, before anything is marked accessed. Then LR
# and, if it read a4, SC of a5: t1 = the word, a6 = 0 if it was stored.
.macro swap width
    amoor.\width t1, zero, (a1)
    bne t1, a4, 6f
    lr.\width\().aqrl t1, (a1)
    bne t1, a4, 6f
    sc.\width\().aqrl a6, a5, (a1)
6:
.endm

.globl plinth_guest_swap
plinth_guest_swap:
    li t1, 0
    li a6, 1
    li t5, 4
    bgtu a2, t5, 7f
    with_rights "swap w"
    j 3f
7:  with_rights "swap d"
3:  beqz t4, 2f                     # a fault: cause and tval are there
    snez a6, a6
    sd a6, CAUSE(a0)
2:  ret
