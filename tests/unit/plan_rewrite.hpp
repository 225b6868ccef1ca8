// SPDX-License-Identifier: Apache-2.0
/// A plan said with fewer entries: what merging of equal neighbours and NAPOT would save. For
/// counting, not for the monitor. Not always the fewest, but a test shows that it says the same.
#pragma once

#include "plan_access.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace plinth::monitor {

/// What a plan says about consecutive runs of memory, equal neighbours merged, from the first byte
/// that is granted to the last. A run that grants nothing needs no rule, since deny is the default.
inline Rules runs_of(std::span<reference::Rule const> rules) {
    std::vector<std::uint64_t> edges;
    for (auto const& rule : rules) {
        edges.push_back(rule.base);
        edges.push_back(rule.last + 1);
    }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    Rules runs;
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
        auto const rule = reference::first_rule(rules, edges[i]);
        auto run = rule ? rules[*rule] : reference::Rule{0, 0, false, false, false};
        run.base = edges[i];
        run.last = edges[i + 1] - 1;
        auto const same = [&run](reference::Rule const& o) {
            return o.r == run.r && o.w == run.w && o.x == run.x;
        };
        auto const denied = !run.r && !run.w && !run.x;
        if (!runs.empty() && same(runs.back()))
            runs.back().last = run.last;
        else if (!runs.empty() || !denied)
            runs.push_back(run);
    }
    if (!runs.empty() && !runs.back().r && !runs.back().w && !runs.back().x) runs.pop_back();
    return runs;
}

/// Chooses layers of rules over the runs, as one paints a fence: a wide stroke first, then what
/// differs over it; the stroke painted last is the first rule. For each part of the fence and each
/// colour that it has already, the least number of entries: 1 where one NAPOT entry does, else 2.
class Rewriter {
  public:
    explicit Rewriter(std::span<reference::Rule const> rules) : runs_{runs_of(rules)} {
        best_.resize(runs_.size() * runs_.size());
        for (unsigned length = 1; length <= runs_.size(); ++length)
            for (unsigned first = 0; first + length <= runs_.size(); ++first)
                solve(first, first + length - 1);
    }

    Rules rewritten() const {
        Rules out;
        if (!runs_.empty()) emit(out, 0, static_cast<unsigned>(runs_.size()) - 1, 0);
        return out;
    }

  private:
    static constexpr unsigned colours = 8; // rights as in pmpcfg; 0 is what is not painted
    static constexpr unsigned impossible = std::numeric_limits<unsigned>::max() / 4;
    struct Choice {
        unsigned cost{impossible};
        unsigned split{0};  ///< without a stroke over all of it: the last run of the left part
        unsigned stroke{0}; ///< 1 + its colour
    };
    using Choices = std::array<Choice, colours>;

    static unsigned colour(reference::Rule const& run) {
        return (run.r ? 1U : 0U) | (run.w ? 2U : 0U) | (run.x ? 4U : 0U);
    }
    Choices& at(unsigned first, unsigned last) { return best_[first * runs_.size() + last]; }
    Choices const& at(unsigned first, unsigned last) const {
        return best_[first * runs_.size() + last];
    }
    unsigned stroke_cost(unsigned first, unsigned last) const {
        auto const end = runs_[last].last;
        if (single_entry(runs_[first].base, end)) return 1;
        return end + 1 < reference::physical_limit ? 2 : impossible;
    }

    void solve(unsigned first, unsigned last) {
        Choices apart;
        for (unsigned under = 0; under < colours; ++under) {
            if (first == last && colour(runs_[first]) == under) apart[under].cost = 0;
            for (unsigned k = first; k < last; ++k) {
                auto const cost = at(first, k)[under].cost + at(k + 1, last)[under].cost;
                if (cost < apart[under].cost) apart[under] = {cost, k, 0};
            }
        }
        auto& all = at(first, last);
        all = apart;
        for (unsigned under = 0; under < colours; ++under)
            for (unsigned over = 0; over < colours; ++over) {
                auto const cost = stroke_cost(first, last) + apart[over].cost;
                if (cost < all[under].cost) all[under] = {cost, apart[over].split, 1 + over};
            }
    }

    void emit(Rules& out, unsigned first, unsigned last, unsigned under) const {
        auto const& choice = at(first, last)[under];
        auto const base = choice.stroke == 0 ? under : choice.stroke - 1;
        if (first < last) {
            emit(out, first, choice.split, base);
            emit(out, choice.split + 1, last, base);
        }
        if (choice.stroke == 0) return;
        out.push_back({runs_[first].base, runs_[last].last, (base & 1U) != 0, (base & 2U) != 0,
                       (base & 4U) != 0});
    }

    Rules runs_;
    std::vector<Choices> best_;
};

/// The plan with as few entries as found.
inline Rules rewritten(std::span<reference::Rule const> rules) {
    auto const other = Rewriter{rules}.rewritten();
    auto const today = entries_today(rules), then = entries_today(other);
    if (today && (!then || *today <= *then)) return {rules.begin(), rules.end()};
    return other;
}

} // namespace plinth::monitor
