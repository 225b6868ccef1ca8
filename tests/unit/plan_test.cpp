// SPDX-License-Identifier: Apache-2.0
/// PMP encoding, plans and their lowering against the references: byte by byte, for every world.
#include "board.hpp"
#include "monitor/plan.hpp"
#include "reference/plan_reference.hpp"
#include "reference/pmp_reference.hpp"

#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace plinth::monitor {
namespace {

using arch::PmpImage;
using arch::Rights;
using reference::Kind;
using reference::Lowering;
using reference::Mode;

constexpr Kind kinds[] = {Kind::Read, Kind::Write, Kind::Execute};
constexpr unsigned lengths[] = {1, 2, 4, 8};
constexpr std::uint64_t limit = reference::physical_limit;

using Random = std::mt19937_64;

std::uint64_t pick(Random& random, std::uint64_t below) { return random() % below; }

PhysRange range(std::uint64_t base, std::uint64_t size) { return *PhysRange::make({base}, size); }

// --- one entry ----------------------------------------------------------------------------------

TEST(PmpEntry, X03_NapotOfEverySizeAndAlignedBaseRoundTrips) {
    for (unsigned shift = 3; shift <= 56; ++shift) {
        auto const size = 1ULL << shift;
        for (std::uint64_t const base :
             {std::uint64_t{0}, std::uint64_t{size}, std::uint64_t{3 * size},
              std::uint64_t{limit - size}, limit / 2}) {
            if (base % size != 0 || base > limit - size) continue;
            auto const address = arch::napot_address(range(base, size));
            ASSERT_TRUE(address) << shift;
            std::uint8_t const cfg[] = {arch::pmpcfg::napot | 7};
            std::uint64_t const addr[] = {*address};
            auto const region = reference::pmp_region(cfg, addr, 0);
            EXPECT_EQ(region.low, base);
            EXPECT_EQ(std::min(region.end, limit), base + size);
            EXPECT_EQ(arch::pmp_range(cfg[0], *address, 0), range(base, size));
        }
    }
}

TEST(PmpEntry, X03_WhatIsNotNaturallyAlignedHasNoNapotAddress) {
    EXPECT_FALSE(arch::napot_address(range(0x1000, 4)));
    EXPECT_FALSE(arch::napot_address(range(0x1000, 0x1800)));
    EXPECT_FALSE(arch::napot_address(range(0x1000, 0x2000)));
    EXPECT_FALSE(arch::napot_address(range(0x1004, 8)));
    EXPECT_FALSE(arch::napot_address(*PhysRange::between({0}, {~0ULL})));
}

TEST(PmpEntry, X03_EveryEntryMatchesWhatTheSpecificationSays) {
    Random random{1};
    auto const address = [&random]() -> std::uint64_t {
        auto const value = random() >> pick(random, 64);
        return pick(random, 2) == 0 ? value : value | ((1ULL << pick(random, 55)) - 1);
    };
    for (int round = 0; round < 200'000; ++round) {
        auto const cfg = static_cast<std::uint8_t>(random());
        std::uint64_t const addr[] = {address(), pick(random, 4) == 0 ? addr[0] : address()};
        std::uint8_t const cfgs[] = {0, cfg};
        auto const region = reference::pmp_region(cfgs, addr, 1);
        auto const found = arch::pmp_range(cfg, addr[1], addr[0]);
        ASSERT_EQ(!found, region.empty()) << round;
        if (!found) continue;
        ASSERT_EQ(found->base().raw, region.low) << round;
        ASSERT_EQ(found->last() + 1, std::min(region.end, limit)) << round;
    }
}

/// Entries of a hart whose smallest region is larger than four bytes.
TEST(PmpEntry, X03_EveryEntryOfACoarseHartMatchesWhatTheSpecificationSays) {
    Random random{2};
    for (int round = 0; round < 200'000; ++round) {
        VirtualPmp pmp{
            .cfg = {static_cast<std::uint8_t>(random()), static_cast<std::uint8_t>(random())},
            .addr = {random() >> (10 + pick(random, 54)), random() >> (10 + pick(random, 54))},
            .grain = static_cast<unsigned>(pick(random, 20))};
        auto const index = static_cast<unsigned>(pick(random, 2));
        if (!reference::pmp_entry_legal(pmp.cfg[index] & 0x9f, pmp.grain)) continue;
        auto const region = reference::pmp_region(pmp.cfg, pmp.addr, index, pmp.grain);
        auto const found = pmp.range(index);
        ASSERT_EQ(!found, region.empty()) << round;
        ASSERT_EQ(pmp.address(index),
                  reference::pmpaddr_reads_as(pmp.addr[index], pmp.cfg[index], pmp.grain));
        if (!found) continue;
        ASSERT_EQ(found->base().raw, region.low) << round;
        ASSERT_EQ(found->last() + 1, std::min(region.end, limit)) << round;
    }
}

// --- a random machine ---------------------------------------------------------------------------

struct State {
    enclave::DeniedRanges denied{};
    std::vector<PhysRange> epms{};
    VirtualPmp pmp{};
};

/// Places where something begins or ends, or nearly.
std::uint64_t interesting_address(Random& random, State const& state) {
    std::vector<std::uint64_t> edges{0,
                                     board::monitor.base().raw,
                                     board::monitor.last() + 1,
                                     board::firmware.last() + 1,
                                     board::clint.base().raw,
                                     board::finisher.last() + 1,
                                     board::fw_cfg.base().raw,
                                     0x8800'0000,
                                     limit - 4096};
    for (auto const& epm : state.epms) {
        edges.push_back(epm.base().raw);
        edges.push_back(epm.last() + 1);
    }
    auto const edge = edges[pick(random, edges.size())];
    constexpr std::uint64_t offsets[] = {0, 0, 0, 4, 8, 4096, 65536};
    auto const offset = offsets[pick(random, std::size(offsets))];
    return (pick(random, 2) == 0 ? edge + offset : edge - offset) & (limit - 4);
}

void make_epms(Random& random, State& state) {
    auto const count = pick(random, 7);
    std::uint64_t at = 0x8040'0000;
    for (unsigned i = 0; i < count; ++i) {
        auto const pages = pick(random, 2) == 0 ? 1ULL << pick(random, 6) : 1 + pick(random, 40);
        if (pick(random, 3) != 0) at = (at + pages * 4096 - 1) / (pages * 4096) * (pages * 4096);
        state.epms.push_back(range(at, pages * 4096));
        // Any slot, the first and the last among them.
        state.denied[(pick(random, 8) * 8 + 7 * i) % enclave::max_enclaves] = state.epms.back();
        at += pages * 4096 + 4096 * pick(random, 3);
    }
}

std::uint8_t legal_config(Random& random, bool locked) {
    auto cfg = static_cast<std::uint8_t>(random() & 0x1f);
    if ((cfg & 3U) == 2) cfg ^= 2U;
    return locked && pick(random, 3) == 0 ? cfg | 0x80 : cfg;
}

State random_state(Random& random) {
    State state;
    make_epms(random, state);
    auto const locks = pick(random, 2) == 0;
    auto const used = pick(random, virtual_pmp_entries + 1);
    for (unsigned i = 0; i < used; ++i) {
        state.pmp.cfg[i] = legal_config(random, locks);
        auto const address = interesting_address(random, state) >> 2U;
        auto const ones = (1ULL << (pick(random, 3) == 0 ? 54 : pick(random, 20))) - 1;
        auto const napot = (state.pmp.cfg[i] & 0x18U) == 0x18;
        state.pmp.addr[i] = napot ? (address | ones) & arch::pmpaddr_mask : address;
    }
    return state;
}

std::vector<reference::Rule> rules_of(Plan const& plan) {
    std::vector<reference::Rule> out;
    for (auto const& rule : plan.rules())
        out.push_back({rule.range.base().raw, rule.range.last(), rule.rights.r, rule.rights.w,
                       rule.rights.x});
    return out;
}

bool allows(PmpImage const& image, unsigned entries, std::uint64_t at, unsigned length, Kind kind) {
    return reference::pmp_allows({image.cfg.data(), entries}, {image.addr.data(), entries}, Mode::U,
                                 at, length, kind);
}

bool is_protected(State const& state, std::uint64_t byte) {
    auto const in = [byte](PhysRange r) { return byte >= r.base().raw && byte <= r.last(); };
    if (in(board::monitor)) return true;
    for (auto const& device : board::owned_devices)
        if (in(device)) return true;
    for (auto const& epm : state.epms)
        if (in(epm)) return true;
    return false;
}

bool touches_protected(State const& state, std::uint64_t at, unsigned length) {
    for (unsigned i = 0; i < length; ++i)
        if (is_protected(state, at + i)) return true;
    return false;
}

/// What vM may access while vMPRV is in force: loads and stores trap everywhere.
Plan firmware_mprv_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp) {
    auto plan = firmware_plan(denied, pmp);
    plan.keep(arch::rights_x);
    return plan;
}

std::vector<Plan> plans_of(State const& state) {
    return {firmware_plan(state.denied, state.pmp), firmware_mprv_plan(state.denied, state.pmp),
            host_plan(state.denied, state.pmp)};
}

/// Every edge of what a state can mention, and its surroundings.
std::vector<std::uint64_t> edges_of(State const& state, unsigned length) {
    std::vector<reference::Rule> edges = rules_of(host_plan(state.denied, state.pmp));
    edges.push_back({board::firmware.base().raw, board::firmware.last(), false, false, false});
    return reference::boundary_addresses(edges, length);
}

// --- plans and their lowering -------------------------------------------------------------------

class Plans : public testing::TestWithParam<unsigned> {
  protected:
    /// Lowering of one plan against the plan, at all boundaries.
    static void check(Plan const& plan, unsigned entries) {
        auto const rules = rules_of(plan);
        auto const lowered = lower(plan.rules(), entries);
        auto const& image = lowered.image;
        for (auto const length : lengths)
            for (auto const at : reference::boundary_addresses(rules, length))
                for (auto const kind : kinds) {
                    auto const result =
                        reference::compare(rules, {image.cfg.data(), entries},
                                           {image.addr.data(), entries}, at, length, kind);
                    ASSERT_NE(result, Lowering::TooLoose) << std::hex << at << " " << length;
                    ASSERT_FALSE(lowered.complete && result == Lowering::TooTight)
                        << std::hex << at;
                }
    }
};
INSTANTIATE_TEST_SUITE_P(Entries, Plans, testing::Values(16U, 8U, 6U));

TEST_P(Plans, LoweringNeverAllowsWhatThePlanDeniesAndIsFaithfulWhenComplete) {
    Random random{GetParam()};
    unsigned complete = 0;
    for (int round = 0; round < 60; ++round) {
        auto const state = random_state(random);
        for (auto const& plan : plans_of(state)) {
            check(plan, GetParam());
            complete += lower(plan.rules(), GetParam()).complete ? 1U : 0U;
        }
        if (HasFatalFailure()) return;
    }
    EXPECT_GT(complete, 0U);
}

TEST_P(Plans, P1_MonitorDevicesAndEnclavesAreNeverReachable) {
    Random random{100 + GetParam()};
    for (int round = 0; round < 150; ++round) {
        auto const state = random_state(random);
        for (auto const& plan : plans_of(state)) {
            auto const image = lower(plan.rules(), GetParam()).image;
            for (auto const length : {1U, 8U})
                for (auto const at : edges_of(state, length)) {
                    if (!touches_protected(state, at, length)) continue;
                    for (auto const kind : kinds)
                        ASSERT_FALSE(allows(image, GetParam(), at, length, kind)) << std::hex << at;
                }
        }
    }
}

TEST_P(Plans, P1_NothingChangesBetweenTheEdges) {
    Random random{200 + GetParam()};
    auto const state = random_state(random);
    for (auto const& plan : plans_of(state)) {
        auto const image = lower(plan.rules(), GetParam()).image;
        auto const edges = edges_of(state, 8);
        for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
            auto const gap = edges[i + 1] - edges[i];
            if (gap < 2) continue;
            for (int sample = 0; sample < 4; ++sample) {
                auto const at = edges[i] + 1 + pick(random, gap - 1);
                for (auto const kind : kinds)
                    ASSERT_EQ(allows(image, GetParam(), at, 1, kind),
                              allows(image, GetParam(), edges[i], 1, kind))
                        << std::hex << at;
            }
        }
    }
}

TEST_P(Plans, P4_NoLockIsSetAndUnusedEntriesAreOffWithAddressZero) {
    Random random{300 + GetParam()};
    for (int round = 0; round < 500; ++round) {
        auto const state = random_state(random);
        for (auto const& plan : plans_of(state)) {
            auto const image = lower(plan.rules(), GetParam()).image;
            ASSERT_LE(image.used, GetParam());
            for (unsigned i = 0; i < arch::max_pmp_entries; ++i) {
                ASSERT_TRUE(reference::pmp_entry_legal(image.cfg[i]));
                ASSERT_EQ(image.cfg[i] & 0x80, 0);
                // An OFF entry in use is the lower bound of the TOR entry behind it.
                auto const off = i < image.used && (image.cfg[i] & 0x18) == 0;
                ASSERT_TRUE(!off || (i + 1 < image.used && (image.cfg[i + 1] & 0x18) == 0x08));
                if (i < image.used) continue;
                ASSERT_EQ(image.cfg[i], 0);
                ASSERT_EQ(image.addr[i], 0U);
            }
        }
    }
}

TEST_P(Plans, P7_HostHasTheRightsOfABareMachineMinusWhatIsProtected) {
    Random random{400 + GetParam()};
    for (int round = 0; round < 80; ++round) {
        auto const state = random_state(random);
        auto const lowered = lower(host_plan(state.denied, state.pmp).rules(), GetParam());
        for (auto const length : lengths)
            for (auto const at : edges_of(state, length))
                for (auto const kind : kinds) {
                    auto const bare = [&](std::uint64_t first, unsigned bytes) {
                        return reference::pmp_allows(state.pmp.cfg, state.pmp.addr, Mode::S, first,
                                                     bytes, kind);
                    };
                    // Neighbours of equal rights are one entry: across their edge, too, each byte
                    // counts for itself.
                    auto may = !touches_protected(state, at, length);
                    auto const must = may && bare(at, length);
                    for (unsigned i = 0; i < length; ++i) may = may && bare(at + i, 1);
                    auto const has = allows(lowered.image, GetParam(), at, length, kind);
                    ASSERT_TRUE(may || !has) << std::hex << at << " " << length;
                    ASSERT_TRUE(!must || has || !lowered.complete)
                        << std::hex << at << " " << length;
                }
    }
}

/// Each entry alone, first to last, with every set of rights, locked and not.
TEST_P(Plans, P7_EachVirtualEntryCounts) {
    auto const place = range(0x8800'0000, 0x1000);
    for (unsigned index = 0; index < virtual_pmp_entries; ++index)
        for (unsigned cfg = 0; cfg < 8; ++cfg)
            for (auto const lock : {0U, 0x80U}) {
                if ((cfg & 3U) == 2) continue;
                State state;
                state.pmp.cfg[index] = static_cast<std::uint8_t>(cfg | 0x18 | lock);
                state.pmp.addr[index] = *arch::napot_address(place);
                auto const host = lower(host_plan(state.denied, state.pmp).rules(), GetParam());
                auto const firmware =
                    lower(firmware_plan(state.denied, state.pmp).rules(), GetParam());
                ASSERT_TRUE(host.complete && firmware.complete);
                for (auto const kind : kinds) {
                    auto const at = place.base().raw;
                    auto const has = (cfg >> static_cast<unsigned>(kind) & 1U) != 0;
                    ASSERT_EQ(allows(host.image, GetParam(), at, 8, kind), has) << index;
                    ASSERT_FALSE(allows(host.image, GetParam(), at - 8, 8, kind)) << index;
                    ASSERT_EQ(allows(firmware.image, GetParam(), at, 8, kind), has || lock == 0);
                    ASSERT_TRUE(allows(firmware.image, GetParam(), at - 8, 8, kind)) << index;
                }
            }
}

/// Accesses that span the edge of an unlocked vPMP are left out: the plan, which binds vM only by
/// locked entries, lets them through byte by byte.
TEST_P(Plans, P7_FirmwareHasTheRightsOfABareMachineMinusWhatIsProtected) {
    Random random{500 + GetParam()};
    for (int round = 0; round < 150; ++round) {
        auto const state = random_state(random);
        auto const plain = lower(firmware_plan(state.denied, state.pmp).rules(), GetParam());
        auto const mprv = lower(firmware_mprv_plan(state.denied, state.pmp).rules(), GetParam());
        for (auto const at : edges_of(state, 1))
            for (auto const kind : kinds) {
                auto const bare =
                    reference::pmp_allows(state.pmp.cfg, state.pmp.addr, Mode::M, at, 1, kind);
                auto const wanted = bare && !is_protected(state, at);
                auto const has = allows(plain.image, GetParam(), at, 1, kind);
                auto const has_mprv = allows(mprv.image, GetParam(), at, 1, kind);
                ASSERT_TRUE(wanted || !has) << std::hex << at;
                ASSERT_TRUE(wanted == has || !plain.complete) << std::hex << at;
                auto const runs = kind == Kind::Execute && wanted;
                ASSERT_TRUE(runs || !has_mprv) << std::hex << at;
                ASSERT_TRUE(runs == has_mprv || !mprv.complete) << std::hex << at;
            }
    }
}

TEST_P(Plans, P1_EnclaveReachesItsOwnMemoryAndNothingElse) {
    Random random{600 + GetParam()};
    for (int round = 0; round < 300; ++round) {
        auto const pages = 1 + pick(random, 64);
        auto const shared = 1 + pick(random, 8);
        auto const base = 0x8040'0000 + 4096 * pick(random, 1024);
        auto const utm = pick(random, 2) == 0 ? base + pages * 4096 : base - shared * 4096;
        enclave::Layout const layout{
            range(base, pages * 4096), range(utm, shared * 4096), {}, {}, {}};
        auto const lowered = lower(enclave_plan(layout).rules(), GetParam());
        ASSERT_TRUE(lowered.complete);
        for (auto const edge :
             {base, base + pages * 4096, utm, utm + shared * 4096, board::monitor.base().raw,
              board::firmware.base().raw, std::uint64_t{0}})
            for (auto at = edge - 9; at != edge + 9; ++at) {
                auto const own = at >= base && at < base + pages * 4096;
                auto const common = at >= utm && at < utm + shared * 4096;
                for (auto const kind : kinds)
                    ASSERT_EQ(allows(lowered.image, GetParam(), at, 1, kind),
                              own || (common && kind != Kind::Execute))
                        << std::hex << at;
            }
    }
}

TEST_P(Plans, F07_NoVirtualPmpOpensTheMonitorOrAnEnclaveToTheHost) {
    State state;
    state.epms = {range(0x8040'0000, 0x1'0000)};
    state.denied[5] = state.epms[0];
    for (unsigned index = 0; index < virtual_pmp_entries; ++index)
        for (unsigned mode = 1; mode <= 3; ++mode)
            for (auto const& target : {board::monitor, state.epms[0], range(0, limit)}) {
                state.pmp = {};
                state.pmp.cfg[index] = static_cast<std::uint8_t>(mode << 3U | 7U);
                auto const napot = arch::napot_address(target);
                state.pmp.addr[index] = mode == 3   ? *napot
                                        : mode == 2 ? target.base().raw >> 2U
                                                    : (target.last() + 1) >> 2U;
                if (mode == 1 && index > 0) state.pmp.addr[index - 1] = target.base().raw >> 2U;
                auto const image =
                    lower(host_plan(state.denied, state.pmp).rules(), GetParam()).image;
                for (auto const at : edges_of(state, 8))
                    for (auto const kind : kinds)
                        ASSERT_FALSE(touches_protected(state, at, 8) &&
                                     allows(image, GetParam(), at, 8, kind))
                            << std::hex << at;
            }
}

TEST(PlanRules, F08_ALockedVirtualPmpBindsTheFirmwareToo) {
    VirtualPmp pmp;
    pmp.addr[2] = *arch::napot_address(range(0x8300'0000, 0x1000));
    pmp.cfg[2] = 0x98; // L, NAPOT, no rights
    auto const image = lower(firmware_plan({}, pmp).rules(), 16).image;
    EXPECT_FALSE(allows(image, 16, 0x8300'0000, 8, Kind::Read));
    EXPECT_TRUE(allows(image, 16, 0x8300'1000, 8, Kind::Read));
    pmp.cfg[2] = 0x18;
    auto const unlocked = lower(firmware_plan({}, pmp).rules(), 16).image;
    EXPECT_TRUE(allows(unlocked, 16, 0x8300'0000, 8, Kind::Read));
}

TEST(PlanRules, AllowsAgreesWithTheReferenceOnEveryRange) {
    Random random{7};
    for (int round = 0; round < 300; ++round) {
        Plan plan;
        for (auto count = pick(random, 6); count > 0; --count)
            plan.add({range(pick(random, 40), 1 + pick(random, 30)),
                      {pick(random, 4) != 0, pick(random, 4) != 0, pick(random, 4) != 0}});
        auto const rules = rules_of(plan);
        for (unsigned base = 0; base < 64; ++base)
            for (unsigned length = 1; length < 24; ++length) {
                auto const asked = range(base, length);
                ASSERT_EQ(plan.allows(asked, arch::rights_rw),
                          reference::plan_allows(rules, base, length, Kind::Read) &&
                              reference::plan_allows(rules, base, length, Kind::Write));
                ASSERT_EQ(plan.allows(asked, arch::rights_x),
                          reference::plan_allows(rules, base, length, Kind::Execute));
            }
    }
}

TEST(PlanRules, TheMostRulesAStateCanHaveFitIntoAPlan) {
    State state;
    for (unsigned i = 0; i < enclave::max_enclaves; ++i)
        state.denied[i] = range(0x8040'0000 + 0x2000ULL * i, 0x1000);
    for (unsigned i = 0; i < virtual_pmp_entries; ++i) {
        state.pmp.cfg[i] = 0x9f;
        state.pmp.addr[i] = *arch::napot_address(range(0x9000'0000 + 0x1000ULL * i, 0x1000));
    }
    for (auto const& plan : plans_of(state)) {
        auto const lowered = lower(plan.rules(), 16);
        EXPECT_FALSE(lowered.complete);
        for (unsigned i = 0; i < enclave::max_enclaves; ++i)
            EXPECT_FALSE(allows(lowered.image, 16, 0x8040'0000 + 0x2000ULL * i, 8, Kind::Read));
    }
}

} // namespace
} // namespace plinth::monitor
