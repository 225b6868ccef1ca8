// SPDX-License-Identifier: Apache-2.0
// An enclave that keeps a canary, which nobody else knows: four words that it computes, so that no
// image holds them. They lie in its free memory, in registers and in floating-point registers. It
// stops with an edge call; when it is resumed the first word of the UTM says what it does:
//   1  counts in the second word of the UTM, for ever
//   2  asks for a report and exits with the answer
// It runs at any address, in S-mode without translation.

    .option arch, +d

    .section .rodata.canary_enclave, "a"
    .globl canary_enclave_start, canary_enclave_end
    .balign 8
canary_enclave_start:
    mv s0, a6                       // UTM
    mv s1, a5                       // free memory
    add s6, a1, a2                  // end of the EPM
    li t1, 6364136223846793005      // a linear congruential generator, started at 1
    li t2, 1442695040888963407
    li s2, 1
    .rept 8
    mul s2, s2, t1
    add s2, s2, t2
    .endr
    mul s3, s2, t1
    add s3, s3, t2
    mul s4, s3, t1
    add s4, s4, t2
    mul s5, s4, t1
    add s5, s5, t2
    mv t0, s1
1:  sd s2, 0(t0)
    sd s3, 8(t0)
    sd s4, 16(t0)
    sd s5, 24(t0)
    addi t0, t0, 32
    bltu t0, s6, 1b
    li t0, 1 << 13                  // sstatus.FS = Initial
    csrs sstatus, t0
    fmv.d.x f8, s2
    fmv.d.x f9, s3
    fmv.d.x f10, s4
    fmv.d.x f11, s5
    csrw sscratch, s2
    li a7, 0x08424b45
    li a6, 3004                     // stop
    li a0, 1
    ecall
    ld t0, 0(s0)
    li t1, 1
    bne t0, t1, report
count:
    ld t0, 8(s0)
    addi t0, t0, 1
    sd t0, 8(s0)
    j count
report:
    mv a0, s1                       // where it goes
    mv a1, s1
    li a2, 0                        // nothing to attest
    li a6, 3002
    ecall
    li a6, 3006                     // exit
    ecall
    unimp
canary_enclave_end:
