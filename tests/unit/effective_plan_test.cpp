// SPDX-License-Identifier: Apache-2.0
/// Function 3 of the monitor's own extension: what a world may access, as the host is told. What is
/// right is written down here by hand, from the fake board's addresses and the vPMPs.
#include "bench.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <ostream>

namespace plinth::fake {
namespace {

using namespace arch;
using monitor::World;
using U64 = std::uint64_t;

constexpr U64 extension = 0x0850'4c4e, function = 3;
constexpr U64 not_supported = 0 - U64{2}, invalid_param = 0 - U64{3}, invalid_address = 0 - U64{5};
constexpr U64 firmware = 0, host = 1, none = 0, r = 1, rw = 3, rwx = 7;
constexpr U64 last_byte = (U64{1} << 56U) - 1, no_limit = ~U64{0};
constexpr U64 buffer = 0x8050'0000, filler = 0x5a;

/// A record as the monitor writes it.
struct Record {
    U64 base, last, rights;
    friend bool operator==(Record const&, Record const&) = default;
    friend std::ostream& operator<<(std::ostream& out, Record const& run) {
        return out << std::hex << run.base << '-' << run.last << ':' << run.rights;
    }
};
using Records = std::vector<Record>;

/// Records that touch and have the same rights are one.
Records merged(Records const& runs) {
    Records out;
    for (auto const& run : runs)
        if (!out.empty() && out.back().rights == run.rights && out.back().last + 1 == run.base)
            out.back().last = run.last;
        else
            out.push_back(run);
    return out;
}

/// Below the monitor: everything but the devices that are the monitor's.
Records const low{{0, 0xf'ffff, rwx},
                  {0x10'0000, 0x10'0fff, none},
                  {0x10'1000, 0x1ff'ffff, rwx},
                  {0x200'0000, 0x200'ffff, none},
                  {0x201'0000, 0x100f'ffff, rwx},
                  {0x1010'0000, 0x1010'0fff, none},
                  {0x1010'1000, 0x7fff'ffff, rwx},
                  {0x8000'0000, 0x800f'ffff, none}};
Records behind(Records const& high) {
    auto all = low;
    all.insert(all.end(), high.begin(), high.end());
    return all;
}

struct Asked {
    U64 hart{0}, world{host}, to{buffer}, first{0}, room{no_limit};
};

/// On harts with 16, 8 and 6 PMP entries: the same plans, whether they fit or not.
class EffectivePlans : public testing::TestWithParam<unsigned> {
  protected:
    explicit EffectivePlans(unsigned harts = 1)
        : bench{{.harts = harts, .pmp_entries = GetParam()}}, h{bench.hart()} {
        bench.to_host(0);
        std::memset(bench.bytes(buffer, size).data(), filler, size);
    }

    Answer ask(Asked const& asked, unsigned id = 0) {
        auto const step = [=](Hart&, GuestContext& guest) {
            U64 const args[]{asked.hart, asked.world, asked.to, asked.first, asked.room};
            for (unsigned i = 0; i < 5; ++i) guest.set(reg::a0 + i, args[i]);
            guest.set(reg::a6, function);
            guest.set(reg::a7, extension);
            return Trap{.cause = raw(Cause::EcallS)};
        };
        bench.play(step, id);
        auto const& guest = bench.hart(id).regs.guest;
        return {guest.get(reg::a0), guest.get(reg::a1)};
    }
    Records told(U64 count, U64 at = buffer) {
        Records runs(count);
        if (count == 0) return runs;
        std::memcpy(runs.data(), bench.bytes(at, count * sizeof(Record)).data(),
                    count * sizeof(Record));
        return runs;
    }
    /// The whole plan of a world, with equal neighbours merged.
    Records plan(U64 world, unsigned id = 0) {
        auto const answer = ask({.hart = id, .world = world}, id);
        EXPECT_EQ(answer.error, 0U);
        auto const runs = told(answer.value);
        for (std::size_t i = 1; i < runs.size(); ++i) EXPECT_EQ(runs[i].base, runs[i - 1].last + 1);
        return merged(runs);
    }
    /// The firmware programs its PMP and returns to the host.
    void program(std::initializer_list<U64> addresses, U64 cfg, unsigned id = 0) {
        bench.call(0x10, 0, {}, id);
        unsigned i = 0;
        for (auto const address : addresses) bench.write_csr(csr::Pmpaddr0 + i++, address, id);
        bench.write_csr(csr::Pmpcfg0, cfg, id);
        bench.write_csr(csr::Mstatus, 1ULL << 11U, id);
        bench.play(illegal(insn_mret), id);
        ASSERT_EQ(bench.hart(id).world, World::Host);
    }
    /// One page read-only, locked; the next one RW; the lower 4 GiB RWX; nothing above.
    void program_some(unsigned id = 0) {
        program({0x8030'0000U >> 2U, 0x8030'1000U >> 2U, 0x8030'2000U >> 2U, 0x1fff'ffff},
                0x1f'0b'89'00, id);
    }

    static constexpr U64 size = 64 * sizeof(Record);
    Bench bench;
    monitor::HartState& h;
};

class EffectivePlansOfTwo : public EffectivePlans {
  protected:
    EffectivePlansOfTwo() : EffectivePlans{2} {}
};

auto const entries = testing::Values(16, 8, 6);
INSTANTIATE_TEST_SUITE_P(Entries, EffectivePlans, entries);
INSTANTIATE_TEST_SUITE_P(Entries, EffectivePlansOfTwo, entries);

TEST_P(EffectivePlans, AreThoseOfMonitorAndVirtualPmp) {
    EXPECT_EQ(plan(host), behind({{0x8010'0000, last_byte, rwx}}));
    EXPECT_EQ(plan(firmware), behind({{0x8010'0000, last_byte, rwx}}));
    program_some();
    EXPECT_EQ(plan(host), behind({{0x8010'0000, 0x802f'ffff, rwx},
                                  {0x8030'0000, 0x8030'0fff, r},
                                  {0x8030'1000, 0x8030'1fff, rw},
                                  {0x8030'2000, 0xffff'ffff, rwx},
                                  {0x1'0000'0000, last_byte, none}}));
    EXPECT_EQ(plan(firmware), behind({{0x8010'0000, 0x802f'ffff, rwx},
                                      {0x8030'0000, 0x8030'0fff, r},
                                      {0x8030'1000, last_byte, rwx}}));
    program({0}, 0); // implemented, all OFF: the host may do nothing, and asks in registers only
    EXPECT_EQ(ask({.room = 0}), (Answer{0, 0}));
    EXPECT_EQ(ask({}), (Answer{invalid_address, 0}));
}

TEST_P(EffectivePlans, FollowEnclaves) {
    ASSERT_EQ(bench.create(0).error, 0U);
    ASSERT_EQ(bench.create(1).error, 0U); // next to it
    auto const last = bench.create(3);
    ASSERT_EQ(last.error, 0U);
    auto const with = behind({{0x8010'0000, 0x803f'ffff, rwx},
                              {0x8040'0000, 0x8041'ffff, none},
                              {0x8042'0000, 0x8042'ffff, rwx},
                              {0x8043'0000, 0x8043'ffff, none},
                              {0x8044'0000, last_byte, rwx}});
    EXPECT_EQ(plan(host), with);
    EXPECT_EQ(plan(firmware), with);
    ASSERT_EQ(bench.keystone(enclave::fid::Destroy, {last.value}).error, 0U);
    auto const without = behind({{0x8010'0000, 0x803f'ffff, rwx},
                                 {0x8040'0000, 0x8041'ffff, none},
                                 {0x8042'0000, last_byte, rwx}});
    EXPECT_EQ(plan(host), without);
    EXPECT_EQ(plan(firmware), without);
}

TEST_P(EffectivePlansOfTwo, AreTheCallingHarts) {
    bench.to_host(1);
    program_some(1);
    EXPECT_EQ(plan(host, 0), behind({{0x8010'0000, last_byte, rwx}}));
    EXPECT_EQ(plan(host, 1).back(), (Record{0x1'0000'0000, last_byte, none}));
    EXPECT_EQ(ask({.hart = 1}, 0), (Answer{invalid_param, 0}));
    EXPECT_EQ(ask({.hart = 0}, 1), (Answer{invalid_param, 0}));
}

TEST_P(EffectivePlans, ComeInPieces) {
    program_some();
    auto const all = ask({});
    ASSERT_EQ(all.error, 0U);
    auto const runs = told(all.value);
    for (U64 first = 0; first <= runs.size() + 1; ++first)
        for (U64 room = 0; room <= runs.size() + 1; ++room) {
            std::memset(bench.bytes(buffer, size).data(), filler, size);
            auto const left = first < runs.size() ? runs.size() - first : 0;
            auto const count = std::min(room, left);
            ASSERT_EQ(ask({.first = first, .room = room}), (Answer{0, count}));
            auto const from = runs.begin() + static_cast<std::ptrdiff_t>(runs.size() - left);
            ASSERT_EQ(told(count), Records(from, from + static_cast<std::ptrdiff_t>(count)));
            for (auto at = count * sizeof(Record); at < size; ++at)
                ASSERT_EQ(bench.bytes(buffer, size)[at], filler);
        }
    EXPECT_EQ(ask({.room = 1ULL << 63U}), all);
    for (auto const first : {1ULL << 32U, 1ULL << 63U, ~0ULL})
        for (auto const room : {U64{1}, no_limit})
            EXPECT_EQ(ask({.first = first, .room = room}), (Answer{0, 0}));
    EXPECT_EQ(ask({.to = buffer + 1}), all); // any alignment
    EXPECT_EQ(told(runs.size(), buffer + 1), runs);
}

TEST_P(EffectivePlansOfTwo, X08_OtherHartsAndWorldsAreRefused) {
    auto const memory = bench.machine.ram;
    for (auto const to : {buffer, U64{0}})
        for (auto const wrong : {2ULL, 3ULL, 1ULL << 32U, 1ULL << 63U, ~0ULL}) {
            EXPECT_EQ(ask({.hart = wrong, .to = to}), (Answer{invalid_param, 0})) << wrong;
            EXPECT_EQ(ask({.world = wrong, .to = to}), (Answer{invalid_param, 0})) << wrong;
        }
    EXPECT_EQ(ask({.hart = 1}), (Answer{invalid_param, 0})); // that exists
    EXPECT_EQ(ask({.hart = 1, .room = 0}), (Answer{invalid_param, 0}));
    EXPECT_TRUE(bench.machine.ram == memory);
}

TEST_P(EffectivePlans, X08_WhatTheHostMayNotWriteIsNotWritten) {
    ASSERT_EQ(bench.create().error, 0U);
    auto const memory = bench.machine.ram;
    for (auto const to : {U64{0x8000'0000}, U64{0x800f'fff0}, Bench::epm, Bench::epm + 0xfff0,
                          board::clint.base().raw, U64{0x8100'0000}, ~U64{0} - 7, U64{1} << 62U})
        for (auto const world : {firmware, host})
            EXPECT_EQ(ask({.world = world, .to = to}), (Answer{invalid_address, 0})) << to;
    EXPECT_EQ(ask({.to = 0x8000'0000, .room = 0}), (Answer{0, 0})); // nothing is written there
    EXPECT_EQ(ask({.to = 0x8000'0000, .first = 100}), (Answer{0, 0}));
    EXPECT_TRUE(bench.machine.ram == memory);
}

TEST_P(EffectivePlans, X08_ABufferThatRunsIntoAHoleEndsThere) {
    ASSERT_EQ(bench.create().error, 0U);
    auto const all = ask({});
    ASSERT_EQ(all.error, 0U);
    auto const bytes = all.value * sizeof(Record);
    auto const memory = bench.machine.ram;
    for (auto const hole : {Bench::epm, U64{0x8100'0000}})
        for (U64 before = 0; before < bytes; before += 8) {
            EXPECT_EQ(ask({.to = hole - before}), (Answer{invalid_address, 0})) << before;
            auto const fits = before / sizeof(Record);
            EXPECT_EQ(told(fits, hole - before), told(fits));
        }
    EXPECT_EQ(ask({.to = Bench::epm - bytes}), all);
    std::memcpy(bench.bytes(Bench::epm - bytes, bytes).data(),
                &memory[Bench::epm - bytes - 0x8000'0000], bytes);
    std::memcpy(bench.bytes(0x8100'0000 - bytes, bytes).data(), &memory[0x100'0000 - bytes], bytes);
    EXPECT_TRUE(bench.machine.ram == memory); // no byte of the enclave, none behind
}

TEST_P(EffectivePlans, TheBufferIsTheHostsVirtualAddress) {
    auto const satp = 8ULL << 60U | 0x80300;
    auto& pages = h.hart.translations[satp];
    pages[0x1000] = {.frame = buffer};
    pages[0x2000] = {.frame = buffer, .user = true};
    pages[0x3000] = {.frame = buffer, .w = false};
    h.hart.write_csr(csr::Satp, satp); // the host's own csrw
    for (U64 const to : {0x2000U, 0x3000U, 0x9000U, 0x1ff8U})
        EXPECT_EQ(ask({.to = to}), (Answer{invalid_address, 0})) << to;
    auto const answer = ask({.to = 0x1000});
    ASSERT_EQ(answer.error, 0U);
    EXPECT_EQ(merged(told(answer.value)), behind({{0x8010'0000, last_byte, rwx}}));
}

TEST_P(EffectivePlans, AreNotForEnclaves) {
    auto const made = bench.create();
    bench.keystone(enclave::fid::Run, {made.value});
    ASSERT_EQ(h.world, World::Enclave);
    auto const memory = bench.machine.ram;
    for (auto const world : {firmware, host, U64{2}})
        for (auto const to : {buffer, Bench::epm + 0x8000, Bench::utm})
            EXPECT_EQ(ask({.world = world, .to = to}).error, not_supported);
    EXPECT_EQ(h.world, World::Enclave);
    EXPECT_TRUE(bench.machine.ram == memory);
}

} // namespace
} // namespace plinth::fake
