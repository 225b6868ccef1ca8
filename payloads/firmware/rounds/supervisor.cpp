// SPDX-License-Identifier: Apache-2.0
// The supervisor part: runs in S-mode, without translation, and calls the firmware part.
#include "keystone.hpp"
#include "rounds.hpp"

namespace rounds {

using namespace payload;

namespace {

constexpr unsigned Stimecmp = 0x14d;
constexpr uint64_t epm = 0x82000000;

uint64_t call(Call function, uint64_t first = 0, uint64_t second = 0) {
    register uint64_t a0 asm("a0") = first;
    register uint64_t a1 asm("a1") = second;
    register uint64_t a7 asm("a7") = static_cast<uint64_t>(function);
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    return a0;
}

struct Answer {
    uint64_t error;
    uint64_t value;
};

Answer enclave_call(uint64_t function, uint64_t argument) {
    register uint64_t a0 asm("a0") = argument;
    register uint64_t a1 asm("a1") = 0;
    register uint64_t a6 asm("a6") = function;
    register uint64_t a7 asm("a7") = keystone::extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    return {a0, a1};
}

/// Makes every hart change its plan twice. On the bare machine nobody answers the call.
void change_plans(Hart& hart) {
    keystone::CreateArgs const args{epm,
                                    2 * page_size,
                                    epm + 2 * page_size,
                                    page_size,
                                    epm + page_size,
                                    epm + page_size,
                                    epm + page_size,
                                    0};
    uint64_t const begun = now();
    Answer const created = enclave_call(keystone::create, address_of(&args));
    uint64_t const took = now() - begun;
    if (created.error == static_cast<uint64_t>(-2)) return;
    if (hart.count.plans == 0 || took < shared.fastest) shared.fastest = took;
    if (took > shared.slowest) shared.slowest = took;
    if (created.error != 0) hart.count.unexpected += 1;
    if (enclave_call(keystone::destroy, created.value).error != 0) hart.count.unexpected += 1;
    hart.count.plans += 1;
}

Kind timer_kind(Hart const& hart) { return hart.uses_sstc ? Sstc : SupervisorTimer; }

void set_own_timer(Hart& hart) {
    Kind const kind = timer_kind(hart);
    if (!hart.claims[kind].take()) return;
    hart.count.sent[hart.id][kind] += 1;
    uint64_t const time = soon(hart);
    hart.asked = time;
    if (kind == Sstc) {
        csr::write<Stimecmp>(time);
    } else {
        call(Call::SetTimer, time);
    }
}

void act(Hart& hart) {
    Hart& target = any_hart(hart);
    switch (next_random(hart) >> 20U & 3U) {
    case 0:
        if (claim_of(target, SupervisorIpi).take()) call(Call::SendToSupervisor, target.id);
        break;
    case 1:
        if (claim_of(target, MachineIpi).take()) call(Call::SendToMachine, target.id);
        break;
    case 2:
        if (target.claims[MachineTimer].take()) call(Call::SetMachineTimer, target.id, soon(hart));
        break;
    default: set_own_timer(hart); break;
    }
}

/// Waits for the own timer, if one is set: awake, asleep, or asleep in the firmware.
void wait(Hart& hart) {
    Kind const kind = timer_kind(hart);
    uint64_t const how = next_random(hart) >> 33U & 3U;
    if (how == 0) return;
    while (hart.claims[kind].taken()) {
        if (how == 1) continue;
        csr::clear<csr::Sstatus>(status_sie);
        if (hart.claims[kind].taken()) {
            if (how == 2) asm volatile("wfi");
            if (how == 3) call(Call::Suspend);
        }
        csr::set<csr::Sstatus>(status_sie);
    }
}

void open_interrupts() {
    csr::write<csr::Sie>(bit_ssi | bit_sti);
    csr::set<csr::Sstatus>(status_sie);
}
void close_interrupts() { csr::clear<csr::Sstatus>(status_sie); }

void pass(Hart& hart, Hart& to) {
    if (!claim_of(to, SupervisorIpi).take()) hart.count.unexpected += 1;
    call(Call::SendToSupervisor, to.id);
}

void rest(Hart& hart, uint64_t before) {
    uint64_t const how = next_random(hart) >> 33U & 3U;
    if (how == 0) return;
    close_interrupts();
    if (how == 1 && arrived(hart) == before) call(Call::Suspend);
    if (how != 1 && arrived(hart) == before) asm volatile("wfi");
    open_interrupts();
}

bool any_claim(Hart const& hart) {
    for (Claim const& claim : hart.claims) {
        if (claim.taken()) return true;
    }
    return false;
}

} // namespace

void supervisor_block(uint64_t count) {
    Hart& hart = self();
    open_interrupts();
    for (uint64_t i = 0; i < count; ++i) {
        act(hart);
        act(hart);
        wait(hart);
    }
    if (hart.id == 0 && (next_random(hart) >> 40U & 3U) == 0) change_plans(hart);
    close_interrupts();
}

void supervisor_drain(uint64_t) {
    Hart& hart = self();
    open_interrupts();
    hart.phase.set(phase_done);
    shared.done.add(1);
    uint64_t const harts = static_cast<uint64_t>(__builtin_popcountll(shared.active));
    Patience waiting;
    while (shared.done.get() != harts || any_claim(hart)) {
        if (waiting.over()) return; // the first hart reports it
    }
    close_interrupts();
    hart.phase.set(phase_drained);
    shared.drained.add(1);
}

void supervisor_ring(uint64_t) {
    open_interrupts();
    take_part(self(), shared.rings[1], {pass, rest});
    close_interrupts();
}

void supervisor_spin(uint64_t) {
    for (;;) {
    }
}

void supervisor_restart(uint64_t) {
    Hart& hart = self();
    close_interrupts();
    call(Call::Stop);
    hart.count.unexpected += 1; // the firmware does not come back here
}

void supervisor_control(uint64_t) {
    close_interrupts();
    for (uint64_t i = 0; i < given().restarts; ++i) {
        for (Hart& hart : shared.harts) {
            if (hart.id == 0 || (shared.active >> hart.id & 1U) == 0) continue;
            hart.phase.wait_for(phase_stopped);
            hart.phase.set(phase_drained);
            call(Call::Start, hart.id);
        }
        change_plans(self());
    }
    for (Hart& hart : shared.harts) {
        if (given().restarts == 0 || hart.id == 0 || (shared.active >> hart.id & 1U) == 0) continue;
        hart.phase.wait_for(phase_stopped);
    }
}

} // namespace rounds

/// Any trap into S-mode.
extern "C" void rounds_supervisor_trap() {
    using namespace rounds;
    Hart& hart = self();
    uint64_t const cause = csr::read<csr::Scause>();
    if (cause == (cause_interrupt | 1U)) {
        csr::clear<csr::Sip>(bit_ssi);
        hart.count.got[SupervisorIpi] += 1;
        if (!claim_of(hart, SupervisorIpi).end()) hart.count.unsent += 1;
        return;
    }
    if (cause == (cause_interrupt | 5U)) {
        Kind const kind = timer_kind(hart);
        if (now() < hart.asked) hart.count.early += 1;
        if (kind == Sstc) {
            csr::write<Stimecmp>(never);
        } else {
            call(Call::SetTimer, never);
        }
        hart.count.got[kind] += 1;
        if (!hart.claims[kind].end()) hart.count.unsent += 1;
        return;
    }
    say("rounds: FAIL hart ", Dec{hart.id}, " trap in S ", Hex{cause}, " pc ",
        Hex{csr::read<csr::Sepc>()}, '\n');
    for (;;) {
    }
}
