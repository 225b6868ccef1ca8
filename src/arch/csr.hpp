// SPDX-License-Identifier: Apache-2.0
// CSR numbers and fields, named and cited after the privileged specification (1.12/1.13).
#pragma once

#include "base/bits.hpp"

namespace plinth::arch {

using CsrNumber = u16;

namespace csr {
// Unprivileged counters (Zicntr)
inline constexpr CsrNumber Cycle = 0xc00, Time = 0xc01, Instret = 0xc02, Hpmcounter3 = 0xc03,
                           Hpmcounter31 = 0xc1f, Vlenb = 0xc22;
// Supervisor
inline constexpr CsrNumber Sstatus = 0x100, Sie = 0x104, Stvec = 0x105, Scounteren = 0x106,
                           Senvcfg = 0x10a, Sscratch = 0x140, Sepc = 0x141, Scause = 0x142,
                           Stval = 0x143, Sip = 0x144, Stimecmp = 0x14d, Siselect = 0x150,
                           Satp = 0x180, Scountovf = 0xda0;
// Hypervisor and virtual supervisor
inline constexpr CsrNumber Hstatus = 0x600, Hedeleg = 0x602, Hideleg = 0x603, Hie = 0x604,
                           Htimedelta = 0x605, Hcounteren = 0x606, Hgeie = 0x607, Henvcfg = 0x60a,
                           Htval = 0x643, Hip = 0x644, Hvip = 0x645, Htinst = 0x64a, Hgatp = 0x680,
                           Hgeip = 0xe12, Vsstatus = 0x200, Vsie = 0x204, Vstvec = 0x205,
                           Vsscratch = 0x240, Vsepc = 0x241, Vscause = 0x242, Vstval = 0x243,
                           Vsip = 0x244, Vstimecmp = 0x24d, Vsatp = 0x280;
// Machine
inline constexpr CsrNumber Mstatus = 0x300, Misa = 0x301, Medeleg = 0x302, Mideleg = 0x303,
                           Mie = 0x304, Mtvec = 0x305, Mcounteren = 0x306, Menvcfg = 0x30a,
                           Mstateen0 = 0x30c, Mcountinhibit = 0x320, Mhpmevent3 = 0x323,
                           Mhpmevent31 = 0x33f, Mscratch = 0x340, Mepc = 0x341, Mcause = 0x342,
                           Mtval = 0x343, Mip = 0x344, Mtinst = 0x34a, Mtval2 = 0x34b,
                           Pmpcfg0 = 0x3a0, Pmpcfg2 = 0x3a2, Pmpcfg15 = 0x3af, Pmpaddr0 = 0x3b0,
                           Pmpaddr63 = 0x3ef, Mseccfg = 0x747, Tselect = 0x7a0, Tdata1 = 0x7a1,
                           Mcycle = 0xb00, Minstret = 0xb02, Mhpmcounter3 = 0xb03,
                           Mhpmcounter31 = 0xb1f, Mvendorid = 0xf11, Marchid = 0xf12,
                           Mimpid = 0xf13, Mhartid = 0xf14, Mconfigptr = 0xf15;
} // namespace csr

/// Bits 11:10 all ones: read-only (2.1).
constexpr bool csr_read_only(CsrNumber number) { return (number >> 10U) == 3; }

/// Privilege modes as encoded in MPP (1.2).
enum class Priv : u8 { U = 0, S = 1, M = 3 };

/// mstatus, 3.1.6; MPV and GVA: 9.4.1.
namespace mstatus {
using Sie = Field<1>;
using Mie = Field<3>;
using Spie = Field<5>;
using Ube = Field<6>;
using Mpie = Field<7>;
using Spp = Field<8>;
using Vs = Field<9, 2>;
using Mpp = Field<11, 2>;
using Fs = Field<13, 2>;
using Xs = Field<15, 2>;
using Mprv = Field<17>;
using Sum = Field<18>;
using Mxr = Field<19>;
using Tvm = Field<20>;
using Tw = Field<21>;
using Tsr = Field<22>;
using Uxl = Field<32, 2>;
using Sxl = Field<34, 2>;
using Gva = Field<38>;
using Mpv = Field<39>;
using Sd = Field<63>;
/// What S-mode sees and may change through sstatus (4.1.1), UXL fixed.
inline constexpr u64 s_writable =
    Sie::mask | Spie::mask | Spp::mask | Vs::mask | Fs::mask | Sum::mask | Mxr::mask;
inline constexpr u64 s_visible = s_writable | Ube::mask | Xs::mask | Uxl::mask | Sd::mask;
} // namespace mstatus

/// Interrupt numbers and their bits in mip, mie, mideleg (3.1.9, 9.4.2).
namespace irq {
inline constexpr unsigned Ssi = 1, Vssi = 2, Msi = 3, Sti = 5, Vsti = 6, Mti = 7, Sei = 9,
                          Vsei = 10, Mei = 11, Sgei = 12, Lcofi = 13;
constexpr u64 bit(unsigned number) { return 1ULL << number; }
inline constexpr u64 m_bits = bit(Msi) | bit(Mti) | bit(Mei);
inline constexpr u64 s_bits = bit(Ssi) | bit(Sti) | bit(Sei);
inline constexpr u64 vs_bits = bit(Vssi) | bit(Vsti) | bit(Vsei) | bit(Sgei);
inline constexpr u64 below_m = s_bits | vs_bits | bit(Lcofi);
} // namespace irq

/// hstatus, 9.2.1. HU lets U-mode execute hypervisor loads and stores, SPVP says whether they act
/// as VS- or VU-mode.
namespace hstatus {
using Gva = Field<6>;
using Spvp = Field<8>;
using Hu = Field<9>;
using Spv = Field<7>;
} // namespace hstatus

/// menvcfg and senvcfg, 3.1.18.
namespace envcfg {
using Fiom = Field<0>;
using Cbie = Field<4, 2>;
using Cbcfe = Field<6>;
using Cbze = Field<7>;
using Adue = Field<61>;
using Pbmte = Field<62>;
using Stce = Field<63>;
} // namespace envcfg

} // namespace plinth::arch
