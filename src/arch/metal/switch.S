# SPDX-License-Identifier: Apache-2.0
# Guest entry as a function call: plinth_enter(GuestContext*) returns when the guest traps, with all
# registers but sp and tp changed; a0 is 0 if the instruction that trapped is already executed.
# mscratch holds the monitor's frame while a guest runs and 0 while the monitor runs.

.equ CTX_PC, 32 * 8
.equ CTX_MSTATUS, 33 * 8
.equ WORLD, 200                     # HartState::world, relative to tp; 0: Firmware
.equ FRAME, 4 * 8                   # GuestContext*, the guest's t0, ra, tp

# Registers of the guest at t0: those that C++ may change, but sp (x2), t0 (x5) and a0 (x10); those
# that it preserves, and gp.
.macro each_changed op
    .irp n, 1, 4, 6, 7, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31
    \op x\n, \n * 8(t0)
    .endr
.endm
.macro each_preserved op
    .irp n, 3, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
    \op x\n, \n * 8(t0)
    .endr
.endm

.section .text.plinth_enter, "ax"
.globl plinth_enter
plinth_enter:
    addi sp, sp, -FRAME
    sd a0, 0(sp)
    sd ra, 16(sp)
    sd tp, 24(sp)
    mv t0, a0
.Lenter:
    ld t1, CTX_MSTATUS(t0)
    csrw mstatus, t1
.Lresume_all:
    each_preserved ld
    j .Lresume
.Lresume_prepared:
    ld t1, CTX_MSTATUS(t0)
    csrw mstatus, t1
.Lresume:
    ld t1, CTX_PC(t0)
    csrw mepc, t1
    csrw mscratch, sp
    each_changed ld
    ld sp, 2 * 8(t0)
    ld a0, 10 * 8(t0)
    ld t0, 5 * 8(t0)
    mret

.balign 4
.globl plinth_trap_vector
plinth_trap_vector:
    csrrw sp, mscratch, sp
    beqz sp, monitor_trapped
    sd t0, 8(sp)
    ld t0, 0(sp)
    each_changed sd
    sd a0, 10 * 8(t0)
    ld t1, 8(sp)
    sd t1, 5 * 8(t0)
    csrrw t1, mscratch, zero
    sd t1, 2 * 8(t0)
    csrr t1, mepc
    sd t1, CTX_PC(t0)
    ld tp, 24(sp)
    lbu t1, WORLD(tp)
    bnez t1, 1f                     # C++ may push what it preserves: never an enclave's
    csrr t1, mcause
    bltz t1, 1f                     # an interrupt: nothing at pc is to be executed
    li t2, 1 << 2 | 1 << 5 | 1 << 7 # illegal instruction, load or store access fault
    srl t2, t2, t1
    andi t2, t2, 1
    beqz t2, 1f
    mv a0, tp
    call plinth_short_path          # what functions preserve still lies in the registers
    ld t0, 0(sp)
    addi a0, a0, -1                 # enum Short: No 0, Resume 1, ResumePrepared 2, Save 3, Turn 4,
    beqz a0, .Lresume               # ResumeAll 5
    addi a0, a0, -1
    beqz a0, .Lresume_prepared
    addi a0, a0, -1
    bnez a0, 2f
    each_preserved sd
    mv a0, tp
    call plinth_short_path_all
    ld t0, 0(sp)
    addi a0, a0, -2
    beqz a0, .Lenter
    addi a0, a0, -3
    beqz a0, .Lresume_all           # left: No -5, Turn -1
    addi a0, a0, 3                  # No -2, Turn 2
    j 3f
1:  li a0, -1
2:  each_preserved sd               # No -3, Turn 1; another trap -1
3:  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    li s\n, 0
    .endr
    sltz a0, a0
    ld ra, 16(sp)
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
