// SPDX-License-Identifier: Apache-2.0
/// Traps and returns of the virtual M-mode against the reference, exhaustively over the fields that
/// count.
#include "bench.hpp"
#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"
#include "reference/trap_reference.hpp"

#include <gtest/gtest.h>

namespace plinth::monitor {
namespace {

namespace ref = plinth::reference;
namespace bits = ref::mstatus_bits;

constexpr std::uint64_t fields[] = {bits::sie,  bits::mie, bits::spie, bits::mpie, bits::spp,
                                    bits::mprv, bits::sum, bits::tvm,  bits::tw,   bits::tsr};

/// Calls look(mstatus) for all combinations of the single bits above, MPP and, with H, MPV and GVA.
template <typename Look> void for_all_states(bool hypervisor, Look look) {
    for (std::uint64_t mpp : {0, 1, 3})
        for (std::uint64_t high = 0; high < (hypervisor ? 4U : 1U); ++high)
            for (unsigned set = 0; set < 1U << std::size(fields); ++set) {
                auto status =
                    ref::field_set(high << 38U, bits::mpp, mpp) | 2ULL << 32U | 2ULL << 34U;
                for (std::size_t i = 0; i < std::size(fields); ++i)
                    if ((set >> i & 1U) != 0) status |= fields[i];
                look(status);
            }
}

Priv priv(ref::Mode mode) { return static_cast<Priv>(mode); }

TEST(VirtualTraps, C4_MretIsTheReferencesMretInEveryState) {
    for (auto const hypervisor : {false, true})
        for_all_states(hypervisor, [&](std::uint64_t status) {
            auto const got = mret(status);
            auto const want = ref::return_machine(status, 0, {.h = hypervisor});
            ASSERT_EQ(got.status, want.mstatus) << std::hex << status;
            ASSERT_EQ(got.priv, priv(want.privilege.mode));
            ASSERT_EQ(got.virt, want.privilege.virt);
        });
}

TEST(VirtualTraps, C4_SretIsTheReferencesSretInEveryState) {
    for_all_states(true, [&](std::uint64_t status) {
        for (auto const spv : {false, true}) {
            auto const got = sret(status, spv);
            auto const want = ref::return_supervisor(status, 0, spv, {.h = true});
            ASSERT_EQ(got.status, want.mstatus) << std::hex << status;
            ASSERT_EQ(got.priv, priv(want.privilege.mode));
            ASSERT_EQ(got.virt, want.privilege.virt);
        }
    });
}

TEST(VirtualTraps, C4_TrapEntryStacksAsTheReferenceDoes) {
    for_all_states(true, [&](std::uint64_t status) {
        for (auto const mode : {ref::Mode::U, ref::Mode::S, ref::Mode::M})
            for (unsigned flags = 0; flags < 4; ++flags) {
                auto const virt = (flags & 1U) != 0 && mode != ref::Mode::M;
                auto const gva = (flags & 2U) != 0;
                auto const want =
                    ref::enter_machine(status, 0x100, 0, 5, 0, {mode, virt}, gva, {.h = true});
                ASSERT_EQ(stack_mstatus(status, priv(mode), virt, gva), want.mstatus)
                    << std::hex << status;
            }
    });
}

TEST(VirtualTraps, VectorsFollowMtvecsModeAndTheCause) {
    for (std::uint64_t code = 0; code < 64; ++code)
        for (std::uint64_t const tvec : {0x8010'0000U, 0x8010'0001U, 0x8010'0101U})
            for (auto const interrupt : {std::uint64_t{0}, ref::interrupt_bit})
                ASSERT_EQ(vector_target(tvec, interrupt | code),
                          ref::trap_target(tvec, interrupt | code));
}

TEST(VirtualTraps, C5_TheHighestPendingInterruptWinsForEverySet) {
    for (std::uint64_t set = 0; set < 1U << 14U; ++set)
        ASSERT_EQ(highest_interrupt(set), ref::first_interrupt(set)) << std::hex << set;
}

/// A hart whose mip, mie and mideleg can be anything, with the bits in their places.
class PendingInterrupts : public testing::Test {
  protected:
    static constexpr std::uint64_t supervisor = 0x222, machine = 0x888;

    void set(std::uint64_t pending, std::uint64_t enabled, std::uint64_t delegated) {
        h.hart.write_csr(csr::Mip, pending & supervisor);
        bench.machine.lines[0] = pending & 0x800;
        h.vmsip = (pending & 8U) != 0 ? 1 : 0;
        h.vmtimecmp = (pending & 0x80U) != 0 ? 0 : ~0ULL;
        h.v.mie = enabled;
        h.v.mideleg = delegated;
        h.now = bench.machine.mtime;
    }
    /// The six interrupts of a hart without H, from a number below 64.
    static std::uint64_t spread(unsigned set) {
        std::uint64_t out = 0;
        for (unsigned i = 0; i < 6; ++i)
            if ((set >> i & 1U) != 0) out |= 1ULL << (2 * i + 1);
        return out;
    }
    void expect_as_reference(std::uint64_t pending, ref::Mode mode) {
        for (auto const status : {std::uint64_t{0}, bits::mie, bits::sie, bits::mie | bits::sie}) {
            h.v.mstatus = status;
            h.world = mode == ref::Mode::M ? World::Firmware : World::Host;
            auto const want =
                ref::select_interrupt(pending, h.v.mie, h.v.mideleg, h.v.mstatus, mode);
            auto const for_machine = want && want->target == ref::Target::Machine;
            auto const got = deliverable_interrupt(h);
            ASSERT_EQ(got.has_value(), for_machine) << pending << " " << h.v.mie;
            ASSERT_TRUE(!got || *got == want->code) << pending << " " << h.v.mie;
        }
    }

    fake::Bench bench{{.keys = false, .ram = 4 << 20}};
    HartState& h{bench.hart()};
};

/// What vM takes from firmware and host: every set of pending and of enabled interrupts, every
/// delegation, mode, MIE and SIE.
TEST_F(PendingInterrupts, C5_WhatVirtualMachineModeTakesIsWhatTheReferenceTakes) {
    for (unsigned pending = 0; pending < 64; ++pending)
        for (unsigned enabled = 0; enabled < 64; ++enabled)
            for (unsigned delegated = 0; delegated < 8; ++delegated) {
                set(spread(pending), spread(enabled),
                    ((delegated & 1U) | (delegated & 2U) << 3U | (delegated & 4U) << 7U) << 1U);
                for (auto const mode : {ref::Mode::M, ref::Mode::S, ref::Mode::U})
                    expect_as_reference(spread(pending), mode);
                if (HasFatalFailure()) return;
            }
}

/// wfi goes on at once if something pending is enabled, delegated or not, whatever MIE says: not a
/// tick may pass, though the only programmed deadline is far away (3.3.3).
TEST_F(PendingInterrupts, C6_WfiNeverSleepsWhileAnEnabledInterruptIsPending) {
    for (unsigned pending = 0; pending < 64; ++pending)
        for (unsigned enabled = 0; enabled < 64; ++enabled)
            for (auto const delegated : {std::uint64_t{0}, supervisor, std::uint64_t{0x20}}) {
                if ((pending & enabled) == 0) continue;
                set(spread(pending), spread(enabled), delegated);
                h.v.mstatus = 0;
                h.hart.set_deadline(h.programmed = bench.machine.mtime + 1'000'000);
                auto const before = bench.machine.mtime.load();
                wait_for_virtual_interrupt(h); // for ever is a Violation
                ASSERT_EQ(bench.machine.mtime, before) << pending << " " << enabled;
            }
}

/// With H, the interrupts of VS and SGEI are always delegated: never vM's, but wfi ends for them.
TEST(VirtualTraps, C5_C6_VirtualSupervisorInterruptsAreNotTakenButWakeWfi) {
    fake::Bench bench{{.hypervisor = true, .keys = false, .ram = 4 << 20}};
    auto& h = bench.hart();
    for (std::uint64_t const bit : {0x4U, 0x40U, 0x400U}) {
        h.v.hvip = bit;
        h.v.mie = 0x1444;
        h.v.mstatus = bits::mie;
        h.now = bench.machine.mtime;
        EXPECT_FALSE(deliverable_interrupt(h)) << bit;
        auto const before = bench.machine.mtime.load();
        wait_for_virtual_interrupt(h);
        EXPECT_EQ(bench.machine.mtime, before) << bit;
    }
}

/// The same states through the whole monitor: mret and traps of firmware and host.
TEST(VirtualTraps, C4_ThroughTheMonitorReturnsAndTrapsAreTheReferences) {
    fake::Bench bench{{.hypervisor = true, .keys = false, .ram = 4 << 20}};
    auto& h = bench.hart();
    ref::Features const hyper{.h = true};
    h.v.mtvec = fake::Bench::vm_handler;
    for_all_states(true, [&](std::uint64_t status) {
        h.v.mstatus = status;
        h.v.mepc = fake::Bench::host_pc;
        h.regs.guest.pc = board::firmware.base().raw;
        bench.play(fake::illegal(fake::insn_mret));
        auto const back = ref::return_machine(status, fake::Bench::host_pc, hyper);
        auto const to_host = back.privilege.mode != ref::Mode::M;
        ASSERT_EQ(h.v.mstatus, back.mstatus) << std::hex << status;
        ASSERT_EQ(h.regs.guest.pc, fake::Bench::host_pc);
        ASSERT_EQ(h.world, to_host ? World::Host : World::Firmware);
        if (to_host) {
            ASSERT_EQ(h.regs.priv, priv(back.privilege.mode));
            ASSERT_EQ(h.regs.virt, back.privilege.virt);
        }
        h.v.mie = 0;
        bench.play(fake::exception(Cause::Breakpoint, 0x1234));
        auto const in = ref::enter_machine(back.mstatus, h.v.mtvec, fake::Bench::host_pc, 3, 0x1234,
                                           back.privilege, false, hyper);
        ASSERT_EQ(h.v.mstatus, in.mstatus) << std::hex << status;
        ASSERT_EQ(h.world, World::Firmware);
        ASSERT_EQ(h.regs.guest.pc, fake::Bench::vm_handler);
        ASSERT_EQ(h.v.mepc, fake::Bench::host_pc);
        ASSERT_EQ(h.v.mcause, 3U);
        ASSERT_EQ(h.v.mtval, 0x1234U);
    });
}

/// sret of the firmware: the hart's sepc, hstatus.SPV for V and cleared (9.2.1).
TEST(VirtualTraps, C4_ThroughTheMonitorSretIsTheReferences) {
    fake::Bench bench{{.hypervisor = true, .keys = false, .ram = 4 << 20}};
    auto& h = bench.hart();
    for_all_states(true, [&](std::uint64_t status) {
        for (auto const spv : {false, true}) {
            h.v.mstatus = status;
            h.v.mtvec = fake::Bench::vm_handler;
            h.hart.write_csr(csr::Sepc, fake::Bench::host_pc);
            bench.write_csr(csr::Hstatus, arch::hstatus::Spv::set(0, spv ? 1 : 0));
            h.v.mstatus = status;
            h.regs.guest.pc = board::firmware.base().raw;
            bench.play(fake::illegal(fake::insn_sret));
            auto const want =
                ref::return_supervisor(status, fake::Bench::host_pc, spv, {.h = true});
            ASSERT_EQ(h.v.mstatus, want.mstatus) << std::hex << status;
            ASSERT_EQ(h.world, World::Host);
            ASSERT_EQ(h.regs.guest.pc, fake::Bench::host_pc);
            ASSERT_EQ(h.regs.priv, priv(want.privilege.mode));
            ASSERT_EQ(h.regs.virt, want.privilege.virt);
            ASSERT_EQ(arch::hstatus::Spv::get(h.hart.read_csr(csr::Hstatus)), 0U);
            bench.play(fake::exception(Cause::Breakpoint, 0)); // back into the firmware
        }
    });
}

} // namespace
} // namespace plinth::monitor
