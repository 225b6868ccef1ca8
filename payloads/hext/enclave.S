// SPDX-License-Identifier: Apache-2.0
// An enclave without tables or application: it looks at every hypervisor CSR that S-mode can name,
// then runs in U-mode for a while, where any interrupt that is left over would arrive at its own
// vector. Exit value: bit n is set when the n-th CSR below was not zero; bit 32 when U-mode ended
// by something else than its ecall. It runs at any address.

    .set vs_length, 3 << 32         // UXL of vsstatus and VSXL of hstatus are read-only

    .macro look number, ignored=0
    csrr t0, \number
    .if \ignored
    li t1, \ignored
    not t1, t1
    and t0, t0, t1
    .endif
    snez t0, t0
    slli t0, t0, look_bit
    or s0, s0, t0
    .set look_bit, look_bit + 1
    .endm

    .section .rodata.hext_enclave, "a"
    .globl hext_enclave_start, hext_enclave_end
    .balign 8
hext_enclave_start:
    lla t0, vector
    csrw stvec, t0
    li s0, 0
    .set look_bit, 0
    look 0x600, vs_length           // hstatus
    look 0x602                      // hedeleg
    look 0x603                      // hideleg
    look 0x604                      // hie
    look 0x605                      // htimedelta
    look 0x606                      // hcounteren
    look 0x607                      // hgeie
    look 0x60a                      // henvcfg
    look 0x643                      // htval
    look 0x644                      // hip
    look 0x645                      // hvip
    look 0x64a                      // htinst
    look 0x680                      // hgatp
    look 0x200, vs_length           // vsstatus
    look 0x204                      // vsie
    look 0x205                      // vstvec
    look 0x240                      // vsscratch
    look 0x241                      // vsepc
    look 0x242                      // vscause
    look 0x243                      // vstval
    look 0x244                      // vsip
    look 0x280                      // vsatp
    li t0, 1 << 8                   // SPP
    csrc sstatus, t0
    lla t0, user
    csrw sepc, t0
    li t2, 1000000
    sret
user:
    addi t2, t2, -1
    bnez t2, user
    ecall
    .balign 4
vector:
    csrr t0, scause
    addi t0, t0, -8                 // ecall from U
    snez t0, t0
    slli t0, t0, 32
    or a0, s0, t0
    li a7, 0x08424b45
    li a6, 3006                     // exit
    ecall
    unimp
hext_enclave_end:
