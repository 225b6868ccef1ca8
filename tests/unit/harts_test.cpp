// SPDX-License-Identifier: Apache-2.0
/// Several harts: plan changes reach all of them, no matter what they do and when they come.
#include "bench.hpp"
#include "contract.hpp"
#include "monitor/harts.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace plinth::fake {
namespace {

using namespace arch;
using enclave::State;
using monitor::World;
namespace fid = enclave::fid;

/// Whether the PMP that hart `id` holds lets S-mode load from an address.
bool reachable(Bench& bench, unsigned id, std::uint64_t address) {
    return bench.hart(id).hart.guest_load(address, 8, 1ULL << 11U).ok;
}

TEST(Harts, M09_CreateReturnsOnlyAfterEveryHartDeniesTheMemory) {
    Bench bench{{.harts = 3, .keys = false}};
    for (unsigned id = 0; id < 3; ++id) bench.to_host(id);
    unsigned asked = 0;
    bench.machine.on_ipi = [&](unsigned id) {
        ++asked;
        serve(bench.hart(id)); // the other hart takes its IPI
    };
    bench.play(ecall(), 1); // hart 1 is in its firmware, hart 2 in its host, hart 0 creates
    ASSERT_EQ(bench.hart(1).world, World::Firmware);
    EXPECT_TRUE(reachable(bench, 2, Bench::epm));
    EXPECT_EQ(bench.create().error, 0U);
    EXPECT_EQ(asked, 2U);
    for (unsigned id = 0; id < 3; ++id) EXPECT_FALSE(reachable(bench, id, Bench::epm)) << id;
    EXPECT_TRUE(reachable(bench, 2, Bench::utm));
}

/// Until the other hart has acknowledged, nothing of the memory is hashed or changed.
TEST(Harts, O26_NothingIsMeasuredBeforeTheLastAcknowledgement) {
    Bench bench{{.harts = 2, .keys = false}};
    bench.to_host(0);
    bench.to_host(1);
    bench.poke(Bench::epm + 0x8000, 77); // above free: would be zeroed
    attest::Digest before{};
    bench.machine.on_ipi = [&](unsigned id) {
        if (id != 1) return;
        EXPECT_EQ(bench.peek(Bench::epm + 0x8000), 77U);
        bench.poke(Bench::epm, 0xbad); // the other hart's last write before it is stopped
        serve(bench.hart(1));
    };
    auto const id = bench.create().value;
    EXPECT_EQ(bench.peek(Bench::epm + 0x8000), 0U);
    EXPECT_EQ(bench.peek(Bench::epm), 0xbadU);
    auto const measured = bench.monitor->registry.seize().find(id)->hash;
    bench.machine.on_ipi = [&](unsigned) { serve(bench.hart(1)); };
    EXPECT_EQ(bench.keystone(fid::Destroy, {id}).error, 0U);
    bench.poke(Bench::epm, 0xbad);
    auto const again = bench.create().value;
    EXPECT_EQ(bench.monitor->registry.seize().find(again)->hash,
              measured); // the late write counted
    EXPECT_NE(measured, before);
}

TEST(Harts, O33_AHartThatComesUpLaterDeniesWhatWasCreatedBefore) {
    Bench bench{{.harts = 1, .keys = false}};
    bench.to_host();
    ASSERT_EQ(bench.create().error, 0U);
    auto& late = bench.hart(2);
    late.monitor = bench.monitor.get();
    late.hart.attach(bench.machine, 2, bench.hart().hart.features());
    late.hart.before_entry = [&](GuestContext& guest) {
        auto const rows = broken_rows(late, guest); // "EPM denied" among them
        if (!rows.empty()) throw Violation{rows};
    };
    go_online(late);
    bench.write_csr(csr::Mtvec, Bench::vm_handler, 2); // where the ecall goes
    bench.play(ecall(), 2);
    EXPECT_FALSE(reachable(bench, 2, Bench::epm));
    bench.to_host(2);
    EXPECT_FALSE(reachable(bench, 2, Bench::epm));
}

TEST(Harts, StopRunAndResumeFollowTheEnclaveFromHartToHart) {
    Bench bench{{.harts = 2, .keys = false}};
    bench.machine.on_ipi = [&](unsigned id) { serve(bench.hart(id)); };
    bench.to_host(0);
    bench.to_host(1);
    auto const id = bench.create().value;
    bench.keystone(fid::Run, {id}, 0);
    EXPECT_EQ(bench.keystone(fid::Run, {id}, 1), (Answer{100016, 0}));
    EXPECT_EQ(bench.keystone(fid::Resume, {id}, 1), (Answer{100010, 0}));
    EXPECT_EQ(bench.keystone(fid::Destroy, {id}, 1), (Answer{100005, 0}));
    bench.play([](Hart& hart, GuestContext& guest) {
        hart.fp.f[1] = 0x5ec2e7;
        hart.write_csr(csr::Sscratch, 0x5ec2e7);
        guest.set(9, 0x5ec2e7);
        guest.set(reg::a0, 1);
        guest.set(reg::a6, fid::Stop);
        guest.set(reg::a7, enclave::keystone_extension);
        return Trap{.cause = raw(Cause::EcallS)};
    });
    bench.hart(1).hart.trace.clear();
    bench.keystone(fid::Resume, {id}, 1);
    auto& there = bench.hart(1);
    EXPECT_EQ(there.world, World::Enclave);
    EXPECT_EQ(there.hart.fp.f[1], 0x5ec2e7U);
    EXPECT_EQ(there.hart.read_csr(csr::Sscratch), 0x5ec2e7U);
    EXPECT_EQ(there.regs.guest.get(9), 0x5ec2e7U);
    EXPECT_EQ(std::ranges::count(there.hart.trace, Hart::Event::FenceCode), 1);
    EXPECT_NE(bench.hart(0).hart.fp.f[1], 0x5ec2e7U);
    EXPECT_NE(bench.hart(0).hart.read_csr(csr::Sscratch), 0x5ec2e7U);
}

TEST(Harts, F20_SettingAnotherHartsTimerOrSoftwareInterruptReachesIt) {
    Bench bench{{.harts = 2, .keys = false}};
    bench.write_csr(csr::Mtvec, Bench::vm_handler, 1);
    bench.write_csr(csr::Mie, 8, 1);
    bench.write_csr(csr::Mstatus, mstatus::Mie::mask, 1);
    bench.play(memory_access(encode_store(2, 6, 5, 4), board::clint.base().raw, 1), 0);
    EXPECT_EQ(bench.machine.msip[1], 1U);
    bench.play(
        [&](Hart& hart, GuestContext& guest) {
            EXPECT_EQ(bench.hart(1).v.mcause, interrupt_flag | 3U);
            EXPECT_EQ(bench.machine.msip[1], 0U);
            return ecall()(hart, guest);
        },
        1);
    EXPECT_EQ(bench.hart(0).vmsip, 0U);
}

/// More vPMPs than the hart has entries: what they allow is there when it is asked for.
TEST(Harts, X16_AFirmwareWhosePmpNeedsMoreThanTheHartHasGetsAllOfIt) {
    Bench bench{{.pmp_entries = 8, .keys = false}};
    bench.to_host();
    bench.call(0x10, 0);
    for (unsigned i = 0; i < 16; ++i)
        bench.write_csr(csr::Pmpaddr0 + i, (0x8050'0000ULL + 0x2000 * i) >> 2U | 0x1ff);
    bench.write_csr(csr::Pmpcfg0, 0x1f1f'1f1f'1f1f'1f1f);
    bench.write_csr(csr::Pmpcfg2, 0x191f'1f1f'1f1f'1f1f);
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.play(illegal(insn_mret));
    for (unsigned i = 0; i < 16; ++i) {
        auto const page = 0x8050'0000ULL + 0x2000 * i;
        bench.play([&](Hart& hart, GuestContext& guest) {
            EXPECT_FALSE(hart.guest_load(page, 8, guest.mstatus).ok);
            return Trap{.cause = raw(Cause::LoadAccess), .tval = page, .mstatus = guest.mstatus};
        });
        bench.play([&](Hart& hart, GuestContext& guest) {
            EXPECT_TRUE(hart.guest_load(page, 8, guest.mstatus).ok);
            EXPECT_FALSE(hart.guest_load(page + 0x1000, 8, guest.mstatus).ok);
            EXPECT_EQ(hart.guest_store(page, 8, guest.mstatus, 0).ok, i < 15);
            guest.set(arch::reg::a7, 0x08504c4e);
            guest.set(arch::reg::a6, 0);
            return Trap{.cause = raw(Cause::EcallS), .mstatus = guest.mstatus};
        });
        EXPECT_EQ(bench.hart().world, World::Host);
    }
    bench.play([&](Hart&, GuestContext& guest) {
        return Trap{.cause = raw(Cause::LoadAccess), .tval = 0x8050'1000, .mstatus = guest.mstatus};
    });
    EXPECT_EQ(bench.hart().world, World::Firmware);
    EXPECT_EQ(bench.hart().v.mtval, 0x8050'1000U);
}

/// Two harts reset the machine at the same time: the first does, the second only stops.
TEST(Harts, O35_TheSecondOfTwoResetsStopsAndLeavesTheWipingToTheFirst) {
    Bench bench{{.harts = 2}};
    bench.machine.on_ipi = [&](unsigned id) { serve(bench.hart(id)); };
    bench.to_host(1);
    ASSERT_EQ(bench.create(0, 1).error, 0U);
    bench.poke(Bench::epm, 0x5ec2e7);
    auto const store = memory_access(encode_store(2, 6, 5, 0), board::finisher.base().raw, 0x5555);
    EXPECT_THROW(bench.play([&](Hart& hart, GuestContext& guest) {
        auto const trap = store(hart, guest);
        EXPECT_EQ(trap.cause, 7U);
        (void)begin_to_stop(bench.hart(1)); // hart 1 was first and is on its way
        return trap;
    }),
                 Parked);
    EXPECT_EQ(bench.hart(0).parked, 1U);
    EXPECT_TRUE(board::outside.resets.empty());
    EXPECT_EQ(bench.peek(Bench::epm), 0x5ec2e7U); // still denied, and still hart 1's to wipe
    EXPECT_FALSE(reachable(bench, 0, Bench::epm));
}

/// It is not among those that were asked, and nobody waits for it to run a world.
TEST(Harts, O35_AHartThatComesWhileTheMachineStopsParksAtOnce) {
    Bench bench{{.harts = 2, .keys = false}};
    auto& late = bench.hart(2);
    late.monitor = bench.monitor.get();
    late.hart.attach(bench.machine, 2, bench.hart().hart.features());
    (void)begin_to_stop(bench.hart(0));
    EXPECT_THROW(go_online(late), Parked);
    EXPECT_EQ(late.online, 1U);
    EXPECT_EQ(late.parked, 1U);
}

/// The other hart obeys at once: it parks, and only then control leaves.
TEST(Harts, O35_ResetStopsTheOtherHartsBeforeItWipes) {
    Bench bench{{.harts = 2}};
    bench.machine.on_ipi = [&](unsigned id) { serve(bench.hart(id)); };
    bench.to_host(1);
    bench.poke(Bench::epm, 0x5ec2e7);
    auto const made = bench.create(0, 1);
    ASSERT_EQ(made.error, 0U);
    bench.keystone(fid::Run, {made.value}, 1);
    bench.play( // the enclave runs there, its registers are with the monitor
        [](Hart&, GuestContext& guest) {
            for (unsigned i = 1; i < 32; ++i) guest.set(i, 0x5ec2e7);
            return Trap{.cause = raw(Cause::EcallS)}; // to no extension at all
        },
        1);
    ASSERT_EQ(bench.hart(1).world, World::Enclave);
    bench.machine.on_ipi = [&](unsigned id) {
        EXPECT_EQ(bench.peek(Bench::epm), 0x5ec2e7U);
        EXPECT_THROW(serve(bench.hart(id)), Parked);
    };
    EXPECT_THROW(
        bench.play(memory_access(encode_store(2, 6, 5, 0), board::finisher.base().raw, 0x7777)),
        Parked);
    EXPECT_EQ(bench.hart(1).parked, 1U);
    for (unsigned i = 1; i < 32; ++i) EXPECT_EQ(bench.hart(1).regs.guest.get(i), 0U);
    for (auto const& enclave : bench.monitor->registry.seize().all())
        EXPECT_EQ(enclave.registers.guest.get(9), 0U);
    EXPECT_EQ(bench.peek(Bench::epm), 0U);
    EXPECT_EQ(board::outside.resets, std::vector<std::uint64_t>{0x7777});
    EXPECT_FALSE(bench.monitor->identity.seize().provisioned());
}

/// Random steps of firmware, host and enclaves on two harts. The contract is checked at every
/// entry; here, whenever nothing is under way, every hart's PMP and the owners of memory.
class Walk {
  public:
    Walk(Bench& bench, std::uint64_t seed) : bench_{bench}, random_{seed} {
        bench.machine.on_ipi = [&](unsigned id) { serve(bench_.hart(id)); };
        for (unsigned id = 0; id < 2; ++id) bench.to_host(id);
    }
    void step() {
        auto const id = pick(2);
        switch (bench_.hart(id).world) {
        case World::Firmware: return firmware(id);
        case World::Host: return host(id);
        case World::Enclave: return enclave(id);
        }
    }
    void check() {
        std::vector<PhysRange> owned;
        for (auto const& each : bench_.monitor->registry.seize().all()) {
            if (!each.memory) continue;
            auto const epm = each.layout->epm;
            auto const ram = *PhysRange::make({Machine::ram_base}, bench_.machine.ram.size());
            EXPECT_TRUE(ram.contains(epm) && ram.contains(each.layout->utm));
            EXPECT_FALSE(epm.overlaps(board::monitor) || epm.overlaps(board::firmware));
            for (auto const& other : owned) EXPECT_FALSE(epm.overlaps(other));
            owned.push_back(epm);
            for (unsigned id = 0; id < 2; ++id) {
                auto const own = bench_.hart(id).enclave == &each;
                for (auto const at : {epm.base().raw, epm.last() - 7})
                    EXPECT_EQ(reachable(bench_, id, at), own) << id;
            }
            for (auto const& third : bench_.monitor->registry.seize().all())
                EXPECT_FALSE(third.layout && epm.overlaps(third.layout->utm));
        }
        most_ = std::max(most_, owned.size());
    }
    std::size_t most_enclaves() const { return most_; }
    unsigned runs() const { return runs_; }

  private:
    static constexpr std::uint64_t ram_napot = Machine::ram_base >> 2U | ((16ULL << 20U >> 3U) - 1);

    unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

    void firmware(unsigned id) {
        switch (pick(3)) {
        case 0: return bench_.write_csr(csr::Pmpaddr0 + pick(8), random_() >> (10 + pick(30)), id);
        case 1: return bench_.write_csr(csr::Pmpcfg0, random_() & 0x1f1f'1f1f'1f1f'1f1fULL, id);
        default:
            // All that there is, or only RAM: what the host gets is not what the firmware has.
            bench_.write_csr(csr::Pmpaddr0, pick(2) == 0 ? ~0ULL : ram_napot, id);
            bench_.write_csr(csr::Pmpcfg0, 0x1f, id);
            bench_.write_csr(csr::Mepc, Bench::host_pc, id);
            bench_.write_csr(csr::Mstatus, 1ULL << 11U, id);
            bench_.play(illegal(insn_mret), id);
        }
    }
    void host(unsigned id) {
        auto const index = pick(6);
        auto const eid = eids_[index];
        switch (pick(5)) {
        case 0: return (void)bench_.call(0x10, 0, {}, id);
        case 1:
            if (auto const made = bench_.create(index, id); made.error == 0)
                eids_[index] = made.value;
            return;
        case 2: return (void)bench_.keystone(fid::Destroy, {eid}, id);
        case 3: bench_.keystone(fid::Run, {eid}, id); break;
        default: bench_.keystone(fid::Resume, {eid}, id);
        }
        if (bench_.hart(id).world == World::Enclave) ++runs_;
    }
    void enclave(unsigned id) {
        if (pick(3) == 0) return (void)bench_.keystone(fid::Exit, {1}, id);
        bench_.keystone(fid::Stop, {1}, id);
    }

    Bench& bench_;
    std::mt19937_64 random_;
    std::array<std::uint64_t, 6> eids_{};
    std::size_t most_{0};
    unsigned runs_{0};
};

TEST(Harts, P2_P5_P6_OnARandomWalkEveryHartDeniesEveryLiveEnclaveButItsOwn) {
    std::size_t most = 0;
    unsigned runs = 0;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        Bench bench{{.harts = 2, .keys = false}};
        Walk walk{bench, seed};
        for (int step = 0; step < 400 && !testing::Test::HasFailure(); ++step) {
            walk.step();
            walk.check();
        }
        most = std::max(most, walk.most_enclaves());
        runs += walk.runs();
    }
    EXPECT_GE(most, 3U); // or the walks went nowhere
    EXPECT_GT(runs, 30U);
}

/// A hart on a thread of its own that does what `step` says until it is told to end.
class Other {
  public:
    Other(Bench& bench, unsigned id, std::function<void()> step)
        : bench_{bench}, thread_{[this, id, step] {
              try {
                  while (!done_) step();
              } catch (...) {
                  failure_ = std::current_exception();
              }
              bench_.hart(id).online.store(0); // nobody waits for it
              over_ = true;
          }} {}
    /// Ends the thread while hart 0 goes on serving; passes on what ended it before.
    void join() {
        done_ = true;
        while (!over_) serve(bench_.hart(0));
        thread_.join();
        if (failure_) std::rethrow_exception(failure_);
    }

  private:
    Bench& bench_;
    std::atomic<bool> done_{false}, over_{false};
    std::exception_ptr failure_{};
    std::thread thread_;
};

/// On real threads: while hart 1 keeps entering its host, hart 0 creates, runs and destroys.
/// Whatever hart 1 can read of the memory is what the host put there, or zero.
TEST(HartThreads, O28_AnotherHartNeverReadsWhatTheEnclaveWrote) {
    Bench bench{{.harts = 2, .keys = false}};
    bench.to_host(0);
    bench.to_host(1);
    // The contract's own look at all enclaves is for one thread; here hart 1 checks by reading.
    for (unsigned id = 0; id < 2; ++id) bench.hart(id).hart.before_entry = nullptr;
    bench.machine.threads = true;
    std::atomic<std::uint64_t> denied{0}, secrets{0};
    Other other{bench, 1, [&] {
                    bench.play(
                        [&](Hart& hart, GuestContext& guest) {
                            auto const seen =
                                hart.guest_load(Bench::epm + 0x9000, 8, guest.mstatus);
                            if (!seen.ok) ++denied;
                            if (seen.ok && seen.value == 0x5ec2e7) ++secrets;
                            guest.set(reg::a6, 0);
                            guest.set(reg::a7, 0x0850'4c4e);
                            return Trap{.cause = raw(Cause::EcallS)};
                        },
                        1);
                }};
    unsigned rounds = 0;
    for (; rounds < 3000 && (rounds < 40 || denied < 20); ++rounds) {
        auto const made = bench.create();
        ASSERT_EQ(made.error, 0U);
        bench.keystone(fid::Run, {made.value});
        while (bench.hart().world == World::Host) bench.keystone(fid::Resume, {made.value});
        bench.poke(Bench::epm + 0x9000, 0x5ec2e7);
        bench.keystone(fid::Exit, {0});
        ASSERT_EQ(bench.keystone(fid::Destroy, {made.value}).error, 0U);
    }
    other.join();
    EXPECT_EQ(secrets, 0U);
    EXPECT_GT(denied, 0U);
}

/// As long as the other hart has not acknowledged, create neither returns nor touches the memory.
TEST(HartThreads, M09_CreateWaitsForTheHartThatIsSlowToAcknowledge) {
    Bench bench{{.harts = 2, .keys = false}};
    bench.to_host(0);
    bench.to_host(1);
    bench.poke(Bench::epm + 0x8000, 77); // above free: will be zeroed
    bench.machine.threads = true;
    std::atomic<bool> returned{false}, early{false};
    std::thread slow{[&] {
        while (bench.machine.msip[1] == 0) std::this_thread::yield();
        for (int look = 0; look < 20'000; ++look) {
            early = early || returned || bench.peek(Bench::epm + 0x8000) != 77;
            std::this_thread::yield();
        }
        serve(bench.hart(1));
    }};
    auto const made = bench.create();
    returned = true;
    slow.join();
    EXPECT_EQ(made.error, 0U);
    EXPECT_FALSE(early);
    EXPECT_EQ(bench.peek(Bench::epm + 0x8000), 0U);
    EXPECT_FALSE(reachable(bench, 1, Bench::epm));
}

/// Both harts create, run and destroy with the same arguments: one wins each race, none is lost.
TEST(HartThreads, M01_M03_M06_RacesOverOneEnclaveHaveOneWinner) {
    Bench bench{{.harts = 2, .keys = false}};
    bench.to_host(0);
    bench.to_host(1);
    for (unsigned id = 0; id < 2; ++id) bench.hart(id).hart.before_entry = nullptr;
    bench.put_args(Bench::default_args());
    bench.machine.threads = true;
    std::atomic<std::uint64_t> created{0}, entered{0}, destroyed{0}, wrong{0}, last{0};
    auto const count = [&](bool expected, std::atomic<std::uint64_t>& counter, bool success) {
        if (success)
            ++counter;
        else if (!expected)
            ++wrong;
    };
    auto const work = [&](unsigned id) {
        auto const made = bench.keystone(fid::Create, {Bench::args_at}, id);
        if (made.error == 0) last = made.value;
        count(made.error == 100006, created, made.error == 0);
        auto const ran = bench.keystone(fid::Run, {last.load()}, id);
        auto const inside = bench.hart(id).world == World::Enclave;
        count(ran.error == 100016, entered, inside);
        if (inside) { // unless an IPI took it out before: then the host is told 100014
            auto const left = bench.keystone(fid::Exit, {7}, id);
            if (left != Answer{0, 7} && left != Answer{100014, 0}) ++wrong;
        }
        auto const gone = bench.keystone(fid::Destroy, {last.load()}, id);
        count(gone.error == 100005, destroyed, gone.error == 0);
    };
    Other other{bench, 1, [&] { work(1); }};
    for (unsigned round = 0; round < 400; ++round) work(0);
    other.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_GT(entered, 0U);
    EXPECT_LE(entered, created); // each was entered at most once by run
    auto const alive = bench.monitor->registry.seize().alive();
    EXPECT_EQ(created, destroyed + alive);
    EXPECT_LE(alive, 1U);
}

} // namespace
} // namespace plinth::fake
