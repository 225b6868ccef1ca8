// SPDX-License-Identifier: Apache-2.0
/// Decoding: every emulated instruction, and that everything else is unknown. Expectations are
/// worked out bit by bit from the unprivileged specification's tables, not from the decoder.
#include "arch/decode.hpp"
#include "instructions.hpp"

#include <gtest/gtest.h>
#include <random>

namespace plinth::arch {
namespace {

using Kind = Insn::Kind;

TEST(Decode, EveryCsrInstructionInAllItsFields) {
    struct {
        fake::CsrOp op;
        Kind kind;
        bool immediate;
    } const ops[] = {
        {fake::CsrOp::Rw, Kind::CsrWrite, false}, {fake::CsrOp::Rs, Kind::CsrSet, false},
        {fake::CsrOp::Rc, Kind::CsrClear, false}, {fake::CsrOp::Rwi, Kind::CsrWrite, true},
        {fake::CsrOp::Rsi, Kind::CsrSet, true},   {fake::CsrOp::Rci, Kind::CsrClear, true}};
    for (auto const& each : ops)
        for (unsigned number = 0; number < 4096; number += 7)
            for (unsigned r = 0; r < 32; ++r) {
                auto const rd = (r * 11 + 5) % 32;
                auto const insn = decode(encode_csr(each.op, rd, number, r));
                ASSERT_EQ(insn.kind, each.kind);
                ASSERT_EQ(insn.immediate, each.immediate);
                ASSERT_EQ(insn.csr, number);
                ASSERT_EQ(insn.rd, rd);
                ASSERT_EQ(insn.rs1, r);
                ASSERT_EQ(insn.length, 4);
                ASSERT_EQ(insn.csr_writes(), each.kind == Kind::CsrWrite || r != 0);
                GuestContext guest;
                for (unsigned i = 1; i < 32; ++i) guest.set(i, 100 + i);
                ASSERT_EQ(insn.operand(guest), each.immediate ? r : r == 0 ? 0 : 100 + r);
            }
}

TEST(Decode, LoadsAndStoresOfAllWidthsRegistersAndOffsets) {
    for (unsigned funct3 = 0; funct3 < 8; ++funct3)
        for (int offset = -2048; offset < 2048; offset += 3)
            for (unsigned rs1 = 0; rs1 < 32; rs1 += 5) {
                auto const other = (rs1 * 7 + 3) % 32;
                auto const load = decode(fake::encode_load(funct3, other, rs1, offset));
                auto const store = decode(fake::encode_store(funct3, other, rs1, offset));
                auto const wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(offset));
                Insn const wanted_load{.kind = Kind::Load,
                                       .rd = static_cast<std::uint8_t>(other),
                                       .rs1 = static_cast<std::uint8_t>(rs1),
                                       .width = static_cast<std::uint8_t>(1U << (funct3 & 3U)),
                                       .sign = funct3 < 4,
                                       .offset = wide};
                Insn const wanted_store{.kind = Kind::Store,
                                        .rs1 = static_cast<std::uint8_t>(rs1),
                                        .rs2 = static_cast<std::uint8_t>(other),
                                        .width = static_cast<std::uint8_t>(1U << (funct3 & 3U)),
                                        .offset = wide};
                ASSERT_EQ(load, funct3 == 7 ? Insn{} : wanted_load) << offset;
                ASSERT_EQ(store, funct3 > 3 ? Insn{} : wanted_store) << offset;
            }
}

TEST(Decode, PrivilegedInstructionsExactly) {
    for (std::uint32_t high = 0; high < 1U << 12U; ++high)
        for (unsigned rs1 = 0; rs1 < 32; ++rs1)
            for (unsigned rd : {0U, 1U, 31U}) {
                auto const word = high << 20U | rs1 << 15U | rd << 7U | 0x73U;
                auto wanted = Kind::Unknown;
                if (rd == 0 && rs1 == 0 && high == 0x302) wanted = Kind::Mret;
                if (rd == 0 && rs1 == 0 && high == 0x102) wanted = Kind::Sret;
                if (rd == 0 && rs1 == 0 && high == 0x105) wanted = Kind::Wfi;
                if (rd == 0 && high >> 5U == 0x09) wanted = Kind::Fence;
                if (rd == 0 && (high >> 5U == 0x11 || high >> 5U == 0x31)) wanted = Kind::HFence;
                auto const insn = decode(word);
                ASSERT_EQ(insn.kind, wanted) << std::hex << word;
                if (wanted != Kind::Fence && wanted != Kind::HFence) continue;
                ASSERT_EQ(insn.rs1, rs1);
                ASSERT_EQ(insn.rs2, high & 31U);
            }
    // ecall, ebreak, hypervisor loads and stores (funct3 = 4) and the other opcodes
    for (std::uint32_t const word : {0x00000073U, 0x00100073U, 0x60004573U, 0x6a004073U})
        EXPECT_EQ(decode(word).kind, Kind::Unknown) << std::hex << word;
}

TEST(Decode, EveryOtherOpcodeIsUnknown) {
    std::mt19937 random{1};
    for (std::uint32_t opcode = 3; opcode < 128; opcode += 4) {
        if (opcode == 0x03 || opcode == 0x23 || opcode == 0x73) continue;
        for (int round = 0; round < 2000; ++round) {
            auto const word = (static_cast<std::uint32_t>(random()) & ~0x7fU) | opcode;
            ASSERT_EQ(decode(word), Insn{}) << std::hex << word;
        }
    }
}

/// Collects an immediate: bit `from[i]` of the word is bit `to` of the value, pairs from the
/// tables.
struct Scatter {
    unsigned from, to;
};
std::uint64_t gather(std::uint32_t word, std::initializer_list<Scatter> bits) {
    std::uint64_t value = 0;
    for (auto const& bit : bits) value |= std::uint64_t{word >> bit.from & 1U} << bit.to;
    return value;
}

/// What tables 16.5 to 16.7 say about a compressed load or store; anything else stays unknown.
Insn expected_compressed(std::uint32_t word) {
    Insn out{.length = 2};
    auto const set = [&](Kind kind, unsigned data, unsigned base, unsigned width,
                         std::uint64_t offset) {
        out.kind = kind;
        (kind == Kind::Load ? out.rd : out.rs2) = static_cast<std::uint8_t>(data);
        out.rs1 = static_cast<std::uint8_t>(base);
        out.width = static_cast<std::uint8_t>(width);
        out.sign = kind == Kind::Load;
        out.offset = offset;
    };
    auto const c_data = (word >> 2U & 7U) + 8, c_base = (word >> 7U & 7U) + 8;
    auto const rd = word >> 7U & 31U, rs2 = word >> 2U & 31U;
    auto const w = gather(word, {{12, 5}, {11, 4}, {10, 3}, {6, 2}, {5, 6}});
    auto const d = gather(word, {{12, 5}, {11, 4}, {10, 3}, {6, 7}, {5, 6}});
    switch ((word & 3U) << 4U | word >> 13U) {
    case 0x02: set(Kind::Load, c_data, c_base, 4, w); break;
    case 0x03: set(Kind::Load, c_data, c_base, 8, d); break;
    case 0x06: set(Kind::Store, c_data, c_base, 4, w); break;
    case 0x07: set(Kind::Store, c_data, c_base, 8, d); break;
    case 0x22:
        if (rd != 0)
            set(Kind::Load, rd, 2, 4,
                gather(word, {{12, 5}, {6, 4}, {5, 3}, {4, 2}, {3, 7}, {2, 6}}));
        break;
    case 0x23:
        if (rd != 0)
            set(Kind::Load, rd, 2, 8,
                gather(word, {{12, 5}, {6, 4}, {5, 3}, {4, 8}, {3, 7}, {2, 6}}));
        break;
    case 0x26:
        set(Kind::Store, rs2, 2, 4,
            gather(word, {{12, 5}, {11, 4}, {10, 3}, {9, 2}, {8, 7}, {7, 6}}));
        break;
    case 0x27:
        set(Kind::Store, rs2, 2, 8,
            gather(word, {{12, 5}, {11, 4}, {10, 3}, {9, 8}, {8, 7}, {7, 6}}));
        break;
    }
    return out;
}

TEST(Decode, AllCompressedParcels) {
    for (std::uint32_t word = 0; word < 1U << 16U; ++word) {
        if ((word & 3U) == 3) continue;
        ASSERT_FALSE(is_full_length(word));
        ASSERT_EQ(decode(word), expected_compressed(word)) << std::hex << word;
        ASSERT_EQ(decode(word | 0xabcd'0000U),
                  expected_compressed(word)); // what follows does not count
    }
}

} // namespace
} // namespace plinth::arch
