// SPDX-License-Identifier: Apache-2.0
// A host that attacks through the hypervisor extension: it raises and enables interrupts of a
// virtual supervisor that it never runs, with hideleg = 0. They are the host's own, delegated to
// S-mode by read-only bits of mideleg, so whoever enters U-mode on this hart with them in place
// hands control to the host's stvec: the firmware, which runs in U-mode, under the firmware's PMP.
#include "registers.hpp"

#include "csr.hpp"
#include "enclave_image.hpp"
#include "fdt.hpp"
#include "keystone.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "run.hpp"
#include "sbi.hpp"

#include <initializer_list>

extern "C" {
extern uint8_t const image_start[]; // payload.ld
extern uint8_t const image_end[];
extern uint8_t const hext_enclave_start[]; // enclave.S
extern uint8_t const hext_enclave_end[];
void hext_vector(); // vector.S
void spin_in_user();
void secondary_main(uint64_t) {}
}

namespace hext {

using namespace payload;

namespace {

constexpr uint64_t own_extension = 0x08504c4e;
constexpr uint64_t never = ~uint64_t{0};
constexpr uint64_t rounds = 20;
constexpr uint64_t spins = 100000;
constexpr uint64_t cause_user_ecall = 8;

alignas(16) uint8_t trap_stack[4096];
uint64_t taken_in_supervisor;
uint64_t taken_in_user;
uint64_t enclave_stops;
uint64_t calls;
uint64_t failures;

void fail(char const* what, uint64_t number) {
    ++failures;
    say("hext: ", what, ' ', Hex{number}, '\n');
}

bool in_image(uint64_t pc) { return pc >= address_of(image_start) && pc < address_of(image_end); }

bool is_vs_interrupt(uint64_t cause) {
    return (cause & cause_interrupt) != 0 && (uint64_t{1} << (cause & 63U) & all_vs) != 0;
}

void use_own_vector() {
    csr::write<csr::Stvec>(address_of(hext_vector));
    csr::write<csr::Sscratch>(address_of(trap_stack) + sizeof(trap_stack));
}

/// Whether the interrupt is real: it arrives in the host's own S-mode and U-mode.
void take_own(uint64_t bits) {
    uint64_t const before = taken_in_supervisor;
    if (!arm(bits)) fail("the hart did not take the interrupts", bits);
    csr::set<csr::Sstatus>(status_sie);
    csr::clear<csr::Sstatus>(status_sie);
    if (taken_in_supervisor == before) fail("no interrupt arrived in S-mode for", bits);

    if (!arm(bits)) fail("the hart did not take the interrupts", bits);
    Run r{};
    r.pc = address_of(spin_in_user);
    r.a0 = spins;
    r.status = csr::read<csr::Sstatus>() & ~(status_sie | status_spie | status_spp);
    run_from_s(&r);
    use_own_vector();
    if (is_vs_interrupt(r.cause) && in_image(r.epc)) {
        ++taken_in_user;
    } else {
        fail("no interrupt arrived in U-mode, but", r.cause);
    }
    disarm();
}

/// An SBI call while armed; everything must be as it was afterwards.
sbi::Result call(char const* name, uint64_t extension, uint64_t function, uint64_t arg0 = 0,
                 uint64_t arg1 = 0) {
    auto const r = sbi::call(extension, function, arg0, arg1);
    ++calls;
    failures += changed_registers(name);
    return r;
}

void expect(char const* name, sbi::Result result, int64_t error) {
    if (result.error != error) fail(name, static_cast<uint64_t>(result.error));
}

/// Calls that the firmware answers, and two that the monitor answers.
void call_firmware(uint64_t hart) {
    uint64_t const here = uint64_t{1} << hart;
    expect("base", call("base", sbi::ext_base, 0), 0);
    expect("set_timer", call("set_timer", sbi::ext_time, 0, never), 0);
    expect("send_ipi", call("send_ipi", sbi::ext_ipi, 0, here, 0), 0);
    csr::clear<csr::Sip>(bit_ssi);
    expect("remote_fence", call("remote_fence", sbi::ext_rfence, 0, here, 0), 0);
    expect("hart_status", call("hart_status", sbi::ext_hsm, 2, hart), 0);
    call("putchar", sbi::ext_legacy_putchar, 0, '.');
    expect("probe", call("probe", sbi::ext_base, 3, keystone::extension), 0);
    expect("version", call("version", own_extension, 0), 0);
}

/// The argument of create for the enclave of enclave.S behind the image.
keystone::CreateArgs place() {
    constexpr uint64_t unit = 8U << 20U;
    constexpr uint64_t epm_size = 0x10000;
    uint64_t const epm = round_up(address_of(image_end), unit);
    uint64_t const size = address_of(hext_enclave_end) - address_of(hext_enclave_start);
    memset(at<void>(epm), 0, epm_size);
    memcpy(at<void>(epm), hext_enclave_start, size);
    uint64_t const free = epm + round_up(size, page_size);
    return {epm, epm_size, epm + epm_size, page_size, free, free, free, 0};
}

/// Runs the enclave once, stopped by the host's timer on its way.
void call_enclave() {
    constexpr uint64_t soon = 2000; // ticks: 200 us, less than the enclave needs
    auto const args = place();
    auto const created = call("create", keystone::extension, keystone::create, address_of(&args));
    expect("create", created, 0);
    csr::write<csr::Sie>(bit_sti);
    sbi::set_timer(csr::read<csr::Time>() + soon);
    auto r = call("run", keystone::extension, keystone::run, created.value);
    while (r.error == keystone::interrupted) {
        ++enclave_stops;
        sbi::set_timer(never);
        r = call("resume", keystone::extension, keystone::resume, created.value);
    }
    csr::write<csr::Sie>(0);
    expect("the enclave", r, 0);
    if (r.value != 0) fail("the enclave found", r.value);
    expect("destroy", call("destroy", keystone::extension, keystone::destroy, created.value), 0);
}

void attack(uint64_t hart, uint64_t bits) {
    if (!arm(bits)) fail("the hart did not take the interrupts", bits);
    for (uint64_t i = 0; i < rounds; ++i) call_firmware(hart);
    call_enclave();
    disarm();
}

} // namespace

} // namespace hext

/// Every trap into S-mode. One that interrupted anybody but this image was stolen.
extern "C" void hext_trap(uint64_t cause, uint64_t pc, uint64_t value, uint64_t status) {
    using namespace hext;
    if (is_vs_interrupt(cause) && in_image(pc)) {
        if ((status & status_spp) != 0) ++taken_in_supervisor;
        disarm();
        return;
    }
    bool const stolen = (cause & cause_interrupt) != 0 && !in_image(pc);
    say(stolen ? "\nhext: CAPTURED" : "\nhext: FAIL unexpected trap");
    say(", cause ", Hex{cause}, " pc ", Hex{pc}, " value ", Hex{value}, '\n');
    for (;;) asm volatile("wfi");
}

/// The program.
extern "C" void payload_main(uint64_t hart, uint64_t) {
    using namespace hext;
    use_own_vector();
    for (uint64_t const bits : {bit_vssi, bit_vsti, bit_vsei, all_vs}) {
        take_own(bits);
        attack(hart, bits);
    }
    if (enclave_stops == 0) fail("the timer never stopped the enclave", 0);
    say("\nhext: ", Dec{calls}, " calls, ", Dec{enclave_stops},
        " enclave stops; the interrupt arrived ", Dec{taken_in_supervisor}, " times in S-mode and ",
        Dec{taken_in_user}, " times in U-mode\n");
    if (failures == 0) {
        say("hext: PASS\n");
    } else {
        say("hext: FAIL ", Dec{failures}, '\n');
    }
    sbi::shut_down();
}
