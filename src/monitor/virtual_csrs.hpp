// SPDX-License-Identifier: Apache-2.0
// The CSRs of the virtual M-mode: one row each.
#pragma once

#include "arch/decode.hpp"
#include "monitor/next.hpp"

namespace plinth::monitor {

/// What a hart must have: letters of misa, and an extension that has none.
struct Needs {
    u32 letters{0};
    bool arch::Features::* flag{nullptr};
    constexpr Needs() = default;
    constexpr Needs(char const* in_misa, bool arch::Features::* other = nullptr) : flag{other} {
        for (; *in_misa != '\0'; ++in_misa) letters |= 1U << static_cast<unsigned>(*in_misa - 'A');
    }
};

struct CsrRow {
    /// Executes the instruction: reads, writes rd, writes the register.
    using Access = Next (*)(HartState&, arch::CsrInsn);

    arch::CsrNumber first;
    arch::CsrNumber last;
    u32 letters; ///< see Needs
    bool arch::Features::* flag;
    char const* name;
    Access access;

    bool exists(arch::Features const& f) const {
        return (letters & ~static_cast<u32>(f.misa)) == 0 && (flag == nullptr || f.*flag);
    }
};

/// The row of a CSR that this hart's virtual M-mode has; nullptr if it has none.
CsrRow const* find_csr(arch::CsrNumber number, arch::Features const& features);

/// Executes a CSR instruction of vM; an absent register or a write to a read-only one is an illegal
/// instruction (2.1).
Next emulate_csr(HartState& h, arch::CsrInsn insn);

/// Legalizers: the value that a register holds after `asked` was written over `old`.
u64 legalize_mstatus(u64 old, u64 asked, arch::Features const&);
/// VS-level bits and SGEI read as one where H is (9.4.2).
u64 legalize_mideleg(u64 old, u64 asked, arch::Features const&);
u64 legalize_mtvec(u64 old, u64 asked, arch::Features const&);
u64 legalize_mepc(u64 old, u64 asked, arch::Features const&);
/// One pmpcfg byte: W without R is reserved and dropped, bits 5 and 6 are zero (3.7.1).
u8 legalize_pmpcfg(u8 asked);

} // namespace plinth::monitor
