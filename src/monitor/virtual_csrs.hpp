// SPDX-License-Identifier: Apache-2.0
// The CSRs of the virtual M-mode: one row each.
#pragma once

#include "arch/decode.hpp"
#include "monitor/state.hpp"

namespace plinth::monitor {

/// What a CSR access changed besides the register.
struct Effects {
    bool replan{false}; ///< vPMP or vMPRV: the plans must be computed again
};

struct CsrRow {
    using Exists = bool (*)(arch::Features const&);
    using Read = u64 (*)(HartState&, arch::CsrNumber);
    using Legalize = u64 (*)(u64 old, u64 asked, arch::Features const&);
    /// `mask`: the bits that the instruction addresses; the others keep their value.
    using Write = void (*)(HartState&, arch::CsrNumber, u64 asked, u64 mask);

    arch::CsrNumber first;
    arch::CsrNumber last;
    char const* name;
    Read read{nullptr};
    Write write{nullptr};
    Exists exists{nullptr};
    Effects effects{};
    u64 VirtCsrs::* slot{nullptr}; ///< where there is no read or write
    Legalize legalize{nullptr};    ///< what a write to the slot obeys
};

/// The row of a CSR that this hart's virtual M-mode has; nullptr if it has none.
CsrRow const* find_csr(arch::CsrNumber number, arch::Features const& features);

struct CsrAccess {
    u64 old;
    Effects effects;
};
/// Executes a CSR instruction of vM on `h`; the caller writes rd. Error BadArgument: illegal
/// instruction (absent register, or a write to a read-only one), nothing changed (2.1).
Result<CsrAccess> access_csr(HartState& h, arch::Insn const& insn);

/// Legalizers: the value that a register holds after `asked` was written over `old`.
u64 legalize_mstatus(u64 old, u64 asked, arch::Features const&);
/// VS-level bits and SGEI read as one where H is (9.4.2).
u64 legalize_mideleg(u64 old, u64 asked, arch::Features const&);
u64 legalize_mtvec(u64 old, u64 asked, arch::Features const&);
u64 legalize_mepc(u64 old, u64 asked, arch::Features const&);
/// One pmpcfg byte: W without R is reserved and dropped, bits 5 and 6 are zero (3.7.1).
u8 legalize_pmpcfg(u8 asked);

} // namespace plinth::monitor
