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

/// One emulated instruction, in its 4-byte form, as it stands: no field is taken out before it is
/// needed.
struct Insn {
    enum class Kind : u8 {
        Unknown,
        Mret,
        Sret,
        Wfi,
        Fence,  ///< sfence.vma
        HFence, ///< hfence.vvma, hfence.gvma
        Inval,  ///< sinval.vma, sfence.w.inval, sfence.inval.ir (Svinval)
        HInval, ///< hinval.vvma, hinval.gvma
        Load,
        Store,
        LoadFp,
        StoreFp,
        LoadReserved,
        StoreConditional,
        Amo,
    };
    u32 bits{0};
    Kind kind{Kind::Unknown};
    u8 length{4}; ///< bytes of the instruction as it was read: 2 or 4

    constexpr unsigned field(unsigned low, unsigned width) const {
        return (bits >> low) & ((1U << width) - 1U);
    }
    constexpr unsigned rd() const { return field(7, 5); }
    constexpr unsigned rs1() const { return field(15, 5); }
    constexpr unsigned rs2() const { return field(20, 5); }
    constexpr bool loads() const { return kind == Kind::Load || kind == Kind::LoadFp; }
    constexpr bool stores() const { return kind == Kind::Store || kind == Kind::StoreFp; }
    constexpr bool atomic() const {
        return kind == Kind::LoadReserved || kind == Kind::StoreConditional || kind == Kind::Amo;
    }
    /// Bytes that a load, store or atomic accesses: 1, 2, 4, 8.
    constexpr unsigned width() const { return 1U << field(12, 2); }
    /// Whether what was loaded is sign-extended.
    constexpr bool sign() const { return kind != Kind::Load || field(14, 1) == 0; }
    /// Of an AMO, see namespace amo.
    constexpr u8 operation() const { return static_cast<u8>(field(27, 5)); }
    /// What a load, store or atomic addresses.
    constexpr u64 address(GuestContext const& g) const {
        if (atomic()) return g.get(rs1());
        auto const offset = stores() ? (field(25, 7) << 5U) | field(7, 5) : field(20, 12);
        return g.get(rs1()) + sign_extend(offset, 12);
    }
};

/// A CSR instruction (Zicsr), as it stands: the hottest are not worth taking apart.
struct CsrInsn {
    enum class Operation : u8 { Write = 1, Set = 2, Clear = 3 };
    u64 bits; ///< zero-extended
    constexpr bool valid() const { return (bits & 0x7fU) == 0x73 && (bits & 0x3000U) != 0; }
    constexpr Operation operation() const { return static_cast<Operation>((bits >> 12U) & 3U); }
    constexpr u64 rd() const { return (bits >> 7U) & 31U; }
    constexpr u64 rs1() const { return (bits >> 15U) & 31U; }
    constexpr CsrNumber csr() const {
        return static_cast<CsrNumber>(static_cast<u32>(bits) >> 20U);
    }
    /// Register value or zero-extended 5-bit immediate.
    constexpr u64 operand(GuestContext const& g) const {
        return (bits & 0x4000U) != 0 ? rs1() : g.get(rs1());
    }
    /// csrrs/csrrc with rs1 = x0 (or immediate 0) do not write.
    constexpr bool writes() const { return operation() == Operation::Write || rs1() != 0; }
};

/// Whether the first parcel begins a 4-byte instruction (unprivileged 1.5).
constexpr bool is_full_length(u64 parcel) { return (parcel & 3U) == 3; }

/// mtval of an illegal instruction (3.1.16): `bits` without what follows a compressed one.
constexpr u64 tval_of(u32 bits) { return is_full_length(bits) ? bits : bits & 0xffffU; }

/// Decodes all but CSR instructions: `bits` (low 16 or 32 bits as the length encoding says).
Insn decode(u32 bits);

/// Decodes HLV and HSV (9.3.1) as the load or store that they are but for whose rights count. HLVX,
/// which asks for others, is Unknown.
Insn decode_hyper(Insn insn);

} // namespace plinth::arch
