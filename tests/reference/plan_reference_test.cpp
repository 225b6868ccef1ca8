// SPDX-License-Identifier: Apache-2.0
/// Hand-made vectors for the plan model.
/// Written by someone who has not seen src/.
#include "plan_reference.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace {

using namespace plinth::reference;

/// Denied page, then a read-only page, then everything else up to 4 GiB; nothing beyond.
constexpr std::array<Rule, 3> small_plan{{{0x1000, 0x1fff, false, false, false},
                                          {0x2000, 0x2fff, true, false, false},
                                          {0x0, 0xffffffff, true, true, true}}};

TEST(PlanReference, TheFirstRuleOfAByteDecides) {
    EXPECT_TRUE(plan_allows(small_plan, 0xfff, 1, Kind::Write));
    EXPECT_FALSE(plan_allows(small_plan, 0x1000, 1, Kind::Read));
    EXPECT_FALSE(plan_allows(small_plan, 0x1fff, 1, Kind::Execute));
    EXPECT_TRUE(plan_allows(small_plan, 0x2000, 1, Kind::Read));
    EXPECT_FALSE(plan_allows(small_plan, 0x2fff, 1, Kind::Write));
    EXPECT_TRUE(plan_allows(small_plan, 0x3000, 1, Kind::Write));
}

TEST(PlanReference, EveryByteMustBeGranted) {
    EXPECT_TRUE(plan_allows(small_plan, 0xff8, 8, Kind::Read));
    EXPECT_FALSE(plan_allows(small_plan, 0xff9, 8, Kind::Read)) << "the last byte is denied";
    EXPECT_FALSE(plan_allows(small_plan, 0x1ffc, 8, Kind::Read)) << "the first bytes are denied";
    EXPECT_TRUE(plan_allows(small_plan, 0x2ffc, 8, Kind::Read)) << "two rules, both grant";
    EXPECT_FALSE(plan_allows(small_plan, 0x2ffc, 8, Kind::Write)) << "one of two does not grant";
}

TEST(PlanReference, BytesWithoutARuleAreDenied) {
    EXPECT_FALSE(plan_allows({}, 0, 1, Kind::Read));
    EXPECT_TRUE(plan_allows(small_plan, 0xfffffff8, 8, Kind::Read));
    EXPECT_FALSE(plan_allows(small_plan, 0xfffffffc, 8, Kind::Read));
    EXPECT_FALSE(plan_allows(small_plan, 0x100000000, 1, Kind::Read));
}

TEST(PlanReference, TheTopOfTheAddressSpaceDoesNotWrap) {
    std::array<Rule, 1> const all{{{0, UINT64_MAX, true, true, true}}};
    EXPECT_TRUE(plan_allows(all, UINT64_MAX, 1, Kind::Read));
    EXPECT_TRUE(plan_allows(all, UINT64_MAX - 7, 8, Kind::Read));
    EXPECT_FALSE(plan_allows(all, UINT64_MAX - 6, 8, Kind::Read));
    EXPECT_TRUE(straddles(all, UINT64_MAX - 6, 8));
    EXPECT_FALSE(straddles(all, UINT64_MAX - 7, 8));
}

TEST(PlanReference, AnInvertedRuleCoversNothing) {
    std::array<Rule, 1> const inverted{{{0x2000, 0x1fff, true, true, true}}};
    EXPECT_FALSE(first_rule(inverted, 0x2000));
    EXPECT_FALSE(first_rule(inverted, 0x1fff));
}

TEST(PlanReference, StraddlesMeansMoreThanOneFirstRule) {
    EXPECT_FALSE(straddles(small_plan, 0x2ff8, 8));
    EXPECT_TRUE(straddles(small_plan, 0x2ffc, 8));
    EXPECT_TRUE(straddles(small_plan, 0xfffffffc, 8)) << "a rule and none";
    EXPECT_FALSE(straddles(small_plan, 0x100000000, 8)) << "none throughout";
    EXPECT_FALSE(straddles(small_plan, 0x2fff, 1)) << "one byte never does";
}

/// The small plan by hand: off/TOR pairs for the pages, TOR from zero for the rest is entry
/// order 2.
struct Entries {
    std::vector<std::uint8_t> cfg{0x18, 0x18 | 0x01, 0x18 | 0x07};
    std::vector<std::uint64_t> addr{0x5ff, 0x9ff, 0x1fffffff};
};

TEST(PlanReference, AFaithfulLoweringDiffersOnlyWhereAccessesStraddle) {
    Entries const entries;
    unsigned straddling = 0;
    for (unsigned const len : {1u, 2u, 4u, 8u, 16u}) {
        for (std::uint64_t const pa : boundary_addresses(small_plan, len)) {
            for (Kind const kind : {Kind::Read, Kind::Write, Kind::Execute}) {
                Lowering const how = compare(small_plan, entries.cfg, entries.addr, pa, len, kind);
                EXPECT_TRUE(how == Lowering::Faithful || how == Lowering::Straddle) << pa;
                if (how == Lowering::Straddle) ++straddling;
            }
        }
    }
    EXPECT_GT(straddling, 0u) << "reads across 0x3000 straddle two rules that allow";
}

TEST(PlanReference, CompareSeesALooseAndATightLowering) {
    Entries loose;
    loose.cfg[0] |= 0x01;
    EXPECT_EQ(compare(small_plan, loose.cfg, loose.addr, 0x1800, 4, Kind::Read),
              Lowering::TooLoose);
    Entries tight;
    tight.cfg[2] = 0x18 | 0x01;
    EXPECT_EQ(compare(small_plan, tight.cfg, tight.addr, 0x8000, 4, Kind::Write),
              Lowering::TooTight);
    Entries shifted;
    shifted.addr[0] = 0x1bff; // the deny entry one page-pair further up
    bool seen = false;
    for (std::uint64_t const pa : boundary_addresses(small_plan, 1)) {
        seen |=
            compare(small_plan, shifted.cfg, shifted.addr, pa, 1, Kind::Read) == Lowering::TooLoose;
    }
    EXPECT_TRUE(seen) << "the boundary sweep must meet the hole";
}

TEST(PlanReference, BoundaryAddressesCoverBothSidesOfEveryEdge) {
    std::vector<std::uint64_t> const found = boundary_addresses(small_plan, 8);
    for (std::uint64_t const pa :
         {std::uint64_t{0}, std::uint64_t{0xff8}, std::uint64_t{0xfff}, std::uint64_t{0x1000},
          std::uint64_t{0x1fff}, std::uint64_t{0x2000}, std::uint64_t{0x3000},
          std::uint64_t{0xffffffff}, std::uint64_t{0x100000000}, physical_limit - 1}) {
        EXPECT_TRUE(std::binary_search(found.begin(), found.end(), pa)) << pa;
    }
    EXPECT_LT(found.back(), physical_limit);
    EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
}

} // namespace
