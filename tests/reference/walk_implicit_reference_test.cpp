// SPDX-License-Identifier: Apache-2.0
/// Vectors for the walk model, two stages: accesses to VS-level tables, A and D of both stages,
/// memory that refuses, order of faults. Page tables by hand, answers by hand from the sections
/// cited of Priv. 1.12. Written by someone who has not seen src/.
#include "walk_guest.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace plinth::reference;

constexpr std::uint64_t vs_fresh = bit::v | bit::rwx;         ///< neither A nor D
constexpr std::uint64_t g_fresh = bit::v | bit::rwx | bit::u; ///< the same of the G-stage
constexpr std::uint64_t pbmt_nc = std::uint64_t{1} << 61;

// 8.5.1: tables are read as by a load, whatever the access is; the fault is that of the access. No
// MXR helps (1.13, 8.5: explicit loads).
TEST(WalkTwoStageReference, TablesMustBeReadableForEveryUse) {
    for (Causes const& causes : all_causes) {
        for (unsigned flags = 0; flags < 4; ++flags) {
            Guest guest;
            guest.how.sstatus.mxr = (flags & 1) != 0;
            guest.how.vsstatus.mxr = (flags & 2) != 0;
            guest.g(1) = pte(0x80021000, bit::v | bit::x | bit::u | bit::ad);
            Walk const walk = guest.walk(causes.use);
            expect_guest_fault(walk, causes.guest_page, 0x1000, Kind::Read);
            EXPECT_EQ(walk.touched, joined({g_walk(2), {reads(0x80022000)}, g_walk(1)}));
        }
    }
}

TEST(WalkTwoStageReference, TablesNeedNeitherWriteNorExecute) {
    for (Causes const& causes : all_causes) {
        Guest guest;
        for (std::uint64_t n = 0; n < 3; ++n) guest.g(n) &= ~(bit::w | bit::x | bit::d);
        EXPECT_EQ(guest.walk(causes.use).pa, 0x90003123u);
    }
}

// 8.2.8 and 8.4.4: the guest physical address is that of the PTE, low bits included. The virtual
// address has vpn 1, 2 and 3, which are at 0x2008, 0x1010 and 0x0018.
TEST(WalkTwoStageReference, AFaultOfATableNamesTheEntryThatWasWanted) {
    constexpr std::uint64_t va = 0x40403abc;
    constexpr std::uint64_t entries[] = {0x18, 0x1010, 0x2008};
    for (std::uint64_t n = 0; n < 3; ++n) {
        for (Causes const& causes : all_causes) {
            Guest guest;
            guest.memory.words[0x80022008] = pte(0x1000, bit::v);
            guest.memory.words[0x80021010] = pte(0x0000, bit::v);
            guest.memory.words[0x80020018] = pte(0x3000, bit::all);
            EXPECT_EQ(guest.walk(causes.use, va).pa, 0x90003abcu);
            guest.g(n) = 0;
            expect_guest_fault(guest.walk(causes.use, va), causes.guest_page, entries[n],
                               Kind::Read);
        }
    }
}

// 8.5.1: setting A or D in a VS-level PTE is a store for the G-stage.
TEST(WalkTwoStageReference, AnUpdateOfAVsLevelEntryIsTranslatedAsAStore) {
    for (Causes const& causes : all_causes) {
        Guest guest{vs_fresh};
        guest.hardware_updates();
        guest.g(0) &= ~bit::w;
        Walk const walk = guest.walk(causes.use);
        expect_guest_fault(walk, causes.guest_page, 0x0000, Kind::Write);
        EXPECT_EQ(walk.touched, joined({vs_walk(), g_walk(0)}));
        EXPECT_EQ(guest.vs(), pte(0x3000, vs_fresh));
        EXPECT_EQ(guest.g(0), pte(0x80020000, bit::guest_all & ~bit::w));
    }
}

// The same with everything to set: A of the page of the tables by the reads, its D by the update of
// the VS-level PTE, A and D of the page by the access; 4.3.1: each before the access that needs it.
TEST(WalkTwoStageReference, BothStagesSetAccessedAndDirtyInTheirOrder) {
    Guest guest{vs_fresh, g_fresh};
    guest.hardware_updates();
    for (std::uint64_t n = 0; n < 3; ++n) guest.g(n) = pte(0x80020000 + n * 0x1000, g_fresh);
    auto const g_at = [](std::uint64_t n) { return updates(0x80015000 + n * 8); };
    EXPECT_EQ(guest.walk(Use::Store).touched, joined({g_walk(2),
                                                      {g_at(2), reads(0x80022000)},
                                                      g_walk(1),
                                                      {g_at(1), reads(0x80021000)},
                                                      g_walk(0),
                                                      {g_at(0), reads(0x80020000)},
                                                      g_walk(0),
                                                      {g_at(0), updates(0x80020000)},
                                                      g_walk(3),
                                                      {g_at(3), stores(0x90003123)}}));
    EXPECT_EQ(guest.vs(), pte(0x3000, vs_fresh | bit::ad));
    EXPECT_EQ(guest.g(0), pte(0x80020000, g_fresh | bit::ad));
    EXPECT_EQ(guest.g(1), pte(0x80021000, g_fresh | bit::a)) << "read only: not D";
    EXPECT_EQ(guest.g(2), pte(0x80022000, g_fresh | bit::a)) << "read only: not D";
    EXPECT_EQ(guest.g(3), pte(0x90003000, g_fresh | bit::ad));
}

TEST(WalkTwoStageReference, ALoadDirtiesThePageOfTheTableButNotItsOwn) {
    Guest guest{vs_fresh, g_fresh};
    guest.hardware_updates();
    guest.g(0) &= ~bit::d;
    EXPECT_EQ(guest.walk(Use::Load).pa, 0x90003123u);
    EXPECT_EQ(guest.vs(), pte(0x3000, vs_fresh | bit::a));
    EXPECT_EQ(guest.g(0) & bit::d, bit::d);
    EXPECT_EQ(guest.g(3), pte(0x90003000, g_fresh | bit::a));
}

// 3.1.18 and 8.2.5: menvcfg.ADUE is the G-stage's, henvcfg.ADUE the VS-stage's, which is zero when
// menvcfg's is.
TEST(WalkTwoStageReference, WhoseUpdatesAreEnabledByWhichRegister) {
    for (Causes const& causes : all_causes) {
        for (unsigned flags = 0; flags < 4; ++flags) {
            Guest vs_needs{vs_fresh};
            Guest g_needs{bit::all, g_fresh};
            for (Guest* guest : {&vs_needs, &g_needs}) {
                guest->how.menvcfg.adue = (flags & 1) != 0;
                guest->how.henvcfg.adue = (flags & 2) != 0;
            }
            Walk const vs = vs_needs.walk(causes.use);
            EXPECT_EQ(vs.pa.has_value(), flags == 3);
            if (flags != 3) expect_plain_fault(vs, causes.page);
            EXPECT_EQ(vs_needs.vs() == pte(0x3000, vs_fresh), flags != 3);
            Walk const g = g_needs.walk(causes.use);
            EXPECT_EQ(g.pa.has_value(), (flags & 1) != 0);
            if ((flags & 1) == 0) {
                expect_guest_fault(g, causes.guest_page, 0x3123, std::nullopt);
            }
            EXPECT_EQ(g_needs.g(3) == pte(0x90003000, g_fresh), (flags & 1) == 0);
        }
    }
    Guest tables;
    tables.g(1) &= ~bit::a;
    expect_guest_fault(tables.walk(Use::Store), 23, 0x1000, Kind::Read);
}

// 1.13, 4.3.2: after another hart's change the VS-level PTE is read again, through the G-stage.
TEST(WalkTwoStageReference, AVsLevelEntryThatChangesMeanwhileIsReadAgain) {
    Guest guest{vs_fresh};
    guest.hardware_updates();
    guest.memory.races[Guest::vs_leaf] = pte(0x3000, bit::all);
    EXPECT_EQ(guest.walk(Use::Store).touched, joined({vs_walk(),
                                                      g_walk(0),
                                                      {updates(0x80020000)},
                                                      g_walk(0),
                                                      {reads(0x80020000)},
                                                      g_walk(3),
                                                      {stores(0x90003123)}}));
}

// 4.3.2 step 2 and 8.5.1: a PTE of either stage in denied memory is an access fault of the original
// kind, without a guest physical address, and it ends the walk there.
TEST(WalkTwoStageReference, ATableOfEitherStageInDeniedMemory) {
    std::vector<Touched> const path = joined(
        {vs_walk(), g_walk(0), {updates(0x80020000)}, g_walk(3), {updates(Guest::g_leaf + 3 * 8)}});
    unsigned denials = 0;
    for (Touched const& denied : path) {
        for (Causes const& causes : all_causes) {
            Guest guest{vs_fresh, g_fresh};
            guest.hardware_updates();
            bool const read = denied.what == Touch::PteRead;
            (read ? guest.memory.unreadable : guest.memory.unwritable).insert(denied.pa);
            std::size_t const first = static_cast<std::size_t>(
                std::find(path.begin(), path.end(), denied) - path.begin());
            std::vector<Touched> expected(path.begin(), path.begin() + static_cast<long>(first));
            expected.push_back(refused(denied));
            Walk const walk = guest.walk(causes.use);
            expect_plain_fault(walk, causes.access);
            EXPECT_EQ(walk.touched, expected);
            bool const vs_updated = first > 15; // after the 12 of vs_walk, 3 and the update
            EXPECT_EQ(guest.vs() == pte(0x3000, vs_fresh), !vs_updated);
            EXPECT_EQ(guest.g(3), pte(0x90003000, g_fresh));
            ++denials;
        }
    }
    EXPECT_EQ(denials, 20u * 5);
}

TEST(WalkTwoStageReference, ATableOfEitherStageBeyondPhysicalMemory) {
    for (Causes const& causes : all_causes) {
        Guest guest;
        guest.g(1) = pte(0xfffffffffff000, bit::guest_all);
        expect_plain_fault(guest.walk(causes.use), causes.access);
        Guest own;
        own.how.hgatp = atp(sv39, 0xffffffffffc000);
        expect_plain_fault(own.walk(causes.use), causes.access);
    }
}

// 8.6.1: "first encountered", in the order of the accesses. From the last fault to the first.
TEST(WalkTwoStageReference, OfSeveralFaultsTheFirstEncounteredIsReported) {
    Guest guest{bit::all, 0};
    expect_guest_fault(guest.walk(Use::Store), 23, 0x3123, std::nullopt);
    guest.memory.words[Guest::vs_leaf] = pte(0x3000, vs_fresh);
    expect_plain_fault(guest.walk(Use::Store), 15); // A and D of the VS-stage
    guest.hardware_updates();
    guest.memory.unwritable = {Guest::vs_leaf};
    expect_plain_fault(guest.walk(Use::Store), 7); // the update refused
    guest.g(0) &= ~bit::w;
    expect_guest_fault(guest.walk(Use::Store), 23, 0, Kind::Write); // and not even translated
    guest.memory.words[Guest::vs_leaf] = pte(0x3000, bit::v | bit::r);
    expect_plain_fault(guest.walk(Use::Store), 15); // rights of the VS-stage
    guest.memory.unreadable = {Guest::vs_leaf};
    expect_plain_fault(guest.walk(Use::Store), 7); // the leaf cannot be read
    guest.g(0) = 0;
    expect_guest_fault(guest.walk(Use::Store), 23, 0, Kind::Read); // and is not mapped
    guest.memory.words[0x80021000] = 0;
    expect_plain_fault(guest.walk(Use::Store), 15); // V a level above
    guest.memory.unreadable.insert(Guest::g_leaf + 2 * 8);
    expect_plain_fault(guest.walk(Use::Store), 7);              // the G-stage for the root
    expect_plain_fault(guest.walk(Use::Store, 1ull << 38), 15); // the address itself
}

// 4.3.1: the VS-stage's A and D stay set when the G-stage then faults for the access.
TEST(WalkTwoStageReference, TheVsStageIsDoneBeforeTheGuestStageOfTheAccess) {
    Guest guest{vs_fresh, g_fresh & ~bit::w};
    guest.hardware_updates();
    Walk const walk = guest.walk(Use::Store);
    expect_guest_fault(walk, 23, 0x3123, std::nullopt);
    EXPECT_EQ(walk.touched, joined({vs_walk(), g_walk(0), {updates(0x80020000)}, g_walk(3)}));
    EXPECT_EQ(guest.vs(), pte(0x3000, vs_fresh | bit::ad));
    EXPECT_EQ(guest.g(3), pte(0x90003000, g_fresh & ~bit::w));
}

// Chapter 6, 3.1.18, 8.2.5: menvcfg.PBMTE is for the G-stage, with henvcfg.PBMTE for the VS-stage.
TEST(WalkTwoStageReference, MemoryTypesOfEachStage) {
    for (unsigned flags = 0; flags < 4; ++flags) {
        Guest vs{bit::all | pbmt_nc};
        Guest g{bit::all, bit::guest_all | pbmt_nc};
        for (Guest* guest : {&vs, &g}) {
            guest->how.menvcfg.pbmte = (flags & 1) != 0;
            guest->how.henvcfg.pbmte = (flags & 2) != 0;
        }
        Walk const vs_walked = vs.walk(Use::Load);
        EXPECT_EQ(vs_walked.pa.has_value(), flags == 3);
        if (flags != 3) expect_plain_fault(vs_walked, 13);
        Walk const g_walked = g.walk(Use::Load);
        EXPECT_EQ(g_walked.pa.has_value(), (flags & 1) != 0);
        if ((flags & 1) == 0) expect_guest_fault(g_walked, 21, 0x3123, std::nullopt);
    }
}

// Chapter 5: Svnapot is for the G-stage as well.
TEST(WalkTwoStageReference, ContiguousPagesOfTheGuestStage) {
    Guest guest;
    guest.g(3) = pte(0x90008000, bit::guest_all | bit::n);
    expect_guest_fault(guest.walk(Use::Load), 21, 0x3123, std::nullopt);
    guest.how.svnapot = true;
    EXPECT_EQ(guest.walk(Use::Load).pa, 0x90003123u);
}

// 8.5.1: PTEs have the format of 4.4 and the checks of 4.3.2; G is ignored.
TEST(WalkTwoStageReference, ReservedAndMisalignedEntriesOfTheGuestStage) {
    for (unsigned b = 54; b < 64; ++b) {
        Guest guest{bit::all, bit::guest_all | std::uint64_t{1} << b};
        expect_guest_fault(guest.walk(Use::Fetch), 20, 0x3123, std::nullopt);
    }
    Guest global{bit::all, bit::guest_all | bit::g};
    EXPECT_EQ(global.walk(Use::Load).pa, 0x90003123u);
    for (std::uint64_t const bits : {bit::u, bit::a, bit::d}) {
        Guest guest;
        guest.memory.words[0x80014000] |= bits;
        expect_guest_fault(guest.walk(Use::Load), 21, 0x2000, Kind::Read);
    }
    Guest superpage;
    superpage.how.vsatp = 0;
    superpage.memory.words[0x80014000] = pte(0x90001000, bit::guest_all);
    expect_guest_fault(superpage.walk(Use::Load, 0x3456), 21, 0x3456, std::nullopt);
    superpage.memory.words[0x80014000] = pte(0x90000000, bit::guest_all);
    EXPECT_EQ(superpage.walk(Use::Load, 0x3456).pa, 0x90003456u);
}

} // namespace
