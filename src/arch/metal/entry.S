# SPDX-License-Identifier: Apache-2.0
# Reset: every hart arrives here in M-mode with a1 = device tree and a2 = fw_dynamic information.
# The first one boots the monitor; the others wait for it. a0 is not trusted: mhartid is read.

.equ PLINTH_MAX_HARTS, 8            # main.cpp compares these with the board
.equ PLINTH_STACK_SIZE, 32768

.section .text.entry, "ax"
.globl _start
_start:
    csrw mie, zero
    li t0, 0x20008                  # MPRV, MIE
    csrc mstatus, t0
    csrw mscratch, zero
    la t0, plinth_trap_vector
    csrw mtvec, t0
    csrr a0, mhartid
    li t0, PLINTH_MAX_HARTS
    bgeu a0, t0, too_many
    la s0, plinth_boot_word
    li t0, 1
    amoor.w.aqrl a3, t0, (s0)
    bnez a3, wait_for_boot

    # Initialised data leaves the image, which stays as the file is and can be measured.
    la t0, plinth_data_load
    la t1, plinth_data_start
    la t2, plinth_data_end
1:  bgeu t1, t2, 2f
    ld t3, 0(t0)
    sd t3, 0(t1)
    addi t0, t0, 8
    addi t1, t1, 8
    j 1b
2:  la t1, plinth_bss_start
    la t2, plinth_bss_end
3:  .irp n, 0, 8, 16, 24, 32, 40, 48, 56
    sd zero, \n(t1)
    .endr
    addi t1, t1, 64
    bltu t1, t2, 3b
    j go

wait_for_boot:
    lw t0, 0(s0)
    andi t0, t0, 2
    beqz t0, wait_for_boot
    fence r, rw

go: la sp, plinth_stacks
    li t0, PLINTH_STACK_SIZE
    addi t1, a0, 1
    mul t0, t0, t1
    add sp, sp, t0
    call plinth_start               # a3: 0 if this hart boots

too_many:
    wfi
    j too_many

# 0 in the file and in its hash; bit 0: a hart boots, bit 1: it is done. The one word of the image
# that is written, since a lottery needs a word whose first value is known.
.section .boot_word, "aw"
.balign 8
.globl plinth_boot_word
plinth_boot_word:
    .dword 0

.section .stacks, "aw", @nobits
.balign 16
plinth_stacks:
    .skip PLINTH_MAX_HARTS * PLINTH_STACK_SIZE
.globl plinth_failure_stack_top
    .skip 8192               # wipe_stack_below() takes 5 KiB
plinth_failure_stack_top:
