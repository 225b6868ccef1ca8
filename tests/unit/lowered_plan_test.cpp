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

/// Entries of one window wherever it stands; none if no number is enough.
std::optional<unsigned> cost(PhysRange range) {
    if (single_entry(range.base().raw, range.last())) return 1;
    if (range.last() + 1 >= reference::physical_limit) return std::nullopt;
    return 2;
}

/// One LoweredPlan under load, and what is known of it.
class Cache {
  public:
    struct Seen {
        unsigned loaded{0}, refused{0}, evictions{0}, blocks{0}, denied{0}, present{0};
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
    void access(std::vector<Access> const& accesses, bool blocks) {
        Needed needed{lowered_, blocks};
        ASSERT_NO_FATAL_FAILURE(ask(needed, accesses, blocks));
        if (needed.overflow) return;
        auto const image = lowered_.image();
        std::vector<Rule> const wanted{needed.windows.rules().begin(),
                                       needed.windows.rules().end()};
        if (!lowered_.load(wanted)) {
            ++seen_.refused;
            ASSERT_EQ(lowered_.image(), image);
            for (auto const& old : recent_) ASSERT_TRUE(in_use(old.range));
            ASSERT_FALSE(must_fit(wanted)) << text(wanted);
            return;
        }
        ++seen_.loaded;
        ASSERT_NO_FATAL_FAILURE(expect_loaded(accesses, wanted));
        ASSERT_NO_FATAL_FAILURE(expect_never_more(hart(), truth_));
        ASSERT_NO_FATAL_FAILURE(expect_most_recent(wanted));
    }

  private:
    void ask(Needed& needed, std::vector<Access> const& accesses, bool blocks) {
        auto missing = false;
        for (auto const& [at, asked] : accesses) {
            auto const granted = truth_.run(at).rights.covers(asked);
            ASSERT_EQ(needed.grants({at}, asked), granted) << std::hex << at;
            missing |= granted && lowered_.find({at}) == nullptr;
            seen_.denied += granted ? 0 : 1;
        }
        ASSERT_TRUE(blocks || needed.missing == missing);
        seen_.present += missing ? 0 : 1;
        seen_.blocks += blocks ? 1 : 0;
        for (auto const& [range, rights] : needed.windows.rules()) {
            auto const& run = truth_.run(range.base().raw);
            ASSERT_LE(range.last(), run.last);
            ASSERT_EQ(rights, run.rights);
            ASSERT_TRUE(!blocks || single_entry(range.base().raw, range.last()));
        }
    }

    bool must_fit(std::vector<Rule> const& wanted) const {
        unsigned sum = 0;
        for (auto const& window : wanted) {
            auto const one = cost(window.range);
            if (!one) return false;
            sum += *one;
        }
        return sum <= limit_;
    }

    bool in_use(PhysRange range) const {
        auto const* found = lowered_.find(range.base());
        return found != nullptr && found->range == range;
    }

    void expect_loaded(std::vector<Access> const& accesses, std::vector<Rule> const& wanted) {
        for (auto const& window : wanted) ASSERT_TRUE(in_use(window.range));
        auto const image = hart();
        for (auto const& [at, asked] : accesses) {
            auto const* window = lowered_.find({at});
            if (!truth_.run(at).rights.covers(asked)) continue;
            ASSERT_NE(window, nullptr);
            for (auto const width : access_widths)
                for (auto const kind : kinds_of(asked))
                    ASSERT_TRUE(at + width - 1 > window->range.last() ||
                                image.allows(at, width, kind))
                        << std::hex << at;
        }
        auto const regions = image.regions();
        for (auto const& a : regions)
            for (auto const& b : regions)
                ASSERT_TRUE(&a == &b || a.end <= b.low || b.end <= a.low) << text(wanted);
    }

    /// What was in use stays in the order of its use, as far as it fits.
    void expect_most_recent(std::vector<Rule> const& wanted) {
        auto order = wanted;
        for (auto const& old : recent_) {
            auto const meets = [&](Rule const& rule) { return rule.range.overlaps(old.range); };
            if (std::none_of(wanted.begin(), wanted.end(), meets)) order.push_back(old);
        }
        recent_.clear();
        Rule const* evicted = nullptr;
        for (auto const& window : order) {
            auto const kept = in_use(window.range);
            ASSERT_FALSE(evicted != nullptr && kept) << "an older window was kept";
            if (!kept && evicted == nullptr) evicted = &window;
            if (kept) recent_.push_back(window);
        }
        if (evicted == nullptr) return;
        ++seen_.evictions;
        // Not without need. What ends with memory may have been named together with another only.
        ASSERT_TRUE(lowered_.image().used + 1 >= limit_ || !cost(evicted->range)) << text(order);
    }

    Truth truth_;
    unsigned limit_;
    Seen& seen_;
    LoweredPlan lowered_{};
    std::vector<Rule> recent_{}; ///< windows in use, the most recent first
};

class CachedPlans : public testing::TestWithParam<unsigned> {
  protected:
    Cache::Seen seen{};
    unsigned whole{0}, cached{0};

    /// Accesses of one instruction or of many, some of them to what was touched before.
    std::vector<Cache::Access> pick_accesses(Random& random, Truth const& truth,
                                             std::vector<std::uint64_t> const& places) {
        std::vector<Cache::Access> out;
        for (auto count = 1 + pick(random, 1 + GetParam()); count > 0; --count) {
            auto at = places[pick(random, places.size())];
            for (int tries = 0; tries < 3 && truth.run(at).rights == Rights{}; ++tries)
                at = places[pick(random, places.size())];
            out.push_back({at, asked_for[pick(random, std::size(asked_for))]});
        }
        return out;
    }

    void check(Random& random, Plan const& plan, bool mixed) {
        Cache cache{plan, GetParam(), seen};
        ++(cache.lowered().cached() ? cached : whole);
        if (!cache.lowered().cached()) return cache.expect_faithful();
        for (auto const at : cache.truth().starts())
            for (auto const kind : access_kinds) ASSERT_FALSE(cache.hart().allows(at, 1, kind));
        auto const places = cache.truth().places();
        auto blocks = pick(random, 2) == 0;
        for (int step = 0; step < 20; ++step) {
            if (mixed) blocks = pick(random, 2) == 0;
            auto const accesses = pick_accesses(random, cache.truth(), places);
            ASSERT_NO_FATAL_FAILURE(cache.access(accesses, blocks)) << "step " << step;
        }
    }

    void check_many(unsigned seed, bool mixed) {
        Random random{seed + GetParam()};
        for (int round = 0; round < 250; ++round)
            ASSERT_NO_FATAL_FAILURE(check(random, pick_plan(random), mixed)) << "round " << round;
        EXPECT_GT(whole, 20U);
        EXPECT_GT(cached, 100U);
        EXPECT_GT(seen.loaded, 1000U);
        EXPECT_GT(seen.refused, 20U);
        EXPECT_GT(seen.evictions, 100U);
        EXPECT_GT(seen.blocks, 100U);
        EXPECT_GT(seen.denied, 100U);
        EXPECT_GT(seen.present, 10U);
    }
};
INSTANTIATE_TEST_SUITE_P(Entries, CachedPlans, testing::Values(6U, 7U, 8U, 11U, 16U));

TEST_P(CachedPlans, P1_NeverAllowMoreThanThePlanWhateverIsLoaded) { check_many(100, false); }

TEST_P(CachedPlans, P1_NorWithWindowsAndBlocksInTurn) { check_many(200, true); }

/// As many different blocks as there are entries always fit.
TEST_P(CachedPlans, P4_HaveRoomForAsManyBlocksAsThereAreEntries) {
    Random random{300 + GetParam()};
    unsigned full = 0;
    for (int round = 0; round < 500; ++round) {
        auto const plan = pick_plan(random);
        LoweredPlan lowered;
        lowered.make(plan, GetParam());
        Truth const truth{plan};
        Needed needed{lowered, true};
        auto const places = truth.places();
        for (int i = 0; i < 300 && needed.windows.rules().size() < GetParam(); ++i)
            (void)needed.grants({places[pick(random, places.size())]}, {.r = true});
        ASSERT_TRUE(!needed.overflow);
        full += needed.windows.rules().size() == GetParam() ? 1 : 0;
        ASSERT_TRUE(lowered.load(needed.windows.rules()))
            << "round " << round << text(needed.windows.rules());
    }
    EXPECT_GT(full, 100U);
}

} // namespace
} // namespace plinth::monitor
