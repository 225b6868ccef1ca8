// SPDX-License-Identifier: Apache-2.0
/// Vectors for the walk model, two stages. Page tables by hand, answers by hand from the sections
/// cited of Priv. 1.12. Written by someone who has not seen src/.
#include "walk_guest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace {

using namespace plinth::reference;

// 8.5: every access to a VS-level table goes through the G-stage.
TEST(WalkTwoStageReference, EveryAccessIsListedInItsOrder) {
    Guest guest;
    Walk const walk = guest.walk(Use::Load);
    EXPECT_EQ(walk.pa, 0x90003123u);
    EXPECT_EQ(walk.touched, joined({vs_walk(), g_walk(3), {loads(0x90003123)}}));
    EXPECT_EQ(walk.touched.size(), 16u);
    EXPECT_FALSE(walk.cause || walk.gpa || walk.implicit);
}

// 8.5: either stage alone, and neither; satp does not count.
TEST(WalkTwoStageReference, EitherStageMayBeBare) {
    Guest guest;
    guest.how.satp = atp(sv39, 0xdead000);
    guest.how.vsatp = 0;
    EXPECT_EQ(guest.walk(Use::Load, 0x3abc).touched, joined({g_walk(3), {loads(0x90003abc)}}));
    guest.how.hgatp = 0;
    EXPECT_EQ(guest.walk(Use::Load, 0xfedcba9876543210).pa, 0xfedcba9876543210u);
    guest.how.vsatp = atp(sv39, 0x80022000);
    guest.memory.words[0x80022000] = pte(0x80021000, bit::v);
    guest.memory.words[0x80021000] = pte(0x80020000, bit::v);
    Walk const walk = guest.walk(Use::Load);
    EXPECT_EQ(walk.pa, 0x3123u);
    EXPECT_EQ(walk.touched, (std::vector{reads(0x80022000), reads(0x80021000), reads(0x80020000),
                                         loads(0x3123)}));
}

/// va 0x123 goes to gpa 0x3123 through VS-level tables at gpa 0x10000 and up, and gpa n * 0x1000 to
/// 0x80100000 + n * 0x1000, through as many levels as the modes have: 3 for 8, and so on.
Walk walk_of_schemes(std::uint64_t vs, std::uint64_t g) {
    Memory memory;
    std::uint64_t const vs_last = 0x10000 + (vs - 6) * 0x1000;
    for (std::uint64_t at = 0x10000; at < vs_last; at += 0x1000) {
        memory.words[0x80100000 + at] = pte(at + 0x1000, bit::v);
    }
    memory.words[0x80100000 + vs_last] = pte(0x3000, bit::all);
    std::uint64_t const g_last = 0x80010000 + (g - 6) * 0x4000;
    for (std::uint64_t at = 0x80010000; at < g_last; at += 0x4000) {
        memory.words[at] = pte(at + 0x4000, bit::v);
    }
    for (std::uint64_t n = 0; n < 0x20; ++n) {
        memory.words[g_last + n * 8] = pte(0x80100000 + n * 0x1000, bit::guest_all);
    }
    return memory.walk({.virt = true, .vsatp = atp(vs, 0x10000), .hgatp = atp(g, 0x80010000)},
                       0x123, Use::Load);
}

// 8.5, 8.5.1: any scheme on any scheme; an access to a VS-level table is one walk of the G-stage.
TEST(WalkTwoStageReference, EverySchemeOnEveryScheme) {
    for (std::uint64_t const vs : {sv39, sv48, sv57}) {
        for (std::uint64_t const g : {sv39, sv48, sv57}) {
            Walk const walk = walk_of_schemes(vs, g);
            EXPECT_EQ(walk.pa, 0x80103123u) << vs << " on " << g;
            EXPECT_EQ(walk.touched.size(), (vs - 5) * (g - 5 + 1) + (g - 5) + 1);
        }
    }
}

// 8.5.1: the address has two bits more, the root 2048 entries; any level may be a leaf; 8.2.10:
// PPN[1:0] of hgatp read as zeros, VMID is bits 57:44.
TEST(WalkTwoStageReference, TheRootOfTheGuestStageIsFourTimesAsLarge) {
    struct Row {
        std::uint64_t mode;
        std::uint64_t top; ///< a guest physical address with its two extra bits set
        std::uint64_t pte_at;
        std::uint64_t pa;
    };
    // 0x80010000 + 0x7ff * 8, + 0x600 * 8, + 0x200 * 8; the leaf maps physical address zero.
    constexpr Row rows[] = {{sv39, 0x1ffffffffff, 0x80013ff8, 0x3fffffff},
                            {sv39, 0x18000000123, 0x80013000, 0x123},
                            {sv39, 0x08000000123, 0x80011000, 0x123},
                            {sv48, 0x3ffffffffffff, 0x80013ff8, 0x7fffffffff},
                            {sv48, 0x1000000000123, 0x80011000, 0x123},
                            {sv57, 0x7ffffffffffffff, 0x80013ff8, 0xffffffffffff},
                            {sv57, 0x200000000000123, 0x80011000, 0x123}};
    for (Row const& row : rows) {
        for (std::uint64_t const noise : {std::uint64_t{0}, std::uint64_t{0x3fff} << 44 | 3}) {
            Memory memory;
            memory.words[row.pte_at] = pte(0, bit::guest_all);
            Walk const walk = memory.walk(
                {.virt = true, .hgatp = atp(row.mode, 0x80010000) | noise}, row.top, Use::Load);
            EXPECT_EQ(walk.pa, row.pa) << std::hex << row.top;
            EXPECT_EQ(walk.touched, (std::vector{reads(row.pte_at), loads(row.pa)}));
        }
    }
}

// 8.5.1: only the root is wider. A level below takes nine bits.
TEST(WalkTwoStageReference, OnlyTheRootIsWider) {
    Memory memory;
    memory.words[0x80010000 + 0x7ff * 8] = pte(0x80014000, bit::v);
    memory.words[0x80014000 + 0x1ff * 8] = pte(0x80015000, bit::v);
    memory.words[0x80015000 + 0x1ff * 8] = pte(0x90000000, bit::guest_all);
    Walk const walk =
        memory.walk({.virt = true, .hgatp = atp(sv39, 0x80010000)}, 0x1ffffffffff, Use::Load);
    EXPECT_EQ(walk.pa, 0x90000fffu);
    EXPECT_EQ(walk.touched, (std::vector{reads(0x80013ff8), reads(0x80014ff8), reads(0x80015ff8),
                                         loads(0x90000fff)}));
}

// 8.5.1: bits above the 41, 50 or 59 must be zeros: no sign extension.
TEST(WalkTwoStageReference, GuestPhysicalAddressesAreZeroExtended) {
    struct Row {
        std::uint64_t mode;
        std::uint64_t beyond;
    };
    for (Row const& row : {Row{sv39, 1ull << 41}, Row{sv48, 1ull << 50}, Row{sv57, 1ull << 59}}) {
        Memory memory;
        Translation const how{.virt = true, .hgatp = atp(row.mode, 0x80010000)};
        for (Causes const& causes : all_causes) {
            for (std::uint64_t const gpa :
                 {row.beyond, row.beyond << 1 | 0x123, bit::n, UINT64_MAX, ~(row.beyond - 1)}) {
                Walk const walk = memory.walk(how, gpa, causes.use);
                expect_guest_fault(walk, causes.guest_page, gpa, std::nullopt);
                EXPECT_TRUE(walk.touched.empty());
            }
        }
        EXPECT_EQ(memory.walk(how, row.beyond - 1, Use::Load).touched.size(), 1u) << "the last";
    }
}

// 8.5.1 with 4.4.1: a VS-level PPN of 44 bits may be beyond what Sv39x4 takes, in a pointer and in
// a leaf; the fault has the address of what was wanted there.
TEST(WalkTwoStageReference, ATableOrPageBeyondTheGuestPhysicalSpaceIsAGuestPageFault) {
    Guest pointer;
    pointer.memory.words[0x80021000] = pte(0x20000000000, bit::v);
    Walk walk = pointer.walk(Use::Fetch, 0x5123);
    expect_guest_fault(walk, 20, 0x20000000028, Kind::Read);
    Guest leaf;
    leaf.memory.words[Guest::vs_leaf] = pte(0x20000000000, bit::all);
    expect_guest_fault(leaf.walk(Use::Store), 23, 0x20000000123, std::nullopt);
    Guest root;
    root.how.vsatp = atp(sv39, 0x20000000000);
    walk = root.walk(Use::Load);
    expect_guest_fault(walk, 21, 0x20000000000, Kind::Read);
    EXPECT_TRUE(walk.touched.empty());
}

// 8.5.1: the G-stage takes every access for one of U-mode, in VS-mode too and whatever SUM says.
TEST(WalkTwoStageReference, TheGuestStageWantsUserPages) {
    for (Mode const mode : {Mode::U, Mode::S}) {
        for (unsigned sums = 0; sums < 4; ++sums) {
            for (Causes const& causes : all_causes) {
                std::uint64_t const vs = mode == Mode::U ? bit::all | bit::u : bit::all;
                Guest with{vs};
                Guest without{vs, bit::all};
                for (Guest* guest : {&with, &without}) {
                    guest->how.mode = mode;
                    guest->how.sstatus.sum = (sums & 1) != 0;
                    guest->how.vsstatus.sum = (sums & 2) != 0;
                }
                EXPECT_EQ(with.walk(causes.use).pa, 0x90003123u);
                expect_guest_fault(without.walk(causes.use), causes.guest_page, 0x3123,
                                   std::nullopt);
            }
        }
    }
}

TEST(WalkTwoStageReference, TheGuestStageWantsUserPagesForTablesToo) {
    for (Causes const& causes : all_causes) {
        Guest guest;
        guest.g(1) &= ~bit::u;
        expect_guest_fault(guest.walk(causes.use), causes.guest_page, 0x1000, Kind::Read);
    }
}

// 8.5.1: rights at the G-stage are those of the access; a fault has its exact address (8.5.2).
TEST(WalkTwoStageReference, RightsOfTheGuestStage) {
    struct Row {
        std::uint64_t rights;
        std::array<bool, 5> uses; ///< fetch, load, store, AMO, HLVX
    };
    constexpr Row rows[] = {{bit::r, {false, true, false, false, false}},
                            {bit::r | bit::w, {false, true, true, true, false}},
                            {bit::x, {true, false, false, false, true}},
                            {bit::r | bit::x, {true, true, false, false, true}},
                            {bit::rwx, {true, true, true, true, true}},
                            {bit::w, {}},
                            {bit::w | bit::x, {}},
                            {0, {}}};
    for (Row const& row : rows) {
        for (std::size_t k = 0; k < 5; ++k) {
            Guest guest{bit::all, bit::v | bit::u | bit::ad | row.rights};
            Walk const walk = guest.walk(all_causes[k].use);
            if (row.uses[k]) {
                EXPECT_EQ(walk.pa, 0x90003123u) << row.rights << " " << k;
            } else {
                expect_guest_fault(walk, all_causes[k].guest_page, 0x3123, std::nullopt);
                EXPECT_EQ(walk.touched, joined({vs_walk(), g_walk(3)}));
            }
        }
    }
}

// 8.5 and 8.4.1: vsstatus.MXR is for the VS-stage, sstatus.MXR for both.
TEST(WalkTwoStageReference, WhichMakeExecutableReadableCountsWhere) {
    constexpr std::uint64_t x_only = bit::v | bit::x | bit::ad;
    auto const load = [](std::uint64_t vs, std::uint64_t g, bool hs_mxr, bool vs_mxr) {
        Guest guest{vs, g};
        guest.how.sstatus.mxr = hs_mxr;
        guest.how.vsstatus.mxr = vs_mxr;
        return guest.walk(Use::Load);
    };
    expect_plain_fault(load(x_only, bit::guest_all, false, false), 13);
    EXPECT_TRUE(load(x_only, bit::guest_all, false, true).pa);
    EXPECT_TRUE(load(x_only, bit::guest_all, true, false).pa);
    for (bool const vs_mxr : {false, true}) {
        expect_guest_fault(load(bit::all, x_only | bit::u, false, vs_mxr), 21, 0x3123,
                           std::nullopt);
        EXPECT_TRUE(load(bit::all, x_only | bit::u, true, vs_mxr).pa);
        EXPECT_TRUE(load(x_only, x_only | bit::u, true, vs_mxr).pa);
    }
    Guest one_stage{x_only};
    one_stage.how.virt = false;
    one_stage.how.satp = atp(sv39, 0x80022000);
    one_stage.memory.words[0x80022000] = pte(0x90000000, x_only & ~bit::d);
    one_stage.how.vsstatus.mxr = true;
    EXPECT_EQ(one_stage.walk(Use::Load).cause, 13u) << "not virt: vsstatus does not count";
    one_stage.memory.words[0x80022000] = pte(0x80000000, x_only);
    one_stage.how.sstatus.mxr = true;
    EXPECT_EQ(one_stage.walk(Use::Load).pa, 0x80000123u);
}

// 8.2.11 and 8.5: of VS-mode's accesses vsstatus.SUM decides.
TEST(WalkTwoStageReference, OnlyTheGuestsOwnSumCounts) {
    for (bool const hs_sum : {false, true}) {
        for (bool const vs_sum : {false, true}) {
            Guest guest{bit::all | bit::u};
            guest.how.sstatus.sum = hs_sum;
            guest.how.vsstatus.sum = vs_sum;
            EXPECT_EQ(guest.walk(Use::Store).pa.has_value(), vs_sum) << hs_sum;
            expect_plain_fault(guest.walk(Use::Fetch), 12);
        }
    }
}

} // namespace
