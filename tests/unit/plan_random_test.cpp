// SPDX-License-Identifier: Apache-2.0
/// Plans of up to as many rules as a plan can hold, at every place where an answer can change,
/// against the references.
#include "plan_access.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace plinth::monitor {
namespace {

using arch::Rights;
using reference::Kind;
using reference::Lowering;

using Random = std::mt19937_64;
constexpr std::uint64_t limit = reference::physical_limit;

std::uint64_t pick(Random& random, std::uint64_t below) { return random() % below; }

Rights pick_rights(Random& random) {
    constexpr Rights all[] = {{},
                              {true, false, false},
                              {true, true, false},
                              {false, false, true},
                              {true, false, true},
                              {true, true, true}};
    return all[pick(random, std::size(all))];
}

/// Sizes from one word to 2^45 bytes.
std::uint64_t any_size(Random& random) {
    auto const power = 4ULL << pick(random, 44);
    return pick(random, 2) == 0 ? power : std::max<std::uint64_t>(4, random() % power & ~3ULL);
}

/// A range that has to do with those before it: anywhere, behind or before one, across its edge,
/// inside it, around it, at zero, at the top of physical memory.
PhysRange pick_range(Random& random, std::vector<PhysRange> const& others) {
    auto const other =
        others.empty() ? phys(0x8000'0000, 0x10'0000) : others[pick(random, others.size())];
    auto const low = other.base().raw, end = other.last() + 1, size = any_size(random);
    std::uint64_t base = 0;
    switch (pick(random, 9)) {
    case 0: base = pick(random, limit); break;
    case 1: base = end; break;
    case 2: base = low - std::min(low, size); break;
    case 3: base = end - std::min(end, size / 2); break;
    case 4: base = low + pick(random, end - low); break;
    case 5: return phys(low, std::min(size, end - low));
    case 6: base = low & ~(std::bit_ceil(size) - 1); break; // NAPOT-shaped if the size is
    case 7: base = 0; break;
    case 8: base = limit - size; break;
    }
    base = std::min<std::uint64_t>(base & ~3ULL, limit - 4);
    return phys(base, std::min<std::uint64_t>(size, limit - base));
}

/// Half of the plans are what the monitor makes: holes in any order, then a few windows around.
Plan random_plan(Random& random) {
    constexpr unsigned sizes[] = {2, 4, 7, 12, 24, Plan::capacity};
    auto const count = 1 + pick(random, sizes[pick(random, std::size(sizes))]);
    auto const holes =
        pick(random, 2) == 0 ? 0 : count - pick(random, std::min<std::uint64_t>(count, 4));
    std::vector<PhysRange> ranges;
    for (unsigned i = 0; i < count; ++i) ranges.push_back(pick_range(random, ranges));
    std::shuffle(ranges.begin(), ranges.end(), random);
    Plan plan;
    for (unsigned i = 0; i < count; ++i)
        plan.add({ranges[i], i < holes ? Rights{} : pick_rights(random)});
    if (holes != 0 && plan.rules().size() < Plan::capacity)
        plan.add({phys(0, limit), arch::rights_rwx});
    return plan;
}

/// First bytes of accesses around every edge of every rule and of physical memory.
std::vector<std::uint64_t> places(Rules const& rules) {
    std::vector<std::uint64_t> edges{0, limit}, out;
    for (auto const& rule : rules) {
        edges.push_back(rule.base);
        edges.push_back(rule.last + 1);
    }
    for (auto const edge : edges)
        for (std::uint64_t const offset : {0, 1, 2, 3, 4, 7, 8}) {
            if (edge + offset < limit) out.push_back(edge + offset);
            if (edge >= offset) out.push_back(edge - offset);
        }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    std::erase(out, limit);
    return out;
}

class RandomPlans : public testing::TestWithParam<unsigned> {
  protected:
    unsigned seen[4]{};

    void check(Plan const& plan) {
        auto const rules = rules_of(plan);
        auto const [image, complete] = lower(plan.rules(), GetParam());
        auto const needed = entries_today(neighbours_joined(rules));
        ASSERT_EQ(complete, needed && *needed <= GetParam());
        ASSERT_LE(image.used, GetParam());
        for (auto const at : places(rules))
            for (auto const width : access_widths)
                for (auto const kind : access_kinds) {
                    auto const how =
                        reference::compare(rules, {image.cfg.data(), GetParam()},
                                           {image.addr.data(), GetParam()}, at, width, kind);
                    ++seen[static_cast<unsigned>(how)];
                    ASSERT_NE(how, Lowering::TooLoose) << std::hex << at << " " << width;
                    ASSERT_FALSE(complete && how == Lowering::TooTight)
                        << std::hex << at << " " << width;
                }
    }
};
INSTANTIATE_TEST_SUITE_P(Entries, RandomPlans, testing::Values(6U, 8U, 16U));

TEST_P(RandomPlans, X16_OfUpToTheMostRulesAreNeverTooOpenAndFaithfulWhenComplete) {
    Random random{GetParam()};
    unsigned complete = 0, incomplete = 0;
    std::size_t most = 0;
    for (int round = 0; round < 2000; ++round) {
        auto const plan = random_plan(random);
        ++(lower(plan.rules(), GetParam()).complete ? complete : incomplete);
        most = std::max(most, plan.rules().size());
        check(plan);
        if (HasFatalFailure()) return;
    }
    EXPECT_GT(complete, 400U);
    EXPECT_GT(incomplete, 400U);
    EXPECT_GT(most, Plan::capacity - 10U);
    // An access that spans two rules which both grant fails on hardware: it has to be split.
    EXPECT_GT(seen[static_cast<unsigned>(Lowering::Straddle)], 0U);
}

} // namespace
} // namespace plinth::monitor
