// SPDX-License-Identifier: Apache-2.0
// Attacks that need a certain order, made with the same means as the random ones.
#include "garbage.hpp"

#include <initializer_list>

namespace garbage {

using namespace payload;

namespace {

constexpr uint64_t free_memory = 0x85000000;
constexpr uint64_t leaf = 0x2000000f; // 1 GiB at 0x80000000, RWX, neither accessed nor dirty
constexpr uint64_t accessed = 1U << 6U;
constexpr uint64_t cause_load = 5, cause_store = 7, cause_ecall_m = 11;
constexpr uint64_t machine_bits[] = {3, 7, 11};
constexpr uint32_t ecall = 0x00000073;
uint64_t failed = 0;

void set_msip(uint32_t value) { *at<uint32_t volatile>(0x2000000) = value; }

/// The UART's "transmitter empty" as external interrupt of hart 0's M-mode (QEMU virt).
void set_external(bool on) {
    constexpr uint64_t plic = 0xc000000;
    constexpr uint64_t uart_interrupt = 10;
    *at<uint32_t volatile>(plic + 4 * uart_interrupt) = 1;
    *at<uint32_t volatile>(plic + 0x2000) = on ? 1U << uart_interrupt : 0;
    *at<uint32_t volatile>(plic + 0x200000) = 0;
    *at<uint8_t volatile>(0x10000001) = on ? 2 : 0;
}

bool pending(uint64_t number) {
    for (unsigned tries = 0; tries < 100000; ++tries) {
        if ((csr::read<csr::Mip>() >> number & 1U) != 0) return true;
    }
    return false;
}

void delegate_everything() {
    csr::write<csr::Medeleg>(~uint64_t{0});
    csr::write<csr::Mideleg>(~uint64_t{0});
}

/// The access of `code` to `address`, with bits in mstatus set around it.
Outcome access(Stub* code, uint64_t address, uint64_t bits) {
    Run const r = run(Priv::Machine, code, {.a0 = address, .a2 = bits, .status = 1U << 13U});
    Outcome const seen{r.epc == address_of(&run_from_m_ecall) ? completed : r.cause, r.epc, r.tval};
    restore();
    return seen;
}

} // namespace

uint64_t failures() { return failed; }

void expect(bool good, char const* what, uint64_t first, Outcome const& seen) {
    if (good) return;
    failed += 1;
    say("garbage: FAIL ", what, ' ', Hex{first}, " cause ", Hex{seen.cause}, " epc ", Hex{seen.epc},
        " tval ", Hex{seen.tval}, '\n');
}

void write_page_table(uint64_t page) {
    for (unsigned i = 0; i < 512; ++i) *at<uint64_t volatile>(page + 8 * i) = leaf;
}

void take_delegated_events() {
    uint64_t count = 0;
    delegate_everything();
    Registers const registers{};
    Outcome const call = attempt(ecall, registers, false);
    expect(call.cause == cause_ecall_m, "ecall of M, delegated", 0, call);
    set_msip(1);
    set_external(true);
    for (uint64_t const number : machine_bits) {
        expect(pending(number), "not pending", number, {});
        for (Priv const mode : {Priv::User, Priv::Supervisor, Priv::Machine}) {
            restore();
            delegate_everything();
            Outcome const seen = jump(address_of(&garbage_landing), mode, uint64_t{1} << number);
            expect(seen.cause == (cause_interrupt | number) &&
                       seen.epc == address_of(&garbage_landing),
                   "interrupt, delegated", number, seen);
            count += 1;
        }
    }
    set_external(false);
    set_msip(0);
    restore();
    say("garbage: events ", Dec{count}, '\n');
}

void access_with_fp() {
    constexpr uint64_t places[] = {0x80000000, 0x80080000,   0x800ff000,  0x80100000 - 8,
                                   epm,        epm + 0x1000, epm + 0x1ff8};
    constexpr uint64_t ways[] = {0, status_mprv | 1U << status_mpp_shift,
                                 status_mprv | 3U << status_mpp_shift};
    uint64_t count = 0;
    for (uint64_t const bits : ways) {
        for (uint64_t const place : places) {
            Outcome const load = access(garbage_fp_load, place, bits);
            expect(load.cause == cause_load && load.tval == place, "fld", place, load);
            Outcome const store = access(garbage_fp_store, place, bits);
            expect(store.cause == cause_store && store.tval == place, "fsd", place, store);
            count += 2;
        }
        Outcome const free = access(garbage_fp_load, free_memory, bits);
        expect(free.cause == completed, "fld of free memory", free_memory, free);
    }
    say("garbage: FP accesses ", Dec{count}, '\n');
}

void walk_owned_tables() {
    constexpr uint64_t sv39 = uint64_t{8} << 60U;
    constexpr uint64_t bits = status_mprv | 1U << status_mpp_shift;
    constexpr uint64_t target = free_memory - 0x80000000; // through the first entry
    for (uint64_t const root : {epm, uint64_t{0x80000000}, uint64_t{0x800ff000}}) {
        csr::write<csr::Satp>(sv39 | root >> 12U);
        Outcome const seen = access(garbage_mprv_load, target, bits);
        expect(seen.cause == cause_load && seen.tval == target, "table in", root, seen);
    }
    write_page_table(free_memory);
    csr::write<csr::Satp>(sv39 | free_memory >> 12U);
    Outcome const walked = access(garbage_mprv_load, target, bits);
    expect(walked.cause == completed, "free table", free_memory, walked);
    uint64_t const entry = *at<uint64_t volatile>(free_memory);
    expect(entry == (leaf | accessed), "its entry", entry, walked);
    say("garbage: tables\n");
}

} // namespace garbage
