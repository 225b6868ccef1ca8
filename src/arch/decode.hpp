// SPDX-License-Identifier: Apache-2.0
// Decodes the instructions that the monitor emulates; everything else is Unknown.
#pragma once

#include "arch/csr.hpp"
#include "arch/trap.hpp"

namespace plinth::arch {

/// AMO operations, bits 31:27 of the instruction (unprivileged 8.4).
namespace amo {
inline constexpr u8 Add = 0, Swap = 1, Lr = 2, Sc = 3, Xor = 4, Or = 8, And = 12, Min = 16,
                    Max = 20, Minu = 24, Maxu = 28;
}

/// One emulated instruction, parsed. Fields that a kind does not use are 0.
struct Insn {
    enum class Kind : u8 {
        Unknown,
        CsrWrite, ///< csrrw, csrrwi
        CsrSet,   ///< csrrs, csrrsi
        CsrClear, ///< csrrc, csrrci
        Mret,
        Sret,
        Wfi,
        Fence,  ///< sfence.vma
        HFence, ///< hfence.vvma, hfence.gvma
        Load,
        Store,
        LoadFp,
        StoreFp,
        LoadReserved,
        StoreConditional,
        Amo,
    };
    Kind kind{Kind::Unknown};
    u8 rd{0};
    u8 rs1{0};
    u8 rs2{0};
    u8 width{0};           ///< bytes of a load or store: 1, 2, 4, 8
    bool sign{false};      ///< sign-extending load
    u8 operation{0};       ///< of an AMO, see namespace amo
    bool immediate{false}; ///< CSR operand is the rs1 field itself
    CsrNumber csr{0};
    u8 length{4};  ///< bytes of the instruction: 2 or 4
    u64 offset{0}; ///< sign-extended displacement of a load or store

    friend constexpr bool operator==(Insn const&, Insn const&) = default;

    constexpr bool stores() const { return kind == Kind::Store || kind == Kind::StoreFp; }
    constexpr bool is_csr() const {
        return kind == Kind::CsrWrite || kind == Kind::CsrSet || kind == Kind::CsrClear;
    }
    /// The CSR operand: register value or zero-extended 5-bit immediate (Zicsr).
    constexpr u64 operand(GuestContext const& g) const { return immediate ? rs1 : g.get(rs1); }
    /// csrrs/csrrc with rs1 = x0 (or immediate 0) do not write (Zicsr).
    constexpr bool csr_writes() const { return kind == Kind::CsrWrite || rs1 != 0; }
};

/// Whether the first parcel begins a 4-byte instruction (unprivileged 1.5).
constexpr bool is_full_length(u64 parcel) { return (parcel & 3U) == 3; }

/// Decodes `bits` (low 16 or 32 bits as the length encoding says).
Insn decode(u32 bits);

} // namespace plinth::arch
