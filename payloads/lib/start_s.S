// SPDX-License-Identifier: Apache-2.0
// Start of an S-mode payload. Boot hart: a0 = hart id, a1 = device tree; calls
// payload_main(hart, tree). Harts started by the SBI: a0 = hart id, a1 = top of the stack; calls
// secondary_main(hart).

    .section .text.start, "ax"
    .globl _start, secondary_start
_start:
    csrw sie, zero
    csrw satp, zero
    lla sp, boot_stack_top
    lla t0, bss_start
    lla t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  call payload_main
3:  wfi
    j 3b

    .balign 4
secondary_start:
    csrw sie, zero
    mv sp, a1
    call secondary_main
4:  wfi
    j 4b

    .section .stack, "aw", @nobits
    .balign 16
    .space 16384
boot_stack_top:
