// SPDX-License-Identifier: Apache-2.0
// First instructions of the enclave: S-mode, satp = 0, a0 = 0, a1/a2 = EPM, a3 = runtime,
// a4 = application, a5 = free, a6/a7 = UTM. The EPM's last pages serve as stack. Paging is turned
// on while the pc is physical and unmapped: the page fault enters the runtime at its virtual
// address, with a0 = end of the application, a5 = first page that is still free, sp = its stack.

    .section .text.start, "ax"
    .globl _start
_start:
    bnez a0, bad_registers
    add sp, a1, a2
    mv s1, a1
    mv s2, a2
    mv s3, a3
    mv s4, a4
    mv s5, a5
    mv s6, a6
    mv s7, a7
    addi sp, sp, -32
    mv a0, sp                       // LoaderResult; the a1 to a7 of entry are its other arguments
    call loader_main
    bnez a0, exit_with_a0
    ld t1, 0(sp)                    // satp
    ld a5, 8(sp)                    // first free page
    ld t2, 16(sp)                   // runtime's entry
    ld sp, 24(sp)                   // runtime's stack
    mv a0, s5
    mv a1, s1
    mv a2, s2
    mv a3, s3
    mv a4, s4
    mv a6, s6
    mv a7, s7
    csrw stvec, t2
    sfence.vma
    csrw satp, t1
    nop

bad_registers:
    li a0, 0x1a                     // exit_entry_registers
exit_with_a0:
    li a7, 0x08424b45
    li a6, 3006
    ecall
    j exit_with_a0
