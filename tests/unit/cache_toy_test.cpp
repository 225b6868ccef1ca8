// SPDX-License-Identifier: Apache-2.0
/// Every plan of up to three rules on 64 bytes of memory: its windows, and the cache with one to
/// six entries while every part of it is loaded, upwards and downwards.
///
/// Single bytes are enough here: of an access the lowest-numbered entry that matches any byte must
/// match all (3.7.1), so that what it grants for several it grants for each of them.
#include "plan_truth.hpp"

#include <array>
#include <cstdlib>
#include <gtest/gtest.h>

namespace plinth::monitor {
namespace {

using arch::Rights;
using reference::Kind;

constexpr unsigned words = 16;
constexpr Rights all_rights[] = {
    {}, {true, false, false}, {true, true, false}, {true, false, true}, {true, true, true}};

/// What each word of the space may be used for; those behind it match nothing.
using Words = std::array<Rights, words>;

Words words_of(arch::PmpImage const& image, unsigned limit, bool& outside) {
    Words out{};
    std::array<bool, words> decided{};
    for (unsigned i = 0; i < limit; ++i) {
        auto const region =
            reference::pmp_region({image.cfg.data(), limit}, {image.addr.data(), limit}, i);
        if (region.empty()) continue;
        auto const rights = arch::pmpcfg::rights(image.cfg[i]);
        outside |= region.end > 4 * words && rights != Rights{};
        for (auto word = region.low / 4; word < std::min<std::uint64_t>(words, region.end / 4);
             ++word)
            if (!std::exchange(decided[word], true)) out[word] = rights;
    }
    return out;
}

std::vector<PhysRange> places(unsigned count) {
    std::vector<PhysRange> out;
    for (unsigned first = 0; first < count; ++first)
        for (unsigned end = first + 1; end <= count; ++end)
            out.push_back(phys(4 * first, 4 * (end - first)));
    return out;
}

class ToyCache : public testing::Test {
  protected:
    struct Counts {
        std::uint64_t plans, cached, whole, loads;
    };
    Counts counts{};
    /// Of the plan that is looked at: its rules, and for each word which rule decides.
    std::array<reference::Rule, 3> rules{};
    std::size_t count{0};
    std::array<std::size_t, words> decider{};
    Words granted{};

    void check(Plan const& plan) {
        ++counts.plans;
        count = plan.rules().size();
        for (std::size_t i = 0; i < count; ++i)
            rules[i] = to_reference(plan.rules()[i].range, plan.rules()[i].rights);
        for (unsigned word = 0; word < words; ++word) {
            decider[word] = reference::first_rule(std::span{rules}.first(count), 4 * word)
                                .value_or(std::size(rules));
            auto const none = decider[word] == std::size(rules);
            granted[word] = none ? Rights{} : plan.rules()[decider[word]].rights;
        }
        ASSERT_NO_FATAL_FAILURE(check_windows(plan));
        for (unsigned limit = 1; limit <= 6; ++limit)
            ASSERT_NO_FATAL_FAILURE(check_cache(plan, limit)) << limit << " entries";
    }

    void check_windows(Plan const& plan) {
        for (unsigned first = 0; first < words;) {
            auto end = first + 1;
            while (end < words && decider[end] == decider[first]) ++end;
            auto const open = end == words && decider[first] == std::size(rules);
            auto const last = open ? top_page - 1 : 4 * end - 1;
            for (auto at = 4 * first; at < 4 * end; at += 4) {
                auto const window = plan.window({at});
                ASSERT_EQ(window.range, *PhysRange::between({4 * first}, {last}));
                ASSERT_EQ(window.rights, granted[first]);
            }
            first = end;
        }
    }

    void check_cache(Plan const& plan, unsigned limit) {
        LoweredPlan lowered;
        lowered.make(plan, limit);
        auto outside = false;
        auto const at_first = words_of(lowered.image(), limit, outside);
        ASSERT_FALSE(outside);
        ASSERT_EQ(at_first, lowered.cached() ? Words{} : granted);
        ++(lowered.cached() ? counts.cached : counts.whole);
        if (!lowered.cached()) return;
        for (unsigned word = 0; word < words; ++word)
            ASSERT_NO_FATAL_FAILURE(load(lowered, limit, word));
        for (unsigned word = words; word-- > 0;)
            ASSERT_NO_FATAL_FAILURE(load(lowered, limit, word));
    }

    void load(LoweredPlan& lowered, unsigned limit, unsigned word) {
        auto const asked = granted[word];
        Needed needed{lowered};
        if (asked == Rights{} || lowered.find({4 * word}) != nullptr) return;
        ASSERT_TRUE(needed.grants({4 * word}, asked));
        ASSERT_TRUE(lowered.load(needed.blocks.rules()));
        ++counts.loads;
        auto outside = false;
        auto const now = words_of(lowered.image(), limit, outside);
        ASSERT_FALSE(outside);
        ASSERT_EQ(now[word], asked);
        for (unsigned i = 0; i < words; ++i)
            ASSERT_TRUE(now[i] == Rights{} || now[i] == granted[i]) << "word " << i;
    }

    void check_pairs(Plan const& plan, std::span<PhysRange const> where, Rights first,
                     Rights second) {
        for (auto const& a : where) {
            auto one = plan;
            one.add({a, first});
            for (auto const& b : where) {
                auto two = one;
                two.add({b, second});
                ASSERT_NO_FATAL_FAILURE(check(two));
            }
        }
    }
    void check_triples(std::span<PhysRange const> where, std::array<Rights, 3> const& rights) {
        for (auto const& place : where) {
            Plan plan;
            plan.add({place, rights[0]});
            ASSERT_NO_FATAL_FAILURE(check_pairs(plan, where, rights[1], rights[2]));
        }
    }
    void expect_all(std::uint64_t plans) {
        EXPECT_EQ(counts.plans, plans);
        EXPECT_GT(counts.cached, 0U);
        EXPECT_GT(counts.whole, 0U);
        EXPECT_GT(counts.loads, 0U);
    }
};

TEST_F(ToyCache, P1_EveryPlanOfUpToTwoRulesIsNeverTooOpen) {
    auto const where = places(words);
    check({});
    for (auto const& place : where)
        for (auto const rights : all_rights) {
            Plan plan;
            plan.add({place, rights});
            ASSERT_NO_FATAL_FAILURE(check(plan));
        }
    for (auto const first : all_rights)
        for (auto const second : all_rights)
            ASSERT_NO_FATAL_FAILURE(check_pairs({}, where, first, second));
    expect_all(1U + 136 * 5 + 136 * 136 * 25);
}

/// With these rights each word tells which of the rules has decided. By the first rule's place, in
/// four tests that may run at the same time; with PLINTH_FULL in the environment, as in a soak,
/// every place, else every fourth of each test.
class ToyCacheOfThree : public ToyCache, public testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Quarter, ToyCacheOfThree, testing::Range(0U, 4U));

TEST_P(ToyCacheOfThree, P1_EveryPlanOfDifferentRightsIsNeverTooOpen) {
    auto const where = places(words);
    auto const step = std::getenv("PLINTH_FULL") != nullptr ? 4U : 16U;
    for (auto i = GetParam(); i < where.size(); i += step) {
        Plan plan;
        plan.add({where[i], all_rights[1]});
        ASSERT_NO_FATAL_FAILURE(check_pairs(plan, where, all_rights[3], all_rights[2]));
    }
    expect_all((step == 4 ? 34U : 9U) * 136 * 136);
}

/// Every combination of rights, on the first 24 bytes; by the first rule's.
class ToyCacheOf24Bytes : public ToyCache, public testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(First, ToyCacheOf24Bytes, testing::Range(0U, 5U));

TEST_P(ToyCacheOf24Bytes, P1_EveryPlanOfThreeRulesIsNeverTooOpen) {
    auto const where = places(6);
    for (auto const second : all_rights)
        for (auto const third : all_rights)
            ASSERT_NO_FATAL_FAILURE(check_triples(where, {all_rights[GetParam()], second, third}));
    expect_all(21U * 21 * 21 * 25);
}

} // namespace
} // namespace plinth::monitor
