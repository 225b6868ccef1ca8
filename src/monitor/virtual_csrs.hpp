// SPDX-License-Identifier: Apache-2.0
// The CSRs of the virtual M-mode: one row each.
#pragma once

#include "arch/decode.hpp"
#include "monitor/next.hpp"

namespace plinth::monitor {

/// What registers need of a hart: letters of misa as bits 25:0, and extensions that have none.
namespace need {
inline constexpr u32 envcfg = 1U << 26U, sstc = 1U << 27U, countinhibit = 1U << 28U,
                     scountovf = 1U << 29U, impossible = 1U << 31U;
constexpr u32 letter(char which) { return 1U << static_cast<unsigned>(which - 'A'); }
/// All that a hart lacks of them.
u32 lacking(arch::Features const& f);
} // namespace need

struct alignas(32) CsrRow {
    /// Executes the instruction: reads, writes rd, writes the register.
    using Access = Next (*)(HartState&, arch::CsrInsn);

    arch::CsrNumber first;
    arch::CsrNumber last;
    u32 needs; ///< of namespace need
    char const* name;
    Access access;
};

/// The row of a CSR that this hart's virtual M-mode has; nullptr if it has none.
CsrRow const* find_csr(arch::CsrNumber number, arch::Features const& features);

/// Executes a CSR instruction of vM; an absent register or a write to a read-only one is an illegal
/// instruction (2.1).
Next emulate_csr(HartState& h, arch::CsrInsn insn);

/// Which mstatus bits a write can change on this hart (3.1.6; FS and VS only with the extension).
u64 mstatus_writable(arch::Features const& f);
/// Legalizers: the value that a register holds after `asked` was written over `old`.
u64 legalize_mstatus(u64 old, u64 asked, arch::Features const&);
/// VS-level bits and SGEI read as one where H is (9.4.2).
u64 legalize_mideleg(u64 old, u64 asked, arch::Features const&);
u64 legalize_mtvec(u64 old, u64 asked, arch::Features const&);
u64 legalize_mepc(u64 old, u64 asked, arch::Features const&);
/// One pmpcfg byte: W without R is reserved and dropped, bits 5 and 6 are zero (3.7.1).
u8 legalize_pmpcfg(u8 asked);

// What the rows of hypervisor registers do; see virtual_csrs.cpp.
inline constexpr auto vs_sources = irq::bit(irq::Vssi) | irq::bit(irq::Vsti) | irq::bit(irq::Vsei);
u64 read_hip(HartState& h, arch::CsrNumber);
void write_hip(HartState& h, arch::CsrNumber, u64 asked, u64 mask);
u64 read_vsip(HartState& h, arch::CsrNumber);
void write_vsip(HartState& h, arch::CsrNumber number, u64 asked, u64 mask);
u64 read_vsie(HartState& h, arch::CsrNumber);
void write_vsie(HartState& h, arch::CsrNumber, u64 asked, u64);
u64 read_hie(HartState& h, arch::CsrNumber);
void write_hie(HartState& h, arch::CsrNumber, u64 asked, u64);
void write_hstatus(HartState& h, arch::CsrNumber, u64 asked, u64);
void write_hgeie(HartState& h, arch::CsrNumber, u64 asked, u64);

} // namespace plinth::monitor
