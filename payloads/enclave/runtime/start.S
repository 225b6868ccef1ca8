// SPDX-License-Identifier: Apache-2.0
// Entry of the runtime, and entry to the application as a call that returns at the next trap.
#include "macros.h"

#define FRAME_PC 0                  // slot of x0
#define FRAME_KERNEL_SP 256

    .section .text.start, "ax"
    .globl _start
    .balign 4
_start:                             // stvec pointed here; the loader's fetch faulted
    csrr t0, scause
    li t1, 12                       // instruction page fault
    bne t0, t1, bad_entry
    csrw sscratch, zero
    lla t0, trap_entry
    csrw stvec, t0
    mv t0, a0
    mv a0, a1                       // EPM
    mv a1, a2                       // its size
    mv a2, a4                       // application
    mv a3, t0                       // its end
    mv a4, a5                       // first free page
    mv a5, a7                       // size of the UTM
    call runtime_main
bad_entry:
    li a0, 0x11                     // exit_entry_cause
exit_with_a0:
    li a7, 0x08424b45
    li a6, 3006
    ecall
    j exit_with_a0

    .text
    .globl enter_app
// enter_app(frame): registers from the frame, sret; returns when U-mode traps.
enter_app:
    addi sp, sp, -112
    each_of sd, 0, ra, SAVED
    sd sp, FRAME_KERNEL_SP(a0)
    csrw sscratch, a0
    ld t0, FRAME_PC(a0)
    csrw sepc, t0
    li t0, 1 << 8                   // SPP
    csrc sstatus, t0
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, 8*\n(a0)
    .endr
    ld a0, 80(a0)
    sret

    .balign 4
trap_entry:
    csrrw a0, sscratch, a0
    beqz a0, trap_in_runtime
    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, 8*\n(a0)
    .endr
    csrr t0, sepc
    sd t0, FRAME_PC(a0)
    csrrw t0, sscratch, zero        // a0 of the application; zero marks "in the runtime"
    sd t0, 80(a0)
    ld sp, FRAME_KERNEL_SP(a0)
    each_of ld, 0, ra, SAVED
    addi sp, sp, 112
    ret

trap_in_runtime:
    csrr a0, scause
    addi a0, a0, 0x100
    j exit_with_a0
