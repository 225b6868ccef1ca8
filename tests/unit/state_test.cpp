// SPDX-License-Identifier: Apache-2.0
/// Enclave states, memory ownership and the registry.
#include "enclave/registry.hpp"
#include "enclave/state.hpp"
#include "machine.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <type_traits>

namespace plinth::enclave {
namespace {

constexpr State states[] = {State::Empty,   State::Building, State::Fresh, State::Running,
                            State::Stopped, State::Ended,    State::Dying};

/// The edges as DESIGN and KEYSTONE-ABI have them, one row for each state.
constexpr bool expected[7][7] = {
    // Empty Building Fresh Running Stopped Ended Dying
    {0, 1, 0, 0, 0, 0, 0}, // Empty: create
    {0, 0, 1, 0, 0, 0, 1}, // Building: measured, or failed
    {0, 0, 0, 1, 0, 0, 1}, // Fresh: run, destroy
    {0, 0, 0, 0, 1, 1, 0}, // Running: stop, end
    {0, 0, 0, 1, 0, 0, 1}, // Stopped: resume, destroy
    {0, 0, 0, 0, 0, 0, 1}, // Ended: destroy
    {1, 0, 0, 0, 0, 0, 0}, // Dying: scrubbed
};

TEST(EnclaveStates, L1_ExactlyTheListedEdgesExist) {
    for (unsigned from = 0; from < 7; ++from)
        for (unsigned to = 0; to < 7; ++to) {
            EXPECT_EQ(allowed(states[from], states[to]), expected[from][to]) << from << " → " << to;
            Enclave enclave{.state = states[from]};
            EXPECT_EQ(enclave.move(states[to]), expected[from][to]);
            EXPECT_EQ(enclave.state, expected[from][to] ? states[to] : states[from]);
        }
}

TEST(EnclaveStates, MemoryMovesOnlyForwardAndIsNeverCopied) {
    static_assert(!std::is_copy_constructible_v<Claim> && !std::is_copy_constructible_v<Sealed> &&
                  !std::is_copy_constructible_v<Scrubbed>);
    static_assert(
        !std::is_constructible_v<Scrubbed, Claim> && !std::is_constructible_v<Sealed, Claim> &&
        !std::is_constructible_v<Scrubbed, Sealed> && !std::is_constructible_v<Claim, Scrubbed>);
    static_assert(!std::is_constructible_v<Claim, PhysRange> &&
                  !std::is_constructible_v<Sealed, PhysRange> &&
                  !std::is_constructible_v<Scrubbed, PhysRange>);
    SUCCEED(); // it compiled
}

constexpr std::uint64_t page = 4096;

Layout layout(std::uint64_t epm_page, std::uint64_t epm_pages, std::uint64_t utm_page,
              std::uint64_t utm_pages = 1) {
    auto const epm = *PhysRange::make({epm_page * page}, epm_pages * page);
    return {epm, *PhysRange::make({utm_page * page}, utm_pages * page), epm.base(), epm.base(),
            epm.base()};
}

class RegistryTest : public testing::Test {
  protected:
    Enclave& claimed(Layout const& where) {
        Enclave* out = nullptr;
        auto claim = registry->claim(where, out);
        EXPECT_TRUE(claim);
        EXPECT_EQ(claim->epm(), where.epm);
        out->memory = Sealed::by(std::move(*claim), [] {});
        return *out;
    }
    void release(Enclave& enclave) {
        EXPECT_TRUE(enclave.move(State::Dying));
        auto scrubbed = Scrubbed::by(std::move(*enclave.memory), [](PhysRange) {});
        registry->give_back(enclave, std::move(scrubbed));
    }
    std::unique_ptr<Registry> registry = std::make_unique<Registry>();
};

/// Allen's thirteen relations of two intervals: all but "before" and "after" (and their meeting
/// edges, which share no byte) overlap.
TEST_F(RegistryTest, O06_OverlapIsFoundInAllThirteenAllenRelations) {
    claimed(layout(100, 10, 200, 10));
    struct {
        char const* relation;
        std::uint64_t base, pages;
        bool overlap;
    } const rows[] = {
        {"before", 0, 5, false},      {"meets", 5, 5, false},         {"overlaps", 5, 6, true},
        {"starts", 10, 4, true},      {"during", 13, 4, true},        {"finishes", 16, 4, true},
        {"equals", 10, 10, true},     {"finished by", 8, 12, true},   {"contains", 8, 14, true},
        {"started by", 10, 12, true}, {"overlapped by", 19, 4, true}, {"met by", 20, 5, false},
        {"after", 21, 5, false},
    };
    for (auto const& row : rows) {
        EXPECT_EQ(registry->overlaps(layout(90 + row.base, row.pages, 500)), row.overlap)
            << row.relation;
        EXPECT_EQ(registry->overlaps(layout(190 + row.base, row.pages, 500)), row.overlap)
            << row.relation;
        EXPECT_EQ(registry->overlaps(layout(500, 1, 90 + row.base, row.pages)), row.overlap)
            << row.relation;
        EXPECT_EQ(registry->overlaps(layout(500, 1, 190 + row.base, row.pages)), row.overlap)
            << row.relation;
    }
}

TEST_F(RegistryTest, O06_MemoryIsTakenInEveryStateUntilItIsGivenBack) {
    auto& enclave = claimed(layout(100, 10, 200));
    for (auto const to : {State::Fresh, State::Running, State::Stopped, State::Dying}) {
        EXPECT_TRUE(registry->overlaps(layout(105, 1, 500)));
        EXPECT_TRUE(enclave.move(to));
    }
    EXPECT_TRUE(registry->overlaps(layout(105, 1, 500)));
    auto scrubbed = Scrubbed::by(std::move(*enclave.memory), [](PhysRange) {});
    registry->give_back(enclave, std::move(scrubbed));
    EXPECT_FALSE(registry->overlaps(layout(105, 1, 500)));
}

TEST_F(RegistryTest, SixtyFourFitAndTheNextIsRefused) {
    for (unsigned i = 0; i < max_enclaves; ++i) claimed(layout(100 + 2 * i, 1, 101 + 2 * i));
    EXPECT_EQ(registry->alive(), max_enclaves);
    Enclave* out = nullptr;
    auto const refused = registry->claim(layout(1000, 1, 1001), out);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Err::NoResource);
    EXPECT_EQ(out, nullptr);
}

TEST_F(RegistryTest, IdentifiersAreLargeAndNeverUsedAgain) {
    std::set<std::uint64_t> seen;
    for (unsigned i = 0; i < 5000; ++i) {
        auto& enclave = claimed(layout(100, 1, 200));
        EXPECT_GE(enclave.id, 64U);
        EXPECT_LT(enclave.id, 1ULL << 63U);
        EXPECT_TRUE(seen.insert(enclave.id).second);
        auto const id = enclave.id;
        EXPECT_EQ(registry->find(id), &enclave);
        EXPECT_EQ(registry->find(id | 1ULL << 63U), nullptr);
        EXPECT_EQ(registry->find(id + (1ULL << 32U)), nullptr);
        release(enclave);
        EXPECT_EQ(registry->find(id), nullptr);
    }
    EXPECT_EQ(registry->find(0), nullptr);
}

TEST_F(RegistryTest, L9_WhatIsGivenBackLeavesNothingBehind) {
    auto& enclave = claimed(layout(100, 4, 200));
    enclave.hash.fill(7);
    enclave.registers.guest.set(9, 7);
    enclave.supervisor.fp.f[3] = 7;
    enclave.supervisor.vector.v[100] = 7;
    enclave.supervisor.csrs[2] = 7;
    release(enclave);
    EXPECT_EQ(enclave.state, State::Empty);
    EXPECT_FALSE(enclave.layout || enclave.memory);
    EXPECT_TRUE(attest::all_zero(enclave.hash));
    EXPECT_EQ(enclave.registers.guest.get(9), 0U);
    EXPECT_EQ(enclave.supervisor.fp.f[3] | enclave.supervisor.vector.v[100] |
                  enclave.supervisor.csrs[2],
              0U);
    EXPECT_EQ(registry->alive(), 0U);
}

TEST_F(RegistryTest, OnlyADyingEnclaveWithItsOwnMemoryIsGivenBack) {
    auto& first = claimed(layout(100, 4, 200));
    auto& second = claimed(layout(300, 4, 400));
    auto scrubbed = Scrubbed::by(std::move(*second.memory), [](PhysRange) {});
    EXPECT_TRUE(first.move(State::Dying));
    EXPECT_THROW(registry->give_back(first, std::move(scrubbed)), fake::MonitorFailure);
    auto own = Scrubbed::by(std::move(*second.memory), [](PhysRange) {});
    EXPECT_THROW(registry->give_back(second, std::move(own)),
                 fake::MonitorFailure); // still Building
}

TEST(Published, RangesAreReadAsTheyWereSet) {
    PublishedRanges published;
    auto const one = *PhysRange::make({0x8040'0000}, 0x3000);
    published.set(0, one);
    published.set(63, *PhysRange::make({0}, 0x1000));
    auto const read = published.read();
    EXPECT_EQ(read[0], one);
    EXPECT_TRUE(read[63]);
    EXPECT_FALSE(read[1]);
    published.set(0, std::nullopt);
    EXPECT_FALSE(published.read()[0]);
}

} // namespace
} // namespace plinth::enclave
