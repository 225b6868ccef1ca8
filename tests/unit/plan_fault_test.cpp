// SPDX-License-Identifier: Apache-2.0
/// Instructions of a host under plans that are larger than the PMP.
#include "plan_fault_player.hpp"

namespace plinth::fake {
namespace {

class PlanFaults : public PlanPlayer {};
INSTANTIATE_TEST_SUITE_P(Entries, PlanFaults, testing::Values(6U, 8U, 16U));

TEST_P(PlanFaults, P1_O02_EveryInstructionOfSAndURetiresOrFaultsExactly) { try_many(false, 600); }
TEST_P(PlanFaults, P1_O02_EveryInstructionOfVsAndVuRetiresOrFaultsExactly) { try_many(true, 600); }

/// The plan changes after a window was loaded and before the instruction comes again: nothing that
/// was loaded under the old plan is left, on this hart or on another.
TEST_P(PlanFaults, P6_AChangeOfThePlanBetweenFaultAndRetryLeavesNoWindow) {
    plain_plan();
    for (unsigned i = 2; i + 2 < islands; i += 2) {
        ptes.clear();
        pc = island(i);
        address = island(i + 1);
        bench.poke(pc, encode_load(3, 9, 8, 0));
        enter_mode();
        for (unsigned tries = 0; tries < 4 && h.host_plan.find({address}) == nullptr; ++tries) {
            h.hart.script.push_back(cpu.attempt());
            turn(h);
        }
        ASSERT_NE(h.host_plan.find({address}), nullptr);
        // As create does it: published, then every hart is asked.
        bench.monitor->published.set(63, *PhysRange::make({address}, 0x1000));
        bench.monitor->generation.fetch_add(1);
        rules = host_rules(h);
        auto const before = h.regs.guest;
        for (unsigned turns = 0; turns < 8 && h.world == World::Host; ++turns) {
            h.hart.script.push_back(cpu.attempt());
            turn(h);
            for (auto const kind : {reference::Kind::Read, reference::Kind::Write})
                ASSERT_FALSE(reference::pmp_allows({h.hart.loaded().cfg.data(), GetParam()},
                                                   {h.hart.loaded().addr.data(), GetParam()},
                                                   reference::Mode::S, address, 1, kind));
        }
        ASSERT_EQ(h.world, World::Firmware);
        ASSERT_EQ(h.v.mcause, raw(Cause::LoadAccess));
        ASSERT_EQ(h.v.mtval, address);
        ASSERT_EQ(h.regs.guest.x_, before.x_);
        bench.monitor->published.set(63, {});
        bench.monitor->generation.fetch_add(1);
    }
}

/// What changes nothing costs no fence, what changes the PMP costs one.
TEST_P(PlanFaults, P3_OneFenceForEachChangeAndNoneOtherwise) {
    plain_plan();
    pc = island(4);
    address = island(7) + 0x800;
    bench.poke(pc, encode_load(3, 9, 8, 0));
    bench.poke(pc + 4, encode_load(3, 9, 8, 0));
    enter_mode();
    while (cpu.retired == 0) {
        h.hart.script.push_back(cpu.attempt());
        turn(h);
        ASSERT_LT(h.hart.trace.size(), 40U);
    }
    ASSERT_NO_FATAL_FAILURE(expect_fences());
    ASSERT_GT(std::ranges::count(h.hart.trace, Hart::Event::FenceAll), 0);
    h.hart.trace.clear();
    h.hart.script.push_back(cpu.attempt()); // all is there
    turn(h);
    ASSERT_EQ(cpu.retired, 2U);
    EXPECT_EQ(h.hart.trace, (std::vector{Hart::Event::Enter}));
}

/// An HLV of HS that the plan denies and the firmware delegated: hstatus.GVA says that stval is a
/// guest's address (8.2.1), whatever the hart said when it came to M.
TEST_P(PlanFaults, P1_AHypervisorAccessThatIsDeniedIsToldAsAGuestsAddress) {
    plain_plan();
    h.v.medeleg = 0xa0;
    pc = island(2);
    constexpr std::uint32_t hlv_w = 0x6804'44f3, lw = 0x0004'2483; // rd x9, rs1 x8
    for (auto const code : {hlv_w, lw}) {
        bench.poke(pc, code);
        enter_mode();
        h.regs.guest.pc = pc;
        h.regs.guest.set(8, vault);
        for (unsigned turns = 0; turns < 8 && h.regs.guest.pc == pc; ++turns) {
            h.hart.script.push_back([&](Hart&, GuestContext& guest) {
                return Trap{
                    .cause = raw(Cause::LoadAccess), .tval = vault, .mstatus = guest.mstatus};
            });
            turn(h);
        }
        ASSERT_EQ(h.world, World::Host);
        EXPECT_EQ(h.regs.guest.pc, stvec);
        EXPECT_EQ(h.hart.read_csr(csr::Scause), raw(Cause::LoadAccess));
        EXPECT_EQ(h.hart.read_csr(csr::Stval), vault);
        EXPECT_EQ(hstatus::Gva::get(h.hart.read_csr(csr::Hstatus)), code == hlv_w ? 1U : 0U);
    }
}

} // namespace
} // namespace plinth::fake
