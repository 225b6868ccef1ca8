// SPDX-License-Identifier: Apache-2.0
/// Reference model of a plan: an ordered list of rules, of which the first that covers a byte
/// decides about that byte. The oracle for every lowering of a plan to PMP entries.
///
/// Written from the design ("Plans and the PMP"), by someone who has not seen src/. Works
/// on bytes, not on ranges: slow and hard to get wrong.
#pragma once

#include "access.hpp"
#include "pmp_reference.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace plinth::reference {

/// One rule: the bytes base..last, both inclusive, so that the top of the address space can be
/// said; base > last covers nothing.
struct Rule {
    std::uint64_t base;
    std::uint64_t last;
    bool r;
    bool w;
    bool x;

    constexpr bool covers(std::uint64_t byte) const { return byte >= base && byte <= last; }

    constexpr bool grants(Kind kind) const { return granted(r, w, x, kind); }
};

/// Index of the first rule that covers `byte`, or nothing.
inline std::optional<std::size_t> first_rule(std::span<Rule const> rules, std::uint64_t byte) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].covers(byte)) return i;
    }
    return std::nullopt;
}

/// Does the plan allow an access of `len` >= 1 bytes at `pa`? Only if the first rule of every byte
/// grants the kind; bytes without a rule, and bytes past the end of the address space, are denied.
inline bool plan_allows(std::span<Rule const> rules, std::uint64_t pa, unsigned len, Kind kind) {
    require(len >= 1, "plan_allows: an access has at least one byte");
    for (unsigned k = 0; k < len; ++k) {
        if (k > UINT64_MAX - pa) return false;
        std::optional<std::size_t> const rule = first_rule(rules, pa + k);
        if (!rule || !rules[*rule].grants(kind)) return false;
    }
    return true;
}

/// Whether the bytes of an access do not all have the same first rule (having none counts as one
/// more rule). Hardware may refuse such an access although the plan allows it, since one PMP entry
/// must match all bytes; software then has to split it.
inline bool straddles(std::span<Rule const> rules, std::uint64_t pa, unsigned len) {
    require(len >= 1, "straddles: an access has at least one byte");
    std::optional<std::size_t> const rule = first_rule(rules, pa);
    for (unsigned k = 1; k < len; ++k) {
        if (k > UINT64_MAX - pa || first_rule(rules, pa + k) != rule) return true;
    }
    return false;
}

/// How PMP entries relate to the plan that they were lowered from, for one access.
enum class Lowering : std::uint8_t {
    Faithful, ///< same answer
    Straddle, ///< the plan allows, the entries refuse, and the access touches two rules: permitted
    TooTight, ///< the entries refuse what one rule allows: an error, or a window not loaded
    TooLoose, ///< the entries let through what the plan denies: always an error
};

/// Compares plan and entries for one access from below M-mode.
inline Lowering compare(std::span<Rule const> rules, std::span<std::uint8_t const> cfg,
                        std::span<std::uint64_t const> addr, std::uint64_t pa, unsigned len,
                        Kind kind, unsigned grain = 0) {
    bool const wanted = plan_allows(rules, pa, len, kind);
    bool const actual = pmp_allows(cfg, addr, Mode::U, pa, len, kind, grain);
    if (wanted == actual) return Lowering::Faithful;
    if (actual) return Lowering::TooLoose;
    return straddles(rules, pa, len) ? Lowering::Straddle : Lowering::TooTight;
}

/// Every physical address at which some answer about an access of up to `len` bytes can change: all
/// within `len` bytes of a rule's first or last byte, of zero, and of the physical limit. Sorted,
/// unique, all below the limit.
inline std::vector<std::uint64_t> boundary_addresses(std::span<Rule const> rules, unsigned len) {
    std::vector<std::uint64_t> edges{0, physical_limit - 1};
    for (Rule const& rule : rules) {
        edges.push_back(rule.base);
        edges.push_back(rule.last);
    }
    std::vector<std::uint64_t> found;
    for (std::uint64_t const edge : edges) {
        std::uint64_t const from = edge < len ? 0 : edge - len;
        for (std::uint64_t k = 0; k <= 2 * std::uint64_t{len}; ++k) {
            if (physical_byte_exists(from, k)) found.push_back(from + k);
        }
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

} // namespace plinth::reference
