// SPDX-License-Identifier: Apache-2.0
/// The PMP as a cache of plans against the references: whatever is loaded in whatever order, the
/// image never allows what the plan denies.
#include "plan_truth.hpp"

#include <gtest/gtest.h>
#include <sstream>

namespace plinth::monitor {
namespace {

using arch::Rights;
using reference::Kind;

constexpr Rights asked_for[] = {{.r = true}, {.w = true}, {.x = true}, {.r = true, .w = true}};

std::vector<Kind> kinds_of(Rights rights) {
    std::vector<Kind> out;
    if (rights.r) out.push_back(Kind::Read);
    if (rights.w) out.push_back(Kind::Write);
    if (rights.x) out.push_back(Kind::Execute);
    return out;
}

/// No byte has more rights than the plan gives it: at each place where plan or image can change,
/// and for wide accesses around these places of the image.
void expect_never_more(Hardware const& hart, Truth const& truth) {
    ASSERT_TRUE(hart.legal());
    auto edges = hart.edges();
    auto points = truth.starts();
    points.insert(points.end(), edges.begin(), edges.end());
    for (auto const at : points)
        for (auto const kind : access_kinds)
            ASSERT_TRUE(!hart.allows(at, 1, kind) || truth.allows(at, 1, kind)) << std::hex << at;
    for (auto const at : Truth::around(edges))
        for (auto const width : access_widths)
            for (auto const kind : access_kinds)
                ASSERT_TRUE(!hart.allows(at, width, kind) || truth.allows(at, width, kind))
                    << std::hex << at << " " << width;
}

std::string text(std::span<Rule const> windows) {
    std::ostringstream out;
    for (auto const& [range, rights] : windows)
        out << std::hex << " " << range.base().raw << ".." << range.last() << ":"
            << int{arch::pmpcfg::of(rights)};
    return out.str();
}

/// One LoweredPlan under load, and what is known of it.
class Cache {
  public:
    struct Seen {
        unsigned loaded{0}, refused{0}, evictions{0}, denied{0}, present{0};
    };
    struct Access {
        std::uint64_t at;
        Rights asked;
    };

    Cache(Plan const& plan, unsigned limit, Seen& seen) : truth_{plan}, limit_{limit}, seen_{seen} {
        lowered_.make(plan, limit);
    }
    LoweredPlan const& lowered() const { return lowered_; }
    Truth const& truth() const { return truth_; }
    Hardware hart() const { return {lowered_.image(), limit_}; }

    /// A plan that fits decides as the plan does; only what touches two runs may be refused.
    void expect_faithful() const {
        auto const image = hart();
        ASSERT_TRUE(image.legal());
        for (auto const at : truth_.places())
            for (auto const width : access_widths)
                for (auto const kind : access_kinds) {
                    auto const granted = truth_.allows(at, width, kind);
                    auto const allowed = image.allows(at, width, kind);
                    ASSERT_TRUE(granted || !allowed) << std::hex << at << " " << width;
                    ASSERT_TRUE(allowed || !granted || truth_.straddles(at, width))
                        << std::hex << at << " " << width;
                }
    }

    /// What an instruction with these accesses brings about.
    void access(std::vector<Access> const& accesses) {
        Needed needed{lowered_};
        ASSERT_NO_FATAL_FAILURE(ask(needed, accesses));
        auto const image = lowered_.image();
        std::vector<Rule> const wanted{needed.blocks.rules().begin(), needed.blocks.rules().end()};
        ASSERT_EQ(lowered_.load(wanted), wanted.size() <= limit_) << text(wanted);
        if (wanted.size() > limit_) {
            ++seen_.refused;
            ASSERT_EQ(lowered_.image(), image);
            for (auto const& [old, when] : uses_) ASSERT_TRUE(in_use(old.range));
            return;
        }
        ++seen_.loaded;
        ASSERT_NO_FATAL_FAILURE(expect_loaded(accesses, wanted));
        ASSERT_NO_FATAL_FAILURE(expect_never_more(hart(), truth_));
        ASSERT_NO_FATAL_FAILURE(expect_most_recent(wanted));
    }

  private:
    void ask(Needed& needed, std::vector<Access> const& accesses) {
        auto missing = false;
        for (auto const& [at, asked] : accesses) {
            auto const granted = truth_.run(at).rights.covers(asked);
            ASSERT_EQ(needed.grants({at}, asked), granted) << std::hex << at;
            missing |= granted && lowered_.find({at}) == nullptr;
            seen_.denied += granted ? 0 : 1;
        }
        ASSERT_EQ(needed.missing, missing);
        seen_.present += missing ? 0 : 1;
        for (auto const& block : needed.blocks.rules())
            ASSERT_NO_FATAL_FAILURE(expect_block(block));
    }

    /// One entry, of one run, and the one twice as large would not be.
    void expect_block(Rule const& block) const {
        auto const base = block.range.base().raw, size = block.range.size();
        auto const& run = truth_.run(base);
        ASSERT_TRUE(single_entry(base, block.range.last()));
        ASSERT_LE(block.range.last(), run.last);
        ASSERT_EQ(block.rights, run.rights);
        auto const twice = base & ~(2 * size - 1);
        ASSERT_TRUE(twice < run.base || twice + (2 * size - 1) > run.last) << std::hex << base;
    }

    bool in_use(PhysRange range) const {
        auto const* found = lowered_.find(range.base());
        return found != nullptr && found->range == range;
    }

    void expect_loaded(std::vector<Access> const& accesses, std::vector<Rule> const& wanted) {
        for (auto const& block : wanted) ASSERT_TRUE(in_use(block.range));
        auto const image = hart();
        for (auto const& [at, asked] : accesses) {
            auto const* block = lowered_.find({at});
            if (!truth_.run(at).rights.covers(asked)) continue;
            ASSERT_NE(block, nullptr);
            for (auto const width : access_widths)
                for (auto const kind : kinds_of(asked))
                    ASSERT_TRUE(at + width - 1 > block->range.last() ||
                                image.allows(at, width, kind))
                        << std::hex << at;
        }
        auto const regions = image.regions();
        for (auto const& a : regions)
            for (auto const& b : regions)
                ASSERT_TRUE(&a == &b || a.end <= b.low || b.end <= a.low) << text(wanted);
    }

    /// What was in use stays as long as nothing that was needed longer ago is there, and there is
    /// no room.
    void expect_most_recent(std::vector<Rule> const& wanted) {
        ++time_;
        for (auto const& block : wanted) {
            auto const same = [&](Use const& use) { return use.block.range == block.range; };
            std::erase_if(uses_, same);
            uses_.push_back({block, time_});
        }
        unsigned newest_gone = 0, oldest_kept = time_;
        auto const gone = [&](Use const& use) {
            auto const out = !in_use(use.block.range);
            if (out) newest_gone = std::max(newest_gone, use.when);
            if (!out) oldest_kept = std::min(oldest_kept, use.when);
            return out;
        };
        auto const evicted = std::erase_if(uses_, gone);
        ASSERT_LE(newest_gone, oldest_kept) << "an older block was kept";
        ASSERT_EQ(lowered_.image().used, std::max<std::size_t>(uses_.size(), 1)); // deny by default
        seen_.evictions += static_cast<unsigned>(evicted);
        ASSERT_TRUE(evicted == 0 || uses_.size() == limit_) << "without need";
    }

    Truth truth_;
    unsigned limit_;
    Seen& seen_;
    LoweredPlan lowered_{};
    struct Use {
        Rule block;
        unsigned when; ///< it was last needed
    };
    std::vector<Use> uses_{};
    unsigned time_{0};
};

class CachedPlans : public testing::TestWithParam<unsigned> {
  protected:
    Cache::Seen seen{};
    unsigned whole{0}, cached{0};

    /// Accesses of one instruction or of many, some of them to what was touched before.
    std::vector<Cache::Access> pick_accesses(Random& random, Truth const& truth,
                                             std::vector<std::uint64_t> const& places) {
        std::vector<Cache::Access> out;
        for (auto count = 1 + pick(random, 2 * GetParam()); count > 0; --count) {
            auto at = places[pick(random, places.size())];
            for (int tries = 0; tries < 3 && truth.run(at).rights == Rights{}; ++tries)
                at = places[pick(random, places.size())];
            out.push_back({at, asked_for[pick(random, std::size(asked_for))]});
        }
        return out;
    }

    void check(Random& random, Plan const& plan) {
        Cache cache{plan, GetParam(), seen};
        ++(cache.lowered().cached() ? cached : whole);
        if (!cache.lowered().cached()) return cache.expect_faithful();
        for (auto const at : cache.truth().starts())
            for (auto const kind : access_kinds) ASSERT_FALSE(cache.hart().allows(at, 1, kind));
        auto const places = cache.truth().places();
        for (int step = 0; step < 20; ++step) {
            auto const accesses = pick_accesses(random, cache.truth(), places);
            ASSERT_NO_FATAL_FAILURE(cache.access(accesses)) << "step " << step;
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Entries, CachedPlans, testing::Values(6U, 7U, 8U, 11U, 16U));

TEST_P(CachedPlans, P1_NeverAllowMoreThanThePlanWhateverIsLoaded) {
    Random random{100 + GetParam()};
    for (int round = 0; round < 500; ++round)
        ASSERT_NO_FATAL_FAILURE(check(random, pick_plan(random))) << "round " << round;
    EXPECT_GT(whole, 40U);
    EXPECT_GT(cached, 200U);
    EXPECT_GT(seen.loaded, 2000U);
    EXPECT_GT(seen.refused, 20U);
    EXPECT_GT(seen.evictions, 200U);
    EXPECT_GT(seen.denied, 200U);
    EXPECT_GT(seen.present, 20U);
}

/// As many different blocks as there are entries always fit.
TEST_P(CachedPlans, P4_HaveRoomForAsManyBlocksAsThereAreEntries) {
    Random random{300 + GetParam()};
    unsigned full = 0;
    for (int round = 0; round < 500; ++round) {
        auto const plan = pick_plan(random);
        LoweredPlan lowered;
        lowered.make(plan, GetParam());
        Truth const truth{plan};
        Needed needed{lowered};
        auto const places = truth.places();
        for (int i = 0; i < 300 && needed.blocks.rules().size() < GetParam(); ++i)
            (void)needed.grants({places[pick(random, places.size())]}, {.r = true});
        full += needed.blocks.rules().size() == GetParam() ? 1 : 0;
        ASSERT_TRUE(lowered.load(needed.blocks.rules()))
            << "round " << round << text(needed.blocks.rules());
    }
    EXPECT_GT(full, 100U);
}

} // namespace
} // namespace plinth::monitor
