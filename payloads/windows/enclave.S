// SPDX-License-Identifier: Apache-2.0
// An enclave of one page. It folds its own page into one word, as it was when it started, puts
// words that no image holds (canary_enclave.S has the same idea) behind offset 3072, and exits with
// the fold. It runs at any address, in S-mode without translation.

    .section .rodata.windows_enclave, "a"
    .globl windows_enclave_start, windows_enclave_end
    .balign 8
windows_enclave_start:
    mv s0, a1
    add s1, a1, a2
    li s2, 0
1:  ld t0, 0(s0)
    slli t1, s2, 5
    add s2, s2, t1
    xor s2, s2, t0
    addi s0, s0, 8
    bltu s0, s1, 1b
    li t1, 6364136223846793005
    li t2, 1442695040888963407
    li s3, 1
    li s4, 3072
    add s4, s4, a1
2:  mul s3, s3, t1
    add s3, s3, t2
    sd s3, 0(s4)
    addi s4, s4, 8
    bltu s4, s1, 2b
    mv a0, s2
    li a7, 0x08424b45
    li a6, 3006                     // exit
    ecall
    unimp
windows_enclave_end:
