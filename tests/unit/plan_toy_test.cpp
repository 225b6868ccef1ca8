// SPDX-License-Identifier: Apache-2.0
/// Every plan of up to three rules on 64 bytes of memory, lowered to every number of entries, and
/// every access to these bytes.
///
/// What the specification demands of an access that spans several entries (3.7.1, "Priority and
/// Matching Logic"): the lowest-numbered entry that matches any byte decides, and it must match all
/// bytes or the access fails, whatever its rights. So an access whose bytes have different first
/// rules may fail though the plan allows each byte; one whose bytes have the same first rule must
/// not, if the lowering says that it is complete.
#include "plan_access.hpp"

#include <gtest/gtest.h>
#include <random>

namespace plinth::monitor {
namespace {

using arch::Rights;
using reference::Kind;
using reference::Mode;

constexpr unsigned space = 64; ///< bytes of toy memory
constexpr unsigned limits[] = {1, 2, 3, 4, 5, 6, 8, 16};
constexpr Rights all_rights[] = {
    {}, {true, false, false}, {true, true, false}, {true, false, true}, {true, true, true}};

/// A bit for each byte, or for each access by its first byte. Bytes behind the space match nothing,
/// which is what shifting in zeros says.
using Mask = std::uint64_t;

Mask bytes_between(std::uint64_t low, std::uint64_t end) {
    auto const below = [](std::uint64_t n) { return n >= space ? ~Mask{0} : (Mask{1} << n) - 1; };
    return below(end) & ~below(low);
}
/// Accesses of `width` bytes that touch a byte of `bytes`.
Mask touching(Mask bytes, unsigned width) {
    auto out = bytes;
    for (unsigned k = 1; k < width; ++k) out |= bytes >> k;
    return out;
}
/// Accesses of `width` bytes that touch nothing else.
Mask within(Mask bytes, unsigned width) {
    auto out = bytes;
    for (unsigned k = 1; k < width; ++k) out &= bytes >> k;
    return out;
}

/// Something with rights, in the order of priority: a rule or an entry.
struct Layer {
    Mask bytes;
    Rights rights;
};

bool grants(Rights rights, Kind kind) {
    return reference::granted(rights.r, rights.w, rights.x, kind);
}

/// Bytes that a plan grants, byte by byte, and the accesses that one rule decides.
struct PlanAnswers {
    Mask granted[std::size(access_kinds)]{};
    Mask same_rule[std::size(access_widths)]{};

    explicit PlanAnswers(std::span<Layer const> rules) {
        Mask covered = 0;
        for (auto const& rule : rules) {
            auto const first = rule.bytes & ~covered;
            covered |= rule.bytes;
            for (unsigned k = 0; k < std::size(access_kinds); ++k)
                if (grants(rule.rights, access_kinds[k])) granted[k] |= first;
            for (unsigned w = 0; w < std::size(access_widths); ++w)
                same_rule[w] |= within(first, access_widths[w]);
        }
    }
};

/// Accesses of one width that the hardware lets through.
struct ImageAnswers {
    Mask allowed[std::size(access_kinds)]{};

    ImageAnswers(std::span<Layer const> entries, unsigned width) {
        auto undecided = ~Mask{0};
        for (auto const& entry : entries) {
            auto const decided = undecided & touching(entry.bytes, width);
            undecided &= ~decided;
            for (unsigned k = 0; k < std::size(access_kinds); ++k)
                if (grants(entry.rights, access_kinds[k]))
                    allowed[k] |= decided & within(entry.bytes, width);
        }
    }
};

/// The entries of an image as a hart with `limit` of them sees them. The decoding is the
/// reference's.
struct Entries {
    std::array<Layer, arch::max_pmp_entries> layers{};
    unsigned count{0};
    bool leaves_the_space{false}; ///< an entry grants something outside

    Entries(arch::PmpImage const& image, unsigned limit, std::uint64_t base) {
        for (unsigned i = 0; i < limit; ++i) {
            auto const region =
                reference::pmp_region({image.cfg.data(), limit}, {image.addr.data(), limit}, i);
            if (region.empty()) continue;
            auto const rights = arch::pmpcfg::rights(image.cfg[i]);
            auto const low = std::max(region.low, base), end = std::max(region.end, base);
            layers[count++] = {bytes_between(low - base, end - base), rights};
            auto const last = std::min(region.end, reference::physical_limit);
            auto const outside = region.low < base || last > base + space;
            leaves_the_space |= outside && rights != arch::rights_none;
        }
    }
    std::span<Layer const> span() const { return {layers.data(), count}; }
};

/// Empty if the image is right, else what is wrong with it.
char const* judge(PlanAnswers const& plan, Entries const& entries, bool complete) {
    if (entries.leaves_the_space) return "an entry grants memory that no rule mentions";
    for (unsigned w = 0; w < std::size(access_widths); ++w) {
        ImageAnswers const image{entries.span(), access_widths[w]};
        for (unsigned k = 0; k < std::size(access_kinds); ++k) {
            auto const wanted = within(plan.granted[k], access_widths[w]);
            if ((image.allowed[k] & ~wanted) != 0) return "allows what the plan denies";
            if (complete && (wanted & plan.same_rule[w] & ~image.allowed[k]) != 0)
                return "complete, and denies what one rule allows";
        }
    }
    return "";
}

/// All ranges of whole four-byte units among the first `units`.
std::vector<PhysRange> ranges(std::uint64_t base, unsigned units) {
    std::vector<PhysRange> out;
    for (unsigned first = 0; first < units; ++first)
        for (unsigned end = first + 1; end <= units; ++end)
            out.push_back(phys(base + 4 * first, 4 * (end - first)));
    return out;
}

class ToyPlans : public testing::Test {
  protected:
    struct Counts {
        std::uint64_t plans, complete, refused;
    };
    Counts counts{};
    std::uint64_t base{0};

    /// One plan with every number of entries.
    void check(Plan const& plan) {
        std::array<Layer, 3> layers{};
        std::array<reference::Rule, 3> rules{};
        auto const count = plan.rules().size();
        for (unsigned i = 0; i < count; ++i) {
            auto const& [range, rights] = plan.rules()[i];
            rules[i] = to_reference(range, rights);
            layers[i] = {bytes_between(range.base().raw - base, range.last() + 1 - base), rights};
        }
        PlanAnswers const answers{std::span{layers}.first(count)};
        auto const needed = entries_today(neighbours_joined(std::span{rules}.first(count)));
        ++counts.plans;
        Lowered previous;
        previous.complete = false;
        for (auto const limit : limits) {
            auto const lowered = lower(plan.rules(), limit);
            auto const fits = needed && *needed <= limit;
            ++(lowered.complete ? counts.complete : counts.refused);
            ASSERT_EQ(lowered.complete, fits) << text(plan, limit);
            ASSERT_TRUE(!fits || lowered.image.used == *needed) << text(plan, limit);
            ASSERT_LE(lowered.image.used, limit) << text(plan, limit);
            // What was complete with fewer entries and is the same has been judged.
            if (previous.complete && lowered.image == previous.image) continue;
            ASSERT_STREQ(judge(answers, {lowered.image, limit, base}, lowered.complete), "")
                << text(plan, limit);
            previous = lowered;
        }
    }

    static std::string text(Plan const& plan, unsigned limit) {
        std::ostringstream out;
        out << limit << " entries" << std::hex;
        for (auto const& [range, rights] : plan.rules())
            out << ", " << range.base().raw << ".." << range.last() << " "
                << int{arch::pmpcfg::of(rights)};
        return out.str();
    }

    /// All plans of two rules among `places` behind what `plan` has already.
    void check_pairs(Plan const& plan, std::span<PhysRange const> places, Rights first,
                     Rights second) {
        for (auto const& a : places) {
            auto one = plan;
            one.add({a, first});
            for (auto const& b : places) {
                auto two = one;
                two.add({b, second});
                check(two);
                if (HasFatalFailure()) return;
            }
        }
    }

    void check_up_to_two_rules() {
        auto const places = ranges(base, space / 4);
        check({});
        for (auto const& place : places)
            for (auto const rights : all_rights) {
                Plan plan;
                plan.add({place, rights});
                check(plan);
            }
        for (auto const first : all_rights)
            for (auto const second : all_rights) {
                check_pairs({}, places, first, second);
                if (HasFatalFailure()) return;
            }
    }
    void check_three_rules(std::span<PhysRange const> places, std::array<Rights, 3> const& rights) {
        for (auto const& place : places) {
            Plan plan;
            plan.add({place, rights[0]});
            check_pairs(plan, places, rights[1], rights[2]);
            if (HasFatalFailure()) return;
        }
    }
};

TEST_F(ToyPlans, X16_EveryPlanOfUpToTwoRulesIsNeverTooOpenAndFaithfulWhenComplete) {
    check_up_to_two_rules();
    EXPECT_EQ(counts.plans, 1U + 136 * 5 + 136 * 136 * 25);
    EXPECT_GT(counts.complete, 0U);
    EXPECT_GT(counts.refused, 0U);
}

TEST_F(ToyPlans, X16_TheSameAtTheTopOfPhysicalMemory) {
    base = reference::physical_limit - space;
    check_up_to_two_rules();
    EXPECT_EQ(counts.plans, 1U + 136 * 5 + 136 * 136 * 25);
    EXPECT_GT(counts.complete, 0U);
    EXPECT_GT(counts.refused, 0U);
}

/// With these rights each byte tells which of the rules has decided.
TEST_F(ToyPlans, X16_EveryPlanOfThreeRulesWithDifferentRights) {
    check_three_rules(ranges(0, space / 4), {all_rights[1], all_rights[3], all_rights[2]});
    EXPECT_EQ(counts.plans, 136U * 136 * 136);
    EXPECT_GT(counts.complete, 0U);
    EXPECT_GT(counts.refused, 0U);
}

/// Every combination of rights, on the first 24 bytes.
TEST_F(ToyPlans, X16_EveryPlanOfThreeRulesWithEveryRightsOn24Bytes) {
    auto const places = ranges(0, 6);
    for (auto const first : all_rights)
        for (auto const second : all_rights)
            for (auto const third : all_rights) {
                check_three_rules(places, {first, second, third});
                if (HasFatalFailure()) return;
            }
    EXPECT_EQ(counts.plans, 21U * 21 * 21 * 125);
    EXPECT_GT(counts.complete, 0U);
    EXPECT_GT(counts.refused, 0U);
}

// --- the bits above against the reference -------------------------------------------------------

using Random = std::mt19937_64;

/// Entries that lie in the toy space, of all modes and rights.
arch::PmpImage random_image(Random& random) {
    arch::PmpImage image;
    for (unsigned i = 0; i < arch::max_pmp_entries; ++i) {
        image.cfg[i] = static_cast<std::uint8_t>(random() & 0x1fU);
        if ((image.cfg[i] & 3U) == 2) image.cfg[i] ^= 2U;
        auto const napot = (image.cfg[i] & 0x18U) == 0x18;
        auto const tor = (image.cfg[i] & 0x18U) == 0x08;
        auto const ones = (1U << random() % 3) - 1; // NAPOT of 8, 16 or 32 bytes
        image.addr[i] = random() % (tor ? 17 : 16);
        if (napot) image.addr[i] = (image.addr[i] & ~(ones + 1ULL)) | ones;
    }
    return image;
}

TEST(ToyOracle, AnswersAboutImagesAreThoseOfTheReference) {
    Random random{11};
    for (int round = 0; round < 2000; ++round) {
        auto const image = random_image(random);
        auto const limit = limits[random() % std::size(limits)];
        std::span const cfg{image.cfg.data(), limit};
        std::span const addr{image.addr.data(), limit};
        Entries const entries{image, limit, 0};
        ASSERT_FALSE(entries.leaves_the_space);
        for (auto const width : access_widths) {
            ImageAnswers const answers{entries.span(), width};
            for (unsigned k = 0; k < std::size(access_kinds); ++k)
                for (unsigned at = 0; at < space; ++at)
                    ASSERT_EQ((answers.allowed[k] >> at & 1U) != 0,
                              reference::pmp_allows(cfg, addr, Mode::U, at, width, access_kinds[k]))
                        << round << ": " << at << " " << width;
        }
    }
}

TEST(ToyOracle, AnswersAboutPlansAreThoseOfTheReference) {
    Random random{12};
    auto const places = ranges(0, space / 4);
    for (int round = 0; round < 2000; ++round) {
        Rules rules;
        std::vector<Layer> layers;
        for (auto count = random() % 4; count > 0; --count) {
            auto const& place = places[random() % places.size()];
            auto const rights = all_rights[random() % std::size(all_rights)];
            rules.push_back(to_reference(place, rights));
            layers.push_back({bytes_between(place.base().raw, place.last() + 1), rights});
        }
        PlanAnswers const answers{layers};
        for (unsigned w = 0; w < std::size(access_widths); ++w)
            for (unsigned at = 0; at < space; ++at) {
                auto const width = access_widths[w];
                auto const one = !reference::straddles(rules, at, width) &&
                                 reference::first_rule(rules, at).has_value();
                ASSERT_EQ((answers.same_rule[w] >> at & 1U) != 0, one) << at << " " << width;
                for (unsigned k = 0; k < std::size(access_kinds); ++k)
                    ASSERT_EQ((within(answers.granted[k], width) >> at & 1U) != 0,
                              reference::plan_allows(rules, at, width, access_kinds[k]))
                        << round << ": " << at << " " << width;
            }
    }
}

} // namespace
} // namespace plinth::monitor
