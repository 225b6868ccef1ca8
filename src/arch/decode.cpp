// SPDX-License-Identifier: Apache-2.0
#include "arch/decode.hpp"

namespace plinth::arch {
namespace {

using Kind = Insn::Kind;

constexpr u32 bits_of(u32 word, unsigned lo, unsigned width) {
    return (word >> lo) & ((1U << width) - 1U);
}
constexpr u8 register_at(u32 word, unsigned lo) { return static_cast<u8>(bits_of(word, lo, 5)); }
/// The three-bit register fields of compressed instructions name x8 … x15.
constexpr u8 short_register_at(u32 word, unsigned lo) {
    return static_cast<u8>(bits_of(word, lo, 3) + 8);
}

constexpr Insn load(u8 rd, u8 rs1, u64 offset, u8 width, bool sign) {
    return {
        .kind = Kind::Load, .rd = rd, .rs1 = rs1, .width = width, .sign = sign, .offset = offset};
}
constexpr Insn store(u8 rs2, u8 rs1, u64 offset, u8 width) {
    return {.kind = Kind::Store, .rs1 = rs1, .rs2 = rs2, .width = width, .offset = offset};
}

/// Opcode SYSTEM with funct3 = 0: returns, wfi and fences (privileged 3.3, 4.2, 5.2; H: 9.3).
Insn decode_privileged(u32 word) {
    switch (word) {
    case 0x30200073: return {.kind = Kind::Mret};
    case 0x10200073: return {.kind = Kind::Sret};
    case 0x10500073: return {.kind = Kind::Wfi};
    }
    if (register_at(word, 7) != 0) return {};
    auto const fence = [word](Kind kind) {
        return Insn{.kind = kind, .rs1 = register_at(word, 15), .rs2 = register_at(word, 20)};
    };
    switch (word >> 25U) {
    case 0x09: return fence(Kind::Fence);
    case 0x11:
    case 0x31: return fence(Kind::HFence);
    }
    return {};
}

Insn decode_system(u32 word) {
    auto const funct3 = bits_of(word, 12, 3);
    if (funct3 == 0) return decode_privileged(word);
    constexpr Kind kinds[] = {Kind::Unknown, Kind::CsrWrite, Kind::CsrSet, Kind::CsrClear};
    auto const kind = kinds[funct3 & 3U];
    if (kind == Kind::Unknown) return {};
    return {.kind = kind,
            .rd = register_at(word, 7),
            .rs1 = register_at(word, 15),
            .immediate = funct3 >= 4,
            .csr = static_cast<CsrNumber>(word >> 20U)};
}

Insn decode_load(u32 word) {
    auto const funct3 = bits_of(word, 12, 3);
    if (funct3 == 7) return {};
    auto const width = static_cast<u8>(1U << (funct3 & 3U));
    return load(register_at(word, 7), register_at(word, 15), sign_extend(word >> 20U, 12), width,
                funct3 < 4);
}

Insn decode_store(u32 word) {
    auto const funct3 = bits_of(word, 12, 3);
    if (funct3 > 3) return {};
    auto const offset = sign_extend((bits_of(word, 25, 7) << 5U) | bits_of(word, 7, 5), 12);
    return store(register_at(word, 20), register_at(word, 15), offset,
                 static_cast<u8>(1U << funct3));
}

Insn as_fp(Insn insn) {
    if (insn.width < 4 || (insn.kind == Kind::Load && !insn.sign)) return {};
    insn.kind = insn.kind == Kind::Load ? Kind::LoadFp : Kind::StoreFp;
    return insn;
}

/// LR, SC and AMOs of 4 and 8 bytes (unprivileged 8).
Insn decode_atomic(u32 word) {
    auto const width = bits_of(word, 12, 3);
    auto const operation = static_cast<u8>(bits_of(word, 27, 5));
    auto const plain = operation % 4 == 0 || operation == amo::Swap;
    if (width < 2 || width > 3 || (operation == amo::Lr && register_at(word, 20) != 0)) return {};
    auto const kind = operation == amo::Lr   ? Kind::LoadReserved
                      : operation == amo::Sc ? Kind::StoreConditional
                      : plain                ? Kind::Amo
                                             : Kind::Unknown;
    if (kind == Kind::Unknown) return {};
    return {.kind = kind,
            .rd = register_at(word, 7),
            .rs1 = register_at(word, 15),
            .rs2 = register_at(word, 20),
            .width = static_cast<u8>(1U << width),
            .sign = true,
            .operation = operation};
}

/// C.LW, C.LD, C.SW, C.SD (unprivileged 16.3).
Insn decode_quadrant0(u32 word) {
    auto const rs1 = short_register_at(word, 7);
    auto const data = short_register_at(word, 2);
    auto const word_offset =
        (bits_of(word, 10, 3) << 3U) | (bits_of(word, 6, 1) << 2U) | (bits_of(word, 5, 1) << 6U);
    auto const double_offset = (bits_of(word, 10, 3) << 3U) | (bits_of(word, 5, 2) << 6U);
    switch (bits_of(word, 13, 3)) {
    case 1: return as_fp(load(data, rs1, double_offset, 8, true));
    case 5: return as_fp(store(data, rs1, double_offset, 8));
    case 2: return load(data, rs1, word_offset, 4, true);
    case 3: return load(data, rs1, double_offset, 8, true);
    case 6: return store(data, rs1, word_offset, 4);
    case 7: return store(data, rs1, double_offset, 8);
    }
    return {};
}

/// C.LWSP, C.LDSP, C.SWSP, C.SDSP (unprivileged 16.3).
Insn decode_quadrant2(u32 word) {
    auto const rd = register_at(word, 7);
    auto const rs2 = register_at(word, 2);
    auto const load_word =
        (bits_of(word, 4, 3) << 2U) | (bits_of(word, 12, 1) << 5U) | (bits_of(word, 2, 2) << 6U);
    auto const load_double =
        (bits_of(word, 5, 2) << 3U) | (bits_of(word, 12, 1) << 5U) | (bits_of(word, 2, 3) << 6U);
    auto const store_double = (bits_of(word, 10, 3) << 3U) | (bits_of(word, 7, 3) << 6U);
    switch (bits_of(word, 13, 3)) {
    case 1: return as_fp(load(rd, reg::sp, load_double, 8, true));
    case 5: return as_fp(store(rs2, reg::sp, store_double, 8));
    case 2: return rd == 0 ? Insn{} : load(rd, reg::sp, load_word, 4, true);
    case 3: return rd == 0 ? Insn{} : load(rd, reg::sp, load_double, 8, true);
    case 6:
        return store(rs2, reg::sp, (bits_of(word, 9, 4) << 2U) | (bits_of(word, 7, 2) << 6U), 4);
    case 7: return store(rs2, reg::sp, store_double, 8);
    }
    return {};
}

} // namespace

Insn decode(u32 bits) {
    if (!is_full_length(bits)) {
        bits &= 0xffffU;
        auto insn = (bits & 3U) == 0   ? decode_quadrant0(bits)
                    : (bits & 3U) == 2 ? decode_quadrant2(bits)
                                       : Insn{};
        insn.length = 2;
        return insn;
    }
    switch (bits & 0x7fU) {
    case 0x03: return decode_load(bits);
    case 0x07: return as_fp(decode_load(bits));
    case 0x27: return as_fp(decode_store(bits));
    case 0x2f: return decode_atomic(bits);
    case 0x23: return decode_store(bits);
    case 0x73: return decode_system(bits);
    }
    return {};
}

} // namespace plinth::arch
