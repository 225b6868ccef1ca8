// SPDX-License-Identifier: Apache-2.0
/// The walk that says where a translation touches memory, against the reference of translation, on
/// page tables at random: it must name every access that a hart can make, in the hart's order.
#include "bench.hpp"
#include "monitor/walk.hpp"
#include "reference/walk_memory.hpp"

#include <gtest/gtest.h>
#include <random>
#include <set>

namespace plinth::fake {
namespace {

using namespace arch;
using reference::Touch;
using reference::Use;
using reference::Walk;
namespace bit = reference::bit;

constexpr std::uint64_t pool = 0x8080'0000, pool_pages = 48;

struct Counts {
    unsigned arrived, refused, page_faults, guest_page_faults, long_walks;
};

/// A hart whose RAM holds pages full of PTEs that point to each other, to pages and to nowhere.
class Walks : public testing::Test {
  protected:
    Bench bench{{.hypervisor = true, .ram = 32 << 20}};
    monitor::HartState& h{bench.hart()};
    std::mt19937_64 random{51};
    std::set<std::uint64_t> denied{}; ///< pages
    std::vector<std::uint64_t> asked{};
    Counts counts{};

    std::uint64_t pick(std::uint64_t below) { return random() % below; }
    std::uint64_t page() { return pool + 4096 * pick(pool_pages); }

    std::uint64_t some_pte(bool guests) {
        // Guest physical pages are few, so that those that hold tables are met again.
        auto const target = guests ? 4096 * pick(64) : page();
        switch (pick(32)) {
        case 0: return random() & ~1ULL;
        case 1: return random();
        case 2: return reference::pte(target + (pick(2) << 40U), bit::v);
        case 3: return reference::pte(0x1000, bit::all | bit::u);
        case 4: return reference::pte(target, bit::v | (1ULL << (1 + pick(9))));
        case 5: return reference::pte(target & ~0xffffULL, bit::all | bit::u) | 0x2000 | bit::n;
        case 6: return reference::pte(target & ~0x1f'ffffULL, bit::all | bit::u);
        case 7: return reference::pte(pick(1U << 20U) << 30U, bit::all | bit::u);
        case 8:
        case 9:
        case 10:
        case 11: return reference::pte(target, bit::all | (pick(4) == 0 ? 0 : bit::u));
        default: return reference::pte(target, bit::v);
        }
    }
    /// G-stage tables in a chain, of five levels: hgatp may begin further down for fewer. They map
    /// the guest's first pages to the pool, most of them.
    static constexpr std::uint64_t chain = 0x8100'0000, chain_step = 0x4000;
    void fill_chain() {
        for (unsigned level = 1; level < 5; ++level)
            bench.poke(chain + chain_step * level,
                       reference::pte(chain + chain_step * (level - 1), bit::v));
        for (auto at = chain; at < chain + 64 * 8; at += 8)
            bench.poke(at,
                       pick(24) == 0 ? some_pte(false) : reference::pte(page(), bit::guest_all));
    }
    std::uint64_t guest_root() {
        auto const mode = some_mode(true);
        if (mode == 0 || pick(3) == 0) return root(mode, page() & ~0x3fffULL);
        return root(mode, chain + chain_step * (mode - 6));
    }

    /// PTEs at level 0 must be leaves, those of the others mostly not; since a page of the pool is
    /// at every level, addresses decide: entries of odd number are leaves more often.
    void fill(bool guests) {
        for (auto at = pool; at < pool + 4096 * pool_pages; at += 8) {
            auto pte = some_pte(guests);
            if ((at & 8U) != 0 && pick(2) == 0)
                pte = reference::pte(guests ? 4096 * pick(64) : page(), bit::all | bit::u);
            bench.poke(at, pte);
        }
        if (guests) fill_chain();
        denied.clear();
        for (auto count = pick(6); count > 0; --count) denied.insert(page());
    }

    /// Small indices: the same entries are met by addresses of all levels.
    std::uint64_t some_address() {
        std::uint64_t address = pick(4096);
        for (unsigned level = 0; level < 5; ++level) address |= pick(512) << (12 + 9 * level);
        switch (pick(4)) {
        case 0: return sign_extend(address, 39);
        case 1: return sign_extend(address, 48);
        case 2: return sign_extend(address, 57);
        default: return pick(8) == 0 ? random() : address & 0x3f'ffff'ffffU;
        }
    }
    std::uint64_t some_mode(bool bare) {
        return bare && pick(8) == 0 ? 0 : reference::sv39 + pick(3);
    }
    std::uint64_t root(std::uint64_t mode, std::uint64_t at) {
        return mode == 0 ? 0 : reference::atp(mode, at);
    }

    bool readable(std::uint64_t at) const { return !denied.contains(at & ~0xfffULL); }
    bool is_ram(std::uint64_t at) const {
        return h.monitor->boot.is_ram(*PhysRange::make({at}, 8));
    }

    Walk reference_walk(reference::Translation const& how, std::uint64_t address, Use use) {
        auto const read = [&](std::uint64_t at) -> std::optional<std::uint64_t> {
            if (!is_ram(at) || !readable(at)) return std::nullopt;
            return bench.peek(at);
        };
        auto const update = [&](std::uint64_t at, std::uint64_t, std::uint64_t) {
            return is_ram(at) && readable(at) ? reference::Update::Stored
                                              : reference::Update::Refused;
        };
        return reference::translate(how, {address, 1, use}, read, update);
    }

    std::optional<std::uint64_t> our_walk(std::uint64_t address, bool virt) {
        asked.clear();
        return monitor::translate(h, address, virt, [&](std::uint64_t at, Rights rights) {
            EXPECT_EQ(rights, (Rights{.r = true}));
            asked.push_back(at);
            return readable(at);
        });
    }

    static std::vector<std::uint64_t> reads(Walk const& walk) {
        std::vector<std::uint64_t> out;
        for (auto const& touched : walk.touched)
            if (touched.what == Touch::PteRead) out.push_back(touched.pa);
        return out;
    }
    void count(Walk const& walk) {
        if (walk.pa) ++counts.arrived;
        if (walk.cause && *walk.cause < 8) ++counts.refused;
        if (walk.cause && *walk.cause >= 20) ++counts.guest_page_faults;
        if (walk.cause && *walk.cause >= 12 && *walk.cause < 20) ++counts.page_faults;
        counts.long_walks += walk.touched.size() > 8 ? 1 : 0;
    }

    void check(reference::Translation how, std::uint64_t address) {
        auto const use = static_cast<Use>(pick(4));
        auto const walk = reference_walk(how, address, use);
        count(walk);
        auto const ours = our_walk(address, how.virt);
        auto const theirs = reads(walk);
        ASSERT_GE(asked.size(), theirs.size()) << std::hex << address;
        ASSERT_TRUE(std::equal(theirs.begin(), theirs.end(), asked.begin())) << std::hex << address;
        ASSERT_TRUE(!walk.pa || ours == walk.pa) << std::hex << address;
        auto const refused = walk.cause && *walk.cause < 8;
        if (!walk.pa && !refused) return; // a page fault: ours does not judge
        ASSERT_EQ(asked.size(), theirs.size()) << std::hex << address;
        ASSERT_EQ(ours.has_value(), !refused) << std::hex << address;
    }

    /// With A and D set by the hart: it also writes PTEs, and may read them again for it.
    void check_updates(reference::Translation how, std::uint64_t address) {
        how.menvcfg.adue = how.henvcfg.adue = true;
        auto const walk = reference_walk(how, address, Use::Store);
        auto const ours = our_walk(address, how.virt);
        for (auto const& touched : walk.touched)
            ASSERT_TRUE(touched.what == Touch::Final ||
                        std::find(asked.begin(), asked.end(), touched.pa) != asked.end())
                << std::hex << address;
        ASSERT_TRUE(!walk.pa || ours == walk.pa) << std::hex << address;
    }

    void check_both(reference::Translation const& how, std::uint64_t address) {
        ASSERT_NO_FATAL_FAILURE(check(how, address));
        ASSERT_NO_FATAL_FAILURE(check_updates(how, address));
    }
};

TEST_F(Walks, OneStageNamesEveryPteThatTheHartReads) {
    h.hart.sv57 = true;
    for (int round = 0; round < 60; ++round) {
        fill(false);
        for (int i = 0; i < 500; ++i) {
            auto const satp = root(some_mode(true), page());
            h.hart.write_csr(csr::Satp, satp);
            reference::Translation const how{
                .mode = reference::Mode::U, .satp = satp, .svnapot = true};
            ASSERT_NO_FATAL_FAILURE(check_both(how, some_address()));
        }
    }
    EXPECT_GT(counts.arrived, 1000U);
    EXPECT_GT(counts.refused, 1000U);
    EXPECT_GT(counts.page_faults, 1000U);
}

TEST_F(Walks, TwoStagesNameEveryPteThatTheHartReads) {
    for (int round = 0; round < 60; ++round) {
        fill(true);
        for (int i = 0; i < 500; ++i) {
            auto const vsatp = root(some_mode(true), 4096 * pick(64));
            auto const hgatp = guest_root();
            h.hart.write_csr(csr::Vsatp, vsatp);
            h.hart.write_csr(csr::Hgatp, hgatp);
            reference::Translation const how{.mode = reference::Mode::U,
                                             .virt = true,
                                             .vsatp = vsatp,
                                             .hgatp = hgatp,
                                             .svnapot = true};
            auto const address = pick(4) == 0 ? pick(1ULL << 24U) : some_address();
            ASSERT_NO_FATAL_FAILURE(check_both(how, address));
        }
    }
    EXPECT_GT(counts.arrived, 500U);
    EXPECT_GT(counts.refused, 1000U);
    EXPECT_GT(counts.page_faults, 100U);
    EXPECT_GT(counts.guest_page_faults, 1000U);
    EXPECT_GT(counts.long_walks, 500U);
}

} // namespace
} // namespace plinth::fake
