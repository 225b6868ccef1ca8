// SPDX-License-Identifier: Apache-2.0
/// What the tests of large and of exhaustively many plans share: a plan's rules for the reference,
/// and how many PMP entries a list of rules takes.
#pragma once

#include "monitor/plan.hpp"
#include "reference/plan_reference.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <span>
#include <vector>

namespace plinth::monitor {

inline constexpr reference::Kind access_kinds[] = {reference::Kind::Read, reference::Kind::Write,
                                                   reference::Kind::Execute};
inline constexpr unsigned access_widths[] = {1, 2, 4, 8};

using Rules = std::vector<reference::Rule>;

inline PhysRange phys(std::uint64_t base, std::uint64_t size) {
    return *PhysRange::make({base}, size);
}

inline reference::Rule to_reference(PhysRange range, arch::Rights rights) {
    return {range.base().raw, range.last(), rights.r, rights.w, rights.x};
}

inline Rules rules_of(Plan const& plan) {
    Rules out;
    for (auto const& rule : plan.rules()) out.push_back(to_reference(rule.range, rule.rights));
    return out;
}

/// pmpaddr of the single entry that can hold base..last whatever stands before it: naturally
/// aligned and a power of two of at least four bytes (3.7.1: NA4, NAPOT).
constexpr std::optional<std::uint64_t> single_entry(std::uint64_t base, std::uint64_t last) {
    auto const size = last - base + 1;
    if (size < 4 || !std::has_single_bit(size) || base % size != 0) return std::nullopt;
    return base >> 2U | (size / 8 - (size == 4 ? 0 : 1));
}

/// The rules with neighbours of equal rights that touch or overlap as one, unless that would end at
/// 2^56 without being everything (docs/design.md).
inline Rules neighbours_joined(std::span<reference::Rule const> rules) {
    Rules out;
    for (auto const& rule : rules) {
        if (!out.empty()) {
            auto& before = out.back();
            auto const low = std::min(before.base, rule.base);
            auto const last = std::max(before.last, rule.last);
            auto const touch = rule.base <= before.last + 1 && before.base <= rule.last + 1;
            auto const equal = before.r == rule.r && before.w == rule.w && before.x == rule.x;
            if (touch && equal && (last + 1 < reference::physical_limit || low == 0)) {
                before.base = low;
                before.last = last;
                continue;
            }
        }
        out.push_back(rule);
    }
    return out;
}

/// Entries that a list of rules takes (docs/design.md): one for a
/// naturally aligned power of two, one that starts where the previous address register stands, else
/// two. None if no number is enough: what ends at 2^56 cannot be the top of a TOR entry.
inline std::optional<unsigned> entries_today(std::span<reference::Rule const> rules) {
    unsigned count = 0;
    std::uint64_t previous = 0;
    for (auto const& rule : rules) {
        if (auto const single = single_entry(rule.base, rule.last)) {
            ++count;
            previous = *single;
            continue;
        }
        if (rule.last + 1 >= reference::physical_limit) return std::nullopt;
        count += previous == rule.base >> 2U ? 1 : 2;
        previous = (rule.last + 1) >> 2U;
    }
    return count;
}

} // namespace plinth::monitor
