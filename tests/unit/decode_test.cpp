// SPDX-License-Identifier: Apache-2.0
/// Decoding: every emulated instruction, and that everything else is unknown. Expectations are
/// worked out bit by bit from the unprivileged specification's tables, not from the decoder.
#include "arch/decode.hpp"
#include "instructions.hpp"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace plinth::arch {
namespace {

using Kind = Insn::Kind;

TEST(Decode, EveryCsrInstructionInAllItsFields) {
    using Operation = CsrInsn::Operation;
    struct {
        fake::CsrOp op;
        Operation operation;
        bool immediate;
    } const ops[] = {
        {fake::CsrOp::Rw, Operation::Write, false}, {fake::CsrOp::Rs, Operation::Set, false},
        {fake::CsrOp::Rc, Operation::Clear, false}, {fake::CsrOp::Rwi, Operation::Write, true},
        {fake::CsrOp::Rsi, Operation::Set, true},   {fake::CsrOp::Rci, Operation::Clear, true}};
    for (auto const& each : ops)
        for (unsigned number = 0; number < 4096; number += 7)
            for (unsigned r = 0; r < 32; ++r) {
                auto const rd = (r * 11 + 5) % 32;
                CsrInsn const insn{encode_csr(each.op, rd, number, r)};
                ASSERT_TRUE(insn.valid());
                ASSERT_EQ(decode(static_cast<u32>(insn.bits)).kind, Kind::Unknown);
                ASSERT_EQ(insn.operation(), each.operation);
                ASSERT_EQ(insn.csr(), number);
                ASSERT_EQ(insn.rd(), rd);
                ASSERT_EQ(insn.rs1(), r);
                ASSERT_EQ(insn.writes(), each.operation == Operation::Write || r != 0);
                GuestContext guest;
                for (unsigned i = 1; i < 32; ++i) guest.set(i, 100 + i);
                ASSERT_EQ(insn.operand(guest), each.immediate ? r : r == 0 ? 0 : 100 + r);
            }
}

TEST(Decode, NothingElseIsACsrInstruction) {
    for (std::uint32_t low = 0; low < 1U << 15U; ++low) {
        auto const funct3 = low >> 12U;
        auto const wanted = (low & 0x7fU) == 0x73 && funct3 != 0 && funct3 != 4;
        ASSERT_EQ(CsrInsn{low | 0x3007'8000U}.valid(), wanted) << std::hex << low;
    }
}

/// What a decoded instruction means, field by field; 0 where its kind has none.
struct Meaning {
    Kind kind{Kind::Unknown};
    unsigned rd{0}, rs1{0}, rs2{0}, width{0};
    bool sign{false};
    unsigned length{4};
    std::uint64_t offset{0};
    friend bool operator==(Meaning const&, Meaning const&) = default;
};
Meaning meaning(Insn insn) {
    auto const memory = insn.loads() || insn.stores();
    if (!memory) return {.kind = insn.kind, .length = insn.length};
    GuestContext guest;
    for (unsigned i = 1; i < 32; ++i) guest.set(i, 0x1'0000'0000ULL * i);
    return {.kind = insn.kind,
            .rd = insn.loads() ? insn.rd() : 0,
            .rs1 = insn.rs1(),
            .rs2 = insn.stores() ? insn.rs2() : 0,
            .width = insn.width(),
            .sign = insn.loads() && insn.sign(),
            .length = insn.length,
            .offset = insn.address(guest) - guest.get(insn.rs1())};
}

TEST(Decode, LoadsAndStoresOfAllWidthsRegistersAndOffsets) {
    for (unsigned funct3 = 0; funct3 < 8; ++funct3)
        for (int offset = -2048; offset < 2048; offset += 3)
            for (unsigned rs1 = 0; rs1 < 32; rs1 += 5) {
                auto const other = (rs1 * 7 + 3) % 32;
                auto const load = decode(fake::encode_load(funct3, other, rs1, offset));
                auto const store = decode(fake::encode_store(funct3, other, rs1, offset));
                auto const wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(offset));
                Meaning const wanted_load{.kind = Kind::Load,
                                          .rd = other,
                                          .rs1 = rs1,
                                          .width = 1U << (funct3 & 3U),
                                          .sign = funct3 < 4,
                                          .offset = wide};
                Meaning const wanted_store{.kind = Kind::Store,
                                           .rs1 = rs1,
                                           .rs2 = other,
                                           .width = 1U << (funct3 & 3U),
                                           .offset = wide};
                ASSERT_EQ(meaning(load), funct3 == 7 ? Meaning{} : wanted_load) << offset;
                ASSERT_EQ(meaning(store), funct3 > 3 ? Meaning{} : wanted_store) << offset;
            }
}

/// LOAD-FP and STORE-FP with widths 4 and 8 (F and D); half, quad and vector forms are unknown.
TEST(Decode, FloatingPointLoadsAndStores) {
    for (unsigned funct3 = 0; funct3 < 8; ++funct3)
        for (int offset = -2048; offset < 2048; offset += 5)
            for (unsigned rs1 = 0; rs1 < 32; rs1 += 3) {
                auto const f = (rs1 * 7 + 3) % 32;
                auto const load = decode(fake::encode_load(funct3, f, rs1, offset) | 4U);
                auto const store = decode(fake::encode_store(funct3, f, rs1, offset) | 4U);
                auto const width = 1U << (funct3 & 3U);
                Meaning wanted_load{}, wanted_store{};
                if (funct3 == 2 || funct3 == 3) {
                    auto const wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(offset));
                    wanted_load = {.kind = Kind::LoadFp,
                                   .rd = f,
                                   .rs1 = rs1,
                                   .width = width,
                                   .sign = true,
                                   .offset = wide};
                    wanted_store = {.kind = Kind::StoreFp,
                                    .rs1 = rs1,
                                    .rs2 = f,
                                    .width = width,
                                    .offset = wide};
                }
                // Of a floating-point load the sign means nothing.
                ASSERT_EQ(meaning(load), wanted_load) << funct3;
                ASSERT_EQ(meaning(store), wanted_store) << funct3;
            }
}

/// Table 24.2 of the unprivileged specification: funct5, with 4 or 8 bytes; aq and rl do not
/// matter.
TEST(Decode, AtomicsOfAllOperations) {
    constexpr unsigned amos[] = {0x01, 0x00, 0x04, 0x0c, 0x08, 0x10, 0x14, 0x18, 0x1c};
    for (unsigned funct5 = 0; funct5 < 32; ++funct5)
        for (unsigned funct3 = 0; funct3 < 8; ++funct3)
            for (unsigned ordering = 0; ordering < 4; ++ordering)
                for (unsigned rs2 : {0U, 1U, 31U}) {
                    auto wanted = Kind::Unknown;
                    for (auto const amo : amos)
                        if (funct5 == amo) wanted = Kind::Amo;
                    if (funct5 == 2 && rs2 == 0) wanted = Kind::LoadReserved;
                    if (funct5 == 3) wanted = Kind::StoreConditional;
                    if (funct3 != 2 && funct3 != 3) wanted = Kind::Unknown;
                    auto const insn = decode(funct5 << 27U | ordering << 25U | rs2 << 20U |
                                             9U << 15U | funct3 << 12U | 7U << 7U | 0x2fU);
                    ASSERT_EQ(insn.kind, wanted) << funct5 << " " << funct3;
                    if (wanted == Kind::Unknown) continue;
                    ASSERT_TRUE(insn.atomic());
                    ASSERT_EQ(insn.rd(), 7U);
                    ASSERT_EQ(insn.rs1(), 9U);
                    ASSERT_EQ(insn.rs2(), rs2);
                    ASSERT_EQ(insn.width(), 1U << funct3);
                    ASSERT_TRUE(insn.sign());
                    ASSERT_EQ(insn.operation(), funct5);
                    GuestContext guest;
                    guest.set(9, 0x8020'0000);
                    ASSERT_EQ(insn.address(guest), 0x8020'0000U);
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
                if (rd == 0 && high >> 5U == 0x0b) wanted = Kind::Inval;
                if (rd == 0 && rs1 == 0 && (high == 0x180 || high == 0x181)) wanted = Kind::Inval;
                if (rd == 0 && (high >> 5U == 0x13 || high >> 5U == 0x33)) wanted = Kind::HInval;
                if (rd == 0 && (high >> 5U == 0x11 || high >> 5U == 0x31)) wanted = Kind::HFence;
                auto const insn = decode(word);
                ASSERT_EQ(insn.kind, wanted) << std::hex << word;
                if (wanted != Kind::Fence && wanted != Kind::HFence) continue;
                ASSERT_EQ(insn.rs1(), rs1);
                ASSERT_EQ(insn.rs2(), high & 31U);
            }
    // ecall, ebreak, and hypervisor loads and stores (funct3 = 4), which have a decoder of their
    // own
    for (std::uint32_t const word : {0x00000073U, 0x00100073U, 0x60004573U, 0x6a004073U})
        EXPECT_EQ(decode(word).kind, Kind::Unknown) << std::hex << word;
}

/// The words of HLV and HSV with all their registers, from the unprivileged manual's table of H.
std::map<std::uint32_t, Meaning> hypervisor_accesses() {
    std::map<std::uint32_t, Meaning> out;
    struct Load {
        std::uint32_t word;
        unsigned width;
        bool sign;
    };
    struct Store {
        std::uint32_t word;
        unsigned width;
    };
    for (unsigned r = 0; r < 32; ++r)
        for (unsigned rs1 = 0; rs1 < 32; ++rs1) {
            for (auto const& [word, width, sign] :
                 {Load{0x6000'4073, 1, true}, Load{0x6010'4073, 1, false},
                  Load{0x6400'4073, 2, true}, Load{0x6410'4073, 2, false},
                  Load{0x6800'4073, 4, true}, Load{0x6810'4073, 4, false},
                  Load{0x6c00'4073, 8, true}})
                out[word | rs1 << 15U | r << 7U] = {
                    .kind = Kind::Load, .rd = r, .rs1 = rs1, .width = width, .sign = sign};
            for (auto const& [word, width] : {Store{0x6200'4073, 1}, Store{0x6600'4073, 2},
                                              Store{0x6a00'4073, 4}, Store{0x6e00'4073, 8}})
                out[word | rs1 << 15U | r << 20U] = {
                    .kind = Kind::Store, .rs1 = rs1, .rs2 = r, .width = width};
        }
    return out;
}

TEST(Decode, HypervisorLoadsAndStoresExactly) {
    auto const accesses = hypervisor_accesses();
    ASSERT_EQ(accesses.size(), 11U * 32 * 32);
    for (auto const& [word, wanted] : accesses) {
        ASSERT_EQ(meaning(decode_hyper({word})), wanted) << std::hex << word;
        ASSERT_EQ(decode(word).kind, Kind::Unknown) << std::hex << word;
        for (std::uint32_t opcode = 0; opcode < 128; ++opcode) {
            if (opcode == 0x73) continue;
            ASSERT_EQ(decode_hyper({(word & ~0x7fU) | opcode}).kind, Kind::Unknown) << opcode;
        }
    }
    unsigned known = 0;
    for (std::uint32_t high = 0; high < 1U << 12U; ++high)
        for (unsigned funct3 = 0; funct3 < 8; ++funct3)
            for (unsigned rd = 0; rd < 32; ++rd) {
                auto const word = high << 20U | 9U << 15U | funct3 << 12U | rd << 7U | 0x73U;
                auto const exists = accesses.contains(word);
                ASSERT_EQ(decode_hyper({word}).kind != Kind::Unknown, exists) << std::hex << word;
                known += exists ? 1 : 0;
            }
    EXPECT_EQ(known, accesses.size() / 32);
}

TEST(Decode, EveryOtherOpcodeIsUnknown) {
    std::mt19937 random{1};
    for (std::uint32_t opcode = 3; opcode < 128; opcode += 4) {
        if (opcode == 0x03 || opcode == 0x23 || opcode == 0x73) continue;
        if (opcode == 0x07 || opcode == 0x27 || opcode == 0x2f) continue;
        for (int round = 0; round < 2000; ++round) {
            auto const word = (static_cast<std::uint32_t>(random()) & ~0x7fU) | opcode;
            ASSERT_EQ(decode(word).kind, Kind::Unknown) << std::hex << word;
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

Meaning access(Kind kind, unsigned data, unsigned base, unsigned width, std::uint64_t offset) {
    auto const load = kind == Kind::Load || kind == Kind::LoadFp;
    return {.kind = kind,
            .rd = load ? data : 0,
            .rs1 = base,
            .rs2 = load ? 0 : data,
            .width = width,
            .sign = load,
            .length = 2,
            .offset = offset};
}

/// What tables 16.5 to 16.7 say about a compressed load or store; anything else stays unknown.
Meaning expected_compressed(std::uint32_t word) {
    constexpr unsigned sp = 2;
    Meaning const unknown{.length = 2};
    auto const c_data = (word >> 2U & 7U) + 8, c_base = (word >> 7U & 7U) + 8;
    auto const rd = word >> 7U & 31U, rs2 = word >> 2U & 31U;
    auto const w = gather(word, {{12, 5}, {11, 4}, {10, 3}, {6, 2}, {5, 6}});
    auto const d = gather(word, {{12, 5}, {11, 4}, {10, 3}, {6, 7}, {5, 6}});
    auto const load_w = gather(word, {{12, 5}, {6, 4}, {5, 3}, {4, 2}, {3, 7}, {2, 6}});
    auto const load_d = gather(word, {{12, 5}, {6, 4}, {5, 3}, {4, 8}, {3, 7}, {2, 6}});
    auto const store_w = gather(word, {{12, 5}, {11, 4}, {10, 3}, {9, 2}, {8, 7}, {7, 6}});
    auto const store_d = gather(word, {{12, 5}, {11, 4}, {10, 3}, {9, 8}, {8, 7}, {7, 6}});
    switch ((word & 3U) << 4U | word >> 13U) {
    case 0x01: return access(Kind::LoadFp, c_data, c_base, 8, d);
    case 0x02: return access(Kind::Load, c_data, c_base, 4, w);
    case 0x03: return access(Kind::Load, c_data, c_base, 8, d);
    case 0x05: return access(Kind::StoreFp, c_data, c_base, 8, d);
    case 0x06: return access(Kind::Store, c_data, c_base, 4, w);
    case 0x07: return access(Kind::Store, c_data, c_base, 8, d);
    case 0x21: return access(Kind::LoadFp, rd, sp, 8, load_d);
    case 0x22: return rd == 0 ? unknown : access(Kind::Load, rd, sp, 4, load_w);
    case 0x23: return rd == 0 ? unknown : access(Kind::Load, rd, sp, 8, load_d);
    case 0x25: return access(Kind::StoreFp, rs2, sp, 8, store_d);
    case 0x26: return access(Kind::Store, rs2, sp, 4, store_w);
    case 0x27: return access(Kind::Store, rs2, sp, 8, store_d);
    }
    return unknown;
}

TEST(Decode, AllCompressedParcels) {
    for (std::uint32_t word = 0; word < 1U << 16U; ++word) {
        if ((word & 3U) == 3) continue;
        ASSERT_FALSE(is_full_length(word));
        ASSERT_EQ(meaning(decode(word)), expected_compressed(word)) << std::hex << word;
        ASSERT_EQ(meaning(decode(word | 0xabcd'0000U)),
                  expected_compressed(word)); // what follows does not count
    }
}

} // namespace
} // namespace plinth::arch
