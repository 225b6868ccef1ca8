// SPDX-License-Identifier: Apache-2.0
// Calls, registers, interrupts and the CLINT of the virtual M-mode.
#include "fwprobe.hpp"

#include "keystone.hpp"

#include <initializer_list>

namespace fwprobe {

using namespace payload;

namespace {

constexpr uint64_t prohibited = 100014;
constexpr uint64_t time_limit = 10000000; // ticks: 1 s
constexpr uint64_t mtimecmp = clint + 0x4000;
constexpr uint64_t mtime = clint + 0xbff8;
constexpr uint64_t never = ~uint64_t{0};

alignas(8) uint32_t code[3]; // one CSR instruction, then li a7, 0 and ret

/// Executes csrrw a1, number, a1 (`write`) or csrrs a1, number, x0.
Run access_csr(unsigned number, bool write, uint64_t value) {
    constexpr uint32_t a1 = 11;
    uint32_t const form = write ? 1U << 12U | a1 << 15U : 2U << 12U;
    code[0] = number << 20U | form | a1 << 7U | 0x73U;
    code[1] = 0x00000893;
    code[2] = 0x00008067;
    asm volatile("fence.i" ::: "memory");
    return run(Priv::Machine, at<Stub>(address_of(code)), {.a1 = value});
}

/// A register that is there and always zero.
void expect_zero(unsigned number) {
    Run const written = access_csr(number, true, never);
    record("CSR", " write", number, returned(written), written);
    Run const r = access_csr(number, false, 1);
    record("CSR", " read", number, returned(r) && r.a1 == 0, r);
}

/// A register that is not there, or not for writing: illegal instruction, mtval = its bits or 0.
void expect_illegal(unsigned number, bool write) {
    Run const r = access_csr(number, write, 0);
    bool const good = r.cause == cause_illegal && r.epc == address_of(code) && r.tval == code[0];
    record("absent CSR", write ? " write" : " read", number, good, r);
}

void set_msip(uint64_t hart, uint32_t value) { *at<uint32_t volatile>(clint + 4 * hart) = value; }

/// An interrupt that no delegation can take away from vM, in S-mode and in M-mode.
void expect_interrupt(char const* what, uint64_t number) {
    for (Priv const mode : {Priv::Supervisor, Priv::Machine}) {
        csr::write<csr::Mie>(uint64_t{1} << number);
        Run const r = run(mode, spin, {.status = mode == Priv::Machine ? status_mpie : 0});
        csr::write<csr::Mie>(0);
        record(what, mode == Priv::Machine ? " in M" : " in S", number,
               r.cause == (cause_interrupt | number) && r.epc == address_of(&spin), r);
    }
}

/// Whether mip shows the interrupt within a second; without it `spin` would never end.
bool becomes_pending(char const* what, uint64_t bit) {
    uint64_t const start = *at<uint64_t volatile>(mtime);
    while ((csr::read<csr::Mip>() & bit) == 0) {
        if (*at<uint64_t volatile>(mtime) - start > time_limit) {
            record_value(what, bit, false);
            return false;
        }
    }
    return true;
}

constexpr Access clint_accesses(unsigned index) {
    constexpr Access table[] = {
        {"lbu", access_lbu, Kind::Load, 1}, {"lhu", access_lhu, Kind::Load, 2},
        {"lwu", access_lwu, Kind::Load, 4}, {"ld", access_ld, Kind::Load, 8},
        {"sb", access_sb, Kind::Store, 1},  {"sh", access_sh, Kind::Store, 2},
        {"sw", access_sw, Kind::Store, 4},  {"sd", access_sd, Kind::Store, 8}};
    return table[index];
}

/// All eight accesses at one address; `widths` is the sum of those that are accepted.
void probe_register(char const* name, uint64_t address, unsigned widths) {
    for (unsigned i = 0; i < 8; ++i) {
        Access const access = clint_accesses(i);
        Run const r = attempt(How::Machine, access, address, 0);
        uint64_t const cause = access.kind == Kind::Load ? cause_load_fault : cause_store_fault;
        bool const denied = !returned(r) && r.cause == cause && r.tval == address;
        bool const accepted = (widths & access.width) != 0;
        record(name, access.name, address, accepted ? returned(r) : denied, r);
    }
}

void probe_deadline_words(uint64_t hart) {
    uint64_t const address = mtimecmp + 8 * hart;
    *at<uint64_t volatile>(address) = 0x1122334455667788;
    record_value("mtimecmp holds", *at<uint64_t volatile>(address),
                 *at<uint64_t volatile>(address) == 0x1122334455667788);
    *at<uint32_t volatile>(address + 4) = 0xfffffff1;
    record_value("mtimecmp, high half", *at<uint64_t volatile>(address),
                 *at<uint64_t volatile>(address) == 0xfffffff155667788);
    *at<uint32_t volatile>(address) = 0x99aabbcc;
    record_value("mtimecmp, low half", *at<uint32_t volatile>(address),
                 *at<uint64_t volatile>(address) == 0xfffffff199aabbcc);
    *at<uint64_t volatile>(address) = never;
}

} // namespace

void probe_calls() {
    uint64_t const functions[] = {0,    1999, 2000, 2001, 2002, 2003, 2004, 2005, 2006, 2999, 3000,
                                  3001, 3002, 3003, 3004, 3005, 3006, 3999, 4000, 5000, never};
    for (uint64_t const function : functions) {
        Run const r = run(Priv::Machine, keystone_call, {.a0 = 1, .a1 = function});
        record("Keystone call", "", function, returned(r) && r.a0 == prohibited && r.a1 == 0, r);
    }
    // Any other ecall of M-mode is its own business.
    Run const own = run(Priv::Machine, do_nothing);
    record("ecall", " from M", 0, own.cause == cause_machine_ecall && own.tval == 0, own);
}

void probe_csrs() {
    for (unsigned i = 3; i < 32; ++i) {
        expect_zero(0xb00 + i); // mhpmcounter
        expect_zero(0x320 + i); // mhpmevent
        Run const r = access_csr(0xc00 + i, false, 1);
        record("CSR", " read", 0xc00 + i, returned(r) && r.a1 == 0, r);
        expect_illegal(0xc00 + i, true);
    }
    for (unsigned i = 16; i < 64; ++i) expect_zero(csr::Pmpaddr0 + i);
    for (unsigned i = 4; i < 16; i += 2) expect_zero(csr::Pmpcfg0 + i);
    for (unsigned i = 1; i < 16; i += 2) {
        expect_illegal(csr::Pmpcfg0 + i, false);
        expect_illegal(csr::Pmpcfg0 + i, true);
    }
    // Custom, debug, trigger, seed, mseccfg, state-enable registers and one of another width.
    for (unsigned const number : {0x5c0U, 0x7c0U, 0x8ffU, 0xbc0U, 0xfc0U, 0x7b0U, 0x7a0U, 0x7a1U,
                                  0x7a2U, 0x015U, 0x747U, 0x30cU, 0x310U, 0xb80U, 0xc80U}) {
        expect_illegal(number, false);
        expect_illegal(number, true);
    }
}

void probe_delegation() {
    constexpr uint64_t reserved = 1U << 11 | 1U << 14 | 0xfU << 16;
    constexpr uint64_t machine_bits = bit_msi | bit_mti | bit_mei;
    csr::write<csr::Medeleg>(never & ~uint64_t{1U << 9}); // S-mode's ecall must come back here
    uint64_t const exceptions = csr::read<csr::Medeleg>();
    record_value("medeleg holds", exceptions, exceptions != 0 && (exceptions & reserved) == 0);
    csr::write<csr::Mideleg>(never);
    uint64_t const interrupts = csr::read<csr::Mideleg>();
    record_value("mideleg holds", interrupts,
                 (interrupts & machine_bits) == 0 && (interrupts & bit_ssi) != 0);
    Run const own = run(Priv::Machine, do_nothing);
    record("ecall", " from M, delegated", 0, own.cause == cause_machine_ecall, own);

    uint64_t const hart = csr::read<csr::Mhartid>();
    csr::write<csr::Mie>(0);
    set_msip(hart, 1);
    if (becomes_pending("no software interrupt", bit_msi)) expect_interrupt("software", 3);
    set_msip(hart, 0);
    *at<uint64_t volatile>(mtimecmp + 8 * hart) = 0;
    if (becomes_pending("no timer interrupt", bit_mti)) expect_interrupt("timer", 7);
    *at<uint64_t volatile>(mtimecmp + 8 * hart) = never;
    csr::write<csr::Medeleg>(0);
    csr::write<csr::Mideleg>(0);
}

void probe_clint(uint64_t harts) {
    uint64_t const past_msip = clint + 4 * harts;
    uint64_t const past_mtimecmp = mtimecmp + 8 * harts;
    for (uint64_t hart = 0; hart < harts; ++hart) probe_deadline_words(hart);
    probe_register("msip ", clint, 4);
    probe_register("msip + 1 ", clint + 1, 0);
    probe_register("msip + 2 ", clint + 2, 0);
    probe_register("msip of no hart ", past_msip, 0);
    probe_register("mtimecmp ", mtimecmp, 4 | 8);
    probe_register("mtimecmp + 4 ", mtimecmp + 4, 4);
    probe_register("mtimecmp + 2 ", mtimecmp + 2, 0);
    probe_register("mtimecmp of no hart ", past_mtimecmp, 0);
    probe_register("mtime ", mtime, 4 | 8);
    probe_register("mtime + 4 ", mtime + 4, 4);
    probe_register("mtime + 1 ", mtime + 1, 0);
    probe_register("behind mtime ", mtime + 8, 0);
    *at<uint64_t volatile>(mtimecmp) = never;

    uint64_t const before = *at<uint64_t volatile>(mtime);
    *at<uint64_t volatile>(mtime) = 0;
    uint64_t const after = *at<uint64_t volatile>(mtime);
    record_value("a write changed mtime to", after, after >= before);
    uint64_t const wrong = sweep_loads(past_msip, mtimecmp, 4) +
                           sweep_loads(past_mtimecmp, mtime, 4) +
                           sweep_loads(mtime + 8, clint + 0x10000, 4);
    record_value("CLINT offsets that did not fault as they must:", wrong, wrong == 0);
}

} // namespace fwprobe
