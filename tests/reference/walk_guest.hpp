// SPDX-License-Identifier: Apache-2.0
/// A guest with hand-made page tables of both stages, for the tests of the walk model.
/// Written by someone who has not seen src/.
#pragma once

#include "walk_memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace plinth::reference {

/// Two stages, Sv39 on Sv39x4, of one page each. VS-level tables for va 0x0000 lie at gpa 0x2000,
/// 0x1000 and 0x0000, which the G-stage maps to 0x80022000, 0x80021000 and 0x80020000; the page is
/// at gpa 0x3000, which it maps to 0x90003000. Its own tables are at 0x80010000 (16 KiB),
/// 0x80014000 and 0x80015000, where gpa n * 0x1000 is the word n.
struct Guest {
    static constexpr std::uint64_t g_leaf = 0x80015000;
    static constexpr std::uint64_t vs_leaf = 0x80020000;
    Memory memory{};
    Translation how{.virt = true, .vsatp = atp(sv39, 0x2000), .hgatp = atp(sv39, 0x80010000)};

    explicit Guest(std::uint64_t vs_bits = bit::all, std::uint64_t g_bits = bit::guest_all) {
        memory.words[0x80010000] = pte(0x80014000, bit::v);
        memory.words[0x80014000] = pte(g_leaf, bit::v);
        for (std::uint64_t n = 0; n < 3; ++n) {
            memory.words[g_leaf + n * 8] = pte(0x80020000 + n * 0x1000, bit::guest_all);
        }
        memory.words[g_leaf + 3 * 8] = pte(0x90003000, g_bits);
        memory.words[0x80022000] = pte(0x1000, bit::v);
        memory.words[0x80021000] = pte(0x0000, bit::v);
        memory.words[vs_leaf] = pte(0x3000, vs_bits);
    }

    /// The G-stage's PTE for gpa n * 0x1000.
    std::uint64_t& g(std::uint64_t n) { return memory.words[g_leaf + n * 8]; }
    std::uint64_t vs() { return memory.words[vs_leaf]; }
    Walk walk(Use use, std::uint64_t va = 0x123) { return memory.walk(how, va, use); }
    void hardware_updates() { how.menvcfg.adue = how.henvcfg.adue = true; }
};

/// The G-stage's three reads for gpa n * 0x1000 of a Guest.
inline std::vector<Touched> g_walk(std::uint64_t n) {
    return {reads(0x80010000), reads(0x80014000), reads(0x80015000 + n * 8)};
}

inline std::vector<Touched> joined(std::vector<std::vector<Touched>> const& parts) {
    std::vector<Touched> all;
    for (auto const& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

/// All up to the leaf of the VS-stage, included.
inline std::vector<Touched> vs_walk() {
    return joined({g_walk(2),
                   {reads(0x80022000)},
                   g_walk(1),
                   {reads(0x80021000)},
                   g_walk(0),
                   {reads(0x80020000)}});
}

inline void expect_guest_fault(Walk const& walk, std::uint64_t cause, std::uint64_t gpa,
                               std::optional<Kind> implicit) {
    EXPECT_FALSE(walk.pa);
    EXPECT_EQ(walk.cause, cause);
    EXPECT_EQ(walk.gpa, gpa);
    EXPECT_EQ(walk.implicit, implicit);
}

inline void expect_plain_fault(Walk const& walk, std::uint64_t cause) {
    EXPECT_FALSE(walk.pa);
    EXPECT_EQ(walk.cause, cause);
    EXPECT_FALSE(walk.gpa) << "mtval2 is for guest-page faults (8.4.4)";
    EXPECT_FALSE(walk.implicit);
}

} // namespace plinth::reference
