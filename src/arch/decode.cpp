// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.hpp"

namespace plinth::arch {
namespace {

using Kind = Insn::Kind;

constexpr u32 load_opcode = 0x03, store_opcode = 0x23, fp = 0x04; // LOAD-FP, STORE-FP: + 4

/// The 4-byte forms of what a compressed instruction abbreviates.
constexpr u32 load(u32 opcode, unsigned rd, unsigned rs1, u32 offset, u32 funct3) {
    return opcode | rd << 7U | funct3 << 12U | rs1 << 15U | offset << 20U;
}
constexpr u32 store(u32 opcode, unsigned rs2, unsigned rs1, u32 offset, u32 funct3) {
    return opcode | (offset & 31U) << 7U | funct3 << 12U | rs1 << 15U | rs2 << 20U |
           (offset >> 5U) << 25U;
}

/// The offset of a compressed load or store of a word or doubleword (unprivileged 16.3).
u32 compressed_offset(Insn c, bool on_stack, bool stores, bool word) {
    auto const high = c.field(10, 3) << 3U;
    if (!on_stack && word) return high | c.field(6, 1) << 2U | c.field(5, 1) << 6U;
    if (!on_stack) return high | c.field(5, 2) << 6U;
    if (stores && word) return c.field(9, 4) << 2U | c.field(7, 2) << 6U;
    if (stores) return high | c.field(7, 3) << 6U;
    if (word) return c.field(12, 1) << 5U | c.field(4, 3) << 2U | c.field(2, 2) << 6U;
    return c.field(12, 1) << 5U | c.field(5, 2) << 3U | c.field(2, 3) << 6U;
}

/// The loads and stores of quadrant 0 and, on the stack, of quadrant 2, as funct3 names them; 0:
/// another instruction.
u32 expand(Insn c) {
    auto const quadrant = c.field(0, 2);
    auto const what = c.field(13, 2); // 1: an f register, 2: a word, 3: a doubleword
    if (quadrant == 1 || what == 0) return 0;
    auto const on_stack = quadrant == 2, stores = c.field(15, 1) != 0, word = what == 2;
    auto const offset = compressed_offset(c, on_stack, stores, word);
    auto const rs1 = on_stack ? reg::sp : c.field(7, 3) + 8; // three bits name x8 … x15
    auto const data = c.field(2, 3) + 8;
    u32 const file = what == 1 ? fp : 0, funct3 = word ? 2 : 3;
    if (stores)
        return store(store_opcode | file, on_stack ? c.field(2, 5) : data, rs1, offset, funct3);
    auto const rd = on_stack ? c.rd() : data;
    return rd == 0 && what != 1 ? 0 : load(load_opcode | file, rd, rs1, offset, funct3);
}

/// Opcode SYSTEM with funct3 = 0: returns, wfi and fences (privileged 3.3, 4.2, Svinval 5, H: 9.3).
Kind privileged(Insn insn) {
    switch (insn.bits) {
    case 0x30200073: return Kind::Mret;
    case 0x10200073: return Kind::Sret;
    case 0x10500073: return Kind::Wfi;
    case 0x18000073: // sfence.w.inval
    case 0x18100073: return Kind::Inval;
    }
    if (insn.field(7, 8) != 0) return Kind::Unknown;
    switch (insn.field(25, 7)) {
    case 0x09: return Kind::Fence;
    case 0x11:
    case 0x31: return Kind::HFence;
    case 0x0b: return Kind::Inval;
    case 0x13:
    case 0x33: return Kind::HInval;
    }
    return Kind::Unknown;
}

/// LR, SC and AMOs of 4 and 8 bytes (unprivileged 8).
Kind atomic(Insn insn) {
    auto const operation = insn.operation();
    if (insn.field(13, 2) != 1) return Kind::Unknown;
    if (operation == amo::Lr) return insn.rs2() == 0 ? Kind::LoadReserved : Kind::Unknown;
    if (operation == amo::Sc) return Kind::StoreConditional;
    return operation % 4 == 0 || operation == amo::Swap ? Kind::Amo : Kind::Unknown;
}

Kind kind_of(Insn insn) {
    auto const funct3 = insn.field(12, 3);
    auto const fp_width = funct3 == 2 || funct3 == 3;
    switch (insn.field(0, 7)) {
    case load_opcode: return funct3 != 7 ? Kind::Load : Kind::Unknown;
    case store_opcode: return funct3 < 4 ? Kind::Store : Kind::Unknown;
    case load_opcode | fp: return fp_width ? Kind::LoadFp : Kind::Unknown;
    case store_opcode | fp: return fp_width ? Kind::StoreFp : Kind::Unknown;
    case 0x2f: return atomic(insn);
    case 0x73: return privileged(insn);
    }
    return Kind::Unknown;
}

} // namespace

Insn decode(u32 bits) {
    Insn insn{.bits = bits};
    if (!is_full_length(bits)) {
        insn.length = 2;
        insn.bits = expand(insn);
    }
    insn.kind = kind_of(insn);
    return insn;
}

Insn decode_hyper(Insn insn) {
    auto const width = insn.field(26, 2);
    if ((insn.bits & 0xf2007fffU) == 0x62004073)
        return decode(store(store_opcode, insn.rs2(), insn.rs1(), 0, width));
    if ((insn.bits & 0xf3e0707fU) == 0x60004073)
        return decode(load(load_opcode, insn.rd(), insn.rs1(), 0, width | insn.rs2() << 2U));
    return {};
}

} // namespace plinth::arch
