// SPDX-License-Identifier: Apache-2.0
// The host's periodic timer, taken as an ordinary S-mode interrupt.
#include "csr.hpp"
#include "host.hpp"
#include "print.hpp"
#include "sbi.hpp"

namespace host {

using namespace payload;

namespace {

constexpr uint64_t period = 20000; // ticks of `time`: 2 ms on QEMU virt
constexpr uint64_t cause_timer = cause_interrupt | 5;
uint64_t interrupts;

void arm() {
    if (sbi::set_timer(csr::read<csr::Time>() + period).error != 0) fail("set_timer");
}

} // namespace

void start_timer() {
    arm();
    csr::set<csr::Sie>(bit_sti);
    csr::set<csr::Sstatus>(status_sie);
}

void stop_timer() {
    csr::clear<csr::Sstatus>(status_sie);
    csr::clear<csr::Sie>(bit_sti);
    sbi::set_timer(~uint64_t{0});
}

uint64_t timer_interrupts() { return interrupts; }

} // namespace host

/// Called by the trap vector, interrupts off.
extern "C" void host_trap(uint64_t cause, uint64_t pc, uint64_t value) {
    using namespace host;
    if (cause == cause_timer) {
        ++interrupts;
        arm();
        return;
    }
    say("host: trap: cause ", Hex{cause}, " pc ", Hex{pc}, " value ", Hex{value}, '\n');
    fail("unexpected trap");
}
