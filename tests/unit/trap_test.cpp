// SPDX-License-Identifier: Apache-2.0
/// Traps and returns of the virtual M-mode against the reference, exhaustively over the fields that
/// count.
#include "bench.hpp"
#include "monitor/virtual_trap.hpp"
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

/// What vM takes from firmware and host, for sets of pending, enabled and delegated interrupts.
TEST(VirtualTraps, C5_WhatVirtualMachineModeTakesIsWhatTheReferenceTakes) {
    fake::Bench bench{{.keys = false, .ram = 4 << 20}};
    auto& h = bench.hart();
    constexpr std::uint64_t some[] = {0,     0x2,   0x8,   0x20,  0x80, 0x200,
                                      0x800, 0x22a, 0xaaa, 0x888, 0x222};
    for (auto const pending : some)
        for (auto const enabled : some)
            for (auto const delegated : some)
                for (auto const mode : {ref::Mode::M, ref::Mode::S, ref::Mode::U})
                    for (auto const mie : {false, true}) {
                        h.hart.write_csr(csr::Mip, pending & 0x222);
                        bench.machine.lines[0] = pending & 0x800;
                        h.vmsip = (pending & 8U) != 0 ? 1 : 0;
                        h.vmtimecmp = (pending & 0x80U) != 0 ? 0 : ~0ULL;
                        h.v.mie = enabled;
                        h.v.mideleg = delegated & 0x222;
                        h.v.mstatus = mie ? bits::mie : 0;
                        h.world = mode == ref::Mode::M ? World::Firmware : World::Host;
                        h.now = bench.machine.mtime;
                        auto const want = ref::select_interrupt(pending, enabled, delegated & 0x222,
                                                                h.v.mstatus, mode);
                        auto const for_machine = want && want->target == ref::Target::Machine;
                        auto const got = deliverable_interrupt(h);
                        ASSERT_EQ(got.has_value(), for_machine) << pending << " " << enabled;
                        ASSERT_TRUE(!got || *got == want->code);
                    }
}

} // namespace
} // namespace plinth::monitor
