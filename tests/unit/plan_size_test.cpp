// SPDX-License-Identifier: Apache-2.0
/// How many PMP entries the plans of the supported firmwares take, and how many they would take if
/// equal neighbours were merged and NAPOT used wherever one entry does. The table is that of
/// docs/design.md.
#include "board.hpp"
#include "plan_rewrite.hpp"

#include <cstdio>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace plinth::monitor {
namespace {

constexpr unsigned rw = 3, rwx = 7;
constexpr std::uint64_t all_ones = arch::pmpaddr_mask;

VirtualPmp napot_entries(std::initializer_list<std::pair<PhysRange, unsigned>> ranges_and_rights) {
    VirtualPmp pmp;
    unsigned index = 0;
    for (auto const& [range, rights] : ranges_and_rights) {
        pmp.cfg[index] = static_cast<std::uint8_t>(arch::pmpcfg::napot | rights);
        pmp.addr[index] = *arch::napot_address(range);
        ++index;
    }
    pmp.cfg[index] = arch::pmpcfg::napot | rwx;
    pmp.addr[index] = all_ones;
    return pmp;
}

// What the firmwares write on QEMU virt above the monitor, read from the hart at the host's first
// instruction.
VirtualPmp opensbi_1_1() {
    return napot_entries({{board::clint, 0}, {phys(0x8010'0000, 0x8'0000), 0}});
}
VirtualPmp opensbi_1_6() {
    return napot_entries({{board::finisher, rw},
                          {phys(0x1000'0000, 0x1000), rw}, // UART
                          {board::clint, 0},
                          {phys(0x8014'0000, 0x2'0000), 0},
                          {phys(0x8010'0000, 0x4'0000), 0},
                          {phys(0xc40'0000, 0x20'0000), rw}, // PLIC
                          {phys(0xc00'0000, 0x40'0000), rw}});
}

/// `count` enclaves of `size` bytes, one every 2 MiB.
enclave::DeniedRanges enclaves(unsigned count, std::uint64_t size) {
    enclave::DeniedRanges denied;
    for (unsigned i = 0; i < count; ++i) denied[i] = phys(0x8800'0000 + 0x20'0000ULL * i, size);
    return denied;
}

/// Both lists of rules say the same about every byte.
void expect_same(Rules const& a, Rules const& b, std::string const& what) {
    auto both = a;
    both.insert(both.end(), b.begin(), b.end());
    for (auto const at : reference::boundary_addresses(both, 1))
        for (auto const kind : access_kinds)
            ASSERT_EQ(reference::plan_allows(a, at, 1, kind),
                      reference::plan_allows(b, at, 1, kind))
                << what << " at " << std::hex << at;
}

/// Entries today, and entries of the rewritten plan.
struct Needs {
    unsigned today, merged;
    bool operator==(Needs const&) const = default;
};

constexpr std::uint64_t apart = 0x10'0000, odd = 0x10'1000, adjacent = 0x20'0000;
constexpr std::uint64_t sizes[] = {apart, odd, adjacent};
constexpr unsigned counts[] = {1, 8, 64};

struct Row {
    char const* name;
    Plan (*plan)(enclave::DeniedRanges const&, VirtualPmp const&);
    VirtualPmp pmp;
    Needs none;       ///< without an enclave
    Needs some[3][3]; ///< by size of the enclaves and by their number
};

Row const rows[] = {
    {"host, OpenSBI 1.1",
     host_plan,
     opensbi_1_1(),
     {7, 6},
     {{{8, 7}, {15, 14}, {71, 70}}, {{9, 8}, {23, 22}, {135, 134}}, {{8, 7}, {15, 7}, {71, 7}}}},
    {"host, OpenSBI 1.6",
     host_plan,
     opensbi_1_6(),
     {12, 9},
     {{{13, 10}, {20, 17}, {76, 73}},
      {{14, 11}, {28, 25}, {140, 137}},
      {{13, 10}, {20, 10}, {76, 10}}}},
    {"firmware",
     firmware_plan,
     opensbi_1_6(),
     {5, 5},
     {{{6, 6}, {13, 13}, {69, 69}}, {{7, 7}, {21, 21}, {133, 133}}, {{6, 6}, {13, 6}, {69, 6}}}},
};

Needs needs(Row const& row, unsigned count, std::uint64_t size) {
    auto const plan = row.plan(enclaves(count, size), row.pmp);
    auto const rules = rules_of(plan), better = rewritten(rules);
    expect_same(rules, better, row.name);
    auto const today = entries_today(rules), merged = entries_today(better);
    auto const joined = entries_today(neighbours_joined(rules));
    if (!today || !merged || !joined) return {0, 0};
    for (auto const limit : {6U, 8U, 16U})
        EXPECT_EQ(lower(plan.rules(), limit).complete, *joined <= limit) << row.name;
    return {*today, *merged};
}

TEST(PlanSizes, X16_PlansOfTheFirmwaresTakeTheDocumentedNumberOfEntries) {
    for (auto const& row : rows) {
        auto const none = needs(row, 0, apart);
        EXPECT_EQ(none, row.none) << row.name;
        std::printf("| %s | %u → %u |", row.name, none.today, none.merged);
        for (unsigned s = 0; s < std::size(sizes); ++s) {
            std::string today, merged;
            for (unsigned c = 0; c < std::size(counts); ++c) {
                auto const found = needs(row, counts[c], sizes[s]);
                EXPECT_EQ(found, row.some[s][c]) << row.name << ", " << counts[c];
                today += (c == 0 ? " " : ", ") + std::to_string(found.today);
                merged += (c == 0 ? " " : ", ") + std::to_string(found.merged);
            }
            std::printf("%s →%s |", today.c_str(), merged.c_str());
        }
        std::printf("\n");
    }
}

/// A rewritten plan says what the plan says, and never takes more entries.
TEST(PlanSizes, ARewrittenPlanSaysTheSameWithNoMoreEntries) {
    std::mt19937_64 random{21};
    unsigned fewer = 0;
    for (int round = 0; round < 3000; ++round) {
        Rules rules;
        for (auto count = random() % 7; count > 0; --count) {
            auto const first = random() % 64, size = 1 + random() % 24, rights = random() % 8;
            if ((rights & 3U) == 2) continue;
            rules.push_back({4096 * first, 4096 * (first + size) - 1, (rights & 1U) != 0,
                             (rights & 2U) != 0, (rights & 4U) != 0});
        }
        auto const better = rewritten(rules);
        expect_same(rules, better, std::to_string(round));
        if (HasFatalFailure()) return;
        auto const today = entries_today(rules), then = entries_today(better);
        ASSERT_TRUE(today && then);
        ASSERT_LE(*then, *today);
        fewer += *then < *today ? 1U : 0U;
    }
    EXPECT_GT(fewer, 1000U);
}

} // namespace
} // namespace plinth::monitor
