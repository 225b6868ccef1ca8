// SPDX-License-Identifier: Apache-2.0
/// Vectors for the walk model, one stage: rights, A and D, memory that refuses, order of faults.
/// Page tables by hand, answers by hand from the sections cited of Priv. 1.12. Written by someone
/// who has not seen src/.
#include "walk_memory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace {

using namespace plinth::reference;

/// Letters of the uses that a leaf's X, W and R let through (table of 4.3.1 and its paragraphs;
/// 4.1.1.2 for MXR; 8.3.1 for HLVX, "h"): f fetch, l load, s store and AMO. Index: XWR. Zero is
/// a pointer, and 2 and 6 are reserved, so that nothing gets through.
constexpr std::array<std::string_view, 8> plain{"", "l", "", "ls", "fh", "flh", "", "flsh"};
constexpr std::array<std::string_view, 8> with_mxr{"", "l", "", "ls", "flh", "flh", "", "flsh"};

/// The same for U and the mode: whose page, who asks (4.3.1, 4.1.1.2). SUM does nothing in U-mode,
/// and S-mode does not fetch from a user's page whatever SUM says.
struct Owner {
    bool user_page;
    Mode mode;
    bool sum;
    std::string_view uses;
};
constexpr Owner owners[] = {{false, Mode::S, false, "flsh"}, {false, Mode::S, true, "flsh"},
                            {false, Mode::U, false, ""},     {false, Mode::U, true, ""},
                            {true, Mode::U, false, "flsh"},  {true, Mode::U, true, "flsh"},
                            {true, Mode::S, false, ""},      {true, Mode::S, true, "lsh"}};

/// And for A and D without hardware updates, index DA (4.3.1): A for all, D for stores as well.
constexpr std::array<std::string_view, 4> accessed{"", "flh", "", "flsh"};

struct Letter {
    char letter;
    Causes causes;
};
constexpr Letter letters[] = {{'f', all_causes[0]},
                              {'l', all_causes[1]},
                              {'s', all_causes[2]},
                              {'s', all_causes[3]},
                              {'h', all_causes[4]}};

bool has(std::string_view uses, char letter) { return uses.find(letter) != std::string_view::npos; }

/// One cell of the matrix: the answer, that nothing is touched after a fault, and what the leaf is
/// afterwards.
void check_cell(std::uint64_t bits, Owner const& owner, bool mxr, bool adue, Letter const& use) {
    OnePage page{bits};
    page.how.mode = owner.mode;
    page.how.sstatus = {.sum = owner.sum, .mxr = mxr};
    page.how.menvcfg.adue = adue;
    std::uint64_t const before = page.leaf();
    Walk const walk = page.walk(use.causes.use);

    bool const rights = has((mxr ? with_mxr : plain)[bits >> 1 & 7], use.letter);
    bool const permitted = (bits & bit::v) != 0 && rights && has(owner.uses, use.letter);
    bool const current = has(accessed[bits >> 6 & 3], use.letter);
    bool const good = permitted && (current || adue);
    bool const stored = permitted && !current && adue;
    SCOPED_TRACE(testing::Message()
                 << "bits " << bits << " user page " << owner.user_page << " mode "
                 << static_cast<int>(owner.mode) << " sum " << owner.sum << " mxr " << mxr
                 << " adue " << adue << " " << use.letter);
    EXPECT_EQ(walk.pa.has_value(), good);
    EXPECT_EQ(walk.cause, good ? std::nullopt : std::optional{use.causes.page});
    EXPECT_EQ(walk.touched.size(),
              3u + (stored ? 1 : 0) + (good ? (use.letter == 'h' ? 2 : 1) : 0));
    std::uint64_t const set = stored ? (use.letter == 's' ? bit::ad : bit::a) : 0;
    EXPECT_EQ(page.leaf(), before | set);
}

TEST(WalkReference, TheMatrixOfRightsAccessedAndDirtyForEveryUseAndMode) {
    unsigned cells = 0;
    for (std::uint64_t bits = 0; bits < 0x100; ++bits) {
        for (Owner const& owner : owners) {
            if (owner.user_page != ((bits & bit::u) != 0)) continue;
            for (unsigned flags = 0; flags < 4; ++flags) {
                for (Letter const& use : letters) {
                    check_cell(bits, owner, (flags & 1) != 0, (flags & 2) != 0, use);
                    ++cells;
                }
            }
        }
    }
    EXPECT_EQ(cells, 256u * 4 * 4 * 5);
}

// 4.3.2 step 7 and 4.3.1: the update is one read-modify-write after the reads and before the
// access.
TEST(WalkReference, AccessedAndDirtyAreSetInMemoryBeforeTheAccess) {
    OnePage page{bit::v | bit::rwx};
    page.how.menvcfg.adue = true;
    EXPECT_EQ(page.walk(Use::Store).touched,
              (std::vector{reads(0x80002000), reads(0x80001000), reads(0x80000000),
                           updates(0x80000000), stores(0x90000123)}));
    EXPECT_EQ(page.leaf(), pte(0x90000000, bit::v | bit::rwx | bit::ad));
    EXPECT_EQ(page.walk(Use::Store).touched.size(), 4u) << "the second time nothing is to be set";
    EXPECT_EQ(page.memory.words[0x80002000], pte(0x80001000, bit::v)) << "pointers have no A";
}

TEST(WalkReference, WithoutHardwareUpdatesTheNeedForOneIsAPageFault) {
    for (Causes const& causes : all_causes) {
        OnePage page{bit::v | bit::rwx | bit::d};
        Walk const walk = page.walk(causes.use);
        EXPECT_EQ(walk.cause, causes.page);
        EXPECT_EQ(walk.touched,
                  (std::vector{reads(0x80002000), reads(0x80001000), reads(0x80000000)}));
        EXPECT_EQ(page.leaf(), pte(0x90000000, bit::v | bit::rwx | bit::d));
    }
}

// 1.13, 4.3.2: if the PTE is no longer what was read, the walk goes back to step 2 and judges what
// it finds there; it does not start again from the root.
TEST(WalkReference, APteThatChangesMeanwhileIsReadAgain) {
    OnePage page{bit::v | bit::rwx};
    page.how.menvcfg.adue = true;
    page.memory.races[0x80000000] = pte(0xa0000000, bit::v | bit::rwx | bit::a);
    Walk const moved = page.walk(Use::Store);
    EXPECT_EQ(moved.pa, 0xa0000123u);
    EXPECT_EQ(moved.touched, (std::vector{reads(0x80002000), reads(0x80001000), reads(0x80000000),
                                          updates(0x80000000), reads(0x80000000),
                                          updates(0x80000000), stores(0xa0000123)}));
    EXPECT_EQ(page.leaf(), pte(0xa0000000, bit::v | bit::rwx | bit::ad));

    OnePage lost{bit::v | bit::rwx};
    lost.how.menvcfg.adue = true;
    lost.memory.races[0x80000000] = pte(0x90000000, bit::v | bit::r);
    EXPECT_EQ(lost.walk(Use::Store).cause, 15u);
    EXPECT_EQ(lost.leaf(), pte(0x90000000, bit::v | bit::r)) << "A and D of another PTE";
}

// 4.3.2 step 2: a PTE that memory does not give is an access fault of the original kind.
TEST(WalkReference, ATableInDeniedMemoryIsAnAccessFaultOfTheOriginalKind) {
    std::vector const path{reads(0x80002000), reads(0x80001000), reads(0x80000000)};
    for (std::size_t denied = 0; denied < 3; ++denied) {
        for (Causes const& causes : all_causes) {
            OnePage page{bit::v | bit::rwx};
            page.how.menvcfg.adue = true;
            page.memory.unreadable = {path[denied].pa};
            std::vector<Touched> expected(path.begin(), path.begin() + denied);
            expected.push_back(refused(path[denied]));
            Walk const walk = page.walk(causes.use);
            EXPECT_EQ(walk.cause, causes.access);
            EXPECT_FALSE(walk.pa);
            EXPECT_EQ(walk.touched, expected);
            EXPECT_EQ(page.leaf(), pte(0x90000000, bit::v | bit::rwx)) << "A or D changed";
        }
    }
}

TEST(WalkReference, ATableBeyondPhysicalMemoryIsAnAccessFault) {
    Memory memory;
    for (Causes const& causes : all_causes) {
        Walk const walk = memory.walk({.satp = atp(sv39, 0xfffffffffff000)}, 0, causes.use);
        EXPECT_EQ(walk.cause, causes.access) << "the root";
        EXPECT_EQ(walk.touched, std::vector{refused(reads(0xfffffffffff000))});
    }
    OnePage page{bit::all};
    page.memory.words[0x80001000] = pte(0xfffffffffff000, bit::v);
    Walk const walk = page.walk(Use::Load, 0x1ff123);
    EXPECT_EQ(walk.cause, 5u) << "the last word of a table in the last page";
    EXPECT_EQ(walk.touched.back(), refused(reads(0xfffffffffffff8)));
}

// 4.3.2 step 7: a PTE that memory gives but does not take back is an access fault, and unchanged.
TEST(WalkReference, AnUpdateThatMemoryRefusesIsAnAccessFaultAndChangesNothing) {
    for (Causes const& causes : all_causes) {
        OnePage page{bit::v | bit::rwx};
        page.how.menvcfg.adue = true;
        page.memory.unwritable = {0x80000000};
        Walk const walk = page.walk(causes.use);
        EXPECT_EQ(walk.cause, causes.access);
        EXPECT_EQ(walk.touched.back(), refused(updates(0x80000000)));
        EXPECT_EQ(page.leaf(), pte(0x90000000, bit::v | bit::rwx));
    }
    OnePage set{bit::all};
    set.memory.unwritable = {0x80000000, 0x80001000, 0x80002000};
    EXPECT_EQ(set.walk(Use::Store).pa, 0x90000123u) << "nothing to update, nothing to refuse";
}

// 4.3.2: the steps in their order, so that of two faults the earlier step's is reported.
TEST(WalkReference, OfTwoFaultsTheEarlierStepIsReported) {
    OnePage page{bit::v | bit::r};
    page.memory.unwritable = {0x80000000};
    EXPECT_EQ(page.walk(Use::Load).cause, 13u) << "no update is tried without ADUE";
    page.how.menvcfg.adue = true;
    EXPECT_EQ(page.walk(Use::Load).cause, 5u);
    EXPECT_EQ(page.walk(Use::Store).cause, 15u) << "rights (step 5) before A and D (step 7)";
    page.how.mode = Mode::U;
    EXPECT_EQ(page.walk(Use::Load).cause, 13u) << "U (step 5) before A (step 7)";
    page.memory.unreadable = {0x80000000};
    EXPECT_EQ(page.walk(Use::Store).cause, 7u) << "reading (step 2) before rights (step 5)";
    page.memory.words[0x80001000] = pte(0x80000000, 0);
    EXPECT_EQ(page.walk(Use::Store).cause, 15u) << "V a level above before reading the next";
    page.memory.unreadable = {0x80002000};
    EXPECT_EQ(page.walk(Use::Store).cause, 7u) << "and the root before both";
    EXPECT_EQ(page.walk(Use::Store, 1ull << 38).cause, 15u) << "the address before the root";
}

TEST(WalkReference, AMisalignedSuperpageIsNotMarkedAccessed) {
    OnePage page{bit::all};
    page.how.menvcfg.adue = true;
    page.memory.words[0x80001000] = pte(0x90001000, bit::v | bit::rwx);
    EXPECT_EQ(page.walk(Use::Store).cause, 15u);
    EXPECT_EQ(page.memory.words[0x80001000], pte(0x90001000, bit::v | bit::rwx));
}

Walk perform_at(OnePage& page, Use use, std::optional<Kind> denied) {
    return perform(
        page.how, {0x123, 1, use}, [&](std::uint64_t pa) { return page.memory.read(pa); },
        [&](std::uint64_t pa, std::uint64_t old, std::uint64_t wanted) {
            return page.memory.update(pa, old, wanted);
        },
        [&](std::uint64_t pa, unsigned width, Kind kind) {
            EXPECT_EQ(pa, 0x90000123u);
            EXPECT_EQ(width, 1u);
            return kind != denied;
        });
}

// 3.1.15: "with physical address" comes after translation; 4.3.1: A and D may have been set by an
// access that then does not happen. 8.3.1: HLVX needs X and R there and faults as a load.
TEST(WalkReference, ADeniedFinalAccessFaultsAfterAccessedAndDirtyWereSet) {
    constexpr Kind kinds[] = {Kind::Execute, Kind::Read, Kind::Write, Kind::Write, Kind::Execute};
    for (std::size_t k = 0; k < std::size(all_causes); ++k) {
        OnePage page{bit::v | bit::rwx};
        page.how.menvcfg.adue = true;
        Walk const bad = perform_at(page, all_causes[k].use, kinds[k]);
        EXPECT_EQ(bad.cause, all_causes[k].access);
        EXPECT_FALSE(bad.pa);
        EXPECT_NE(page.leaf() & bit::a, 0u);
        bool const last = bad.touched.back().refused;
        EXPECT_EQ(last, all_causes[k].use != Use::LoadExecutable) << "its second kind is granted";
        EXPECT_EQ(perform_at(page, all_causes[k].use, std::nullopt).pa, 0x90000123u);
    }
    OnePage page{bit::all};
    EXPECT_EQ(perform_at(page, Use::LoadExecutable, Kind::Read).cause, 5u);
    OnePage faulting{bit::v | bit::x | bit::ad};
    EXPECT_EQ(perform_at(faulting, Use::Load, Kind::Read).cause, 13u) << "translation first";
}

} // namespace
