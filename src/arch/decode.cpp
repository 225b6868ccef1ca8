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

/// C.LW, C.LD, C.FLD, C.SW, C.SD, C.FSD (unprivileged 16.3); 0: none of them.
u32 expand_quadrant0(Insn c) {
    auto const rs1 = c.field(7, 3) + 8; // three bits name x8 … x15
    auto const data = c.field(2, 3) + 8;
    auto const high = c.field(10, 3) << 3U;
    auto const word_offset = high | c.field(6, 1) << 2U | c.field(5, 1) << 6U;
    auto const double_offset = high | c.field(5, 2) << 6U;
    switch (c.field(13, 3)) {
    case 1: return load(load_opcode | fp, data, rs1, double_offset, 3);
    case 2: return load(load_opcode, data, rs1, word_offset, 2);
    case 3: return load(load_opcode, data, rs1, double_offset, 3);
    case 5: return store(store_opcode | fp, data, rs1, double_offset, 3);
    case 6: return store(store_opcode, data, rs1, word_offset, 2);
    case 7: return store(store_opcode, data, rs1, double_offset, 3);
    }
    return 0;
}

/// C.LWSP, C.LDSP, C.FLDSP, C.SWSP, C.SDSP, C.FSDSP (unprivileged 16.3); 0: none of them.
u32 expand_quadrant2(Insn c) {
    auto const rd = c.rd();
    auto const rs2 = c.field(2, 5);
    auto const high = c.field(12, 1) << 5U;
    auto const load_word = high | c.field(4, 3) << 2U | c.field(2, 2) << 6U;
    auto const load_double = high | c.field(5, 2) << 3U | c.field(2, 3) << 6U;
    auto const store_word = c.field(9, 4) << 2U | c.field(7, 2) << 6U;
    auto const store_double = c.field(10, 3) << 3U | c.field(7, 3) << 6U;
    switch (c.field(13, 3)) {
    case 1: return load(load_opcode | fp, rd, reg::sp, load_double, 3);
    case 2: return rd == 0 ? 0 : load(load_opcode, rd, reg::sp, load_word, 2);
    case 3: return rd == 0 ? 0 : load(load_opcode, rd, reg::sp, load_double, 3);
    case 5: return store(store_opcode | fp, rs2, reg::sp, store_double, 3);
    case 6: return store(store_opcode, rs2, reg::sp, store_word, 2);
    case 7: return store(store_opcode, rs2, reg::sp, store_double, 3);
    }
    return 0;
}

/// Opcode SYSTEM with funct3 = 0: returns, wfi and fences (privileged 3.3, 4.2, Svinval 5, H: 9.3).
Kind privileged(Insn insn) {
    switch (insn.bits) {
    case 0x30200073: return Kind::Mret;
    case 0x10200073: return Kind::Sret;
    case 0x10500073: return Kind::Wfi;
    }
    if (insn.field(7, 8) != 0) return Kind::Unknown;
    switch (insn.field(25, 7)) {
    case 0x09: return Kind::Fence;
    case 0x11:
    case 0x31: return Kind::HFence;
    case 0x0b: return Kind::Inval;
    case 0x0c:
        return insn.field(15, 10) == 0 || insn.field(15, 10) == 1U << 5U ? Kind::Inval
                                                                         : Kind::Unknown;
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
        auto const quadrant = bits & 3U;
        insn.bits = quadrant == 0   ? expand_quadrant0(insn)
                    : quadrant == 2 ? expand_quadrant2(insn)
                                    : 0;
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
