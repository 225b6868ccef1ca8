// SPDX-License-Identifier: Apache-2.0
// What virtual M-mode costs: single CSR instructions and CLINT accesses of a firmware, and a call
// of S-mode that the firmware serves with four CSR instructions.
#include "firmware.hpp"
#include "samples.hpp"

namespace bench {

using namespace payload;

void end() { finish(); }

namespace {

struct CallLoop {
    uint64_t* costs;
    uint64_t count;
    uint64_t empty;
};
extern "C" uint64_t four_csr_loop(CallLoop* loop); // vm.S

template <unsigned N> Timed timed_read() {
    Timed t{};
    asm volatile("rdinstret %0\n\tcsrr %2, %3\n\trdinstret %1"
                 : "=&r"(t.begin), "=&r"(t.end), "=&r"(t.value)
                 : "i"(N)
                 : "memory");
    return t;
}

template <unsigned N> Timed timed_write(uint64_t value) {
    Timed t{};
    asm volatile("rdinstret %0\n\tcsrw %2, %3\n\trdinstret %1"
                 : "=&r"(t.begin), "=&r"(t.end)
                 : "i"(N), "r"(value)
                 : "memory");
    return t;
}

/// A read and a write of CSR `N`, whose bits `mask` can be written freely; the others stay.
template <unsigned N>
void csr_rows(char const* read_row, char const* write_row, uint64_t mask = ~uint64_t{0}) {
    uint64_t const old = csr::read<N>();
    auto const value = [&](unsigned i) { return (old & ~mask) | (varied(i) & mask); };
    row(read_row, [&](unsigned i) {
        csr::write<N>(value(i));
        Timed const t = timed_read<N>();
        check(read_row, i, t.value, value(i));
        return t.cost();
    });
    row(write_row, [&](unsigned i) {
        Timed const t = timed_write<N>(value(i));
        check(write_row, i, csr::read<N>(), value(i));
        return t.cost();
    });
    csr::write<N>(old);
}

void all_csr_rows() {
    constexpr uint64_t s_interrupts = bit_ssi | bit_sti | bit_sei;
    constexpr uint64_t interrupts = s_interrupts | bit_msi | bit_mti | bit_mei;
    constexpr uint64_t status = status_sie | status_spie | status_mpie | status_spp | status_sum |
                                status_mxr | status_tvm | status_tw | status_tsr;
    constexpr uint64_t address = (uint64_t{1} << 54U) - 1;
    constexpr uint64_t entries_1_to_7 = 0x0505050505050500; // R and X, all of them off
    csr_rows<csr::Mscratch>("csr.mscratch.read", "csr.mscratch.write");
    csr_rows<csr::Mepc>("csr.mepc.read", "csr.mepc.write", ~uint64_t{3});
    csr_rows<csr::Mcause>("csr.mcause.read", "csr.mcause.write", cause_interrupt | 0xf);
    csr_rows<csr::Mtval>("csr.mtval.read", "csr.mtval.write");
    csr_rows<csr::Mstatus>("csr.mstatus.read", "csr.mstatus.write", status);
    csr_rows<csr::Mie>("csr.mie.read", "csr.mie.write", interrupts);
    csr_rows<csr::Mip>("csr.mip.read", "csr.mip.write", s_interrupts);
    csr_rows<csr::Pmpaddr0 + 3>("csr.pmpaddr.read", "csr.pmpaddr.write", address);
    csr_rows<csr::Pmpcfg0>("csr.pmpcfg.read", "csr.pmpcfg.write", entries_1_to_7);
    uint64_t const isa = csr::read<csr::Misa>();
    row("csr.misa.read", [&](unsigned i) {
        Timed const t = timed_read<csr::Misa>();
        check("csr.misa.read", i, t.value, isa);
        return t.cost();
    });
    row("csr.mhartid.read", [](unsigned i) {
        Timed const t = timed_read<csr::Mhartid>();
        check("csr.mhartid.read", i, t.value, 0);
        return t.cost();
    });
}

/// Not the compressed form, whichever registers the compiler takes.
Timed timed_load(uint64_t address) {
    Timed t{};
    asm volatile(".option push\n\t.option norvc\n\t"
                 "rdinstret %0\n\tld %2, 0(%3)\n\trdinstret %1\n\t.option pop"
                 : "=&r"(t.begin), "=&r"(t.end), "=&r"(t.value)
                 : "r"(address)
                 : "memory");
    return t;
}

Timed timed_store(uint64_t address, uint64_t value) {
    Timed t{};
    asm volatile(".option push\n\t.option norvc\n\t"
                 "rdinstret %0\n\tsd %3, 0(%2)\n\trdinstret %1\n\t.option pop"
                 : "=&r"(t.begin), "=&r"(t.end)
                 : "r"(address), "r"(value)
                 : "memory");
    return t;
}

void clint_rows() {
    constexpr uint64_t mtimecmp = 0x02004000;
    constexpr uint64_t mtime = 0x0200bff8;
    constexpr uint64_t far = uint64_t{1} << 62U;
    auto const deadline = [](unsigned i) { return far | varied(i) >> 8U; };
    row("clint.mtimecmp.store", [&](unsigned i) {
        Timed const t = timed_store(mtimecmp, deadline(i));
        check("clint.mtimecmp.store", i, *at<uint64_t volatile>(mtimecmp), deadline(i));
        return t.cost();
    });
    row("clint.mtimecmp.load", [&](unsigned i) {
        *at<uint64_t volatile>(mtimecmp) = deadline(i);
        Timed const t = timed_load(mtimecmp);
        check("clint.mtimecmp.load", i, t.value, deadline(i));
        return t.cost();
    });
    row("clint.mtime.load", [&](unsigned i) {
        uint64_t const before = csr::read<csr::Time>();
        Timed const t = timed_load(mtime);
        uint64_t const after = csr::read<csr::Time>();
        if (t.value < before || t.value > after) fail("clint.mtime.load", i, t.value, before);
        return t.cost();
    });
    *at<uint64_t volatile>(mtimecmp) = ~uint64_t{0};
}

void four_csr_row() {
    static uint64_t costs[iterations];
    CallLoop loop{costs, iterations, empty_cost};
    check("ecall.four-csr", 0, four_csr_loop(&loop), iterations);
    row("ecall.four-csr", [](unsigned i) { return costs[i]; });
}

} // namespace

} // namespace bench

extern "C" void firmware_main(uint64_t) {
    using namespace bench;
    constexpr uint64_t cy_tm_ir = 7;
    constexpr unsigned scounteren = 0x106;
    say("bench: start\n");
    csr::write<csr::Mcounteren>(cy_tm_ir);
    csr::write<scounteren>(cy_tm_ir);
    open_pmp();
    calibrate();
    all_csr_rows();
    clint_rows();
    four_csr_row();
    say("bench: end\n");
    finish();
}
