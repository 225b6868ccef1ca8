// SPDX-License-Identifier: Apache-2.0
// A firmware that uses interrupts against an enclave. On the first hart an operating system runs
// the enclave; whenever the firmware there is interrupted it posts every interrupt that it can for
// S-mode and VS-mode, and masks its own or not. The firmware of the second hart strikes: it raises
// the first hart's software interrupt or makes its timer expire, as fast as it is noticed. Traps
// are those of firmware/rounds.
#include "firmware.hpp"
#include "keystone.hpp"
#include "lock.hpp"
#include "sbi.hpp"

#include <initializer_list>

extern "C" {
extern uint8_t const storm_enclave_start[], storm_enclave_end[]; // enclave.S
// firmware/rounds/traps.S
void enter_supervisor(void (*code)(uint64_t), uint64_t argument, uint64_t stack_top);
[[noreturn]] void leave_supervisor(uint64_t machine_stack);
void rounds_machine_vector();
void rounds_supervisor_vector();
}

namespace storm {

using namespace payload;

namespace {

constexpr uint64_t clint = 0x2000000, epm = 0x84000000, epm_size = 0x2000; // QEMU virt
constexpr uint64_t utm = epm + epm_size, never = ~uint64_t{0};
constexpr uint64_t enough = 150, patience = 20000; // entries; looks at them
constexpr uint64_t posted = bit_ssi | bit_sti | bit_sei, posted_guests = 0x444;
constexpr unsigned Hvip = 0x645;
constexpr uint64_t settle = 1, leave_pending = 2, leave = 8; // a7

alignas(16) uint8_t stack[4096];
Signal running; // the enclave may be entered
Signal entries; // run and resume that came back
Signal struck;
uint64_t traps;

volatile uint64_t* words() { return at<uint64_t volatile>(utm); }
void set_msip(uint64_t value) { *at<uint32_t volatile>(clint) = static_cast<uint32_t>(value); }
void set_timer(uint64_t time) { *at<uint64_t volatile>(clint + 0x4000) = time; }

void expect(char const* what, uint64_t value, uint64_t expected) {
    if (value == expected) return;
    say("storm: FAIL ", what, ' ', Hex{value}, ", not ", Hex{expected}, '\n');
    finish();
}

/// For S-mode and VS-mode; nobody below enables them but where it says so.
void post() {
    csr::set<csr::Mip>(posted);
    if ((csr::read<csr::Misa>() >> 7U & 1U) != 0) csr::write<Hvip>(posted_guests);
}

/// One in four: masked and still pending, until the operating system calls. Else settled.
void take_interrupt(uint64_t cause) {
    if (++traps % 4 == 0) {
        csr::clear<csr::Mie>(bit_msi | bit_mti);
    } else if (cause == (cause_interrupt | 3U)) {
        set_msip(0);
    } else {
        set_timer(never);
    }
    post();
}

// The operating system, in S-mode.

uint64_t create_enclave() {
    memcpy(at<void>(epm), storm_enclave_start,
           address_of(storm_enclave_end) - address_of(storm_enclave_start));
    uint64_t const free = epm + page_size;
    keystone::CreateArgs const args{epm, epm_size, utm, page_size, free, free, free, 0};
    auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
    expect("create", static_cast<uint64_t>(r.error), 0);
    return r.value;
}

/// One entry; whether the enclave has ended.
bool enter(uint64_t id, bool first) {
    uint64_t const function = first ? keystone::run : keystone::resume;
    auto const r = sbi::call(keystone::extension, function, id);
    entries.add(1);
    if (r.error == keystone::interrupted) return false;
    expect("run or resume", static_cast<uint64_t>(r.error), 0);
    expect("count", r.value, words()[0]);
    return true;
}

void finish_enclave(uint64_t id) {
    expect("what the enclave saw", words()[1], 0);
    expect("what the host has", csr::read<csr::Sip>() & posted, posted);
    auto const r = sbi::call(keystone::extension, keystone::destroy, id);
    expect("destroy", static_cast<uint64_t>(r.error), 0);
}

/// Runs the enclave in the storm, which ends; then it does.
void endure() {
    uint64_t const id = create_enclave();
    uint64_t fruitless = 0;
    running.set(1);
    for (bool first = true;; first = false) {
        uint64_t const before = words()[0];
        bool const ended = enter(id, first);
        if (words()[0] == before) ++fruitless;
        if (ended) break;
        if (entries.get() % 8 == 0) sbi::call(settle, 0);
    }
    uint64_t const count = entries.get();
    say("storm: entries ", Dec{count}, ", ", Dec{fruitless}, " without progress, strikes ",
        Dec{struck.get()}, ", traps of the firmware ", Dec{traps}, '\n');
    // Two for a strike: it can be seen before its IPI arrives.
    expect("two entries for a strike at most", count <= 2 * struck.get() + 1 ? 1 : 0, 1);
    finish_enclave(id);
}

/// What the host has enabled, one after the other, comes before the enclave.
void prefer_host() {
    for (uint64_t const bit : {bit_ssi, bit_sti, bit_sei}) {
        uint64_t const id = create_enclave();
        csr::write<csr::Sie>(bit);
        for (unsigned i = 0; i < 100; ++i) expect("ended", enter(id, i == 0) ? 1 : 0, 0);
        expect("count", words()[0], 0);
        csr::write<csr::Sie>(0);
        words()[2] = 1;
        while (!enter(id, false)) {
        }
        finish_enclave(id);
    }
}

/// What is pending and masked costs no entry. (One may be left of the storm.)
void disregard_masked() {
    uint64_t const id = create_enclave();
    sbi::call(leave_pending, 0);
    words()[2] = 1;
    unsigned entered = 1;
    while (!enter(id, entered == 1)) expect("few entries", ++entered <= 3 ? 1 : 0, 1);
    finish_enclave(id);
    sbi::call(settle, 0);
}

void os(uint64_t) {
    endure();
    disregard_masked();
    prefer_host();
}

} // namespace

} // namespace storm

/// Any trap into M-mode of the first hart: see firmware/rounds.
extern "C" void rounds_machine_trap(uint64_t* frame) {
    using namespace storm;
    constexpr unsigned a7 = 17;
    uint64_t const cause = csr::read<csr::Mcause>();
    if (cause == (cause_interrupt | 3U) || cause == (cause_interrupt | 7U))
        return take_interrupt(cause);
    expect("cause", cause, 9); // ecall of S-mode
    csr::write<csr::Mepc>(csr::read<csr::Mepc>() + 4);
    if (frame[a7] == leave) leave_supervisor(frame[0]);
    bool const pending = frame[a7] == leave_pending;
    csr::write<csr::Mie>(0);
    set_msip(pending ? 1 : 0);
    set_timer(pending ? 0 : never);
    if (!pending) csr::write<csr::Mie>(bit_msi | bit_mti);
}

/// The host never turns its interrupts on.
extern "C" void rounds_supervisor_trap() {
    using namespace storm;
    expect("trap of the host", csr::read<csr::Scause>(), 0);
}

extern "C" void secondary_main(uint64_t) {
    using namespace storm;
    *at<uint32_t volatile>(clint + 4) = 0;
    running.wait_for(1);
    for (uint64_t i = 0; entries.get() < enough; ++i) {
        uint64_t const seen = entries.get();
        struck.add(1);
        i % 2 == 0 ? set_msip(1) : set_timer(0);
        for (uint64_t waited = 0; waited < patience && entries.get() == seen; ++waited) {
        }
        for (uint64_t wait = i * 37 % 512; wait != 0; --wait) asm volatile("nop");
    }
    words()[2] = 1;
    for (;;) asm volatile("wfi");
}

extern "C" void firmware_main(uint64_t) {
    using namespace storm;
    csr::write<csr::Mtvec>(address_of(&rounds_machine_vector));
    csr::write<csr::Mscratch>(0);
    csr::write<csr::Stvec>(address_of(&rounds_supervisor_vector));
    open_pmp();
    csr::write<csr::Mideleg>(posted);
    set_timer(never);
    post();
    csr::write<csr::Mie>(bit_msi | bit_mti);
    *at<uint32_t volatile>(clint + 4) = 1; // the second hart
    enter_supervisor(os, 0, address_of(stack) + sizeof stack);
    say("storm: PASS\n");
    finish();
}
