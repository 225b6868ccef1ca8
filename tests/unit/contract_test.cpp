// SPDX-License-Identifier: Apache-2.0
/// The entry contract: each row, when broken, is seen; and the fake's own refusals.
#include "bench.hpp"
#include "contract.hpp"

#include <gtest/gtest.h>

namespace plinth::fake {
namespace {

using namespace arch;
using monitor::HartState;
using monitor::World;

constexpr unsigned firmware = 1, host = 2, enclave_world = 4, all = 7;

/// A change to one row of what stands in the hart at an entry, the worlds in which it breaks the
/// contract, and the row's name.
struct Perturbation {
    char const* row;
    unsigned worlds;
    void (*change)(HartState&, GuestContext&);
};

void flip_status(GuestContext& guest, std::uint64_t bits) { guest.mstatus ^= bits; }
template <CsrNumber N> void flip(HartState& h, std::uint64_t bits) {
    h.hart.write_csr(N, h.hart.read_csr(N) ^ bits);
}
void open_everything(HartState& h) {
    auto image = h.hart.loaded();
    image.cfg[0] = 0x1f;
    image.addr[0] = ~0ULL >> 10U;
    h.hart.break_pmp(image);
}

constexpr Perturbation perturbations[] = {
    {"MPP", all, [](HartState&, GuestContext& g) { flip_status(g, 3ULL << 11U); }},
    {"MPP", firmware, [](HartState&, GuestContext& g) { flip_status(g, 1ULL << 11U); }},
    {"MPV", all, [](HartState&, GuestContext& g) { flip_status(g, mstatus::Mpv::mask); }},
    {"MPRV", all, [](HartState&, GuestContext& g) { flip_status(g, mstatus::Mprv::mask); }},
    {"XL", all, [](HartState&, GuestContext& g) { flip_status(g, mstatus::Uxl::mask); }},
    {"endianness", all, [](HartState&, GuestContext& g) { flip_status(g, mstatus::Ube::mask); }},
    {"TVM,TW,TSR", all, [](HartState&, GuestContext& g) { flip_status(g, mstatus::Tsr::mask); }},
    {"sstatus", host, [](HartState&, GuestContext& g) { flip_status(g, mstatus::Sum::mask); }},
    {"satp", firmware,
     [](HartState& h, GuestContext&) { h.hart.write_csr(csr::Satp, 8ULL << 60U); }},
    {"medeleg", all, [](HartState& h, GuestContext&) { flip<csr::Medeleg>(h, 1U << 9U); }},
    {"mideleg", all, [](HartState& h, GuestContext&) { flip<csr::Mideleg>(h, 1U << 5U); }},
    {"mie.S", all, [](HartState& h, GuestContext&) { flip<csr::Mie>(h, 1U << 5U); }},
    {"mie.MSI", all, [](HartState& h, GuestContext&) { flip<csr::Mie>(h, 1U << 3U); }},
    {"mie.MSI", all, [](HartState& h, GuestContext&) { flip<csr::Mie>(h, 1U << 7U); }},
    {"misa", all, [](HartState& h, GuestContext&) { h.hart.write_csr(csr::Misa, 0); }},
    {"hie", firmware | enclave_world, [](HartState& h, GuestContext&) { flip<csr::Hie>(h, 4); }},
    {"hvip", firmware | enclave_world, [](HartState& h, GuestContext&) { flip<csr::Hvip>(h, 4); }},
    {"hgeie", all, [](HartState& h, GuestContext&) { flip<csr::Hgeie>(h, 2); }},
    {"hstatus.HU", firmware | enclave_world,
     [](HartState& h, GuestContext&) { flip<csr::Hstatus>(h, hstatus::Hu::mask); }},
    {"behind", firmware | enclave_world,
     [](HartState& h, GuestContext&) {
         h.hart.write_csr(csr::Hvip, 4);
         h.hart.set_csr(csr::Hie, 4);
     }},
    {"menvcfg", host | enclave_world,
     [](HartState& h, GuestContext&) { flip<csr::Menvcfg>(h, envcfg::Stce::mask); }},
    {"mcounteren", host | enclave_world,
     [](HartState& h, GuestContext&) { flip<csr::Mcounteren>(h, 2); }},
    {"H registers", enclave_world, [](HartState& h, GuestContext&) { flip<csr::Hgatp>(h, 1); }},
    {"H registers", enclave_world, [](HartState& h, GuestContext&) { flip<csr::Vsscratch>(h, 1); }},
    {"fence", all, [](HartState& h, GuestContext&) { h.hart.forget_fence(); }},
    {"monitor denied", all, [](HartState& h, GuestContext&) { open_everything(h); }},
    {"devices denied", all, [](HartState& h, GuestContext&) { open_everything(h); }},
    {"EPM denied", all, [](HartState& h, GuestContext&) { open_everything(h); }},
    {"UTM not executed", enclave_world, [](HartState& h, GuestContext&) { open_everything(h); }},
    {"pmpcfg.L", all,
     [](HartState& h, GuestContext&) {
         auto image = h.hart.loaded();
         image.cfg[0] |= 0x80;
         h.hart.break_pmp(image);
     }},
    {"unused entries", all,
     [](HartState& h, GuestContext&) {
         auto image = h.hart.loaded();
         image.addr[15] = 1;
         h.hart.break_pmp(image);
     }},
    {"vPMP", host, [](HartState& h, GuestContext&) { h.v.pmp.cfg[0] = 0x19; }},
    {"own EPM", enclave_world, [](HartState& h, GuestContext&) { h.hart.break_pmp({}); }},
};

/// A monitor about to enter `world`, with a second enclave whose memory must be denied everywhere.
void bring_to(Bench& bench, unsigned world) {
    if (world == firmware) {
        bench.to_host();
        ASSERT_EQ(bench.create(1).error, 0U);
        bench.call(0x10, 0);
        ASSERT_EQ(bench.hart().world, World::Firmware);
        return;
    }
    bench.to_host();
    ASSERT_EQ(bench.create(1).error, 0U);
    if (world == enclave_world) {
        bench.keystone(enclave::fid::Run, {bench.create().value});
        ASSERT_EQ(bench.hart().world, World::Enclave);
    }
}

class EntryContract : public testing::TestWithParam<Perturbation> {};
INSTANTIATE_TEST_SUITE_P(Rows, EntryContract, testing::ValuesIn(perturbations));

void PrintTo(Perturbation const& each, std::ostream* out) { *out << each.row; }

TEST_P(EntryContract, ARowThatIsPerturbedIsSeenInEveryWorldThatItBinds) {
    auto const& each = GetParam();
    for (auto const world : {firmware, host, enclave_world}) {
        if ((each.worlds & world) == 0) continue;
        Bench bench{{.sstc = true, .hypervisor = true, .keys = false}};
        bring_to(bench, world);
        EXPECT_THROW(turn(bench.hart()), ScriptEnded); // nothing is broken: only the script is over
        bench.collect = true;
        bench.perturb = each.change;
        EXPECT_ANY_THROW(turn(bench.hart()));
        EXPECT_NE(bench.broken.find(each.row), std::string::npos)
            << each.row << " in world " << world << ": only " << bench.broken;
    }
}

TEST(EntryContractOutside, AViolationEndsTheRun) {
    Bench bench{{.keys = false}};
    bench.perturb = [](HartState&, GuestContext& guest) { guest.mstatus |= mstatus::Mprv::mask; };
    EXPECT_THROW(bench.play(ecall()), Violation);
}

// --- the fake forgives nothing ------------------------------------------------------------------

TEST(FakeHart, RefusesWhatTheMachineHasNot) {
    Bench bench{{.keys = false}};
    auto& hart = bench.hart().hart;
    EXPECT_THROW(hart.read<csr::Stimecmp>(), Violation);
    EXPECT_THROW(hart.write<csr::Hvip>(0), Violation);
    EXPECT_THROW(hart.write<csr::Mhartid>(0), Violation);
    EXPECT_THROW(hart.read<csr::Tselect>(), Violation);
    VectorState vector;
    EXPECT_THROW(hart.save(vector), Violation);
    EXPECT_THROW((void)hart.bytes(board::clint), Violation);
    EXPECT_THROW((void)hart.bytes(*PhysRange::make({0x80ff'f000}, 0x2000)), Violation);
    hart.remove_csr(csr::Stvec);
    EXPECT_THROW(hart.read<csr::Stvec>(), Violation);
}

PmpImage open_image() {
    PmpImage open;
    open.cfg[0] = 0x1f;
    open.addr[0] = ~0ULL >> 10U;
    open.used = 1;
    return open;
}

TEST(FakeHart, RefusesGuestAccessesThatTheMonitorShouldHavePrevented) {
    Bench bench{{.keys = false}};
    auto& hart = bench.hart().hart;
    hart.load_pmp(open_image());
    EXPECT_THROW(hart.guest_load(board::monitor.base().raw, 8, 0), Violation);
    EXPECT_THROW(hart.guest_store(board::clint.base().raw, 4, 0, 1), Violation);
    EXPECT_THROW(hart.guest_load(Bench::host_pc, 8, mstatus::Mprv::mask), Violation);
    EXPECT_TRUE(hart.guest_load(Bench::host_pc, 8, 0).ok);
    EXPECT_FALSE(hart.guest_load(0x1000'0000, 1, 0).ok); // no RAM there
    hart.forget_fence();
    EXPECT_THROW(hart.guest_load(Bench::host_pc, 8, 0), Violation);
    hart.load_pmp({});
    EXPECT_FALSE(hart.guest_load(Bench::host_pc, 8, 0).ok);
}

TEST(FakeHart, DoesNothingOfAnAccessThatReachesBeyondRam) {
    Bench bench{{.keys = false}};
    auto& hart = bench.hart().hart;
    hart.load_pmp(open_image());
    auto const end = Machine::ram_base + bench.machine.ram.size();
    bench.poke(end - 8, 0x1122'3344'5566'7788);
    for (unsigned inside = 1; inside < 8; ++inside) {
        EXPECT_FALSE(hart.guest_store(end - inside, 8, 0, 0).ok);
        EXPECT_FALSE(hart.guest_load(end - inside, 8, 0).ok);
        EXPECT_EQ(bench.peek(end - 8), 0x1122'3344'5566'7788U) << inside;
    }
    EXPECT_TRUE(hart.guest_store(end - 8, 8, 0, 5).ok);
    EXPECT_EQ(bench.peek(end - 8), 5U);
}

TEST(FakeHart, ALostReservationStoresNothing) {
    Bench bench{{.keys = false}};
    auto& hart = bench.hart().hart;
    auto const at = Bench::host_pc;
    hart.load_pmp(open_image());
    bench.poke(at, 7);
    auto lost = true;
    hart.loses_reservation = [&] { return lost; };
    auto const first = hart.guest_swap(at, 8, 0, 7, 9);
    EXPECT_TRUE(first.ok && first.cause == 1 && first.value == 7);
    EXPECT_EQ(bench.peek(at), 7U);
    lost = false;
    EXPECT_EQ(hart.guest_swap(at, 8, 0, 7, 9).cause, 0U);
    EXPECT_EQ(bench.peek(at), 9U);
}

TEST(FakeHart, SleepThatNothingCanEndIsAViolation) {
    Bench bench{{.keys = false}};
    auto& hart = bench.hart().hart;
    hart.write<csr::Mie>(0x88);
    hart.set_deadline(~0ULL);
    EXPECT_THROW(hart.wait_for_interrupt(), Violation);
    hart.set_deadline(5000);
    hart.wait_for_interrupt();
    EXPECT_EQ(bench.machine.mtime, 5000U);
}

} // namespace
} // namespace plinth::fake
