// SPDX-License-Identifier: Apache-2.0
/// Hosts whose plan is larger than the PMP, and another hart that creates and destroys enclaves
/// between the faults of one instruction and its retry.
#include "guest_cpu.hpp"
#include "plan_fault_world.hpp"

#include <atomic>
#include <exception>
#include <gtest/gtest.h>
#include <thread>

namespace plinth::fake {
namespace {

using namespace arch;
using monitor::World;
namespace fid = enclave::fid;

/// Sv39 with a page table per level, code and data each in an island of its own.
enum Place : unsigned { Root, Middle, Last, Code, Data, places };
constexpr unsigned index_of(Place place) { return 10 + 3 * place; }
constexpr std::uint64_t page_of(Place place) { return island(index_of(place)); }
constexpr std::uint64_t va = 0x12'3456'7000, code_va = va + 0x1000, secret = 0x5ec2'e75e'c2e7;

class PlanHarts : public testing::TestWithParam<unsigned> {
  protected:
    Bench bench{{.harts = 2, .pmp_entries = GetParam(), .keys = false, .ram = 17 << 20}};
    monitor::HartState& h{bench.hart(1)};
    GuestCpu cpu{h.hart};
    std::mt19937_64 random{GetParam()};
    std::uint64_t pick(std::uint64_t below) { return random() % below; }

    void SetUp() override {
        bench.machine.on_ipi = [this](unsigned id) { serve(bench.hart(id)); };
        bench.to_host(0);
        bench.to_host(1);
        // The slots of enclaves are taken from the first one on; these are the last.
        for (unsigned i = 8; i < enclave::max_enclaves; ++i)
            bench.monitor->published.set(i, *PhysRange::make({island(i - 8) + 0x1000}, 0x1000));
        bench.monitor->generation.fetch_add(1);
        h.hart.walks_tables = true;
        serve(bench.hart(0));
        serve(h);
    }
    void put_tables() {
        auto const index = [](std::uint64_t at, unsigned level) {
            return 8 * (at >> (12 + 9 * level) & 0x1ffU);
        };
        for (unsigned i = 0; i < places; ++i)
            std::ranges::fill(bench.bytes(page_of(static_cast<Place>(i)), 0x1000), std::uint8_t{0});
        bench.poke(page_of(Root) + index(va, 2), reference::pte(page_of(Middle), bit::v));
        bench.poke(page_of(Middle) + index(va, 1), reference::pte(page_of(Last), bit::v));
        bench.poke(page_of(Last) + index(va, 0), reference::pte(page_of(Data), bit::all));
        bench.poke(page_of(Last) + index(code_va, 0), reference::pte(page_of(Code), bit::all));
        bench.poke(page_of(Code), encode_load(3, 9, 8, 0));
        bench.poke(page_of(Data), secret);
    }
    void enter() {
        if (h.world == World::Firmware) firmware_to_host(h);
        h.prepared = false;
        h.hart.write_csr(csr::Satp, reference::atp(reference::sv39, page_of(Root)));
        h.v.medeleg = 0xb10d; // illegal instructions and page faults, no access faults
        h.v.mie = 0;
        h.regs.priv = Priv::S;
        h.regs.guest.pc = code_va;
        h.regs.guest.set(8, va);
        h.regs.guest.set(9, 1);
        cpu.retired = cpu.delegated = cpu.trapped = 0;
    }
    bool over() const {
        return cpu.retired + cpu.delegated > 0 || h.world == World::Firmware ||
               h.regs.guest.pc != code_va;
    }
    /// Tries until it is over, at most so often.
    void attempt(unsigned most) {
        for (unsigned turns = 0; turns < most && !over(); ++turns) {
            h.hart.script.push_back([this, step = cpu.attempt()](Hart& hart, GuestContext& guest) {
                expect_sealed();
                return step(hart, guest);
            });
            turn(h);
        }
    }
    /// The PMP of hart 1 lets nothing through that is denied now.
    void expect_sealed() {
        auto const rules = host_rules(h);
        auto const& image = h.hart.loaded();
        for (unsigned i = 0; i < places; ++i)
            for (auto const kind :
                 {reference::Kind::Read, reference::Kind::Write, reference::Kind::Execute})
                ASSERT_NE(reference::compare(rules, {image.cfg.data(), GetParam()},
                                             {image.addr.data(), GetParam()},
                                             page_of(static_cast<Place>(i)) + 8, 8, kind),
                          reference::Lowering::TooLoose);
    }
    bool open(Place place, reference::Kind kind) {
        auto const& image = h.hart.loaded();
        return reference::pmp_allows({image.cfg.data(), GetParam()},
                                     {image.addr.data(), GetParam()}, reference::Mode::S,
                                     page_of(place), 8, kind);
    }
    /// Hart 0 makes an enclave of the page, all of which is measured.
    Answer create(std::uint64_t page) {
        bench.put_args({.epm_base = page,
                        .epm_size = 0x1000,
                        .utm_base = 0x80fe'0000,
                        .utm_size = 0x1000,
                        .runtime = page,
                        .user = page,
                        .free = page + 0x1000,
                        .free_requested = 0});
        return bench.keystone(fid::Create, {Bench::args_at});
    }
    /// One instruction on hart 1, of which so many faults are over when hart 0 creates.
    void try_one(Place place, unsigned faults) {
        put_tables();
        bench.monitor->generation.fetch_add(1); // no window is left
        h.faults = {};
        enter();
        attempt(faults);
        if (over()) return;
        auto const was_open = open(place, reference::Kind::Read);
        loaded_before += was_open ? 1 : 0;
        auto const made = create(page_of(place));
        ASSERT_EQ(made.error, 0U);
        ASSERT_TRUE(h.host_plan.cached());
        for (auto const kind :
             {reference::Kind::Read, reference::Kind::Write, reference::Kind::Execute})
            ASSERT_FALSE(open(place, kind)); // before hart 1 did anything at all
        attempt(16);
        ASSERT_EQ(h.world, World::Firmware) << place;
        ASSERT_EQ(h.v.mcause, place == Data ? 5U : 1U) << place;
        ASSERT_EQ(h.v.mtval, place == Data ? va : code_va) << place;
        ASSERT_EQ(h.regs.guest.get(9), 1U);
        ASSERT_EQ(bench.keystone(fid::Destroy, {made.value}).error, 0U);
        ASSERT_FALSE(testing::Test::HasFailure());
        expect_open_again(place);
        ++changed;
    }
    /// Destroy left zeros: no page table, no code, no secret, but also no access fault.
    void expect_open_again(Place place) {
        enter();
        attempt(16);
        ASSERT_EQ(h.world, World::Host) << place << " " << h.v.mcause;
        auto const cause = cpu.last_delegated.cause;
        if (place != Data) {
            ASSERT_TRUE(cpu.delegated == 1 && cause == (place == Code ? 2 : 12)) << place;
        }
        ASSERT_EQ(passed(), place == Data);
        ASSERT_EQ(h.regs.guest.get(9), place == Data ? 0U : 1U);
        put_tables(); // and what the host puts there again is there
        enter();
        attempt(16);
        ASSERT_TRUE(passed()) << place;
        ASSERT_EQ(h.regs.guest.get(9), secret);
    }
    bool passed() const { return h.world == World::Host && h.regs.guest.pc == code_va + 4; }
    unsigned loaded_before{0}, changed{0};
};
INSTANTIATE_TEST_SUITE_P(Entries, PlanHarts, testing::Values(6U, 8U, 16U));

TEST_P(PlanHarts, P6_M09_CreateBetweenFaultAndRetryDeniesAndDestroyOpensAgain) {
    for (unsigned faults = 0; faults < 3; ++faults)
        for (unsigned place = 0; place < places; ++place)
            ASSERT_NO_FATAL_FAILURE(try_one(static_cast<Place>(place), faults)) << faults;
    EXPECT_EQ(changed, 3 * places);
    EXPECT_GE(loaded_before, 4U);
}

/// On real threads: hart 1 loads without end, hart 0 makes an enclave of the page, writes into it
/// and destroys it. Hart 1 reads what the host put there, or zero, or is refused.
TEST_P(PlanHarts, P6_O28_WhileEnclavesComeAndGoAHartReadsOnlyTheHosts) {
    put_tables();
    bench.hart(0).hart.before_entry = h.hart.before_entry = nullptr; // for one thread
    bench.machine.on_ipi = nullptr;
    bench.machine.threads = true;
    std::atomic<bool> done{false};
    std::atomic<unsigned> read{0}, denied{0}, wrong{0};
    std::exception_ptr failure{};
    std::thread other{[&] {
        try {
            while (!done) {
                enter();
                for (unsigned turns = 0; turns < 30 && !over(); ++turns) {
                    h.hart.script.push_back(cpu.attempt());
                    turn(h);
                }
                auto const value = h.regs.guest.get(9);
                ++(h.world == World::Firmware ? denied : read);
                if (h.world == World::Host && value != secret && value != 0) ++wrong;
            }
        } catch (...) {
            failure = std::current_exception();
        }
        h.online.store(0); // nobody waits for it
    }};
    auto rounds = 0;
    for (; rounds < 2000 && (rounds < 20 || read < 50 || denied < 50); ++rounds) {
        auto const made = create(page_of(Data));
        EXPECT_EQ(made.error, 0U);
        bench.poke(page_of(Data), 0xbad); // sealed: as the enclave would
        EXPECT_EQ(bench.keystone(fid::Destroy, {made.value}).error, 0U);
    }
    done = true;
    while (h.online.load() != 0) serve(bench.hart(0));
    other.join();
    if (failure) std::rethrow_exception(failure);
    EXPECT_EQ(wrong, 0U);
    EXPECT_GT(read, 0U);
    EXPECT_GT(denied, 0U);
}

} // namespace
} // namespace plinth::fake
