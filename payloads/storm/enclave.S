// SPDX-License-Identifier: Apache-2.0
// An enclave that counts in the first word of its UTM until the third is set, with every interrupt
// enabled that it can enable. The second word: all that it ever saw in sip and sie, or all ones if
// it was interrupted. It exits with its count. It runs at any address, in S-mode without
// translation.

    .section .rodata.storm_enclave, "a"
    .globl storm_enclave_start, storm_enclave_end
    .balign 8
storm_enclave_start:
    lla t0, interrupted
    csrw stvec, t0
    li t0, -1
    csrw sie, t0
    csrsi sstatus, 2                // SIE
    li s2, 0
    li s3, 0
1:  addi s2, s2, 1
    sd s2, 0(a6)
    csrr t0, sip
    or s3, s3, t0
    csrr t0, sie
    or s3, s3, t0
    ld t0, 16(a6)
    beqz t0, 1b
2:  sd s3, 8(a6)
    mv a0, s2
    li a6, 3006                     // exit
    li a7, 0x08424b45
    ecall
    unimp
    .balign 4
interrupted:
    li s3, -1
    j 2b
storm_enclave_end:
