// SPDX-License-Identifier: Apache-2.0
/// Windows of plans against the reference: at every place where an answer can change.
#include "plan_truth.hpp"

#include <gtest/gtest.h>

namespace plinth::monitor {
namespace {

void expect_window(Plan const& plan, Truth const& truth, std::uint64_t at) {
    auto const window = plan.window({at});
    auto const& run = truth.run(at);
    ASSERT_EQ(window.range.base().raw, run.base) << std::hex << at;
    ASSERT_EQ(window.range.last(), run.last) << std::hex << at;
    ASSERT_EQ(window.rights, run.rights) << std::hex << at;
}

TEST(Windows, X16_AreTheLongestRunsOfBytesThatOneRuleDecides) {
    Random random{41};
    std::size_t most = 0;
    for (int round = 0; round < 600; ++round) {
        auto const plan = pick_plan(random);
        most = std::max(most, plan.rules().size());
        Truth const truth{plan};
        for (auto const at : truth.places())
            ASSERT_NO_FATAL_FAILURE(expect_window(plan, truth, at));
        for (auto const at : {reference::physical_limit - 1, reference::physical_limit,
                              reference::physical_limit + 4, UINT64_MAX})
            ASSERT_NO_FATAL_FAILURE(expect_window(plan, truth, at));
    }
    EXPECT_GT(most, Plan::capacity - 20);
}

TEST(Windows, X16_APlanAllowsARangeIfItAllowsEachOfItsBytes) {
    Random random{42};
    unsigned yes = 0, no = 0;
    for (int round = 0; round < 300; ++round) {
        auto const plan = pick_plan(random);
        Truth const truth{plan};
        auto const& places = truth.places();
        for (int i = 0; i < 500; ++i) {
            auto const [low, last] = std::minmax(
                places[pick(random, places.size())],
                places[pick(random, 4) == 0 ? pick(random, places.size()) : i % places.size()]);
            auto const asked = pick_rights(random);
            auto wanted = true;
            for (auto const& run : truth.runs())
                wanted = wanted && (run.last < low || run.base > last || run.rights.covers(asked));
            ASSERT_EQ(plan.allows(*PhysRange::between({low}, {last}), asked), wanted)
                << std::hex << low << ".." << last;
            ++(wanted ? yes : no);
        }
    }
    EXPECT_GT(yes, 10'000U);
    EXPECT_GT(no, 10'000U);
}

} // namespace
} // namespace plinth::monitor
