// SPDX-License-Identifier: Apache-2.0
// The enclave of the benchmark: says in the UTM (layout: enclave.cpp) when its first instruction
// ran and with which arguments, then stops again and again, each time saying when it stops and goes
// on. What it does after a resume the UTM says: 0 stop again, 1 note the instruction count for
// ever, until an interrupt stops it. It runs at any address, in S-mode without translation.

    .section .rodata.bench_enclave, "a"
    .globl bench_enclave_start, bench_enclave_end
    .balign 8
bench_enclave_start:
    rdinstret t0
    mv s0, a6                       // UTM
    sd t0, 0(s0)
    sd a1, 8(s0)
    sd a2, 16(s0)
    li s1, 0                        // resumes
again:
    li a7, 0x08424b45
    li a6, 3004                     // stop
    li a0, 1
    rdinstret t1
    sd t1, 24(s0)
    ecall
    rdinstret t2
    sd t2, 32(s0)
    sd a0, 40(s0)
    addi s1, s1, 1
    sd s1, 48(s0)
    ld t0, 56(s0)
    beqz t0, again
1:  rdinstret t1
    sd t1, 24(s0)
    ld t0, 56(s0)
    bnez t0, 1b
    j again
bench_enclave_end:
