// SPDX-License-Identifier: Apache-2.0
/// Vectors for the CSR model, taken by hand from the text and tables of Priv. 1.12, chapters 2,
/// 3, 8.
/// Written by someone who has not seen src/.
#include "csr_reference.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using namespace plinth::reference;
namespace m = mstatus_bits;

Features everything() {
    Features hart;
    hart.v = hart.h = hart.sstc = hart.sscofpmf = hart.smcntrpmf = hart.smstateen = true;
    hart.aia = hart.zkr = hart.mseccfg = hart.svpbmt = hart.svadu = true;
    hart.zicbom = hart.zicboz = hart.triggers = hart.contexts = true;
    hart.pmp_entries = 64;
    hart.geilen = 7;
    hart.va_bits = 57;
    return hart;
}

Features machine_only() {
    Features hart;
    hart.s = hart.u = hart.f = hart.zihpm = hart.zicntr = hart.countinhibit = false;
    hart.hpm_counters = 0;
    hart.pmp_entries = 0;
    hart.va_bits = 0;
    return hart;
}

/// The U74: S and U, eight entries of 4 KiB grain, version 1.11, no `time`, no Sstc, no H.
Features u74() {
    Features hart;
    hart.v1_12 = hart.time_csr = false;
    hart.hpm_counters = 2;
    hart.pmp_entries = 8;
    hart.pmp_grain = 10;
    return hart;
}

unsigned count_existing(Features const& hart) {
    unsigned count = 0;
    for (unsigned csr = 0; csr < 4096; ++csr) count += csr_exists(csr, hart) ? 1 : 0;
    return count;
}

TEST(ReferenceCsrTable, RegistersOfAMachineOnlyHart) {
    // mvendorid marchid mimpid mhartid mconfigptr, mstatus misa mie mtvec, mscratch mepc mcause
    // mtval mip, mcycle minstret: what 1.12 demands of a hart that has nothing else.
    std::vector<unsigned> const expected{0x300, 0x301, 0x304, 0x305, 0x340, 0x341, 0x342, 0x343,
                                         0x344, 0xB00, 0xB02, 0xF11, 0xF12, 0xF13, 0xF14, 0xF15};
    std::vector<unsigned> found;
    for (unsigned csr = 0; csr < 4096; ++csr) {
        if (csr_exists(csr, machine_only())) found.push_back(csr);
    }
    EXPECT_EQ(found, expected);
}

TEST(ReferenceCsrTable, EveryFeatureAddsItsRegistersAndNoOther) {
    struct Step {
        bool Features::* feature;
        unsigned added;
    };
    Features hart = machine_only();
    hart.u = hart.s = true;
    std::array<Step, 8> const steps{{{&Features::f, 3},
                                     {&Features::v, 7},
                                     {&Features::sstc, 1},
                                     {&Features::zicntr, 3},
                                     {&Features::countinhibit, 1},
                                     {&Features::sscofpmf, 1},
                                     {&Features::smcntrpmf, 2},
                                     {&Features::zkr, 1}}};
    for (Step const& step : steps) {
        unsigned const before = count_existing(hart);
        hart.*step.feature = true;
        EXPECT_EQ(count_existing(hart), before + step.added);
    }
    unsigned const before = count_existing(hart);
    hart.h = true; // 13 h*, hgeip, 9 vs*, mtinst and mtval2, vstimecmp (Sstc is there)
    EXPECT_EQ(count_existing(hart), before + 13 + 1 + 9 + 2 + 1);
}

TEST(ReferenceCsrTable, PmpRegistersComeAsNoneSixteenOrSixtyFour) {
    Features hart;
    for (unsigned const entries : {0u, 1u, 8u, 16u, 17u, 64u}) {
        hart.pmp_entries = entries;
        unsigned const all = entries == 0 ? 0 : entries <= 16 ? 16 : 64;
        for (unsigned i = 0; i < 64; ++i) {
            EXPECT_EQ(csr_exists(0x3B0 + i, hart), i < all) << entries << " " << i;
        }
        for (unsigned i = 0; i < 16; ++i) {
            EXPECT_EQ(csr_exists(0x3A0 + i, hart), i % 2 == 0 && i * 4 < all) << i;
        }
    }
}

TEST(ReferenceCsrTable, Rv32AndDebugAndReservedNumbersDoNotExist) {
    for (unsigned const csr :
         {0xC80u, 0xC81u, 0xC9Fu,          0xB80u, 0xB82u, 0x310u, 0x31Au, 0x61Au, 0x615u, 0x757u,
          0x3A1u, 0x3AFu, 0x15Du,          0x25Du, 0x31Cu, 0x61Cu, 0x723u, 0x7B0u, 0x7B3u, 0xB01u,
          0x000u, 0xFFFu, 0x303u + 0x400u, 0x800u, 0xCC0u, 0x5C0u, 0x7C0u, 0xF10u, 0xF16u}) {
        EXPECT_FALSE(csr_exists(csr, everything())) << std::hex << csr;
    }
}

TEST(ReferenceCsrTable, MhpmCountersAreAsManyAsTheHartHas) {
    EXPECT_TRUE(csr_exists(0xB04, u74()));
    EXPECT_FALSE(csr_exists(0xB05, u74()));
    EXPECT_TRUE(csr_exists(0x324, u74()));
    EXPECT_FALSE(csr_exists(0x325, u74()));
    EXPECT_TRUE(csr_exists(0xB1F, everything()));
    EXPECT_TRUE(csr_exists(0xC1F, everything()));
    EXPECT_FALSE(csr_exists(0x30A, u74())) << "menvcfg came with 1.12";
    EXPECT_FALSE(csr_exists(0xC01, u74())) << "time is left to a trap handler";
}

TEST(ReferenceCsrTable, NamesSitAtTheirNumbers) {
    EXPECT_EQ(csr_row(0x300)->name, "mstatus");
    EXPECT_EQ(csr_row(0x3EF)->name, "pmpaddr");
    EXPECT_EQ(0x3EF - csr_row(0x3EF)->first + csr_row(0x3EF)->number, 63);
    EXPECT_EQ(0xB1F - csr_row(0xB1F)->first + csr_row(0xB1F)->number, 31);
    EXPECT_EQ(csr_row(0xF14)->name, "mhartid");
    EXPECT_EQ(csr_row(0x14D)->name, "stimecmp");
    EXPECT_EQ(csr_row(0x7B0), nullptr);
}

TEST(ReferenceCsrTable, NumbersEncodePrivilegeAndReadOnly) {
    EXPECT_EQ(csr_lowest_privilege(0xC00), 0u);
    EXPECT_EQ(csr_lowest_privilege(0x180), 1u);
    EXPECT_EQ(csr_lowest_privilege(0x680), 2u);
    EXPECT_EQ(csr_lowest_privilege(0xF14), 3u);
    EXPECT_TRUE(csr_read_only(0xC01));
    EXPECT_TRUE(csr_read_only(0xDA0));
    EXPECT_TRUE(csr_read_only(0xF11));
    EXPECT_FALSE(csr_read_only(0xB00));
    EXPECT_FALSE(csr_read_only(0x7A0));
}

TEST(ReferenceCsrAccess, AWriteNeedsAWritableRegisterAndARealWrite) {
    Features const hart = everything();
    CsrState const state{};
    EXPECT_FALSE(csr_access_traps(0xF14, CsrOp::Rs, 0, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0xF14, CsrOp::Rs, 5, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0xF14, CsrOp::Rw, 0, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0xF14, CsrOp::Rwi, 0, Mode::M, hart, state));
    EXPECT_FALSE(csr_access_traps(0xF14, CsrOp::Rsi, 0, Mode::M, hart, state));
    EXPECT_FALSE(csr_access_traps(0xF14, CsrOp::Rci, 0, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0xF14, CsrOp::Rci, 1, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0x015, CsrOp::Rs, 0, Mode::M, hart, state)) << "seed";
    EXPECT_FALSE(csr_access_traps(0x015, CsrOp::Rw, 0, Mode::M, hart, state)) << "seed";
}

TEST(ReferenceCsrAccess, OnlySufficientPrivilegeReaches) {
    Features const hart = everything();
    CsrState const state{};
    auto const reads = [&](unsigned csr, Mode mode) {
        return !csr_access_traps(csr, CsrOp::Rs, 0, mode, hart, state);
    };
    EXPECT_TRUE(reads(0x300, Mode::M));
    EXPECT_FALSE(reads(0x300, Mode::S));
    EXPECT_TRUE(reads(0x140, Mode::S));
    EXPECT_FALSE(reads(0x140, Mode::U));
    EXPECT_TRUE(reads(0x600, Mode::S)) << "HS-mode";
    EXPECT_FALSE(reads(0x600, Mode::U));
}

TEST(ReferenceCsrAccess, FloatAndVectorNeedTheirStatusInEveryMode) {
    Features const hart = everything();
    CsrState state{};
    EXPECT_TRUE(csr_access_traps(0x003, CsrOp::Rs, 0, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0xC22, CsrOp::Rs, 0, Mode::M, hart, state));
    state.mstatus = 1ULL << 13;
    EXPECT_FALSE(csr_access_traps(0x003, CsrOp::Rs, 0, Mode::M, hart, state));
    EXPECT_TRUE(csr_access_traps(0x008, CsrOp::Rs, 0, Mode::M, hart, state));
    state.mstatus = 1ULL << 9;
    EXPECT_FALSE(csr_access_traps(0x008, CsrOp::Rs, 0, Mode::M, hart, state));
}

TEST(ReferenceCsrAccess, CountersFollowTheEnablesOfTheModesAbove) {
    Features const hart = everything();
    CsrState state{};
    auto const reads = [&](Mode mode) {
        return !csr_access_traps(0xC01, CsrOp::Rs, 0, mode, hart, state);
    };
    EXPECT_TRUE(reads(Mode::M));
    EXPECT_FALSE(reads(Mode::S));
    state.mcounteren = 2;
    EXPECT_TRUE(reads(Mode::S));
    EXPECT_FALSE(reads(Mode::U));
    state.scounteren = 2;
    EXPECT_TRUE(reads(Mode::U));
    state.mcounteren = 0;
    EXPECT_FALSE(reads(Mode::U));
}

TEST(ReferenceCsrAccess, MachineModeCanTakeRegistersAway) {
    Features const hart = everything();
    CsrState state{};
    auto const reads = [&](unsigned csr) {
        return !csr_access_traps(csr, CsrOp::Rs, 0, Mode::S, hart, state);
    };
    EXPECT_TRUE(reads(0x180));
    state.mstatus = m::tvm;
    EXPECT_FALSE(reads(0x180));
    EXPECT_FALSE(reads(0x680));
    EXPECT_TRUE(reads(0x280)) << "TVM leaves vsatp alone (8.4.1)";
    EXPECT_FALSE(reads(0x14D));
    state.menvcfg = 1ULL << 63;
    EXPECT_FALSE(reads(0x14D)) << "TM is still clear";
    state.mcounteren = 2;
    EXPECT_TRUE(reads(0x14D));
    EXPECT_FALSE(reads(0x10A));
    state.mstateen[0] = 1ULL << 62;
    EXPECT_TRUE(reads(0x10A));
    EXPECT_FALSE(reads(0x10D));
    state.mstateen[1] = 1ULL << 63;
    EXPECT_TRUE(reads(0x10D));
    EXPECT_FALSE(csr_access_traps(0x180, CsrOp::Rs, 0, Mode::M, hart, state)) << "M is exempt";
}

TEST(ReferenceCsrMstatus, ReservedPreviousPrivilegeIsNeverHeld) {
    Features const hart;
    std::uint64_t const uxl_sxl = (2ULL << 32) | (2ULL << 34);
    EXPECT_EQ(canonical_mstatus(0, 2ULL << 11, hart), uxl_sxl);
    EXPECT_EQ(canonical_mstatus(1ULL << 11, 2ULL << 11, hart), uxl_sxl | (1ULL << 11));
    EXPECT_FALSE(legal_mstatus(2ULL << 11, uxl_sxl | (2ULL << 11), hart));
    for (std::uint64_t const mode : {0U, 1U, 3U}) {
        EXPECT_TRUE(legal_mstatus(2ULL << 11, uxl_sxl | (mode << 11), hart)) << mode;
        EXPECT_TRUE(legal_mstatus(mode << 11, uxl_sxl | (mode << 11), hart)) << mode;
        EXPECT_FALSE(legal_mstatus(mode << 11, uxl_sxl | ((mode ^ 1) << 11), hart)) << mode;
    }
    Features user = hart;
    user.s = false;
    EXPECT_FALSE(legal_mstatus(1ULL << 11, (2ULL << 32) | (1ULL << 11), user)) << "no S-mode";
    EXPECT_TRUE(legal_mstatus(1ULL << 11, 2ULL << 32, user));
}

TEST(ReferenceCsrMstatus, FieldsOfAbsentModesAreReadOnlyZero) {
    std::uint64_t const ones = ~std::uint64_t{0};
    EXPECT_EQ(canonical_mstatus(3ULL << 11, ones, machine_only()), m::mie | m::mpie | m::mpp);
    Features hart;
    hart.f = false;
    EXPECT_EQ(canonical_mstatus(0, ones, hart), m::sie | m::mie | m::spie | m::mpie | m::spp |
                                                    m::mpp | m::mprv | m::sum | m::mxr | m::tvm |
                                                    m::tw | m::tsr | (2ULL << 32) | (2ULL << 34));
    EXPECT_FALSE(legal_mstatus(m::mpv, (2ULL << 32) | (2ULL << 34) | m::mpv, hart));
    hart.h = true;
    EXPECT_TRUE(legal_mstatus(m::mpv, (2ULL << 32) | (2ULL << 34) | m::mpv, hart));
    hart.va_bits = 0;
    EXPECT_EQ(canonical_mstatus(0, m::sum, hart) & m::sum, 0u) << "satp is always Bare";
}

TEST(ReferenceCsrMstatus, DirtySummaryFollowsTheFields) {
    Features hart = everything();
    std::uint64_t const base = (2ULL << 32) | (2ULL << 34);
    EXPECT_EQ(canonical_mstatus(0, m::sd, hart), base) << "SD is read-only";
    EXPECT_EQ(canonical_mstatus(0, m::fs, hart), base | m::fs | m::sd);
    EXPECT_EQ(canonical_mstatus(0, m::vs, hart), base | m::vs | m::sd);
    EXPECT_FALSE(legal_mstatus(m::fs, base | m::fs, hart)) << "dirty without SD";
    EXPECT_FALSE(legal_mstatus(0, base | m::sd, hart)) << "SD with nothing dirty";
    EXPECT_TRUE(legal_mstatus(1ULL << 13, base | m::fs | m::sd, hart)) << "untracked dirtiness";
    EXPECT_FALSE(legal_mstatus(m::fs, base | (1ULL << 13), hart)) << "Dirty must be held";
    EXPECT_FALSE(legal_mstatus(0, base | m::fs | m::sd, hart)) << "Off must be held";
}

TEST(ReferenceCsrDelegation, ExceptionBitsAreTheTablesAndNeverStuckAtOne) {
    Features hart;
    EXPECT_EQ(*canonical(0x302, 0, ~0ULL, hart), 0xB3FFu);
    EXPECT_FALSE(*legal(0x302, 0, 0, 1, hart)) << "read-only one";
    EXPECT_TRUE(*legal(0x302, 0, 0xB3FF, 0x0100, hart)) << "a subset may be delegatable";
    EXPECT_FALSE(*legal(0x302, 0, ~0ULL, 1ULL << 11, hart)) << "ecall from M";
    EXPECT_FALSE(*legal(0x302, 0, ~0ULL, 1ULL << 10, hart)) << "ecall from VS without H";
    hart.h = true;
    EXPECT_EQ(*canonical(0x302, 0, ~0ULL, hart), 0xF0B7FFu);
    EXPECT_FALSE(*legal(0x302, 0, ~0ULL, 1ULL << 11, hart)) << "what QEMU 7.2 does";
}

TEST(ReferenceCsrDelegation, VirtualInterruptsAreAlwaysDelegated) {
    Features hart;
    EXPECT_EQ(*canonical(0x303, 0, ~0ULL, hart), 0x222u);
    EXPECT_EQ(*canonical(0x303, 0x222, 0, hart), 0u);
    EXPECT_TRUE(*legal(0x303, 0, 0, 0x222, hart)) << "lower-level bits may be read-only one";
    EXPECT_FALSE(*legal(0x303, 0, 0, 0x80, hart)) << "machine-level bits may not";
    EXPECT_TRUE(*legal(0x303, 0, 0x80, 0x80, hart)) << "but may be writable";
    EXPECT_FALSE(*legal(0x303, 0, ~0ULL, 0x444, hart)) << "no H";
    hart.h = true;
    EXPECT_FALSE(*legal(0x303, 0, 0, 0, hart)) << "2, 6, 10 are read-only one";
    EXPECT_TRUE(*legal(0x303, 0, 0, 0x444, hart));
    EXPECT_TRUE(*legal(0x303, 0, 0, 0x1444, hart)) << "bit 12 is open without GEILEN";
    hart.geilen = 3;
    EXPECT_FALSE(*legal(0x303, 0, 0, 0x444, hart));
    EXPECT_EQ(*canonical(0x303, 0, 0, hart), 0x1444u);
}

TEST(ReferenceCsrInterrupts, EnableBits) {
    EXPECT_EQ(*canonical(0x304, 0, ~0ULL, machine_only()), 0x888u);
    EXPECT_EQ(*canonical(0x304, 0, ~0ULL, Features{}), 0xAAAu);
    EXPECT_EQ(*canonical(0x304, 0, ~0ULL, everything()), 0x3EEEu);
    EXPECT_TRUE(*legal(0x304, 0, ~0ULL, 0x2A2, Features{})) << "MEIE, MSIE may be absent";
    EXPECT_FALSE(*legal(0x304, 0, ~0ULL, 0xA2A, Features{})) << "MTIE may not";
}

TEST(ReferenceCsrInterrupts, ExternalLineIsReadButNeverLatched) {
    // The example of 3.1.9: B is the writable bit, E the line.
    Features const hart;
    constexpr std::uint64_t seip = 1U << 9;
    for (bool const b : {false, true}) {
        for (bool const e : {false, true}) {
            for (bool const t1 : {false, true}) {
                MipState const state{b ? seip : 0, e ? seip : 0};
                EXPECT_EQ((state.read() & seip) != 0, b || e);
                std::uint64_t const operand = t1 ? seip : 0;
                EXPECT_EQ(mip_after(state, CsrOp::Rs, operand, hart, false).software,
                          b || t1 ? seip : 0);
                EXPECT_EQ(mip_after(state, CsrOp::Rw, operand, hart, false).software, operand);
                EXPECT_EQ(mip_after(state, CsrOp::Rc, operand, hart, false).software,
                          b && !t1 ? seip : 0);
            }
        }
    }
}

TEST(ReferenceCsrInterrupts, PendingBitsThatSoftwareOwns) {
    Features hart;
    EXPECT_EQ(mip_after({0, 0x888}, CsrOp::Rw, ~0ULL, hart, false).read(), 0xAAAu);
    EXPECT_EQ(mip_after({0, 0x888}, CsrOp::Rw, 0, hart, false).read(), 0x888u);
    hart.sstc = true;
    EXPECT_EQ(mip_writable(hart, true), 0x202u) << "stimecmp drives STIP";
    EXPECT_EQ(mip_writable(hart, false), 0x222u);
    hart.h = hart.sscofpmf = true;
    EXPECT_EQ(mip_writable(hart, true), 0x2206u);
    EXPECT_EQ(mip_writable(machine_only(), false), 0u);
    EXPECT_TRUE(legal_mip(0x880, 0, 0x880, Features{}, false, false));
    EXPECT_FALSE(legal_mip(0x880, 0, 0, Features{}, false, false)) << "MEIP, MTIP are read-only";
    EXPECT_TRUE(legal_mip(0x200, 0, 0x200, Features{}, false, true)) << "the line still drives it";
    EXPECT_FALSE(legal_mip(0x200, 0, 0x200, Features{}, false, false)) << "latched";
}

TEST(ReferenceCsrAddresses, VectorBaseAndMode) {
    EXPECT_EQ(*canonical(0x305, 0, 0x80000001, Features{}), 0x80000001u);
    EXPECT_EQ(*canonical(0x305, 0, 0x80000002, Features{}), 0x80000000u);
    EXPECT_EQ(*canonical(0x305, 0x1001, 0x80000003, Features{}), 0x80000001u);
    EXPECT_FALSE(*legal(0x305, 0, 2, 2, Features{}));
    EXPECT_FALSE(*legal(0x305, 0, 3, 3, Features{}));
    EXPECT_TRUE(*legal(0x305, 0x40, 0x8000, 0x40, Features{})) << "may be read-only";
}

TEST(ReferenceCsrAddresses, ExceptionPcIsAlignedAndHoldsValidAddresses) {
    Features hart;
    EXPECT_EQ(*canonical(0x341, 0, 0xFFFF, hart), 0xFFFEu);
    EXPECT_FALSE(*legal(0x341, 0, 0xFFFF, 0xFFFF, hart));
    EXPECT_TRUE(*legal(0x341, 0, 0xFFFF, 0xFFFE, hart));
    EXPECT_FALSE(*legal(0x341, 0, 0x1000, 0x2000, hart));
    EXPECT_TRUE(*legal(0x341, 0, 0xFFFFFFC000000000, 0xFFFFFFC000000000, hart));
    EXPECT_FALSE(*legal(0x341, 0, 0xFFFFFFC000000000, 0, hart)) << "valid in Sv39";
    constexpr std::uint64_t invalid = 0x8123000000000000;
    EXPECT_TRUE(*legal(0x341, 0, invalid, invalid, hart));
    EXPECT_TRUE(*legal(0x341, 0, invalid, 0xFF23000000000000, hart)) << "another invalid one";
    EXPECT_FALSE(*legal(0x341, 0, invalid, 0x1000, hart)) << "must not become valid";
    hart.c = false;
    EXPECT_EQ(*canonical(0x341, 0, 0xFFFF, hart), 0xFFFCu);
    EXPECT_FALSE(*legal(0x341, 0, 0xFFFF, 0xFFFE, hart));
}

TEST(ReferenceCsrAddresses, ValidityFollowsTheWidestTranslation) {
    Features hart;
    EXPECT_TRUE(address_valid((1ULL << 56) - 1, hart));
    EXPECT_FALSE(address_valid(1ULL << 56, hart));
    EXPECT_TRUE(address_valid(0xFFFFFFC000000000, hart));
    EXPECT_FALSE(address_valid(0xFFFFFFBFFFFFFFFF, hart));
    hart.va_bits = 48;
    EXPECT_TRUE(address_valid(0xFFFFFFBFFFFFFFFF, hart));
    EXPECT_TRUE(address_valid(0xFFFF800000000000, hart));
    EXPECT_FALSE(address_valid(0xFFFF7FFFFFFFFFFF, hart));
    hart.va_bits = 0;
    EXPECT_FALSE(address_valid(~0ULL, hart));
}

TEST(ReferenceCsrCause, SupportedCausesAreHeldOthersAreOpen) {
    Features hart;
    std::vector<unsigned> exceptions;
    for (unsigned code = 0; code < 64; ++code) {
        if (cause_supported(code, hart)) exceptions.push_back(code);
    }
    EXPECT_EQ(exceptions, (std::vector<unsigned>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15}));
    EXPECT_TRUE(cause_supported((1ULL << 63) | 5, hart));
    EXPECT_FALSE(cause_supported((1ULL << 63) | 6, hart));
    hart.h = true;
    EXPECT_TRUE(cause_supported((1ULL << 63) | 6, hart));
    EXPECT_TRUE(cause_supported(22, hart));
    EXPECT_FALSE(cause_supported(19, hart));
    EXPECT_FALSE(*legal(0x342, 0, 13, 0, hart));
    EXPECT_TRUE(*legal(0x342, 0, 14, 0, hart)) << "WLRL";
}

TEST(ReferenceCsrCounters, TimeCannotBeInhibitedAndUpperHalvesAreZero) {
    EXPECT_EQ(*canonical(0x306, 0, ~0ULL, Features{}), 0xFFFFFFFFu);
    EXPECT_EQ(*canonical(0x320, 0, ~0ULL, Features{}), 0xFFFFFFFDu);
    EXPECT_EQ(*canonical(0x306, 0, ~0ULL, u74()), 0x1Fu);
    EXPECT_FALSE(*legal(0x320, 0, ~0ULL, 2, Features{}));
    EXPECT_FALSE(*legal(0x306, 0, ~0ULL, 1ULL << 32, Features{}));
    EXPECT_TRUE(*legal(0x306, 0, ~0ULL, 0, Features{})) << "all may be read-only zero";
    EXPECT_FALSE(legal(0x306, 0, 0, 0, machine_only()).has_value()) << "no U-mode, no register";
}

TEST(ReferenceCsrEnvironment, BitsComeWithTheirExtensions) {
    EXPECT_EQ(*canonical(0x30A, 0, ~0ULL, Features{}), 1u);
    EXPECT_EQ(*canonical(0x30A, 0, ~0ULL, everything()), 0xE0000000000000F1u);
    Features const hart = everything();
    EXPECT_EQ(*canonical(0x30A, 0x10, 0x20, hart), 0x10u) << "CBIE = 2 is reserved";
    EXPECT_FALSE(*legal(0x30A, 0, 0x20, 0x20, hart));
    EXPECT_TRUE(*legal(0x30A, 0, 0x20, 0x30, hart));
    EXPECT_FALSE(*legal(0x30A, 0, 0x10, 0x00, hart));
    EXPECT_FALSE(*legal(0x30A, 0, 1ULL << 63, 0, hart)) << "STCE must be settable";
    EXPECT_FALSE(*legal(0x30A, 0, 1ULL << 63, 1ULL << 63, Features{})) << "no Sstc";
}

TEST(ReferenceCsrPmp, ConfigurationBytes) {
    EXPECT_EQ(canonical_pmpcfg_byte(0x00, 0xFF, 0), 0x9F) << "bits 6:5 are zero";
    EXPECT_EQ(canonical_pmpcfg_byte(0x00, 0x1A, 0), 0x18) << "write without read";
    EXPECT_EQ(canonical_pmpcfg_byte(0x05, 0x1E, 0), 0x1D) << "keeps the old RWX";
    EXPECT_EQ(canonical_pmpcfg_byte(0x99, 0x00, 0), 0x99) << "locked";
    EXPECT_EQ(canonical_pmpcfg_byte(0x08, 0x13, 10), 0x0B) << "no NA4 with a coarse grain";
    EXPECT_FALSE(legal_pmpcfg_byte(0, 0x02, 0x02, 0));
    EXPECT_TRUE(legal_pmpcfg_byte(0, 0x1A, 0x1F, 0)) << "any legal RWX";
    EXPECT_FALSE(legal_pmpcfg_byte(0, 0x1A, 0x07, 0)) << "A is a field of its own";
    EXPECT_FALSE(legal_pmpcfg_byte(0x80, 0x1F, 0x1F, 0)) << "locked although OFF";
}

TEST(ReferenceCsrPmp, EntriesThatAreNotThereReadZero) {
    Features const hart = u74();
    EXPECT_EQ(*canonical(0x3A0, 0, 0x0F0F0F0F0F0F0F0F, hart), 0x0F0F0F0F0F0F0F0Fu);
    EXPECT_EQ(*canonical(0x3A2, 0, ~0ULL, hart), 0u);
    EXPECT_FALSE(*legal(0x3A2, 0, 0x0F, 0x0F, hart));
    EXPECT_EQ(*canonical(0x3B8, 0, ~0ULL, hart), 0u);
    Features half = hart;
    half.pmp_entries = 4;
    EXPECT_EQ(*canonical(0x3A0, 0, 0x0F0F0F0F0F0F0F0F, half), 0x0F0F0F0Fu);
    EXPECT_FALSE(legal(0x3A1, 0, 0, 0, hart).has_value()) << "odd registers do not exist";
}

TEST(ReferenceCsrPmp, AddressRegisters) {
    Features hart;
    EXPECT_EQ(*canonical(0x3B0, 0, ~0ULL, hart), (1ULL << 54) - 1);
    EXPECT_EQ(canonical_pmpaddr(0, 5, 9, 0x80, 0, hart), 5u) << "locked";
    EXPECT_EQ(canonical_pmpaddr(0, 5, 9, 0, 0x88, hart), 5u) << "bound of a locked TOR";
    EXPECT_EQ(canonical_pmpaddr(0, 5, 9, 0, 0x98, hart), 9u) << "locked NAPOT above";
    EXPECT_EQ(canonical_pmpaddr(0, 5, 9, 0, 0x08, hart), 9u) << "unlocked TOR above";
    EXPECT_FALSE(*legal(0x3B0, 0, ~0ULL, ~0ULL, hart)) << "bits 63:54 are zero";
    EXPECT_TRUE(*legal(0x3B0, 0, ~0ULL, (1ULL << 38) - 1, hart)) << "40-bit physical addresses";
    EXPECT_FALSE(*legal(0x3B0, 0, 0x123, 0x122, hart));
    hart.pmp_grain = 10;
    EXPECT_EQ(*canonical(0x3B0, 0, ~0ULL, hart), ((1ULL << 54) - 1) & ~0x3FFULL);
}

TEST(ReferenceCsrIdentity, ReadOnlyRegistersKeepTheirValue) {
    Features const hart;
    for (unsigned const csr : {0xF11u, 0xF12u, 0xF13u, 0xF14u, 0xF15u}) {
        EXPECT_EQ(*canonical(csr, 0x48, ~0ULL, hart), 0x48u);
        EXPECT_TRUE(*legal(csr, 0x48, ~0ULL, 0x48, hart));
        EXPECT_FALSE(*legal(csr, 0x48, ~0ULL, 0x49, hart));
    }
    EXPECT_FALSE(*legal(0xF11, 1ULL << 32, 0, 1ULL << 32, hart)) << "mvendorid has 32 bits";
    EXPECT_FALSE(*legal(0xF15, 0x44, 0, 0x44, hart)) << "mconfigptr is aligned to 8 bytes";
}

TEST(ReferenceCsrIdentity, MisaAgreesWithTheFeaturesAndItself) {
    constexpr std::uint64_t imafdcsu = 0x800000000014112D; // RV64, letters A C D F I M S U
    Features hart;
    EXPECT_TRUE(misa_value_legal(imafdcsu, hart));
    EXPECT_TRUE(misa_value_legal(0, hart));
    EXPECT_FALSE(misa_value_legal(imafdcsu & ~(1ULL << 63), hart)) << "MXL";
    EXPECT_FALSE(misa_value_legal(imafdcsu | (1ULL << 4), hart)) << "E and I";
    EXPECT_FALSE(misa_value_legal(imafdcsu & ~(1ULL << 20), hart)) << "S without U";
    EXPECT_FALSE(misa_value_legal(imafdcsu & ~(1ULL << 5), hart)) << "D without F";
    EXPECT_FALSE(misa_value_legal(imafdcsu | (1ULL << 7), hart)) << "H not offered";
    EXPECT_FALSE(misa_value_legal(imafdcsu | (1ULL << 19), hart)) << "reserved letter";
    EXPECT_FALSE(misa_value_legal(imafdcsu | (1ULL << 40), hart)) << "reserved bit";
    EXPECT_FALSE(*legal(0x301, imafdcsu, 0, imafdcsu & ~4ULL, hart)) << "read-only here";
}

TEST(ReferenceCsrViews, SupervisorSeesWhatIsDelegated) {
    Features hart;
    EXPECT_EQ(sstatus_view, 0x80000003000DE762u);
    EXPECT_EQ(sie_view(0x222, hart), 0x222u);
    EXPECT_EQ(sie_view(0x1666, everything()), 0x222u) << "VS bits are in hie";
    EXPECT_EQ(sip_writable(0x222, hart), 0x2u);
    EXPECT_EQ(sip_writable(0x220, hart), 0u);
    EXPECT_EQ(sip_writable(0x2222, everything()), 0x2002u);
}

/// The registers whose contents the model knows.
std::vector<unsigned> modelled(Features const& hart) {
    std::vector<unsigned> found;
    for (unsigned csr = 0; csr < 4096; ++csr) {
        if (legal(csr, 0, 0, 0, hart)) found.push_back(csr);
    }
    return found;
}

TEST(ReferenceCsrModel, CanonicalIsLegalAndStableForEveryRegister) {
    std::mt19937_64 random{20211203};
    for (Features const& hart : {Features{}, everything(), machine_only(), u74()}) {
        for (unsigned const csr : modelled(hart)) {
            std::uint64_t value = csr == 0x301 ? 0 : *canonical(csr, 0, 0, hart);
            for (unsigned i = 0; i < 400; ++i) {
                std::uint64_t const asked = i < 64 ? 1ULL << i : i == 64 ? ~0ULL : random();
                std::uint64_t const next = *canonical(csr, value, asked, hart);
                EXPECT_TRUE(*legal(csr, value, asked, next, hart))
                    << std::hex << csr << " " << value << " " << asked << " " << next;
                EXPECT_EQ(*canonical(csr, next, next, hart), next) << std::hex << csr;
                value = next;
            }
        }
    }
}

TEST(ReferenceCsrModel, KnowsTheRegistersThatItClaims) {
    // 19 single registers, 8 even pmpcfg, 64 pmpaddr.
    EXPECT_EQ(modelled(everything()).size(), 19u + 8u + 64u);
    EXPECT_EQ(modelled(machine_only()).size(), 14u);
}

TEST(ReferenceCsrModel, EveryModelledRegisterRefusesSomeReadBack) {
    // An oracle that allows everything asserts nothing: for each register some answer is illegal.
    Features const hart = everything();
    for (unsigned const csr : modelled(hart)) {
        bool refused = false;
        for (unsigned bit = 0; bit < 64 && !refused; ++bit) {
            std::uint64_t const good = *canonical(csr, 0, 11, hart);
            refused = !*legal(csr, 0, 11, good ^ (1ULL << bit), hart);
        }
        EXPECT_TRUE(refused) << std::hex << csr;
    }
}

} // namespace
