// SPDX-License-Identifier: Apache-2.0
/// Instructions of a host whose plan is larger than the PMP, one after the other through the
/// monitor's run loop, against the references: each retires with its exact effect or faults as the
/// plan and the page tables say, after few faults that nobody but the monitor sees.
#pragma once

#include "plan_fault_scene.hpp"

namespace plinth::fake {

class PlanPlayer : public PlanScene {
  protected:
    unsigned retired{0}, faulted{0}, beyond{0}, delivered[3]{};

    void enter_mode() {
        if (h.world == World::Firmware) firmware_to_host(h);
        h.prepared = false;
        h.regs.priv = mode.priv;
        h.regs.virt = mode.virt;
        new_registers();
    }

    /// What the instruction does, in `before` and the oracle's memory.
    Verdict judge(Oracle& oracle, State& before) {
        Verdict out;
        std::uint32_t bits = 0;
        if (!oracle.fetch(pc, bits, out)) return out;
        auto const insn = decode_memory(bits);
        if (!insn && bits != insn_nop && bits != insn_c_nop) {
            out.retires = false;
            out.faults.push_back({2, bits, 0});
            return out;
        }
        before.pc += (bits & 3U) == 3 ? 4 : 2;
        if (!insn) return out;
        std::vector<std::uint64_t> where;
        auto const at = before.x[insn->base] + static_cast<std::uint64_t>(insn->offset);
        auto const use = static_cast<reference::Use>(insn->use());
        if (!oracle.reach({at, insn->width, use}, out, where)) return out;
        effect(oracle.memory, *insn, where, before);
        return out;
    }

    /// Plays the instruction until it has retired or its fault was delivered.
    void play() {
        auto const before = h.regs.guest.pc;
        for (unsigned turns = 0; turns < 16; ++turns) {
            h.hart.script.push_back(cpu.attempt());
            turn(h);
            auto const at = h.regs.guest.pc;
            if (cpu.retired + cpu.delegated > 0 || at != before || h.world != World::Host) return;
        }
        FAIL() << "no progress: " << text();
    }

    void try_one() {
        new_scene();
        try_scene();
    }
    void try_scene() {
        enter_mode();
        Image const image{bench.machine};
        Oracle oracle{rules, controls(), image};
        auto const before = state();
        auto after = before;
        auto const verdict = judge(oracle, after);
        auto const too_large = beyond_entries(before, image);
        ASSERT_NO_FATAL_FAILURE(play());
        ASSERT_NO_FATAL_FAILURE(expect_fences());
        auto const all = GetParam();
        auto const passed = cpu.delegated == 0 && h.world == World::Host &&
                            h.regs.guest.pc == before.pc + ((word & 3U) == 3 ? 4 : 2);
        ASSERT_FALSE(passed && verdict.straddles) << text();
        auto const refused = too_large || verdict.straddles;
        if (refused && !passed && is_access_fault(found())) {
            ++beyond;
            return expect_delivered(found(), before);
        }
        ASSERT_EQ(passed, verdict.retires) << text() << describe(verdict);
        if (!passed) {
            ++faulted;
            return expect_fault(verdict.faults, before, oracle.memory);
        }
        ++retired;
        ASSERT_LE(cpu.trapped, all == 16 ? 4U : 10U) << text();
        auto const now = state();
        ASSERT_EQ(now.x, after.x) << text();
        ASSERT_EQ(now.fp.f, after.fp.f) << text();
        ASSERT_EQ(now.mstatus, after.mstatus) << text();
        ASSERT_EQ(now.vsstatus, after.vsstatus) << text();
        ASSERT_EQ(now.hstatus, after.hstatus) << text();
        expect_memory(oracle.memory, true);
    }

    /// Whether a fetch, or an access in V, needs more windows than there are entries, however its
    /// PTEs permit it: the walk in software does not look at their rights.
    bool beyond_entries(State state, Image image) {
        for (auto const at : ptes) {
            auto const pte = image.word(at), leaf = pte & (bit::r | bit::w | bit::x);
            auto const open = leaf != 0 ? pte | bit::all | bit::u : pte & ~(bit::u | bit::ad);
            if ((pte & bit::v) != 0) image.put(at, open);
        }
        auto how = controls();
        how.mode = reference::Mode::U;
        Oracle oracle{rules, how, std::move(image)};
        auto const verdict = judge(oracle, state);
        return verdict.fetch_needs.size() > GetParam() ||
               (mode.virt && verdict.needs.size() > GetParam());
    }

    std::string describe(Verdict const& verdict) {
        std::ostringstream out;
        out << "; reference: " << (verdict.retires ? "retires" : "faults") << std::hex;
        for (auto const& fault : verdict.faults)
            out << " " << fault.cause << "/" << fault.tval << "/" << fault.tval2;
        auto const got = found();
        out << "; got " << got.cause << "/" << got.tval << "/" << got.tval2 << " at "
            << h.regs.guest.pc << std::dec << " needs " << verdict.fetch_needs.size() << "+"
            << verdict.needs.size();
        return out.str();
    }

    reference::Privilege from() const {
        return {static_cast<reference::Mode>(mode.priv), mode.virt};
    }
    /// The fault that was delivered, wherever.
    Fault found() {
        if (cpu.delegated != 0) return cpu.last_delegated;
        if (h.world == World::Firmware) return {h.v.mcause, h.v.mtval, h.v.mtval2};
        if (h.regs.virt && mode.virt)
            return {h.hart.read_csr(csr::Vscause), h.hart.read_csr(csr::Vstval), 0};
        return {h.hart.read_csr(csr::Scause), h.hart.read_csr(csr::Stval),
                h.hart.read_csr(csr::Htval)};
    }
    static bool is_access_fault(Fault const& fault) {
        return fault.cause == 1 || fault.cause == 5 || fault.cause == 7;
    }
    void expect_fault(std::vector<Fault> const& wanted, State const& before, Image& memory) {
        auto const got = found();
        auto const same = [&](Fault const& one) {
            return one.cause == got.cause && one.tval == got.tval && one.tval2 == got.tval2;
        };
        Verdict const verdict{.retires = false, .faults = wanted};
        ASSERT_TRUE(std::ranges::any_of(wanted, same)) << text() << describe(verdict);
        ASSERT_EQ(h.regs.guest.x_, before.x) << text();
        ASSERT_EQ(h.hart.fp.f, before.fp.f) << text();
        ASSERT_NO_FATAL_FAILURE(expect_memory(memory, false));
        expect_delivered(got, before);
    }

    /// Where the fault went, and how the status registers were stacked.
    void expect_delivered(Fault const& got, State const& before) {
        using reference::Target;
        auto const target = reference::exception_target(
            static_cast<unsigned>(got.cause), h.v.medeleg, h.hart.read_csr(csr::Hedeleg), from());
        ++delivered[static_cast<int>(target)];
        ASSERT_FALSE(cpu.delegated != 0 && target == Target::Machine) << text();
        if (cpu.delegated != 0) return;
        switch (target) {
        case Target::Machine: return expect_in_machine(got, before);
        case Target::Supervisor: return expect_in_supervisor(before);
        case Target::VirtualSupervisor: return expect_in_guest(before);
        }
    }
    void expect_in_machine(Fault const& got, State const& before) {
        ASSERT_EQ(h.world, World::Firmware) << text();
        auto const gva = mode.virt && got.cause != 2;
        auto const wanted = reference::enter_machine(before.mstatus, h.v.mtvec, pc, got.cause,
                                                     got.tval, from(), gva, {.h = true});
        ASSERT_EQ(h.v.mstatus, wanted.mstatus) << text();
        ASSERT_EQ(h.v.mepc, pc);
        ASSERT_EQ(h.regs.guest.pc, wanted.pc);
    }
    void expect_in_supervisor(State const& before) {
        ASSERT_EQ(h.world, World::Host) << text();
        ASSERT_FALSE(h.regs.virt) << text();
        ASSERT_EQ(h.regs.priv, Priv::S);
        ASSERT_EQ(h.regs.guest.pc, stvec);
        ASSERT_EQ(h.hart.read_csr(csr::Sepc), pc);
        ASSERT_EQ(h.v.mstatus, reference::enter_supervisor(before.mstatus, from().mode)) << text();
        auto wanted = (before.hstatus & ~0xc0ULL) | (mode.virt ? 0xc0U : 0U); // SPV, GVA
        if (mode.virt) wanted = (wanted & ~0x100ULL) | (mode.priv == Priv::S ? 0x100U : 0U);
        ASSERT_EQ(h.hart.read_csr(csr::Hstatus), wanted) << text();
    }
    void expect_in_guest(State const& before) {
        ASSERT_TRUE(h.world == World::Host && h.regs.virt && h.regs.priv == Priv::S) << text();
        ASSERT_EQ(h.regs.guest.pc, vstvec);
        ASSERT_EQ(h.hart.read_csr(csr::Vsepc), pc);
        ASSERT_EQ(h.hart.read_csr(csr::Vsstatus),
                  reference::enter_supervisor(before.vsstatus, from().mode));
        ASSERT_EQ(h.v.mstatus, before.mstatus) << text();
        ASSERT_EQ(h.hart.read_csr(csr::Hstatus), before.hstatus);
    }

    void try_many(bool virt, int rounds) {
        for (int round = 0; round < rounds; ++round) {
            if (round % 40 == 0) {
                if (h.world == World::Firmware) firmware_to_host(h);
                new_plan();
            }
            mode = {chance(2) ? Priv::S : Priv::U, virt};
            ASSERT_NO_FATAL_FAILURE(try_one()) << "round " << round;
            ASSERT_TRUE(h.host_plan.cached());
        }
        EXPECT_GT(retired, 50U);
        EXPECT_GT(faulted, 50U);
        EXPECT_GT(delivered[0], 10U);
        EXPECT_GT(delivered[1], 10U);
        EXPECT_EQ(delivered[2] > 3, virt);
    }
};

} // namespace plinth::fake
