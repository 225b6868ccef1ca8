// SPDX-License-Identifier: Apache-2.0
/// Vectors for the walk model, one stage: shapes of addresses and tables. Page tables by hand,
/// answers by hand from the sections cited of Priv. 1.12. Written by someone who has not seen src/.
#include "walk_memory.hpp"

#include <gtest/gtest.h>

#include <array>

namespace {

using namespace plinth::reference;

constexpr Use every_use[] = {Use::Fetch, Use::Load, Use::Store, Use::Amo, Use::LoadExecutable};

/// A virtual address of Sv57 with vpn 0a1, 0b2, 0c3, 1d4, 0e5 from the root down and offset 678
/// (figure of 4.6.1), and what follows for tables at 0x80000000 + level * 0x1000.
constexpr std::uint64_t deep_va = 0xa15930fa8e5678;
struct Level {
    std::uint64_t va;       ///< the part of deep_va that a root at this level translates
    std::uint64_t pte_at;   ///< table + vpn * 8
    std::uint64_t size;     ///< of a page whose leaf is here
    std::uint64_t page;     ///< physical address of that size's alignment
    std::uint64_t expected; ///< page + the part of deep_va below the size
};
constexpr std::array<Level, 5> deep{
    {{0, 0x80000728, 0x1000, 0xfedcba98765000, 0xfedcba98765678},
     {0, 0x80001ea0, 0x200000, 0xfedcba98600000, 0xfedcba986e5678},
     {0x30fa8e5678, 0x80002618, 0x40000000, 0xfedcba80000000, 0xfedcbaba8e5678},
     {0x5930fa8e5678, 0x80003590, 0x8000000000, 0xfedc8000000000, 0xfedcb0fa8e5678},
     {0xa15930fa8e5678, 0x80004508, 0x1000000000000, 0xfe000000000000, 0xfe5930fa8e5678}}};

/// Table of a level, and satp with that table as root: Sv39 has 3 levels, Sv48 4, Sv57 5.
constexpr std::uint64_t table(unsigned level) { return 0x80000000 + level * 0x1000; }
Translation rooted_at(unsigned level) { return {.satp = atp(level + 6, table(level))}; }

/// Pointers from each level to the next, all of them valid.
Memory pointers() {
    Memory memory;
    for (unsigned level = 1; level < 5; ++level) {
        memory.words[deep[level].pte_at] = pte(table(level - 1), bit::v);
    }
    return memory;
}

/// PTE reads from the root level down to a leaf.
std::vector<Touched> path(unsigned root, unsigned leaf) {
    std::vector<Touched> touched;
    for (unsigned level = root + 1; level-- > leaf;) touched.push_back(reads(deep[level].pte_at));
    return touched;
}

// 4.1.11: with MODE = Bare the addresses are equal and there is no protection; 4.1.1.2: SUM and MXR
// have no effect.
TEST(WalkReference, BareIsTheIdentityForEveryAddressModeAndUse) {
    Memory memory;
    for (Mode const mode : {Mode::U, Mode::S}) {
        for (Use const use : every_use) {
            for (std::uint64_t const va : {0ull, 0x80001234ull, 0xdeadbeefcafe0000ull}) {
                Walk const walk = memory.walk({.mode = mode}, va, use, 8);
                EXPECT_EQ(walk.pa, va);
                EXPECT_FALSE(walk.cause);
            }
        }
    }
}

// The final access by kind; HLVX needs execute and read permission at the physical address (8.3.1).
TEST(WalkReference, TheFinalAccessHasTheWidthAndTheKindsOfItsUse) {
    Memory memory;
    auto const finals = [&](Use use) { return memory.walk({}, 0x80000010, use, 4).touched; };
    Touched const x{Touch::Final, Kind::Execute, 0x80000010, 4};
    Touched const r{Touch::Final, Kind::Read, 0x80000010, 4};
    Touched const w{Touch::Final, Kind::Write, 0x80000010, 4};
    EXPECT_EQ(finals(Use::Fetch), std::vector{x});
    EXPECT_EQ(finals(Use::Load), std::vector{r});
    EXPECT_EQ(finals(Use::Store), std::vector{w});
    EXPECT_EQ(finals(Use::Amo), std::vector{w});
    EXPECT_EQ(finals(Use::LoadExecutable), (std::vector{x, r}));
}

// 4.3.2 steps 2, 4 and 8; 4.4.1, 4.5.1, 4.6.1: any level may be a leaf.
TEST(WalkReference, EveryLevelOfEverySchemeMayBeALeaf) {
    for (unsigned root = 2; root < 5; ++root) {
        for (unsigned leaf = 0; leaf <= root; ++leaf) {
            Memory memory = pointers();
            memory.words[deep[leaf].pte_at] = pte(deep[leaf].page, bit::all);
            Walk const walk = memory.walk(rooted_at(root), deep[root].va, Use::Load);
            EXPECT_EQ(walk.pa, deep[leaf].expected) << root << " " << leaf;
            std::vector<Touched> expected = path(root, leaf);
            expected.push_back(loads(deep[leaf].expected));
            EXPECT_EQ(walk.touched, expected) << root << " " << leaf;
        }
    }
}

// 4.3.2 steps 3 and 4: an invalid PTE ends the walk where it is, a pointer at level 0 does too.
TEST(WalkReference, AWalkEndsAtTheFirstInvalidEntry) {
    for (unsigned root = 2; root < 5; ++root) {
        for (unsigned level = 0; level <= root; ++level) {
            Memory memory = pointers();
            memory.words[deep[level].pte_at] = pte(deep[level].page, bit::all & ~bit::v);
            Walk const walk = memory.walk(rooted_at(root), deep[root].va, Use::Store);
            EXPECT_EQ(walk.cause, 15u);
            EXPECT_EQ(walk.touched, path(root, level));
        }
        Memory memory = pointers();
        memory.words[deep[0].pte_at] = pte(0x80005000, bit::v);
        Walk const walk = memory.walk(rooted_at(root), deep[root].va, Use::Fetch);
        EXPECT_EQ(walk.cause, 12u) << "a pointer at level 0";
        EXPECT_EQ(walk.touched, path(root, 0));
    }
}

// 4.4.1, 4.5.1, 4.6.1: the bits above the address are equal to its top bit.
TEST(WalkReference, AddressesThatAreNotSignExtendedFaultWithoutTouchingMemory) {
    struct Row {
        std::uint64_t mode;
        std::uint64_t low_last;   ///< last address of the lower half
        std::uint64_t high_first; ///< first of the upper half
    };
    constexpr Row rows[] = {{sv39, 0x3fffffffff, 0xffffffc000000000},
                            {sv48, 0x7fffffffffff, 0xffff800000000000},
                            {sv57, 0xffffffffffffff, 0xff00000000000000}};
    for (Row const& row : rows) {
        Translation const how{.satp = atp(row.mode, 0x80002000)};
        Memory memory;
        auto const walk = [&](std::uint64_t va) { return memory.walk(how, va, Use::Load); };
        EXPECT_EQ(walk(row.low_last).touched, std::vector{reads(0x80002000 + 255 * 8)});
        EXPECT_EQ(walk(row.high_first).touched, std::vector{reads(0x80002000 + 256 * 8)});
        EXPECT_EQ(walk(UINT64_MAX).touched, std::vector{reads(0x80002000 + 511 * 8)});
        constexpr std::uint64_t bit_63 = bit::n;
        constexpr std::uint64_t bit_57 = std::uint64_t{1} << 57;
        for (std::uint64_t const va : {row.low_last + 1, row.high_first - 1, row.low_last | bit_63,
                                       row.high_first & ~bit_63, bit_57 | 0x123, ~bit_57}) {
            for (Causes const& causes : all_causes) {
                Walk const bad = memory.walk(how, va, causes.use);
                EXPECT_EQ(bad.cause, causes.page) << std::hex << va;
                EXPECT_TRUE(bad.touched.empty()) << std::hex << va;
            }
        }
    }
}

TEST(WalkReference, TheUpperHalfIsTranslatedByTheUpperEntries) {
    Memory memory;
    memory.words[0x80002000 + 511 * 8] = pte(0x40000000, bit::all);
    Translation const how{.satp = atp(sv39, 0x80002000)};
    EXPECT_EQ(memory.load(how, 0xffffffffc0012345), 0x40012345u);
    EXPECT_EQ(memory.load(how, UINT64_MAX), 0x7fffffffu);
}

// 4.1.11: ASID is bits 59:44 of satp and no part of the root's address.
TEST(WalkReference, TheAddressSpaceIdentifierDoesNotMatter) {
    OnePage page{bit::all};
    page.how.satp |= std::uint64_t{0xffff} << 44;
    EXPECT_EQ(page.walk(Use::Load).pa, 0x90000123u);
}

// 4.3.2 step 6: each bit of the PPN below the leaf's level must be zero.
TEST(WalkReference, AMisalignedSuperpageFaultsAtEveryLevel) {
    for (unsigned root = 2; root < 5; ++root) {
        for (unsigned leaf = 1; leaf <= root; ++leaf) {
            for (std::uint64_t bit = 0x1000; bit < 1ull << 56; bit <<= 1) {
                Memory memory = pointers();
                memory.words[deep[leaf].pte_at] = pte(deep[leaf].page ^ bit, bit::all);
                Walk const walk = memory.walk(rooted_at(root), deep[root].va, Use::Load);
                if (bit < deep[leaf].size) {
                    EXPECT_EQ(walk.cause, 13u) << leaf << " " << std::hex << bit;
                    EXPECT_EQ(walk.touched, path(root, leaf));
                } else {
                    EXPECT_EQ(walk.pa, deep[leaf].expected ^ bit) << leaf << " " << bit;
                }
            }
        }
    }
}

// 4.3.1: W without R is reserved; 4.4.1: so are bits 60:54, and without Svnapot and Svpbmt 63 and
// 62:61; of a pointer D, A and U (4.3.1), and N and PBMT even with the extensions (5, 6).
TEST(WalkReference, ReservedBitsFaultInLeavesAndInPointers) {
    struct Row {
        std::uint64_t bits;
        bool leaf;    ///< is it a fault in a leaf
        bool pointer; ///< and in a pointer
    };
    std::vector<Row> rows{{bit::a, false, true},
                          {bit::d, false, true},
                          {bit::u, false, true},
                          {bit::g, false, false},
                          {1 << 8, false, false},
                          {1 << 9, false, false},
                          {bit::n, true, true},
                          {std::uint64_t{1} << 61, true, true},
                          {std::uint64_t{1} << 62, true, true}};
    for (unsigned b = 54; b <= 60; ++b) rows.push_back({std::uint64_t{1} << b, true, true});
    for (unsigned level = 0; level < 5; ++level) {
        for (Row const& row : rows) {
            Memory memory = pointers();
            memory.words[deep[0].pte_at] = pte(deep[0].page, bit::all);
            bool const leaf = level == 0;
            if (leaf) memory.words[deep[0].pte_at] = pte(deep[0].page, bit::v | bit::x | bit::a);
            memory.words[deep[level].pte_at] |= row.bits;
            Translation how = rooted_at(4);
            if (leaf && row.bits == bit::u) how.mode = Mode::U;
            Walk const walk = memory.walk(how, deep_va, Use::Fetch);
            bool const faults = leaf ? row.leaf : row.pointer;
            EXPECT_EQ(walk.cause.has_value(), faults) << level << std::hex << " " << row.bits;
            EXPECT_EQ(walk.pa, faults ? std::nullopt : std::optional{deep[0].expected});
            if (faults) {
                EXPECT_EQ(walk.touched, path(4, level));
            }
        }
    }
}

// 4.3.1 and step 3: W needs R at every level, and the PTE is not taken for a pointer.
TEST(WalkReference, WritableButNotReadableIsReservedAtEveryLevel) {
    for (unsigned level = 0; level < 5; ++level) {
        for (std::uint64_t const bits : {bit::w, bit::w | bit::x}) {
            Memory memory = pointers();
            memory.words[deep[level].pte_at] |= bits | bit::v;
            for (Causes const& causes : all_causes) {
                Walk const walk = memory.walk(rooted_at(4), deep_va, causes.use);
                EXPECT_EQ(walk.cause, causes.page);
                EXPECT_EQ(walk.touched, path(4, level));
            }
        }
    }
}

// Chapter 6: PBMT 1 and 2 are defined in leaves when menvcfg.PBMTE is set, 3 never, in pointers
// none.
TEST(WalkReference, MemoryTypesAreForLeavesAndThreeIsReserved) {
    for (std::uint64_t pbmt = 0; pbmt < 4; ++pbmt) {
        for (bool const pbmte : {false, true}) {
            OnePage page{bit::all | pbmt << 61};
            page.how.menvcfg.pbmte = pbmte;
            bool const good = pbmt == 0 || (pbmte && pbmt < 3);
            EXPECT_EQ(page.walk(Use::Load).pa.has_value(), good) << pbmt << pbmte;
            OnePage pointer{bit::all};
            pointer.how.menvcfg.pbmte = pbmte;
            pointer.memory.words[0x80001000] |= pbmt << 61;
            EXPECT_EQ(pointer.walk(Use::Load).pa.has_value(), pbmt == 0) << pbmt << pbmte;
        }
    }
}

// Chapter 5: with N the low four bits of the PPN must be 1000 and the leaf at level 0;
// those four bits of the page number come from the address.
TEST(WalkReference, ContiguousPagesOf64KiB) {
    for (std::uint64_t low = 0; low < 16; ++low) {
        OnePage page{bit::all};
        page.how.svnapot = true;
        page.memory.words[0x80000000 + 5 * 8] = pte(0x90010000 + low * 0x1000, bit::all | bit::n);
        Walk const walk = page.walk(Use::Load, 0x5123);
        EXPECT_EQ(walk.pa, low == 8 ? std::optional<std::uint64_t>{0x90015123} : std::nullopt)
            << low;
        EXPECT_EQ(walk.cause, low == 8 ? std::nullopt : std::optional<std::uint64_t>{13}) << low;
    }
    OnePage big{bit::all};
    big.how.svnapot = true;
    big.memory.words[0x80001000] = pte(0x90000000, bit::all | bit::n);
    EXPECT_EQ(big.walk(Use::Load).cause, 13u) << "N at level 1, aligned";
    big.memory.words[0x80001000] = pte(0x90008000, bit::all | bit::n);
    EXPECT_EQ(big.walk(Use::Load).cause, 13u) << "N at level 1, four bits 1000";
    big.memory.words[0x80001000] = pte(0x80000000, bit::v | bit::n);
    EXPECT_EQ(big.walk(Use::Load).cause, 13u) << "N in a pointer";
}

// Chapter 5: what is stored back is the PTE itself with A set, its size bits as they were.
TEST(WalkReference, ASettingOfAKeepsTheSizeOfAContiguousRange) {
    OnePage page{bit::v | bit::r | bit::n};
    page.memory.words[0x80000000] |= pte(0x8000, 0);
    page.how.svnapot = true;
    page.how.menvcfg.adue = true;
    EXPECT_EQ(page.walk(Use::Load).pa, 0x90000123u);
    EXPECT_EQ(page.leaf(), pte(0x90008000, bit::v | bit::r | bit::a | bit::n));
}

// 4.3.1 and 4.1.9: accesses that cross a page boundary are translated once for each page.
TEST(WalkReference, SplitGivesOnePieceForEachPage) {
    using Pieces = std::vector<Access>;
    auto const pieces = [](std::uint64_t va, unsigned width) {
        return split({va, width, Use::Store});
    };
    EXPECT_EQ(pieces(0x1ff8, 8), (Pieces{{0x1ff8, 8, Use::Store}}));
    EXPECT_EQ(pieces(0x1fff, 1), (Pieces{{0x1fff, 1, Use::Store}}));
    EXPECT_EQ(pieces(0x1ff9, 8), (Pieces{{0x1ff9, 7, Use::Store}, {0x2000, 1, Use::Store}}));
    EXPECT_EQ(pieces(0x1fff, 8), (Pieces{{0x1fff, 1, Use::Store}, {0x2000, 7, Use::Store}}));
    EXPECT_EQ(split({0xffe, 4, Use::Fetch}),
              (Pieces{{0xffe, 2, Use::Fetch}, {0x1000, 2, Use::Fetch}}));
    EXPECT_EQ(pieces(UINT64_MAX - 2, 4),
              (Pieces{{UINT64_MAX - 2, 3, Use::Store}, {0, 1, Use::Store}}));
    EXPECT_EQ(pieces(0xfff, 0x1002).size(), 3u);
}

} // namespace
