// SPDX-License-Identifier: Apache-2.0
/// What a plan says about every byte, worked out by the reference; and what an image says. For the
/// tests of windows and of the cache.
#pragma once

#include "plan_access.hpp"

#include <algorithm>
#include <random>
#include <vector>

namespace plinth::monitor {

/// The last page has windows of its own: no entry could name what ends at 2^56.
inline constexpr std::uint64_t top_page = reference::physical_limit - 4096;

/// A plan as the longest runs of bytes that one rule decides, or none.
class Truth {
  public:
    struct Run {
        std::uint64_t base, last;
        arch::Rights rights;
    };

    explicit Truth(Plan const& plan) : rules_{rules_of(plan)} {
        starts_ = {0, top_page};
        for (auto const& rule : rules_) {
            starts_.push_back(rule.base);
            if (rule.last != UINT64_MAX) starts_.push_back(rule.last + 1);
        }
        std::sort(starts_.begin(), starts_.end());
        starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
        std::optional<std::size_t> previous;
        for (auto const start : starts_) {
            auto const rule = reference::first_rule(rules_, start);
            if (start == 0 || start == top_page || rule != previous)
                runs_.push_back({start, UINT64_MAX, rights(rule)});
            previous = rule;
        }
        for (std::size_t i = 0; i + 1 < runs_.size(); ++i) runs_[i].last = runs_[i + 1].base - 1;
    }

    Rules const& rules() const { return rules_; }
    std::vector<Run> const& runs() const { return runs_; }
    /// Where a decision can change.
    std::vector<std::uint64_t> const& starts() const { return starts_; }
    Run const& run(std::uint64_t at) const {
        auto const behind = [](std::uint64_t byte, Run const& one) { return byte < one.base; };
        return *std::prev(std::upper_bound(runs_.begin(), runs_.end(), at, behind));
    }
    /// Whether all bytes of an access are granted.
    bool allows(std::uint64_t at, unsigned width, reference::Kind kind) const {
        for (auto const* one = &run(at);; ++one) {
            if (!reference::granted(one->rights.r, one->rights.w, one->rights.x, kind))
                return false;
            if (at + width - 1 <= one->last) return true;
        }
    }
    bool straddles(std::uint64_t at, unsigned width) const { return at + width - 1 > run(at).last; }
    /// First bytes of accesses: up to four words before and behind every edge, odd ones too.
    std::vector<std::uint64_t> places() const { return around(starts_); }

    static std::vector<std::uint64_t> around(std::vector<std::uint64_t> const& edges) {
        std::vector<std::uint64_t> out;
        for (auto const edge : edges)
            for (std::uint64_t const offset : {0, 1, 2, 3, 4, 6, 7, 8, 12, 16}) {
                if (edge + offset < reference::physical_limit - 8) out.push_back(edge + offset);
                if (edge >= offset) out.push_back(edge - offset);
            }
        std::sort(out.begin(), out.end());
        out.erase(std::unique(out.begin(), out.end()), out.end());
        std::erase_if(out, [](auto at) { return at > reference::physical_limit - 8; });
        return out;
    }

  private:
    arch::Rights rights(std::optional<std::size_t> rule) const {
        if (!rule) return {};
        auto const& one = rules_[*rule];
        return {one.r, one.w, one.x};
    }

    Rules rules_;
    std::vector<std::uint64_t> starts_{};
    std::vector<Run> runs_{};
};

/// An image in a hart with `limit` entries; the reference decodes it.
class Hardware {
  public:
    Hardware(arch::PmpImage const& image, unsigned limit) : image_{image}, limit_{limit} {}

    bool allows(std::uint64_t at, unsigned width, reference::Kind kind) const {
        return reference::pmp_allows(cfg(), addr(), reference::Mode::S, at, width, kind);
    }
    std::vector<reference::PmpRegion> regions() const {
        std::vector<reference::PmpRegion> out;
        for (unsigned i = 0; i < limit_; ++i) {
            auto const region = reference::pmp_region(cfg(), addr(), i);
            if (!region.empty()) out.push_back(region);
        }
        return out;
    }
    std::vector<std::uint64_t> edges() const {
        std::vector<std::uint64_t> out{0};
        for (auto const& region : regions())
            for (auto const edge : {region.low, region.end})
                if (edge < reference::physical_limit) out.push_back(edge);
        return out;
    }
    /// Entries that must be there only if there are so many, and of a form that a hart may hold.
    bool legal() const {
        for (unsigned i = 0; i < arch::max_pmp_entries; ++i) {
            auto const used = i < image_.used && i < limit_;
            if (!used && (image_.cfg[i] != 0 || image_.addr[i] != 0)) return false;
            if (!reference::pmp_entry_legal(image_.cfg[i]) || (image_.cfg[i] & 0x80U) != 0)
                return false;
            if (image_.addr[i] > reference::pmpaddr_mask) return false;
        }
        return image_.used <= limit_;
    }

  private:
    std::span<std::uint8_t const> cfg() const { return {image_.cfg.data(), limit_}; }
    std::span<std::uint64_t const> addr() const { return {image_.addr.data(), limit_}; }

    arch::PmpImage const& image_;
    unsigned limit_;
};

using Random = std::mt19937_64;
inline std::uint64_t pick(Random& random, std::uint64_t below) { return random() % below; }

/// Rights that a PMP entry may have.
inline arch::Rights pick_rights(Random& random) {
    constexpr arch::Rights all[] = {{},
                                    {true, false, false},
                                    {true, true, false},
                                    {false, false, true},
                                    {true, false, true},
                                    {true, true, true}};
    return all[pick(random, std::size(all))];
}

/// A range of words that has to do with one before it: anywhere, behind, before, across its edges,
/// in it, of a page, a power of two, at zero, at the end of physical memory.
inline PhysRange pick_place(Random& random, std::vector<PhysRange> const& others) {
    constexpr auto limit = reference::physical_limit;
    std::uint64_t const power = 4ULL << pick(random, pick(random, 3) == 0 ? 44 : 16);
    std::uint64_t const size = power + (pick(random, 2) == 0 ? 0 : 4 * pick(random, power / 4));
    auto const other =
        others.empty() ? phys(0x8000'0000, 0x10'0000) : others[pick(random, others.size())];
    auto const low = other.base().raw, end = other.last() + 1;
    std::uint64_t base = 0;
    switch (pick(random, 8)) {
    case 0: base = pick(random, limit); break;
    case 1: base = end; break;
    case 2: base = low - std::min(low, size); break;
    case 3: base = end - std::min<std::uint64_t>(end, size / 2 & ~3ULL); break;
    case 4: base = low + pick(random, end - low); break;
    case 5: base = low & ~(std::bit_floor(size) - 1); break;
    case 6: base = 0; break;
    case 7: base = limit - size; break;
    }
    base = std::min<std::uint64_t>(base & ~3ULL, limit - 4);
    return phys(base, std::min<std::uint64_t>(size, limit - base));
}

/// Plans of up to as many rules as there may be; half of them as the monitor's are, holes first.
inline Plan pick_plan(Random& random) {
    constexpr std::size_t sizes[] = {3, 8, 24, 80, Plan::capacity};
    auto const count = 1 + pick(random, std::min(sizes[pick(random, 5)], Plan::capacity));
    auto const few = std::min<std::uint64_t>(count, 5);
    auto const holes = pick(random, 2) == 0 ? 0 : count - pick(random, few);
    std::vector<PhysRange> ranges;
    for (unsigned i = 0; i < count; ++i) ranges.push_back(pick_place(random, ranges));
    std::shuffle(ranges.begin(), ranges.end(), random);
    Plan plan;
    for (unsigned i = 0; i < count; ++i)
        plan.add({ranges[i], i < holes ? arch::Rights{} : pick_rights(random)});
    if (holes != 0 && !plan.full())
        plan.add({phys(0, reference::physical_limit), arch::rights_rwx});
    return plan;
}

} // namespace plinth::monitor
