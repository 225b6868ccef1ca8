// SPDX-License-Identifier: Apache-2.0
// The other harts: started through HSM, interrupted through IPI, fenced through RFENCE.
#include "csr.hpp"
#include "host.hpp"
#include "lock.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

namespace host {

using namespace payload;

namespace {

constexpr uint64_t stack_size = 4096;
alignas(4096) uint8_t stacks[max_harts][stack_size];
alignas(4096) uint64_t moving_pages[2][512];
constexpr uint64_t first_content = 0x1111;
constexpr uint64_t second_content = 0x2222;

SpinLock output;
Signal harts_up;     // counts the harts that have read the moving page once
Signal harts_served; // counts the harts that have taken their interrupt
Signal stale;        // counts the harts that saw the old mapping after the fence

uint64_t read_moving() { return *at<uint64_t volatile>(moving_va); }

/// Waits until the software interrupt is pending and clears it; it is masked in sstatus.SIE.
void take_ipi() {
    csr::set<csr::Sie>(bit_ssi);
    while ((csr::read<csr::Sip>() & bit_ssi) == 0) asm volatile("wfi");
    csr::clear<csr::Sip>(bit_ssi);
}

void start_one(uint64_t hart, unsigned index) {
    uint64_t const before = harts_up.get();
    auto const started =
        sbi::start_hart(hart, address_of(secondary_start), address_of(&stacks[index]) + stack_size);
    if (started.error != 0) fail("a hart did not start");
    harts_up.wait_for(before + 1);
}

void interrupt_one(uint64_t hart) {
    uint64_t const before = harts_served.get();
    if (sbi::remote_sfence(hart, moving_va, page_size).error != 0) fail("remote fence");
    if (sbi::send_ipi(hart).error != 0) fail("interrupt to another hart");
    harts_served.wait_for(before + 1);
}

} // namespace

uint64_t first_moving_page() { return address_of(&moving_pages[0]); }

unsigned start_harts(Machine const& machine, uint64_t boot_hart) {
    moving_pages[0][0] = first_content;
    moving_pages[1][0] = second_content;
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        if (machine.harts[i] != boot_hart) start_one(machine.harts[i], i);
    }
    move_page(address_of(&moving_pages[1]));
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        if (machine.harts[i] != boot_hart) interrupt_one(machine.harts[i]);
    }
    if (stale.get() != 0) fail("a hart kept a mapping beyond a remote fence");
    return static_cast<unsigned>(harts_served.get()) + 1;
}

} // namespace host

/// What the other harts do; they then wait for ever.
extern "C" void secondary_main(uint64_t hart) {
    using namespace host;
    enable_paging();
    {
        SpinLock::Guard const guard(output);
        say("host: hart ", Dec{hart}, " up\n");
    }
    bool const first = read_moving() == first_content;
    harts_up.add(1);
    take_ipi();
    if (!first || read_moving() != second_content) stale.add(1);
    harts_served.add(1);
    csr::write<csr::Sie>(0);
}
