# SPDX-License-Identifier: Apache-2.0
# Guest entry as a function call: plinth_enter returns when the guest traps.
# mscratch holds the monitor's frame while a guest runs and 0 while the monitor runs.

.equ CTX_PC, 0
.equ CTX_MSTATUS, 32 * 8
.equ FRAME, 16 * 8

# ra, tp, s0 … s11 relative to sp, from the third word of the frame on.
.macro each_callee_saved op
    \op ra, 2 * 8(sp)
    \op tp, 3 * 8(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \op s\n, (4 + \n) * 8(sp)
    .endr
.endm

# Every guest register but sp (x2) and a0 (x10), relative to a0.
.macro each_guest_register op
    .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \op x\n, \n * 8(a0)
    .endr
.endm

.section .text.plinth_enter, "ax"
.globl plinth_enter
plinth_enter:
    addi sp, sp, -FRAME
    each_callee_saved sd
    sd a0, 0(sp)
    csrw mscratch, sp
    ld t0, CTX_PC(a0)
    csrw mepc, t0
    ld t0, CTX_MSTATUS(a0)
    csrw mstatus, t0
    each_guest_register ld
    ld sp, 2 * 8(a0)
    ld a0, 10 * 8(a0)
    mret

.balign 4
.globl plinth_trap_vector
plinth_trap_vector:
    csrrw sp, mscratch, sp
    beqz sp, monitor_trapped
    sd a0, 8(sp)
    ld a0, 0(sp)
    each_guest_register sd
    csrrw t0, mscratch, zero
    sd t0, 2 * 8(a0)
    ld t0, 8(sp)
    sd t0, 10 * 8(a0)
    csrr t0, mepc
    sd t0, CTX_PC(a0)
    each_callee_saved ld
    addi sp, sp, FRAME
    ret

# A trap while the monitor itself ran. Its stack may be the reason: use another, which the first hart
# that comes here has; others, and a trap on the way, stop at once.
monitor_trapped:
    csrrw sp, mscratch, zero
    li t0, 0x20000                  # MPRV never outlives the access it was set for
    csrc mstatus, t0
    csrw mie, zero
    la t0, plinth_failure_word
    li t1, 1
    amoswap.w t1, t1, (t0)
    bnez t1, stopped
    la sp, plinth_failure_stack_top
    tail plinth_monitor_trapped
stopped:
    wfi
    j stopped

.section .bss.plinth_failure_word, "aw", @nobits
.balign 4
plinth_failure_word:
    .skip 4
