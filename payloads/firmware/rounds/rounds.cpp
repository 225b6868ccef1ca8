// SPDX-License-Identifier: Apache-2.0
// The program: every hart alternates between blocks of rounds in M-mode and in S-mode; then what
// was sent and what arrived is added up.
#include "rounds.hpp"

namespace rounds {

using namespace payload;

Shared shared;

namespace {

constexpr uint64_t stack_size = 4096;
constexpr uint64_t block = 8; // rounds between two changes of mode
alignas(16) uint8_t supervisor_stacks[max_harts][stack_size];

void below(Hart const& hart, void (*code)(uint64_t), uint64_t argument) {
    enter_supervisor(code, argument, address_of(&supervisor_stacks[hart.id]) + stack_size);
}

/// A vPMP that matches nothing: the monitor plans anew, the rights stay the same.
void rewrite_pmp(Hart& hart) { csr::write<csr::Pmpaddr0 + 3>(next_random(hart) >> 20U); }

void act(Hart& hart) {
    Hart& target = any_hart(hart);
    switch (next_random(hart) >> 20U & 3U) {
    case 0:
        if (claim_of(target, SupervisorIpi).take()) send(hart, target, SupervisorIpi);
        break;
    case 1:
        if (claim_of(target, MachineIpi).take()) send(hart, target, MachineIpi);
        break;
    case 2:
        if (target.claims[MachineTimer].take()) set_machine_timer(hart, target, soon(hart));
        break;
    default: rewrite_pmp(hart); break;
    }
}

/// Waits for the own machine timer, if one is set: awake with interrupts on, or asleep.
void wait(Hart& hart) {
    uint64_t const how = next_random(hart) >> 33U & 3U;
    while (how != 0 && hart.claims[MachineTimer].taken()) {
        csr::set<csr::Mstatus>(status_mie);
        if (how == 1) continue;
        csr::clear<csr::Mstatus>(status_mie);
        if (hart.claims[MachineTimer].taken()) asm volatile("wfi");
    }
    csr::clear<csr::Mstatus>(status_mie);
}

/// Takes from the harts that spin what another hart may want them to notice.
void clear_spinning() {
    uint64_t const hot = given().hot_machine | given().hot_lower;
    for (uint64_t id = 0; id < shared.hart_count; ++id) {
        if ((hot >> id & 1U) != 0) *at<uint32_t volatile>(0x2000000 + 4 * id) = 0;
    }
}

void machine_block(Hart& hart, uint64_t count) {
    csr::write<csr::Mie>(bit_msi | bit_mti); // what is pending for S-mode must not end a wfi
    for (uint64_t i = 0; i < count; ++i) {
        if (given().clear != 0) clear_spinning();
        act(hart);
        act(hart);
        csr::set<csr::Mstatus>(status_mie);
        asm volatile("nop");
        csr::clear<csr::Mstatus>(status_mie);
        wait(hart);
    }
    csr::write<csr::Mie>(bit_msi | bit_mti | bit_ssi | bit_sti);
}

uint64_t active_harts() { return static_cast<uint64_t>(__builtin_popcountll(shared.active)); }

void all_rounds(Hart& hart) {
    shared.ready.add(1);
    shared.ready.wait_for(active_harts());
    for (uint64_t done = 0; done < given().rounds; done += 2 * block) {
        machine_block(hart, block);
        choose_timer(hart);
        below(hart, supervisor_block, block);
        shared.progress.add(1);
    }
    below(hart, supervisor_drain, 0);
}

void pass(Hart& hart, Hart& to) {
    Kind const kind = (next_random(hart) >> 33U & 1U) != 0 ? MachineIpi : MachineTimer;
    if (!claim_of(to, kind).take()) hart.count.unexpected += 1;
    if (kind == MachineIpi) {
        send(hart, to, kind);
    } else {
        set_machine_timer(hart, to, soon(hart));
    }
}

void rest(Hart& hart, uint64_t before) {
    uint64_t const how = next_random(hart) >> 33U & 3U;
    for (uint64_t i = next_random(hart) & 0x1ffU; i != 0 && how == 1; --i) asm volatile("nop");
    if (how != 0 && arrived(hart) == before) asm volatile("wfi");
    csr::set<csr::Mstatus>(status_mie);
    for (uint64_t i = 64; i != 0 && how == 0; --i) asm volatile("nop");
    csr::clear<csr::Mstatus>(status_mie);
}

void both_rings(Hart& hart) {
    if (active_harts() == 1) return;
    if (hart.id == 0) say("rounds: ring\n");
    csr::write<csr::Mie>(bit_msi | bit_mti);
    take_part(hart, shared.rings[0], {pass, rest});
    csr::write<csr::Mie>(bit_msi | bit_mti | bit_ssi | bit_sti);
    below(hart, supervisor_ring, 0);
    for (Ring const& ring : shared.rings) ring.left.wait_for(active_harts());
}

/// Spins for ever where the parameters say so.
void spin_if_told(Hart& hart) {
    bool const machine = (given().hot_machine >> hart.id & 1U) != 0;
    if (!machine && (given().hot_lower >> hart.id & 1U) == 0) return;
    csr::write<csr::Mie>(0);
    shared.hot.add(1);
    if (!machine) below(hart, supervisor_spin, 0);
    for (;;) {
    }
}

void say_hart(Hart const& hart) {
    constexpr char const kinds_text[kinds][5] = {"mipi", "sipi", "mtim", "stim", "sstc"};
    say("rounds: hart ", Dec{hart.id});
    for (unsigned kind = 0; kind < kinds; ++kind) {
        uint64_t sent = 0;
        for (Hart const& from : shared.harts) sent += from.count.sent[hart.id][kind];
        say(' ', kinds_text[kind], ' ', Dec{sent}, ' ', Dec{hart.count.got[kind]});
    }
    Counters const& c = hart.count;
    say(" trapped ", Dec{c.trapped}, " unsent ", Dec{c.unsent}, " early ", Dec{c.early},
        " unexpected ", Dec{c.unexpected}, " plans ", Dec{c.plans}, " starts ", Dec{c.starts},
        " phase ", Dec{hart.phase.get()}, '\n');
}

[[noreturn]] void report(char const* end) {
    uint64_t raised = 0;
    for (Hart const& hart : shared.harts) {
        raised += hart.count.raised;
        if ((shared.active >> hart.id & 1U) != 0) say_hart(hart);
    }
    say("rounds: created in ", Dec{shared.fastest}, " to ", Dec{shared.slowest}, " ticks\n");
    say("rounds: raised ", Dec{raised}, " spinning ", Dec{shared.hot.get()}, " passed ",
        Dec{shared.rings[0].hops + shared.rings[1].hops}, '\n');
    say("rounds: ", end, '\n');
    finish();
}

/// Everyone gets a last message.
void end_ring(Hart& hart, Ring& ring, RingMode const& mode) {
    ring.ended.set(1);
    for (Hart& other : shared.harts) {
        if (&other != &hart && (shared.active >> other.id & 1U) != 0) mode.pass(hart, other);
    }
    ring.left.add(1);
    ring.left.wait_for(active_harts());
}

/// Waits for the other harts that take part. If one of them waits for an interrupt that got lost,
/// this ends in time.
void wait_for_all(uint64_t harts) {
    Patience waiting;
    while (shared.drained.get() != harts) {
        if (waiting.over()) report("LOST");
    }
}

} // namespace

uint64_t arrived(Hart const& hart) {
    uint64_t const volatile* const got = hart.count.got;
    return got[MachineIpi] + got[SupervisorIpi] + got[MachineTimer];
}

void take_part(Hart& hart, Ring& ring, RingMode const& mode) {
    uint64_t seen = arrived(hart);
    bool holder = hart.id == 0;
    ring.ready.add(1);
    ring.ready.wait_for(active_harts());
    for (;; holder = false) {
        while (!holder && arrived(hart) == seen) mode.rest(hart, seen);
        if (!holder && arrived(hart) != ++seen) hart.count.unexpected += 1;
        if (ring.ended.get() != 0) break;
        ring.hops += 1;
        if (ring.hops >= given().passes) return end_ring(hart, ring, mode);
        Hart* next = &any_hart(hart);
        while (next == &hart) next = &any_hart(hart);
        mode.pass(hart, *next);
    }
    ring.left.add(1);
}

Hart& any_hart(Hart& hart) {
    for (;;) {
        uint64_t const id = next_random(hart) >> 11U & (max_harts - 1);
        if ((shared.active >> id & 1U) != 0) return shared.harts[id];
    }
}

} // namespace rounds

extern "C" void secondary_main(uint64_t id) {
    using namespace rounds;
    Hart& hart = shared.harts[id];
    *at<uint32_t volatile>(0x2000000 + 4 * id) = 0;
    prepare_hart(hart);
    spin_if_told(hart);
    all_rounds(hart);
    shared.drained.wait_for(active_harts());
    both_rings(hart);
    for (uint64_t i = 0; i < given().restarts; ++i) {
        below(hart, supervisor_restart, 0);
        hart.count.starts += 1;
    }
    if (given().restarts != 0) below(hart, supervisor_restart, 0);
    for (;;) asm volatile("wfi");
}

extern "C" void firmware_main(uint64_t tree) {
    using namespace rounds;
    Machine machine;
    if (given().magic != parameters_magic || !read_machine(tree, machine)) {
        say("rounds: FAIL no parameters or no device tree\n");
        finish();
    }
    shared.hart_count = machine.hart_count;
    uint64_t const hot = given().hot_machine | given().hot_lower;
    shared.active = ((uint64_t{1} << machine.hart_count) - 1) & ~hot;
    for (uint64_t id = 0; id < max_harts; ++id) {
        shared.harts[id].id = id;
        shared.harts[id].random = 0x9e3779b97f4a7c15 * (id + 1);
    }
    prepare_hart(shared.harts[0]);
    for (uint64_t id = 1; id < machine.hart_count; ++id) {
        *at<uint32_t volatile>(0x2000000 + 4 * id) = 1;
    }
    shared.hot.wait_for(static_cast<uint64_t>(__builtin_popcountll(hot)));
    all_rounds(shared.harts[0]);
    wait_for_all(active_harts());
    both_rings(shared.harts[0]);
    below(shared.harts[0], supervisor_control, 0);
    report("end");
}
