// SPDX-License-Identifier: Apache-2.0
// The order of things: an enclave is created and run through an S-mode stub, and every hart probes
// while it is fresh, while it is stopped, and after it was destroyed. Harts with odd ids are called
// before the enclave exists, the others afterwards.
#include "fwprobe.hpp"

#include "enclave_image.hpp"
#include "fdt.hpp"
#include "keystone.hpp"
#include "lock.hpp"

#include <initializer_list>

namespace fwprobe {

using namespace payload;

namespace {

enum class Phase : uint64_t { Nothing = 0, Fresh, Stopped, Destroyed, Sleep };

Signal orders[max_harts];
Signal answers;
keystone::CreateArgs create_args;

void set_msip(uint64_t hart, bool raised) {
    *at<uint32_t volatile>(clint + 4 * hart) = raised ? 1 : 0;
}

/// A Keystone call made in S-mode.
Run call_from_supervisor(uint64_t function, uint64_t argument) {
    return run(Priv::Supervisor, keystone_call, {.a0 = argument, .a1 = function});
}

void expect_result(char const* what, Run const& r, uint64_t error) {
    record(what, "", r.a0, r.cause == cause_supervisor_ecall && r.a0 == error, r);
}

/// Creates the enclave; returns its id.
uint64_t create() {
    create_args = place_enclave(epm, epm_size, utm, utm_size);
    Run const r = call_from_supervisor(keystone::create, address_of(&create_args));
    expect_result("create", r, 0);
    return r.a1;
}

/// Runs the enclave up to its first edge call.
void run_to_stop(uint64_t id) {
    Run r = call_from_supervisor(keystone::run, id);
    while (r.a0 == keystone::interrupted) r = call_from_supervisor(keystone::resume, id);
    expect_result("run", r, keystone::edge_call);
}

void destroy(uint64_t id) {
    expect_result("destroy", call_from_supervisor(keystone::destroy, id), 0);
}

/// What the calling hart probes in a phase.
void probe(Phase phase) {
    csr::write<csr::Medeleg>(0);
    csr::write<csr::Satp>(0);
    open_pmp();
    probe_memory(phase != Phase::Destroyed);
    if (phase != Phase::Stopped) return;
    probe_toggles();
    probe_traps();
    probe_vpmps();
    probe_calls();
    probe_csrs();
    probe_delegation();
    probe_memory(true);
}

void order(uint64_t hart, Phase phase) {
    uint64_t const before = answers.get();
    orders[hart].set(static_cast<uint64_t>(phase));
    set_msip(hart, true);
    answers.wait_for(before + 1);
}

void probe_all(uint64_t harts, Phase phase) {
    probe(phase);
    for (uint64_t hart = 1; hart < harts; ++hart) order(hart, phase);
}

/// Every other hart sleeps with nothing enabled; create and destroy need its consent all the same.
void probe_sleepers(uint64_t harts) {
    for (uint64_t hart = 1; hart < harts; ++hart) order(hart, Phase::Sleep);
    for (unsigned i = 0; i < 2; ++i) destroy(create());
}

void attack(uint64_t harts) {
    for (uint64_t hart = 1; hart < harts; hart += 2) order(hart, Phase::Nothing);
    uint64_t const id = create();
    probe_all(harts, Phase::Fresh);
    run_to_stop(id);
    probe_all(harts, Phase::Stopped);
    probe_clint(harts);
    destroy(id);
    uint64_t left = 0;
    for (uint64_t word = epm; word < epm_end; word += 8) left |= *at<uint64_t volatile>(word);
    record_value("left in the enclave's memory:", left, left == 0);
    probe_all(harts, Phase::Destroyed);
    probe_sleepers(harts);
}

} // namespace

} // namespace fwprobe

/// The other harts: probe what they are told to, then sleep with nothing enabled.
extern "C" void secondary_main(uint64_t hart) {
    using namespace fwprobe;
    uint64_t done = 0;
    set_msip(hart, false);
    if (orders[hart].get() == done) answers.add(1);
    for (;;) {
        csr::write<csr::Mie>(bit_msi);
        while (orders[hart].get() == done) asm volatile("wfi");
        csr::write<csr::Mie>(0);
        set_msip(hart, false);
        done = orders[hart].get();
        if (static_cast<Phase>(done) == Phase::Sleep) break;
        probe(static_cast<Phase>(done));
        answers.add(1);
    }
    answers.add(1);
    for (;;) asm volatile("wfi");
}

/// The program, on hart 0.
extern "C" void firmware_main(uint64_t tree) {
    using namespace fwprobe;
    Machine machine;
    if (!read_machine(tree, machine) || machine.hart_count > max_harts) {
        say("fwprobe: FAIL the device tree is not usable\n");
        finish();
    }
    csr::write<csr::Medeleg>(0);
    open_pmp();
    attack(machine.hart_count);
    Totals const sum = totals();
    if (sum.failures == 0) {
        say("fwprobe: PASS ", Dec{sum.probes}, " probes\n");
    } else {
        say("fwprobe: FAIL ", Dec{sum.failures}, '\n');
    }
    finish();
}
