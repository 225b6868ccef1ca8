// SPDX-License-Identifier: Apache-2.0
// Test firmware: software and timer interrupts of the CLINT in M-mode, direct and vectored, wfi,
// and interrupts injected into S-mode. Nothing that depends on time is printed.
#include "firmware.hpp"

extern "C" {
// stubs.S
void spin();
void return_at_once();
void wait_in_s();
void wait_in_u();
void take_in_s();
}

namespace {

using namespace payload;

constexpr uint64_t clint = 0x2000000; // QEMU virt
constexpr uint64_t never = ~uint64_t{0};

void set_msip(bool raised) { *at<uint32_t volatile>(clint) = raised ? 1 : 0; }

void set_deadline(uint64_t time) { *at<uint64_t volatile>(clint + 0x4000) = time; }

uint64_t now() { return *at<uint64_t volatile>(clint + 0xbff8); }

/// mip's software and timer bits, M and S.
Hex pending() { return Hex{csr::read<csr::Mip>() & (bit_msi | bit_mti | bit_ssi | bit_sti)}; }

void quiet() {
    csr::write<csr::Mie>(0);
    set_msip(false);
    set_deadline(never);
    csr::clear<csr::Mip>(bit_ssi | bit_sti | bit_sei);
}

void show(char const* name, Run const& r) {
    say("interrupts: ", name, ": ");
    if ((r.cause & cause_interrupt) != 0) {
        say("interrupt ", Dec{r.cause & ~cause_interrupt}, " vector ", Dec{r.vector}, " MPP ",
            priv_letter(r.status >> status_mpp_shift & 3U), " MPIE ",
            (r.status & status_mpie) != 0 ? '1' : '0', " mip ", pending(), '\n');
    } else {
        say("no interrupt, cause ", Dec{r.cause}, " a0 ", Hex{r.a0}, " mip ", pending(), '\n');
    }
}

constexpr RunOptions enabled{.status = status_mpie};
constexpr RunOptions enabled_vectored{.status = status_mpie, .vectored = true};

void views() {
    quiet();
    say("interrupts: quiet mip ", pending(), '\n');
    set_msip(true);
    say("interrupts: msip raised, reads ", Dec{*at<uint32_t volatile>(clint)}, " mip ", pending(),
        '\n');
    set_msip(false);
    say("interrupts: msip lowered, reads ", Dec{*at<uint32_t volatile>(clint)}, " mip ", pending(),
        '\n');
    set_deadline(0);
    say("interrupts: deadline past, mip ", pending(), '\n');
    set_deadline(never);
    say("interrupts: deadline never, mip ", pending(), " mtimecmp ",
        Hex{*at<uint64_t volatile>(clint + 0x4000)}, '\n');
    uint64_t const first = now();
    while (now() == first) {
    }
    say("interrupts: mtime advances\n");
}

void machine_interrupts(char const* direct_name, char const* vectored_name, uint64_t bit) {
    csr::write<csr::Mie>(bit);
    show(direct_name, run(Priv::Machine, spin, enabled));
    show(vectored_name, run(Priv::Machine, spin, enabled_vectored));
    show("  the same with MIE = 0", run(Priv::Machine, return_at_once));
    show("  the same in S with MIE = 0", run(Priv::Supervisor, spin));
    show("  the same in U with MIE = 0", run(Priv::User, spin));
    csr::write<csr::Mie>(0);
    show("  the same with mie = 0", run(Priv::Machine, return_at_once, enabled));
}

void software() {
    quiet();
    set_msip(true);
    machine_interrupts("software", "software, vectored", bit_msi);
}

void timer() {
    quiet();
    set_deadline(0);
    machine_interrupts("timer", "timer, vectored", bit_mti);
    quiet();
    csr::write<csr::Mie>(bit_mti);
    set_deadline(now() + 5000);
    show("timer in the future, M waits", run(Priv::Machine, spin, enabled));
    set_deadline(now() + 5000);
    show("timer in the future, S waits", run(Priv::Supervisor, spin));
    set_deadline(now() + 5000);
    show("timer in the future, S waits by wfi", run(Priv::Supervisor, wait_in_s));
}

void both() {
    quiet();
    csr::write<csr::Mie>(bit_msi | bit_mti);
    set_deadline(0);
    set_msip(true);
    show("software before timer", run(Priv::Machine, spin, enabled));
    set_msip(false);
    show("then timer", run(Priv::Machine, spin, enabled));
}

/// wfi wakes on what mie enables, whatever MIE says.
void wait() {
    quiet();
    csr::write<csr::Mie>(bit_mti);
    set_deadline(now() + 5000);
    while ((csr::read<csr::Mip>() & bit_mti) == 0) asm volatile("wfi");
    say("interrupts: wfi woke, mip ", pending(), '\n');
    asm volatile("wfi");
    say("interrupts: wfi with something pending does not wait\n");
    quiet();
    csr::write<csr::Mie>(bit_msi);
    set_msip(true);
    asm volatile("wfi");
    say("interrupts: wfi woke, mip ", pending(), '\n');
}

/// Supervisor interrupts that M-mode injects, taken in S-mode: the handler reports scause in a0 and
/// sip in a1 with an ecall.
void injected(char const* name, uint64_t bit, Priv mode, uint64_t status) {
    constexpr uint64_t all = bit_ssi | bit_sti | bit_sei;
    csr::write<csr::Mideleg>(csr::read<csr::Mideleg>() | all);
    csr::write<csr::Mie>(all);
    csr::set<csr::Mip>(bit);
    Run const r = run(Priv::Supervisor, take_in_s,
                      {.a0 = address_of(mode == Priv::User ? wait_in_u : return_at_once),
                       .a1 = mode == Priv::User ? 0 : status_spp,
                       .status = status});
    say("interrupts: ", name, ": M cause ", Dec{r.cause});
    if ((r.a0 & cause_interrupt) != 0) {
        say(" S interrupt ", Dec{r.a0 & ~cause_interrupt}, " sip ", Hex{r.a1 & all});
    } else {
        say(" S saw nothing");
    }
    say(" mip ", pending(), '\n');
    csr::clear<csr::Mip>(all);
    csr::write<csr::Mideleg>(csr::read<csr::Mideleg>() & ~all);
    csr::write<csr::Mie>(0);
}

void supervisor() {
    quiet();
    injected("SSIP, SIE set", bit_ssi, Priv::Supervisor, status_spie);
    injected("STIP, SIE set", bit_sti, Priv::Supervisor, status_spie);
    injected("SEIP, SIE set", bit_sei, Priv::Supervisor, status_spie);
    injected("SSIP and STIP, SIE set", bit_ssi | bit_sti, Priv::Supervisor, status_spie);
    injected("SSIP, SIE clear", bit_ssi, Priv::Supervisor, 0);
    injected("SSIP in U", bit_ssi, Priv::User, 0);
    injected("STIP in U", bit_sti, Priv::User, 0);
    csr::write<csr::Mie>(bit_ssi);
    csr::set<csr::Mip>(bit_ssi);
    show("SSIP not delegated, in M", run(Priv::Machine, spin, enabled));
    show("SSIP not delegated, in S", run(Priv::Supervisor, spin));
    csr::write<csr::Mideleg>(csr::read<csr::Mideleg>() | bit_ssi);
    show("SSIP delegated, in M", run(Priv::Machine, return_at_once, enabled));
    csr::write<csr::Mideleg>(csr::read<csr::Mideleg>() & ~bit_ssi);
    quiet();
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    say("interrupts: start\n");
    csr::write<csr::Medeleg>(0);
    open_pmp();
    views();
    software();
    timer();
    both();
    wait();
    supervisor();
    say("interrupts: end\n");
    finish();
}
