// SPDX-License-Identifier: Apache-2.0
/// Vectors for the PMP model, taken by hand from the text and tables of Priv. 1.12 section 3.7.
/// Written by someone who has not seen src/.
#include "pmp_reference.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace {

using namespace plinth::reference;

constexpr std::uint8_t r_bit = 0x01;
constexpr std::uint8_t w_bit = 0x02;
constexpr std::uint8_t x_bit = 0x04;
constexpr std::uint8_t tor = 0x08;
constexpr std::uint8_t na4 = 0x10;
constexpr std::uint8_t napot = 0x18;
constexpr std::uint8_t lock = 0x80;
constexpr std::uint8_t rwx = r_bit | w_bit | x_bit;
constexpr std::uint64_t all_ones = (std::uint64_t{1} << 54) - 1;

/// A PMP of a few entries and short ways to ask about it.
struct Pmp {
    std::vector<std::uint8_t> cfg;
    std::vector<std::uint64_t> addr;
    unsigned grain = 0;

    bool ask(Mode mode, std::uint64_t pa, unsigned len, Kind kind) const {
        return pmp_allows(cfg, addr, mode, pa, len, kind, grain);
    }
    bool user_reads(std::uint64_t pa, unsigned len = 1) const {
        return ask(Mode::U, pa, len, Kind::Read);
    }
    bool machine_reads(std::uint64_t pa, unsigned len = 1) const {
        return ask(Mode::M, pa, len, Kind::Read);
    }
};

TEST(PmpReference, WithoutEntriesEverythingIsAllowed) {
    Pmp const pmp{{}, {}};
    for (Mode const mode : {Mode::U, Mode::S, Mode::M}) {
        EXPECT_TRUE(pmp.ask(mode, 0, 8, Kind::Read));
        EXPECT_TRUE(pmp.ask(mode, 0x80000000, 4, Kind::Execute));
    }
}

TEST(PmpReference, WithAllEntriesOffOnlyMachineModeHasAccess) {
    Pmp const pmp{{rwx, rwx | lock}, {all_ones, all_ones}};
    EXPECT_FALSE(pmp.ask(Mode::U, 0x1000, 1, Kind::Read));
    EXPECT_FALSE(pmp.ask(Mode::S, 0x1000, 1, Kind::Execute));
    EXPECT_TRUE(pmp.ask(Mode::M, 0x1000, 1, Kind::Write));
}

TEST(PmpReference, Na4CoversExactlyFourBytes) {
    Pmp const pmp{{na4 | r_bit}, {0x1000 >> 2}};
    EXPECT_FALSE(pmp.user_reads(0xfff));
    for (std::uint64_t pa = 0x1000; pa < 0x1004; ++pa) EXPECT_TRUE(pmp.user_reads(pa));
    EXPECT_FALSE(pmp.user_reads(0x1004));
    EXPECT_TRUE(pmp.user_reads(0x1000, 4));
    EXPECT_FALSE(pmp.user_reads(0x1000, 8));
}

TEST(PmpReference, NapotSizeFollowsTheTrailingOnes) {
    // Rows of the NAPOT table: yyy0 is 8 bytes, yy01 16, y011 32, then on to a page and 1 MiB.
    struct Row {
        std::uint64_t addr;
        std::uint64_t base;
        std::uint64_t size;
    };
    constexpr std::array<Row, 5> rows{{{0x20000000, 0x80000000, 8},
                                       {0x20000001, 0x80000000, 16},
                                       {0x20000003, 0x80000000, 32},
                                       {0x200001ff, 0x80000000, 0x1000},
                                       {0x2001ffff, 0x80000000, 0x100000}}};
    for (Row const& row : rows) {
        Pmp const pmp{{napot | r_bit}, {row.addr}};
        EXPECT_FALSE(pmp.user_reads(row.base - 1)) << row.size;
        EXPECT_TRUE(pmp.user_reads(row.base)) << row.size;
        EXPECT_TRUE(pmp.user_reads(row.base + row.size - 1)) << row.size;
        EXPECT_FALSE(pmp.user_reads(row.base + row.size)) << row.size;
    }
}

TEST(PmpReference, AllOnesNapotCoversTheWholePhysicalSpace) {
    Pmp const pmp{{napot | rwx}, {all_ones}};
    EXPECT_TRUE(pmp.user_reads(0, 8));
    EXPECT_TRUE(pmp.user_reads(physical_limit - 8, 8));
    // One trailing one fewer (0111..1) is half of that: 2^56 bytes, still everything from zero.
    Pmp const half{{napot | rwx}, {all_ones >> 1}};
    EXPECT_TRUE(half.user_reads(physical_limit - 1));
    // Two fewer: 2^55 bytes.
    Pmp const quarter{{napot | rwx}, {all_ones >> 2}};
    EXPECT_TRUE(quarter.user_reads((physical_limit >> 1) - 1));
    EXPECT_FALSE(quarter.user_reads(physical_limit >> 1));
    // 10111..1: 2^55 bytes in the upper half.
    Pmp const upper{{napot | rwx}, {(all_ones >> 2) | (std::uint64_t{1} << 53)}};
    EXPECT_FALSE(upper.user_reads((physical_limit >> 1) - 1));
    EXPECT_TRUE(upper.user_reads(physical_limit >> 1));
}

TEST(PmpReference, BitsAboveTheAddressFieldTakeNoPart) {
    Pmp const pmp{{napot | rwx}, {~std::uint64_t{0}}};
    EXPECT_TRUE(pmp.user_reads(physical_limit - 8, 8));
    EXPECT_TRUE(pmp.user_reads(0, 8));
}

TEST(PmpReference, NothingMatchesBeyondThePhysicalSpaceAndNothingWraps) {
    Pmp const pmp{{napot | rwx | lock}, {all_ones}};
    EXPECT_FALSE(pmp.user_reads(physical_limit));
    EXPECT_FALSE(pmp.user_reads(UINT64_MAX));
    EXPECT_FALSE(pmp.user_reads(UINT64_MAX, 8));
    EXPECT_TRUE(pmp.machine_reads(physical_limit));
    EXPECT_FALSE(pmp.machine_reads(physical_limit - 4, 8)) << "partly matched";
    Pmp const low{{na4 | rwx}, {0}};
    EXPECT_FALSE(low.user_reads(UINT64_MAX - 3, 8)) << "an access does not wrap to zero";
    EXPECT_TRUE(low.machine_reads(UINT64_MAX - 3, 8)) << "so it does not match in part either";
}

TEST(PmpReference, TorRunsFromThePreviousAddressWhateverItsMode) {
    for (std::uint8_t const before : {std::uint8_t{0}, na4, napot, tor}) {
        Pmp const pmp{{before, tor | r_bit}, {0x2000 >> 2, 0x3000 >> 2}};
        if (before == 0 || before == tor) {
            EXPECT_FALSE(pmp.user_reads(0x1fff));
        }
        EXPECT_TRUE(pmp.user_reads(0x2ff8, 8));
        EXPECT_FALSE(pmp.user_reads(0x3000));
        EXPECT_TRUE(pmp.user_reads(0x2100, 8)) << "inside, past anything entry 0 matches";
    }
}

TEST(PmpReference, TorOfEntryZeroStartsAtZero) {
    Pmp const pmp{{tor | r_bit}, {0x1000 >> 2}};
    EXPECT_TRUE(pmp.user_reads(0));
    EXPECT_TRUE(pmp.user_reads(0xfff));
    EXPECT_FALSE(pmp.user_reads(0x1000));
    Pmp const empty{{tor | r_bit}, {0}};
    EXPECT_FALSE(empty.user_reads(0));
}

TEST(PmpReference, TorWithBaseNotBelowTopMatchesNothing) {
    Pmp const equal{{0, static_cast<std::uint8_t>(tor | lock)}, {0x2000 >> 2, 0x2000 >> 2}};
    EXPECT_TRUE(equal.machine_reads(0x2000)) << "a match would refuse";
    Pmp const inverted{{0, tor | lock, napot | r_bit}, {0x3000 >> 2, 0x2000 >> 2, all_ones}};
    EXPECT_TRUE(inverted.user_reads(0x2800)) << "falls through to the next entry";
    EXPECT_TRUE(inverted.machine_reads(0x2800));
}

TEST(PmpReference, TorReachesTheLastAddressableWordButNotBeyond) {
    Pmp const pmp{{tor | r_bit}, {all_ones}};
    EXPECT_TRUE(pmp.user_reads(physical_limit - 5));
    EXPECT_FALSE(pmp.user_reads(physical_limit - 4)) << "top is exclusive, bits 55:2 all ones";
}

TEST(PmpReference, TheLowestNumberedMatchDecides) {
    Pmp const pmp{{napot | r_bit, napot | rwx}, {0x200001ff, all_ones}};
    EXPECT_TRUE(pmp.ask(Mode::S, 0x80000010, 4, Kind::Read));
    EXPECT_FALSE(pmp.ask(Mode::S, 0x80000010, 4, Kind::Write));
    EXPECT_TRUE(pmp.ask(Mode::S, 0x80001000, 4, Kind::Write));
    Pmp const swapped{{napot | rwx, napot | r_bit}, {all_ones, 0x200001ff}};
    EXPECT_TRUE(swapped.ask(Mode::S, 0x80000010, 4, Kind::Write));
}

TEST(PmpReference, ThePartlyMatchingEntryOfTheSpecificationFails) {
    // "if a PMP entry is configured to match the four-byte range 0xC-0xF, then an 8-byte access
    // to the range 0x8-0xF will fail" - irrespective of L, R, W and X, and of the mode.
    for (std::uint8_t const flags : {rwx, static_cast<std::uint8_t>(rwx | lock)}) {
        Pmp const pmp{{static_cast<std::uint8_t>(na4 | flags), napot | rwx}, {0xc >> 2, all_ones}};
        EXPECT_FALSE(pmp.user_reads(0x8, 8));
        EXPECT_FALSE(pmp.machine_reads(0x8, 8));
        EXPECT_TRUE(pmp.user_reads(0x8, 4));
        EXPECT_TRUE(pmp.user_reads(0xc, 4));
    }
}

TEST(PmpReference, TwoAdjacentEntriesDoNotAddUp) {
    Pmp const pmp{{napot | rwx, napot | rwx}, {0x200001ff, 0x200005ff}};
    EXPECT_TRUE(pmp.user_reads(0x80000ff8, 8));
    EXPECT_TRUE(pmp.user_reads(0x80001000, 8));
    EXPECT_FALSE(pmp.user_reads(0x80000ffc, 8));
}

TEST(PmpReference, LockSubjectsMachineModeToThePermissions) {
    Pmp const open{{napot | r_bit}, {0x200001ff}};
    EXPECT_TRUE(open.ask(Mode::M, 0x80000000, 8, Kind::Write));
    Pmp const locked{{napot | r_bit | lock}, {0x200001ff}};
    EXPECT_FALSE(locked.ask(Mode::M, 0x80000000, 8, Kind::Write));
    EXPECT_TRUE(locked.ask(Mode::M, 0x80000000, 8, Kind::Read));
    EXPECT_TRUE(locked.ask(Mode::U, 0x80000000, 8, Kind::Read));
    EXPECT_FALSE(locked.ask(Mode::U, 0x80000000, 8, Kind::Write));
}

TEST(PmpReference, EachPermissionBitGrantsItsKindOnly) {
    for (unsigned bits = 0; bits < 8; ++bits) {
        Pmp const pmp{{static_cast<std::uint8_t>(napot | bits)}, {all_ones}};
        for (Mode const mode : {Mode::U, Mode::S}) {
            EXPECT_EQ(pmp.ask(mode, 64, 8, Kind::Read), (bits & 1) != 0) << bits;
            EXPECT_EQ(pmp.ask(mode, 64, 8, Kind::Write), (bits & 2) != 0) << bits;
            EXPECT_EQ(pmp.ask(mode, 64, 8, Kind::Execute), (bits & 4) != 0) << bits;
        }
    }
}

TEST(PmpReference, GrainRoundsTorDownAndFillsNapot) {
    constexpr unsigned page = 10; // 2^(10+2) bytes, the U74's grain
    Pmp const range{{0, tor | r_bit}, {(0x1000 >> 2) + 0x3ff, (0x3000 >> 2) + 0x155}, page};
    EXPECT_FALSE(range.user_reads(0xfff));
    EXPECT_TRUE(range.user_reads(0x1000));
    EXPECT_TRUE(range.user_reads(0x2fff));
    EXPECT_FALSE(range.user_reads(0x3000));
    Pmp const region{{napot | r_bit}, {0x5000 >> 2}, page};
    EXPECT_FALSE(region.user_reads(0x4fff));
    EXPECT_TRUE(region.user_reads(0x5000));
    EXPECT_TRUE(region.user_reads(0x5fff));
    EXPECT_FALSE(region.user_reads(0x6000));
}

TEST(PmpReference, GranularityIsFoundByTheProcedureOfTheSpecification) {
    for (unsigned grain = 0; grain < 20; ++grain) {
        std::uint64_t const read = pmpaddr_reads_as(~std::uint64_t{0}, 0, grain);
        EXPECT_EQ(static_cast<unsigned>(__builtin_ctzll(read)), grain);
        std::uint64_t const as_napot = pmpaddr_reads_as(0, napot, grain);
        EXPECT_EQ(as_napot, grain < 2 ? 0 : (std::uint64_t{1} << (grain - 1)) - 1);
    }
}

TEST(PmpReference, IllegalConfigurationsAreTold) {
    EXPECT_TRUE(pmp_entry_legal(0));
    EXPECT_TRUE(pmp_entry_legal(napot | rwx | lock));
    EXPECT_FALSE(pmp_entry_legal(napot | w_bit));
    EXPECT_FALSE(pmp_entry_legal(w_bit | x_bit));
    EXPECT_FALSE(pmp_entry_legal(0x20));
    EXPECT_FALSE(pmp_entry_legal(0x40));
    EXPECT_TRUE(pmp_entry_legal(na4 | r_bit, 0));
    EXPECT_FALSE(pmp_entry_legal(na4 | r_bit, 1));
    unsigned legal = 0;
    for (unsigned raw = 0; raw < 256; ++raw) {
        if (pmp_entry_legal(static_cast<std::uint8_t>(raw))) ++legal;
    }
    EXPECT_EQ(legal, 2u * 4u * 6u) << "L, A, and six of the eight combinations of RWX";
}

TEST(PmpReference, LockedEntriesIgnoreWritesAndGuardTheirLowerBound) {
    std::array<std::uint8_t, 4> const cfg{0, tor | lock, napot, lock};
    EXPECT_FALSE(pmpcfg_write_ignored(cfg, 0));
    EXPECT_TRUE(pmpcfg_write_ignored(cfg, 1));
    EXPECT_TRUE(pmpcfg_write_ignored(cfg, 3)) << "locked although OFF";
    EXPECT_TRUE(pmpaddr_write_ignored(cfg, 0)) << "lower bound of a locked TOR";
    EXPECT_TRUE(pmpaddr_write_ignored(cfg, 1));
    EXPECT_FALSE(pmpaddr_write_ignored(cfg, 2)) << "the next is locked but not TOR";
    EXPECT_TRUE(pmpaddr_write_ignored(cfg, 3));
}

} // namespace
