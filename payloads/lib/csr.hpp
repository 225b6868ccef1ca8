// SPDX-License-Identifier: Apache-2.0
// Control and status registers: numbers and access by number.
#pragma once

#include <stdint.h>

namespace payload::csr {

// Numbers from the privileged specification, tables "supervisor-level" and "machine-level" CSRs.
inline constexpr unsigned Sstatus = 0x100;
inline constexpr unsigned Sie = 0x104;
inline constexpr unsigned Stvec = 0x105;
inline constexpr unsigned Sscratch = 0x140;
inline constexpr unsigned Sepc = 0x141;
inline constexpr unsigned Scause = 0x142;
inline constexpr unsigned Stval = 0x143;
inline constexpr unsigned Sip = 0x144;
inline constexpr unsigned Satp = 0x180;
inline constexpr unsigned Mstatus = 0x300;
inline constexpr unsigned Misa = 0x301;
inline constexpr unsigned Medeleg = 0x302;
inline constexpr unsigned Mideleg = 0x303;
inline constexpr unsigned Mie = 0x304;
inline constexpr unsigned Mtvec = 0x305;
inline constexpr unsigned Mcounteren = 0x306;
inline constexpr unsigned Mscratch = 0x340;
inline constexpr unsigned Mepc = 0x341;
inline constexpr unsigned Mcause = 0x342;
inline constexpr unsigned Mtval = 0x343;
inline constexpr unsigned Mip = 0x344;
inline constexpr unsigned Pmpcfg0 = 0x3a0;
inline constexpr unsigned Pmpaddr0 = 0x3b0;
inline constexpr unsigned Time = 0xc01;
inline constexpr unsigned Mhartid = 0xf14;

/// Reads CSR `N`.
template <unsigned N> inline uint64_t read() {
    uint64_t value;
    asm volatile("csrr %0, %1" : "=r"(value) : "i"(N) : "memory");
    return value;
}

/// Writes CSR `N`.
template <unsigned N> inline void write(uint64_t value) {
    asm volatile("csrw %0, %1" ::"i"(N), "r"(value) : "memory");
}

/// Writes CSR `N` and returns what it held (csrrw).
template <unsigned N> inline uint64_t swap(uint64_t value) {
    uint64_t old;
    asm volatile("csrrw %0, %1, %2" : "=r"(old) : "i"(N), "r"(value) : "memory");
    return old;
}

/// Sets the bits of `mask` in CSR `N` and returns what it held (csrrs).
template <unsigned N> inline uint64_t set(uint64_t mask) {
    uint64_t old;
    asm volatile("csrrs %0, %1, %2" : "=r"(old) : "i"(N), "r"(mask) : "memory");
    return old;
}

/// Clears the bits of `mask` in CSR `N` and returns what it held (csrrc).
template <unsigned N> inline uint64_t clear(uint64_t mask) {
    uint64_t old;
    asm volatile("csrrc %0, %1, %2" : "=r"(old) : "i"(N), "r"(mask) : "memory");
    return old;
}

} // namespace payload::csr

namespace payload {

// Fields of mstatus and sstatus.
inline constexpr uint64_t status_sie = 1U << 1;
inline constexpr uint64_t status_mie = 1U << 3;
inline constexpr uint64_t status_spie = 1U << 5;
inline constexpr uint64_t status_mpie = 1U << 7;
inline constexpr uint64_t status_spp = 1U << 8;
inline constexpr unsigned status_mpp_shift = 11;
inline constexpr uint64_t status_mpp = 3U << status_mpp_shift;
inline constexpr uint64_t status_mprv = 1U << 17;
inline constexpr uint64_t status_sum = 1U << 18;
inline constexpr uint64_t status_mxr = 1U << 19;
inline constexpr uint64_t status_tvm = 1U << 20;
inline constexpr uint64_t status_tw = 1U << 21;
inline constexpr uint64_t status_tsr = 1U << 22;

// Interrupt bits of mie, mip, sie and sip.
inline constexpr uint64_t bit_ssi = 1U << 1;
inline constexpr uint64_t bit_msi = 1U << 3;
inline constexpr uint64_t bit_sti = 1U << 5;
inline constexpr uint64_t bit_mti = 1U << 7;
inline constexpr uint64_t bit_sei = 1U << 9;
inline constexpr uint64_t bit_mei = 1U << 11;

/// The top bit of a cause register: the trap was an interrupt.
inline constexpr uint64_t cause_interrupt = uint64_t{1} << 63;

} // namespace payload
