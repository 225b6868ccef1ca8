// SPDX-License-Identifier: Apache-2.0
// Start of an S-mode payload. Boot hart: a0 = hart id, a1 = device tree; calls
// payload_main(hart, tree). Harts started by the SBI: a0 = hart id, a1 = top of the stack; calls
// secondary_main(hart). A hart that comes to the boot hart's entry after the first one says so and
// waits for ever: OpenSBI 1.1 does that (docs/opensbi-1.1-race.md).
#include "macros.h"

    .section .text.start, "ax"
    .globl _start, secondary_start
_start:
    csrw sie, zero
    csrw satp, zero
    lla t0, entered
    li t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez t1, entered_again
    lla sp, boot_stack_top
    clear_bss
    call payload_main
3:  wfi
    j 3b

    .balign 4
secondary_start:
    csrw sie, zero
    mv sp, a1
    call secondary_main
4:  wfi
    j 4b

// Without a stack, as the only one belongs to the boot hart.
entered_again:
    addi s0, a0, '0'
    lla s1, entered_again_text
5:  lbu a0, 0(s1)
    beqz a0, 4b
    addi s1, s1, 1
    li t0, '%'
    bne a0, t0, 6f
    mv a0, s0
6:  li a7, 1                        // legacy putchar
    ecall
    j 5b

    .section .rodata
entered_again_text:
    .asciz "payload: hart % entered as the boot hart did\n"

    .data
    .balign 4
entered:                            // not in .bss, which the boot hart clears
    .word 0

    .section .stack, "aw", @nobits
    .balign 16
    .space 16384
boot_stack_top:
