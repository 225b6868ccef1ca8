// SPDX-License-Identifier: Apache-2.0
// The firmware part: software interrupts and mtimecmp shared by two modes and all harts.
#include "rounds.hpp"

namespace rounds {

using namespace payload;

namespace {

constexpr uint64_t clint = 0x2000000; // QEMU virt
constexpr uint64_t cause_illegal = 2;
constexpr uint64_t cause_supervisor_ecall = 9;
constexpr unsigned a0 = 10, a1 = 11, a7 = 17;
constexpr unsigned Menvcfg = 0x30a, Stimecmp = 0x14d, Mcounteren = csr::Mcounteren;
constexpr uint64_t stce = uint64_t{1} << 63;
constexpr uint32_t mail_start = 1U << kinds;

void set_msip(Hart const& hart, bool raised) {
    *at<uint32_t volatile>(clint + 4 * hart.id) = raised ? 1 : 0;
}

void announce(Hart& from, Hart& to, uint32_t bit) {
    __atomic_fetch_or(&to.mail, bit, __ATOMIC_ACQ_REL);
    asm volatile("fence rw, ow" ::: "memory");
    from.count.raised += 1;
    set_msip(to, true);
}

/// mtimecmp of a hart := the earlier of its two deadlines, in one write or in three, none of which
/// makes it earlier than that (privileged specification, 3.2.1).
void program(Hart const& target) {
    uint64_t const time = target.machine_deadline < target.supervisor_deadline
                              ? target.machine_deadline
                              : target.supervisor_deadline;
    uint64_t const address = clint + 0x4000 + 8 * target.id;
    if ((now() & 1U) != 0) {
        *at<uint64_t volatile>(address) = time;
        return;
    }
    auto* const halves = at<uint32_t volatile>(address);
    halves[1] = ~0U;
    halves[0] = static_cast<uint32_t>(time);
    halves[1] = static_cast<uint32_t>(time >> 32U);
}

void set_supervisor_timer(Hart& hart, uint64_t time) {
    SpinLock::Guard const guard(hart.timer_lock);
    csr::clear<csr::Mip>(bit_sti);
    hart.supervisor_deadline = time;
    program(hart);
}

void take_software_interrupt(Hart& hart) {
    set_msip(hart, false);
    asm volatile("fence" ::: "memory");
    hart.count.trapped += 1;
    uint32_t const mail = __atomic_exchange_n(&hart.mail, 0U, __ATOMIC_ACQ_REL);
    if ((mail & (1U << SupervisorIpi)) != 0) csr::set<csr::Mip>(bit_ssi);
    if ((mail & (1U << MachineIpi)) == 0) return;
    bool const lose = given().lose_message != 0 && hart.id + 1 == shared.hart_count;
    if (lose && !hart.dropped) {
        hart.dropped = true;
        hart.claims[MachineIpi].end();
        return;
    }
    hart.count.got[MachineIpi] += 1;
    if (!hart.claims[MachineIpi].end()) hart.count.unsent += 1;
}

void take_timer_interrupt(Hart& hart) {
    SpinLock::Guard const guard(hart.timer_lock);
    uint64_t const time = now();
    bool const machine = hart.machine_deadline <= time;
    bool const supervisor = hart.supervisor_deadline <= time;
    if (!machine && !supervisor) hart.count.early += 1;
    if (machine) {
        hart.machine_deadline = never;
        hart.count.got[MachineTimer] += 1;
    }
    if (supervisor) {
        hart.supervisor_deadline = never;
        csr::set<csr::Mip>(bit_sti);
    }
    program(hart);
    if (machine && !hart.claims[MachineTimer].end()) hart.count.unsent += 1;
}

/// Sleeps below everyone until the message to start arrives; then the supervisor's entry.
void stop(Hart& hart) {
    hart.phase.set(phase_stopped);
    while ((csr::read<csr::Mip>() & bit_msi) == 0 ||
           (__atomic_load_n(&hart.mail, __ATOMIC_ACQUIRE) & mail_start) == 0) {
        asm volatile("wfi");
    }
    set_msip(hart, false);
    asm volatile("fence" ::: "memory");
    hart.count.trapped += 1;
    __atomic_store_n(&hart.mail, 0U, __ATOMIC_RELEASE);
}

/// An ecall of the supervisor part; true if its registers do not matter any more.
bool answer(Hart& hart, uint64_t* frame) {
    Hart& target = shared.harts[frame[a0] % max_harts];
    csr::write<csr::Mepc>(csr::read<csr::Mepc>() + 4);
    switch (static_cast<Call>(frame[a7])) {
    case Call::SendToSupervisor: send(hart, target, SupervisorIpi); return false;
    case Call::SendToMachine: send(hart, target, MachineIpi); return false;
    case Call::SetTimer: set_supervisor_timer(hart, frame[a0]); return false;
    case Call::SetMachineTimer: set_machine_timer(hart, target, frame[a1]); return false;
    case Call::Suspend: asm volatile("wfi"); return false;
    case Call::Stop: stop(hart); return true;
    case Call::Start: announce(hart, target, mail_start); return false;
    case Call::Leave: return true;
    }
    frame[a0] = static_cast<uint64_t>(-2); // what the SBI says to unknown calls
    return false;
}

} // namespace

void send(Hart& from, Hart& to, Kind kind) {
    from.count.sent[to.id][kind] += 1;
    announce(from, to, 1U << kind);
}

void set_machine_timer(Hart& from, Hart& to, uint64_t time) {
    SpinLock::Guard const guard(to.timer_lock);
    from.count.sent[to.id][MachineTimer] += 1;
    to.machine_deadline = time;
    program(to);
}

void prepare_hart(Hart& hart) {
    asm volatile("mv tp, %0" ::"r"(&hart));
    csr::write<csr::Mtvec>(address_of(&rounds_machine_vector));
    csr::write<csr::Mscratch>(0);
    hart.machine_deadline = never;
    hart.supervisor_deadline = never;
    set_supervisor_timer(hart, never);
    hart.probing = true;
    csr::write<Menvcfg>(stce);
    bool const enabled = (csr::read<Menvcfg>() & stce) != 0; // QEMU 7.2 also without Sstc
    csr::write<Stimecmp>(never);
    hart.probing = false;
    hart.has_sstc = enabled && !hart.illegal;
    open_pmp();
    csr::write<csr::Medeleg>(0);
    csr::write<csr::Mideleg>(bit_ssi | bit_sti | bit_sei);
    csr::write<Mcounteren>(7);
    csr::write<csr::Stvec>(address_of(&rounds_supervisor_vector));
    csr::write<csr::Mie>(bit_msi | bit_mti | bit_ssi | bit_sti);
}

void choose_timer(Hart& hart) {
    if (!hart.has_sstc || hart.claims[SupervisorTimer].taken() || hart.claims[Sstc].taken()) return;
    hart.uses_sstc = (next_random(hart) & 1U) != 0;
    csr::write<Menvcfg>(hart.uses_sstc ? stce : 0);
}

} // namespace rounds

/// Any trap into M-mode. frame[n] is register n; frame[0] the machine stack if the trap came from
/// below, else 0.
extern "C" void rounds_machine_trap(uint64_t* frame) {
    using namespace rounds;
    Hart& hart = self();
    uint64_t const cause = csr::read<csr::Mcause>();
    if (cause == (cause_interrupt | 3U)) return take_software_interrupt(hart);
    if (cause == (cause_interrupt | 7U)) return take_timer_interrupt(hart);
    if (cause == cause_supervisor_ecall) {
        uint64_t const machine_stack = frame[0];
        if (answer(hart, frame)) leave_supervisor(machine_stack);
        return;
    }
    if (hart.probing && cause == cause_illegal) {
        hart.illegal = true;
        csr::write<csr::Mepc>(csr::read<csr::Mepc>() + 4);
        return;
    }
    say("rounds: FAIL hart ", Dec{hart.id}, " trap ", Hex{cause}, " pc ",
        Hex{csr::read<csr::Mepc>()}, " value ", Hex{csr::read<csr::Mtval>()}, '\n');
    finish();
}
