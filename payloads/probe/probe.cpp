// SPDX-License-Identifier: Apache-2.0
// Probes what the host can reach, from every hart: while an enclave is fresh, while it is stopped,
// and after it was destroyed. Harts with odd ids run before the enclave is created, the others are
// started afterwards.
#include "probe.hpp"

#include "csr.hpp"
#include "enclave_image.hpp"
#include "fdt.hpp"
#include "keystone.hpp"
#include "lock.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

extern "C" uint8_t const image_end[]; // payload.ld

namespace probe {

using namespace payload;

namespace {

constexpr uint64_t unit = 8U << 20U; // EPM and UTM lie in the first such unit behind the image
constexpr uint64_t stack_size = 8192;
alignas(16) uint8_t stacks[max_harts][stack_size];
Signal orders[max_harts]; // by hart id: the last phase to be probed, 0 before the first
Signal started;           // harts that run
Signal answers;           // phases probed by other harts
bool running[max_harts];  // by hart id; only the boot hart looks
bool given_up[max_harts]; // likewise: harts that did not answer
constexpr uint64_t answer_limit = 100000000; // ticks of `time`: 10 s on QEMU virt

void start(uint64_t hart) {
    uint64_t const before = started.get();
    auto const r =
        sbi::start_hart(hart, address_of(secondary_start), address_of(&stacks[hart]) + stack_size);
    if (r.error != 0) {
        complain("a hart did not start:", hart);
        return;
    }
    started.wait_for(before + 1);
    running[hart] = true;
}

/// Whether another hart answers before `answer_limit` is over; one that does not is given up.
bool answered(uint64_t count) {
    uint64_t const start_time = csr::read<csr::Time>();
    while (answers.get() != count) {
        if (csr::read<csr::Time>() - start_time > answer_limit) return false;
    }
    return true;
}

/// Has another hart probe a phase, and waits for it.
void order(uint64_t hart, Phase phase) {
    if (!running[hart] && !given_up[hart]) start(hart);
    if (!running[hart]) return;
    uint64_t const before = answers.get();
    orders[hart].set(static_cast<uint64_t>(phase));
    if (sbi::send_ipi(hart).error != 0) complain("no interrupt to hart", hart);
    if (answered(before + 1)) return;
    complain("no answer from hart", hart);
    running[hart] = false;
    given_up[hart] = true;
}

void probe_all(Machine const& machine, uint64_t boot_hart, char const* name, Phase phase) {
    say("probe: enclave ", name, '\n');
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        uint64_t const hart = machine.harts[i];
        if (hart == boot_hart) {
            probe_phase(hart, phase);
        } else {
            order(hart, phase);
        }
    }
}

void expect_result(char const* what, int64_t got, int64_t expected) {
    if (got != expected) complain(what, static_cast<uint64_t>(got));
}

/// Creates the enclave from the embedded parts; returns its id.
uint64_t create() {
    auto const& m = enclave_memory;
    auto const args = place_enclave(m.epm, m.epm_size, m.utm, m.utm_size);
    auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
    expect_result("create returned", r.error, 0);
    return r.value;
}

/// Runs the enclave up to its first edge call.
void run_to_stop(uint64_t id) {
    auto r = sbi::call(keystone::extension, keystone::run, id);
    while (r.error == keystone::interrupted) {
        r = sbi::call(keystone::extension, keystone::resume, id);
    }
    expect_result("run returned", r.error, keystone::edge_call);
}

void probe_machine(Machine const& machine, uint64_t boot_hart) {
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        uint64_t const hart = machine.harts[i];
        if (hart % 2 == 1 && hart != boot_hart) start(hart);
    }
    uint64_t const id = create();
    probe_all(machine, boot_hart, "fresh", Phase::Fresh);
    run_to_stop(id);
    probe_all(machine, boot_hart, "stopped", Phase::Stopped);
    auto const destroyed = sbi::call(keystone::extension, keystone::destroy, id);
    expect_result("destroy returned", destroyed.error, 0);
    probe_all(machine, boot_hart, "destroyed", Phase::Destroyed);
}

/// Ids index the tables above.
bool small_ids(Machine const& machine) {
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        if (machine.harts[i] >= max_harts) return false;
    }
    return true;
}

void place_memory() {
    constexpr uint64_t epm_size = 0x20000;
    constexpr uint64_t utm_size = 0x4000;
    uint64_t const base = round_up(address_of(image_end), unit);
    enclave_memory = {base, epm_size, base + epm_size, utm_size};
}

} // namespace

} // namespace probe

/// What the other harts do: probe what they are told to.
extern "C" void secondary_main(uint64_t hart) {
    using namespace probe;
    uint64_t done = 0;
    started.add(1);
    for (;;) {
        csr::write<csr::Sie>(bit_ssi);
        while (orders[hart].get() == done) {
            asm volatile("wfi");
            csr::clear<csr::Sip>(bit_ssi);
        }
        csr::write<csr::Sie>(0); // U-mode would take the interrupt
        csr::clear<csr::Sip>(bit_ssi);
        done = orders[hart].get();
        probe_phase(hart, static_cast<Phase>(done));
        answers.add(1);
    }
}

/// The program, on the boot hart.
extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace probe;
    Machine machine;
    if (!read_machine(tree, machine) || !small_ids(machine)) {
        say("probe: FAIL: the device tree is not usable\n");
        sbi::shut_down();
    }
    build_tables();
    place_memory();
    if (!sbi::has_extension(keystone::extension)) say("probe: no enclave support\n");
    probe_machine(machine, hart);
    Totals const sum = totals();
    if (sum.failures == 0) {
        say("probe: PASS ", Dec{sum.probes}, " probes\n");
    } else {
        say("probe: FAIL ", Dec{sum.failures}, '\n');
    }
    sbi::shut_down();
}
