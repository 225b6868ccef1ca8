// SPDX-License-Identifier: Apache-2.0
// Harts come and go: started, suspended with and without their registers, stopped, started again,
// by the firmware's hart state management. An enclave exists all the time; each hart tries to read
// it as the first thing that it does after it came (back).
#include "canary_enclave.hpp"
#include "csr.hpp"
#include "fdt.hpp"
#include "lock.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "run.hpp"
#include "sbi.hpp"

extern "C" {
extern uint8_t const image_end[]; // payload.ld
void secondary_start();
void load_double(); // probe/access.S
}

namespace {

using namespace payload;

constexpr uint64_t rounds = 25;
constexpr uint64_t stack_size = 8192;
constexpr uint64_t stop = 1, status = 2, suspend = 3; // HSM functions
constexpr uint64_t stopped = 1, suspended = 4;        // what status says
constexpr uint64_t retentive = 0, non_retentive = 0x8000'0000, software = 1U << 1U;
constexpr uint64_t load_access_fault = 5;

alignas(16) uint8_t stacks[max_harts][stack_size];
uint64_t epm;
/// By hart id. Only the hart itself writes while it runs; the others look when it is not running.
struct Seen {
    uint64_t comings, denied, registers_lost;
    bool resumes; ///< the next start of secondary_main() is the end of a suspension
} seen[max_harts];

void wait_for_status(uint64_t hart, uint64_t wanted) {
    while (sbi::call(sbi::ext_hsm, status, hart).value != wanted) {
    }
}

/// The first thing a hart does.
void come(Seen& mine) {
    ++mine.comings;
    Run r{};
    r.pc = address_of(load_double);
    r.a0 = epm;
    r.status = uint64_t{1} << 8U; // S-mode
    run_from_s(&r);
    if (r.cause == load_access_fault && r.tval == epm) ++mine.denied;
}

void suspend_retentive(uint64_t hart, Seen& mine) {
    csr::set<csr::Sie>(software);
    register uint64_t kept asm("s5") = 0x5115'0000 + hart;
    asm volatile("" : "+r"(kept));
    auto const r = sbi::call(sbi::ext_hsm, suspend, retentive);
    asm volatile("" : "+r"(kept));
    if (r.error != 0 || kept != 0x5115'0000 + hart) ++mine.registers_lost;
    csr::clear<csr::Sip>(software);
    csr::clear<csr::Sie>(software);
}

/// Starts a hart, wakes it from both suspensions, and sees it stop.
void drive(uint64_t hart) {
    auto const top = address_of(&stacks[hart]) + stack_size;
    if (sbi::start_hart(hart, address_of(secondary_start), top).error != 0) {
        say("hsm: FAIL: hart ", Dec{hart}, " does not start\n");
        sbi::shut_down();
    }
    for (unsigned i = 0; i < 2; ++i) {
        wait_for_status(hart, suspended);
        sbi::send_ipi(hart);
        if (i == 0)
            while (__atomic_load_n(&seen[hart].resumes, __ATOMIC_ACQUIRE) == false) {
            }
    }
    wait_for_status(hart, stopped);
}

} // namespace

extern "C" void secondary_main(uint64_t hart) {
    auto& mine = seen[hart];
    come(mine);
    if (!mine.resumes) {
        suspend_retentive(hart, mine);
        come(mine);
        csr::set<csr::Sie>(software);
        __atomic_store_n(&mine.resumes, true, __ATOMIC_RELEASE);
        sbi::call(sbi::ext_hsm, suspend, non_retentive, address_of(secondary_start),
                  address_of(&stacks[hart]) + stack_size);
        say("hsm: FAIL: a suspension without registers returned\n");
    }
    mine.resumes = false;
    csr::clear<csr::Sip>(software);
    sbi::call(sbi::ext_hsm, stop, 0);
    say("hsm: FAIL: a stopped hart goes on\n");
}

extern "C" void payload_main(uint64_t boot, uint64_t tree) {
    epm = round_up(address_of(image_end), uint64_t{8} << 20U);
    auto const enclave = start_canary_enclave(epm);
    if (enclave.error != keystone::edge_call) say("hsm: FAIL: no enclave\n");
    Machine machine;
    if (!read_machine(tree, machine)) say("hsm: FAIL: no device tree\n");
    for (uint64_t round = 0; round < rounds; ++round)
        for (unsigned i = 0; i < machine.hart_count; ++i)
            if (machine.harts[i] != boot) drive(machine.harts[i]);
    uint64_t const harts = machine.hart_count - 1;
    uint64_t comings = 0, denied = 0, lost = 0;
    for (auto const& one : seen) {
        comings += one.comings;
        denied += one.denied;
        lost += one.registers_lost;
    }
    *at<uint64_t volatile>(epm + canary_epm_size) =
        2; // asks for a report and exits with the answer
    auto const answer = resume_enclave(enclave.value);
    auto const alive = answer.error == 0 && answer.value == 0;
    auto const good = denied == comings && comings == 3 * rounds * harts && lost == 0 && alive;
    say("hsm: ", good ? "PASS " : "FAIL ", Dec{harts}, " harts came ", Dec{comings}, " times, ",
        Dec{denied}, " denied, ", Dec{lost}, " lost registers\n");
    sbi::shut_down();
}
