// SPDX-License-Identifier: Apache-2.0
/// A firmware that uses interrupts against plan changes and enclaves: masks them, clears them,
/// posts them.
#include "bench.hpp"
#include "monitor/harts.hpp"

#include <gtest/gtest.h>
#include <random>

namespace plinth::fake {
namespace {

using namespace arch;
using enclave::State;
using monitor::World;
namespace fid = enclave::fid;

constexpr std::uint64_t msie = 1U << 3U, mtie = 1U << 7U;

Hart::Step store_msip(unsigned hart, std::uint32_t value) {
    return memory_access(encode_store(2, 6, 5, 0), board::clint.base().raw + 4ULL * hart, value);
}
Hart::Step store_mtimecmp(unsigned hart, std::uint64_t value) {
    constexpr std::uint64_t first = 0x4000;
    return memory_access(encode_store(3, 6, 5, 0), board::clint.base().raw + first + 8ULL * hart,
                         value);
}

/// The interrupts that take a hart out of whatever runs below M.
std::uint64_t due(Hart const& hart) {
    return hart.read_csr(csr::Mip) & hart.read_csr(csr::Mie) & ~hart.read_csr(csr::Mideleg);
}

// --- F-21: plan changes -------------------------------------------------------------------------

/// Hart 1 spins in a firmware that has masked everything; hart 2's firmware clears the software
/// interrupts of all harts as soon as hart 0's create has sent them.
class Spinning : public testing::TestWithParam<unsigned> {
  protected:
    Spinning() {
        bench.to_host(0);
        auto const under_host = GetParam() == 1;
        if (under_host) bench.to_host(1); // then back to the firmware, by a call
        if (under_host) bench.play(ecall(), 1);
        bench.write_csr(csr::Mie, 0, 1);
        bench.write_csr(csr::Mstatus, 0, 1);
        bench.write_csr(csr::Mie, ~0ULL, 2);
        bench.machine.on_ipi = [this](unsigned id) {
            if (id == 2) all_were_asked(); // the last one
        };
    }
    void all_were_asked() {
        ++changes;
        auto& spins = bench.hart(1);
        EXPECT_NE(spins.acknowledged, bench.monitor->generation);
        EXPECT_EQ(due(spins.hart), irq::bit(irq::Msi)); // what its endless loop is left by
        for (unsigned id = 0; id < 3; ++id) bench.play(store_msip(id, 0), 2);
        EXPECT_EQ(due(spins.hart), irq::bit(irq::Msi));
        auto const pc = spins.regs.guest.pc;
        if (due(spins.hart) != 0) turn(spins);
        if (due(spins.hart) == 0) ++turns;
        serve(spins); // or create would wait for ever, should the above have failed
        EXPECT_EQ(spins.world, World::Firmware);
        EXPECT_EQ(spins.regs.guest.pc, pc); // and goes on spinning
        EXPECT_EQ(spins.vmsip, 0U);
    }

    Bench bench{{.harts = 3, .keys = false}};
    unsigned changes{0}, turns{0};
};

TEST_P(Spinning, F21_AMaskedAndClearedInterruptDoesNotHoldUpAPlanChange) {
    auto const reachable = [&](unsigned id) {
        return bench.hart(id).hart.guest_load(Bench::epm, 8, 1ULL << 11U).ok;
    };
    for (unsigned round = 1; round <= 3; ++round) {
        auto const made = bench.create();
        ASSERT_EQ(made.error, 0U);
        for (unsigned id = 0; id < 3; ++id) EXPECT_FALSE(reachable(id)) << id;
        EXPECT_EQ(bench.keystone(fid::Destroy, {made.value}).error, 0U);
        EXPECT_EQ(changes, 2 * round);
        EXPECT_EQ(turns, changes); // each took one trap of the hart that spins
    }
    EXPECT_EQ(bench.read_csr(csr::Mie, 1), 0U);
}

INSTANTIATE_TEST_SUITE_P(FromResetAndUnderAHost, Spinning, testing::Values(0U, 1U));

// --- F-22: storms -------------------------------------------------------------------------------

/// Hart 0's host runs an enclave that counts. Meanwhile the firmware of hart 1 strikes: it raises
/// hart 0's software interrupt or makes its timer expire. The firmware of hart 0 lets its host go
/// on, as it likes with interrupts masked, pending or expiring again soon.
class Storm {
  public:
    static constexpr unsigned goal = 200;

    Storm(Bench& bench, std::uint64_t seed) : bench_{bench}, random_{seed} {
        bench.machine.on_ipi = [&](unsigned id) {
            if (id == 1) serve(bench_.hart(1));
        };
        bench.to_host(0);
        id_ = bench.create().value;
        bench.machine.ticks_per_read = 1;
    }
    /// Goes on until the enclave has ended, for a number of guest steps at most.
    void blow(unsigned most) {
        for (unsigned steps = 0; steps < most && !ended_; ++steps)
            bench_.play([this](Hart&, GuestContext& guest) { return step(guest); });
    }
    bool ended() const { return ended_; }
    unsigned entries() const { return entries_; }
    unsigned strikes() const { return strikes_; }
    unsigned counted() const { return counted_; }
    /// Entries that were over before the first instruction.
    unsigned fruitless() const { return fruitless_; }

  private:
    unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

    /// What the world that runs on hart 0 does next.
    Trap step(GuestContext& guest) {
        auto const world = bench_.hart().world;
        if (pick(2) == 0) strike();
        switch (world) {
        case World::Firmware: return firmware(guest);
        case World::Host: return host(guest);
        case World::Enclave: return enclave(guest);
        }
        return {};
    }
    void strike() {
        ++strikes_;
        auto const how = pick(3);
        if (how != 0) bench_.play(store_msip(0, 1), 1);
        if (how != 1) bench_.play(store_mtimecmp(0, 0), 1);
    }
    /// Four instructions: both sources are settled, or all are masked; then mret.
    Trap firmware(GuestContext& guest) {
        auto& hart = bench_.hart().hart;
        auto const number = instruction_++ % 4;
        if (number == 0) masks_ = pick(2) == 0;
        if (number == 0) return csr_write(csr::Mie, masks_ ? 0 : msie | mtie)(hart, guest);
        if (number == 1 && !masks_) return store_msip(0, 0)(hart, guest);
        if (number == 2 && !masks_) return store_mtimecmp(0, deadline())(hart, guest);
        if (number != 3) return csr_write(csr::Mscratch, 0)(hart, guest);
        return illegal(insn_mret)(hart, guest);
    }
    /// Never, or soon: then it is one strike more.
    std::uint64_t deadline() {
        if (pick(2) == 0) return ~0ULL;
        ++strikes_;
        return bench_.machine.mtime + pick(40);
    }
    Trap host(GuestContext& guest) {
        auto const answer = guest.get(reg::a0);
        if (entries_ != 0) {
            ended_ = answer == 0;
            EXPECT_TRUE(ended_ || answer == 100002) << answer;
        }
        if (ended_) {
            EXPECT_EQ(guest.get(reg::a1), goal);
        }
        if (entries_ != 0 && counted_ == before_) ++fruitless_;
        before_ = counted_;
        guest.set(reg::a0, id_);
        guest.set(reg::a6, entries_++ == 0 ? fid::Run : fid::Resume);
        guest.set(reg::a7, enclave::keystone_extension);
        return Trap{.cause = raw(Cause::EcallS)};
    }
    /// Counts, in a register; a call that is refused lets the monitor look at what is pending.
    Trap enclave(GuestContext& guest) {
        EXPECT_EQ(guest.get(9), counted_); // where it was interrupted
        guest.set(9, ++counted_);
        auto const done = counted_ == goal;
        guest.set(reg::a0, counted_);
        guest.set(reg::a6, done ? fid::Exit : 0);
        guest.set(reg::a7, done ? enclave::keystone_extension : 0x10);
        return Trap{.cause = raw(Cause::EcallS)};
    }

    Bench& bench_;
    std::mt19937_64 random_;
    std::uint64_t id_{0};
    bool masks_{false}, ended_{false};
    unsigned instruction_{0}, entries_{0}, strikes_{0}, counted_{0}, before_{0}, fruitless_{0};
};

TEST(Storms, F22_EachStrikeCostsAtMostOneEntryAndTheEnclaveEnds) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        Bench bench{{.harts = 2, .keys = false}};
        Storm storm{bench, seed};
        storm.blow(20'000);
        ASSERT_TRUE(storm.ended()) << seed;
        EXPECT_EQ(storm.counted(), Storm::goal);
        EXPECT_LE(storm.entries(), storm.strikes() + 2); // the first one and the last
        EXPECT_GT(storm.entries(), 30U);                 // or there was no storm
        EXPECT_GT(storm.fruitless(), 5U);
        EXPECT_GT(storm.entries(), storm.fruitless() + 5);
    }
}

// --- F-23: interrupts that are not the enclave's ------------------------------------------------

constexpr std::uint64_t supervisor = 0x222, guests = 0x444; // SSI, STI, SEI; VSSI, VSTI, VSEI

/// What the firmware leaves enabled, and whether that concerns anyone before the enclave.
struct Left {
    std::uint64_t mie;
    bool stops;
};

class Injected : public testing::TestWithParam<Left> {
  protected:
    Injected() {
        bench.to_host();
        id = bench.create().value;
        bench.keystone(fid::Run, {id});
        bench.keystone(fid::Stop, {1});
        bench.call(0x10, 0); // to the firmware
        bench.write_csr(csr::Mip, supervisor);
        bench.write_csr(csr::Hideleg, guests);
        bench.write_csr(csr::Hvip, guests);
        bench.write_csr(csr::Mie, GetParam().mie);
        EXPECT_EQ(bench.read_csr(csr::Mip), supervisor | guests);
        bench.write_csr(csr::Mepc, Bench::host_pc);
        bench.play(illegal(insn_mret));
    }
    /// The enclave enables what it can, and sees and takes nothing, however long it runs.
    void enclave_sees_nothing() {
        for (unsigned i = 0; i < 10; ++i)
            bench.play([&](Hart& hart, GuestContext& guest) {
                EXPECT_EQ(h.world, World::Enclave);
                hart.status |= mstatus::Sie::mask;
                auto const delegated = hart.read_csr(csr::Mideleg);
                hart.set_csr(csr::Mie, delegated & supervisor); // csrs sie, -1
                auto const sip = hart.read_csr(csr::Mip) & delegated & supervisor;
                EXPECT_EQ(sip, 0U);
                EXPECT_EQ(hart.read_csr(csr::Mip) & hart.read_csr(csr::Mie) & delegated, 0U);
                EXPECT_EQ(due(hart), 0U);
                EXPECT_EQ(hart.read_csr(csr::Hvip), 0U);
                guest.set(reg::a7, 0x10);
                return Trap{.cause = raw(Cause::EcallS)};
            });
    }
    void host_has_its_own() {
        bench.play([&](Hart& hart, GuestContext& guest) {
            EXPECT_EQ(h.world, World::Host);
            EXPECT_EQ(guest.get(reg::a0), GetParam().stops ? 100002U : 0U);
            EXPECT_EQ(hart.read_csr(csr::Mip), supervisor | guests);
            EXPECT_EQ(hart.read_csr(csr::Mideleg) & supervisor, supervisor);
            EXPECT_EQ(hart.read_csr(csr::Mie) & (supervisor | guests), GetParam().mie);
            EXPECT_EQ(hart.read_csr(csr::Hvip), guests);
            return Trap{.cause = raw(Cause::EcallS)};
        });
    }

    Bench bench{{.hypervisor = true, .keys = false}};
    monitor::HartState& h{bench.hart()};
    std::uint64_t id{0};
};

TEST_P(Injected, F23_InterruptsPostedByTheFirmwareAreTheHostsAndNeverTheEnclaves) {
    bench.keystone(fid::Resume, {id});
    if (!GetParam().stops) { // else: back before the first instruction
        enclave_sees_nothing();
        bench.keystone(fid::Exit, {7});
    }
    host_has_its_own();
}

INSTANTIATE_TEST_SUITE_P(Enabled, Injected,
                         testing::Values(Left{0, false}, Left{guests, false}, Left{0x002, true},
                                         Left{0x020, true}, Left{0x200, true},
                                         Left{supervisor | guests, true}));

} // namespace
} // namespace plinth::fake
