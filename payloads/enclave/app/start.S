// SPDX-License-Identifier: Apache-2.0
// Start of the application in U-mode; the runtime has set sp.

    .section .text.start, "ax"
    .globl _start
_start:
    call app_main
    li a7, 6                        // AppCall::Exit
    ecall
    unimp
