// SPDX-License-Identifier: Apache-2.0
/// Vectors for the trap model, taken by hand from the text and tables of Priv. 1.12.
/// Written by someone who has not seen src/.
#include "trap_reference.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace {

using namespace plinth::reference;
namespace m = mstatus_bits;

constexpr std::uint64_t mpp(std::uint64_t mode) { return mode << 11; }

Features with_hypervisor() {
    Features hart;
    hart.h = true;
    return hart;
}

MachineTrap enter(std::uint64_t mstatus, Privilege from, Features const& hart = {},
                  bool guest_address = false) {
    return enter_machine(mstatus, 0x8000, 0x1234, 2, 0x99, from, guest_address, hart);
}

TEST(ReferenceTrapEntry, StacksInterruptEnableAndMode) {
    struct Row {
        std::uint64_t before;
        Mode from;
        std::uint64_t after;
    };
    std::array<Row, 5> const rows{
        {{m::mie, Mode::M, m::mpie | mpp(3)},
         {0, Mode::M, mpp(3)},
         {m::mpie, Mode::U, mpp(0)},
         {m::mie | m::mpie | mpp(3), Mode::S, m::mpie | mpp(1)},
         {m::sie | m::spie | m::spp | m::mprv, Mode::U, m::sie | m::spie | m::spp | m::mprv}}};
    for (Row const& row : rows) EXPECT_EQ(enter(row.before, {row.from, false}).mstatus, row.after);
}

TEST(ReferenceTrapEntry, WritesTheTrapRegisters) {
    MachineTrap const trap = enter(0, {Mode::U, false});
    EXPECT_EQ(trap.mepc, 0x1234u);
    EXPECT_EQ(trap.mcause, 2u);
    EXPECT_EQ(trap.mtval, 0x99u);
    EXPECT_EQ(trap.pc, 0x8000u);
    EXPECT_EQ(trap.privilege, (Privilege{Mode::M, false}));
}

TEST(ReferenceTrapEntry, TableOfPreviousModes) {
    // 8.6.2: U 0 0, HS 0 1, M 0 3, VU 1 0, VS 1 1.
    Features const hart = with_hypervisor();
    EXPECT_EQ(enter(m::mpv, {Mode::U, false}, hart).mstatus, mpp(0));
    EXPECT_EQ(enter(m::mpv, {Mode::S, false}, hart).mstatus, mpp(1));
    EXPECT_EQ(enter(m::mpv, {Mode::M, false}, hart).mstatus, mpp(3));
    EXPECT_EQ(enter(0, {Mode::U, true}, hart).mstatus, mpp(0) | m::mpv);
    EXPECT_EQ(enter(0, {Mode::S, true}, hart).mstatus, mpp(1) | m::mpv);
}

TEST(ReferenceTrapEntry, GuestAddressIsMarkedOnlyWithTheHypervisor) {
    EXPECT_EQ(enter(0, {Mode::S, true}, with_hypervisor(), true).mstatus, mpp(1) | m::mpv | m::gva);
    EXPECT_EQ(enter(m::gva, {Mode::S, true}, with_hypervisor(), false).mstatus, mpp(1) | m::mpv);
    EXPECT_EQ(enter(0, {Mode::S, false}, Features{}, true).mstatus, mpp(1));
}

TEST(ReferenceTrapEntry, VectoredInterruptsGoToTheirSlot) {
    // "a machine-mode timer interrupt causes the pc to be set to BASE+0x1c"
    EXPECT_EQ(trap_target(0x8001, interrupt_bit | 7), 0x801Cu);
    EXPECT_EQ(trap_target(0x8001, 7), 0x8000u) << "synchronous";
    EXPECT_EQ(trap_target(0x8000, interrupt_bit | 7), 0x8000u) << "direct";
    EXPECT_EQ(trap_target(0x8001, interrupt_bit | 11), 0x802Cu);
}

TEST(ReferenceTrapReturn, MretPopsTheStack) {
    TrapReturn const to_user = return_machine(m::mpie | m::mprv, 0x40, Features{});
    EXPECT_EQ(to_user.mstatus, m::mie | m::mpie);
    EXPECT_EQ(to_user.privilege, (Privilege{Mode::U, false}));
    EXPECT_EQ(to_user.pc, 0x40u);
    TrapReturn const to_supervisor = return_machine(m::mie | m::mprv | mpp(1), 0x40, Features{});
    EXPECT_EQ(to_supervisor.mstatus, m::mpie) << "MIE takes MPIE = 0";
    EXPECT_EQ(to_supervisor.privilege.mode, Mode::S);
}

TEST(ReferenceTrapReturn, MretToMachineModeKeepsMprv) {
    TrapReturn const same = return_machine(mpp(3) | m::mprv | m::mpie, 0, Features{});
    EXPECT_EQ(same.mstatus, m::mprv | m::mie | m::mpie) << "MPP becomes U";
    EXPECT_EQ(same.privilege.mode, Mode::M);
}

TEST(ReferenceTrapReturn, MretWithoutUserModeLeavesMppAtMachine) {
    Features bare;
    bare.s = bare.u = false;
    EXPECT_EQ(return_machine(mpp(3), 0, bare).mstatus, mpp(3) | m::mpie);
}

TEST(ReferenceTrapReturn, MretEntersTheGuestUnlessMppIsMachine) {
    Features const hart = with_hypervisor();
    EXPECT_EQ(return_machine(m::mpv | mpp(1), 0, hart).privilege, (Privilege{Mode::S, true}));
    EXPECT_EQ(return_machine(m::mpv | mpp(0), 0, hart).privilege, (Privilege{Mode::U, true}));
    EXPECT_EQ(return_machine(m::mpv | mpp(3), 0, hart).privilege, (Privilege{Mode::M, false}));
    EXPECT_EQ(return_machine(m::mpv | mpp(3), 0, hart).mstatus & m::mpv, 0u);
}

TEST(ReferenceTrapReturn, SretPopsTheSupervisorStack) {
    TrapReturn const out =
        return_supervisor(m::spp | m::spie | m::mprv | m::mpie | mpp(3), 0x80, false, Features{});
    EXPECT_EQ(out.mstatus, m::sie | m::spie | m::mpie | mpp(3)) << "the machine's fields stay";
    EXPECT_EQ(out.privilege, (Privilege{Mode::S, false}));
    EXPECT_EQ(out.pc, 0x80u);
    TrapReturn const to_user = return_supervisor(m::sie, 0x80, false, Features{});
    EXPECT_EQ(to_user.mstatus, m::spie);
    EXPECT_EQ(to_user.privilege.mode, Mode::U);
    EXPECT_EQ(return_supervisor(0, 0, true, with_hypervisor()).privilege,
              (Privilege{Mode::U, true}));
}

TEST(ReferenceTrapReturn, EntryThenReturnRestoresEnableModeAndPc) {
    for (Features const& hart : {Features{}, with_hypervisor()}) {
        for (std::uint64_t const enable : {std::uint64_t{0}, m::mie}) {
            for (Privilege const from :
                 {Privilege{Mode::U, false}, Privilege{Mode::S, false}, Privilege{Mode::M, false},
                  Privilege{Mode::U, true}, Privilege{Mode::S, true}}) {
                if (from.virt && !hart.h) continue;
                MachineTrap const in = enter(enable, from, hart);
                TrapReturn const out = return_machine(in.mstatus, in.mepc, hart);
                EXPECT_EQ(out.mstatus & m::mie, enable);
                EXPECT_EQ(out.privilege, from);
                EXPECT_EQ(out.pc, 0x1234u);
            }
        }
    }
}

TEST(ReferenceTrapReturn, ReturnsAreIllegalBelowTheirMode) {
    EXPECT_FALSE(sret_traps(0, Mode::M, Features{}));
    EXPECT_FALSE(sret_traps(m::tsr, Mode::M, Features{})) << "TSR concerns S-mode";
    EXPECT_FALSE(sret_traps(0, Mode::S, Features{}));
    EXPECT_TRUE(sret_traps(m::tsr, Mode::S, Features{}));
    EXPECT_TRUE(sret_traps(0, Mode::U, Features{}));
    Features no_s;
    no_s.s = false;
    EXPECT_TRUE(sret_traps(0, Mode::M, no_s));
    EXPECT_FALSE(mret_traps(Mode::M));
    EXPECT_TRUE(mret_traps(Mode::S));
    EXPECT_TRUE(mret_traps(Mode::U));
}

TEST(ReferenceEffectivePrivilege, MprvConcernsLoadsAndStoresOnly) {
    Privilege const machine{Mode::M, false};
    Features const hart = with_hypervisor();
    EXPECT_EQ(effective_privilege(mpp(1), machine, Kind::Read, hart), machine);
    EXPECT_EQ(effective_privilege(m::mprv | mpp(1), machine, Kind::Execute, hart), machine);
    EXPECT_EQ(effective_privilege(m::mprv | mpp(1), machine, Kind::Read, hart).mode, Mode::S);
    EXPECT_EQ(effective_privilege(m::mprv | m::mpv | mpp(0), machine, Kind::Write, hart),
              (Privilege{Mode::U, true}));
    EXPECT_EQ(effective_privilege(m::mprv | m::mpv | mpp(3), machine, Kind::Write, hart), machine);
}

/// Interrupts in the order in which U-mode is interrupted by them: the one taken is no longer
/// pending.
std::vector<unsigned> order_taken(std::uint64_t pending, std::uint64_t mideleg, Target target) {
    std::vector<unsigned> order;
    while (auto const taken = select_interrupt(pending, ~0ULL, mideleg, 0, Mode::U)) {
        EXPECT_EQ(taken->target, target);
        order.push_back(taken->code);
        pending &= ~(1ULL << taken->code);
    }
    return order;
}

TEST(ReferenceInterrupts, FixedPriorityWithinAMode) {
    // 3.1.9: MEI, MSI, MTI, SEI, SSI, STI.
    EXPECT_EQ(order_taken(0xAAA, 0, Target::Machine), (std::vector<unsigned>{11, 3, 7, 9, 1, 5}));
}

TEST(ReferenceInterrupts, HypervisorPriorityWithinSupervisorMode) {
    // 8.2.3: SEI, SSI, STI, SGEI, VSEI, VSSI, VSTI; the counter overflow comes last (Sscofpmf).
    EXPECT_EQ(order_taken(0x3666, 0x3666, Target::Supervisor),
              (std::vector<unsigned>{9, 1, 5, 12, 10, 2, 6, 13}));
}

TEST(ReferenceInterrupts, GlobalEnablesCountOnlyInTheirOwnMode) {
    constexpr std::uint64_t mti = 1U << 7;
    constexpr std::uint64_t sti = 1U << 5;
    EXPECT_FALSE(select_interrupt(mti, mti, 0, 0, Mode::M));
    EXPECT_TRUE(select_interrupt(mti, mti, 0, m::mie, Mode::M));
    EXPECT_TRUE(select_interrupt(mti, mti, 0, 0, Mode::S)) << "MIE is ignored below M";
    EXPECT_TRUE(select_interrupt(mti, mti, 0, 0, Mode::U));
    EXPECT_FALSE(select_interrupt(sti, sti, sti, 0, Mode::S));
    EXPECT_TRUE(select_interrupt(sti, sti, sti, m::sie, Mode::S));
    EXPECT_TRUE(select_interrupt(sti, sti, sti, 0, Mode::U)) << "SIE is ignored in U";
    EXPECT_FALSE(select_interrupt(sti, sti, sti, m::sie | m::mie, Mode::M)) << "never downwards";
}

TEST(ReferenceInterrupts, UndelegatedSupervisorInterruptsGoToMachineModeFromAnywhere) {
    // "if mideleg[5] is clear, STIs can be taken in any mode and ... transfer control to M-mode"
    constexpr std::uint64_t sti = 1U << 5;
    for (Mode const mode : {Mode::U, Mode::S, Mode::M}) {
        auto const taken = select_interrupt(sti, sti, 0, m::mie, mode);
        ASSERT_TRUE(taken);
        EXPECT_EQ(*taken, (Pending{5, Target::Machine}));
    }
}

TEST(ReferenceInterrupts, PendingAndEnabledBothMatter) {
    EXPECT_FALSE(select_interrupt(0xAAA, 0, 0, m::mie, Mode::M));
    EXPECT_FALSE(select_interrupt(0, 0xAAA, 0, m::mie, Mode::M));
    EXPECT_FALSE(select_interrupt(0x800, 0x088, 0, m::mie, Mode::U));
    EXPECT_EQ(*select_interrupt(0x880, 0x080, 0, 0, Mode::U), (Pending{7, Target::Machine}));
}

TEST(ReferenceInterrupts, MachineModeComesBeforeSupervisorMode) {
    // STI is not delegated, SEI is: M first, although SEI has the higher number in the list.
    auto const taken = select_interrupt(0x220, 0x220, 0x200, m::sie, Mode::S);
    EXPECT_EQ(*taken, (Pending{5, Target::Machine}));
    auto const later = select_interrupt(0x200, 0x200, 0x200, m::sie, Mode::S);
    EXPECT_EQ(*later, (Pending{9, Target::Supervisor}));
}

TEST(ReferenceInterrupts, GuestInterruptsNeedTheGuestToRun) {
    constexpr std::uint64_t vssi = 1U << 2;
    constexpr std::uint64_t delegated = 0x1444;
    VirtualState guest{.virt = false, .hideleg = vssi, .vsstatus = m::sie};
    EXPECT_FALSE(select_interrupt(vssi, vssi, delegated, m::sie, Mode::S, guest)) << "V = 0";
    guest.virt = true;
    EXPECT_EQ(*select_interrupt(vssi, vssi, delegated, 0, Mode::S, guest),
              (Pending{2, Target::VirtualSupervisor}));
    EXPECT_EQ(select_interrupt(vssi, vssi, delegated, 0, Mode::S, guest)->reported_code(), 1u);
    guest.vsstatus = 0;
    EXPECT_FALSE(select_interrupt(vssi, vssi, delegated, 0, Mode::S, guest)) << "vsstatus.SIE";
    EXPECT_TRUE(select_interrupt(vssi, vssi, delegated, 0, Mode::U, guest)) << "VU-mode";
}

TEST(ReferenceInterrupts, AGuestInterruptThatIsNotDelegatedFurtherGoesToTheHypervisor) {
    // The attack of the design's invariant 10: with hideleg = 0 a pending VSSI takes a hart in
    // U-mode to HS-mode's vector, whatever mideleg was written, since its bit 2 is read-only one.
    constexpr std::uint64_t vssi = 1U << 2;
    auto const taken = select_interrupt(vssi, vssi, 0x1444, 0, Mode::U);
    EXPECT_EQ(*taken, (Pending{2, Target::Supervisor}));
    EXPECT_EQ(taken->reported_code(), 2u);
    VirtualState const guest{.virt = true, .hideleg = 0, .vsstatus = 0};
    EXPECT_EQ(*select_interrupt(vssi, vssi, 0x1444, 0, Mode::S, guest),
              (Pending{2, Target::Supervisor}));
}

TEST(ReferenceInterrupts, WfiResumesWhateverIsGloballyEnabled) {
    EXPECT_TRUE(wfi_resumes(0x80, 0x80));
    EXPECT_FALSE(wfi_resumes(0x80, 0x08));
    EXPECT_FALSE(wfi_resumes(0, ~0ULL));
}

TEST(ReferenceExceptions, DelegationNeverLowersPrivilege) {
    // "if M-mode has delegated illegal instruction exceptions to S-mode ..." (3.1.8)
    constexpr std::uint64_t illegal = 1U << 2;
    EXPECT_EQ(exception_target(2, illegal, 0, {Mode::M, false}), Target::Machine);
    EXPECT_EQ(exception_target(2, illegal, 0, {Mode::S, false}), Target::Supervisor);
    EXPECT_EQ(exception_target(2, illegal, 0, {Mode::U, false}), Target::Supervisor);
    EXPECT_EQ(exception_target(2, 0, illegal, {Mode::U, false}), Target::Machine);
    EXPECT_EQ(exception_target(2, illegal, illegal, {Mode::S, false}), Target::Supervisor);
    EXPECT_EQ(exception_target(2, illegal, illegal, {Mode::S, true}), Target::VirtualSupervisor);
    EXPECT_EQ(exception_target(2, illegal, 0, {Mode::U, true}), Target::Supervisor);
}

TEST(ReferenceExceptions, SupervisorEntryLeavesTheMachineFields) {
    EXPECT_EQ(enter_supervisor(m::sie | m::mie | m::mpie | mpp(3), Mode::S),
              m::spie | m::spp | m::mie | m::mpie | mpp(3));
    EXPECT_EQ(enter_supervisor(m::spie | m::spp, Mode::U), 0u);
}

} // namespace
