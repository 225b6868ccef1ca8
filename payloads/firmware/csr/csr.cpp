// SPDX-License-Identifier: Apache-2.0
// Test firmware: machine and supervisor CSRs hold what the specification lets them hold, through
// all six CSR instructions, and CSRs that do not exist trap.
#include "firmware.hpp"

#include <initializer_list>

extern "C" {
// stubs.S: each executes one CSR instruction and returns.
void read_5c0();
void write_7c5();
void set_8ff();
void write_mhartid();
void set_mhartid();
void read_mhartid_by_csrrs();
void read_mhartid_from_s();
}

namespace {

using namespace payload;

/// Prints the fields of `value` that `mask` selects.
void show(char const* what, uint64_t value, uint64_t mask) {
    say(' ', what, ' ', Hex{value & mask});
}

/// The three immediate forms with 5-bit values.
template <unsigned N> void sweep_immediate(uint64_t mask) {
    asm volatile("csrrwi x0, %0, 21" ::"i"(N) : "memory");
    show("wi", csr::read<N>(), mask);
    asm volatile("csrrsi x0, %0, 10" ::"i"(N) : "memory");
    show("si", csr::read<N>(), mask);
    asm volatile("csrrci x0, %0, 7" ::"i"(N) : "memory");
    show("ci", csr::read<N>(), mask);
}

/// Writes, sets and clears CSR N and prints what it holds, of the bits in `mask` only; no other bit
/// is changed. The old value is put back.
template <unsigned N> void sweep(char const* name, uint64_t mask) {
    constexpr uint64_t pattern = 0x5a5a5a5a5a5a5a5a;
    uint64_t const old = csr::read<N>();
    uint64_t const others = old & ~mask;
    say("csr: ", name, ":");
    csr::write<N>(others | mask);
    show("ones", csr::read<N>(), mask);
    csr::write<N>(others);
    show("zero", csr::read<N>(), mask);
    show("swapped", csr::swap<N>(others | (pattern & mask)), mask);
    show("pattern", csr::read<N>(), mask);
    csr::set<N>(mask & 0xff00ff00ff00ff00);
    show("set", csr::read<N>(), mask);
    show("was", csr::clear<N>(mask & 0x0ff00ff00ff00ff0), mask);
    show("cleared", csr::read<N>(), mask);
    csr::write<N>(old);
    say('\n');
}

template <unsigned N> void sweep_with_immediates(char const* name) {
    sweep<N>(name, ~uint64_t{0});
    say("csr: ", name, ":");
    sweep_immediate<N>(~uint64_t{0});
    csr::write<N>(0);
    say('\n');
}

/// Each bit of mstatus that is asked for, set alone and cleared again.
void sweep_mstatus_bit(char const* name, uint64_t bit) {
    uint64_t const old = csr::read<csr::Mstatus>();
    csr::set<csr::Mstatus>(bit);
    bool const set = (csr::read<csr::Mstatus>() & bit) != 0;
    bool const seen = (csr::read<csr::Sstatus>() & bit) != 0;
    csr::clear<csr::Mstatus>(bit);
    bool const cleared = (csr::read<csr::Mstatus>() & bit) == 0;
    csr::write<csr::Mstatus>(old);
    say("csr: mstatus.", name, set ? " sets" : " stays 0", cleared ? " clears" : " stays 1",
        seen ? ", in sstatus\n" : ", not in sstatus\n");
}

void sweep_mpp() {
    uint64_t const others = csr::read<csr::Mstatus>() & ~status_mpp;
    say("csr: mstatus.MPP:");
    for (uint64_t const mode : {uint64_t{0}, uint64_t{1}, uint64_t{3}}) {
        csr::write<csr::Mstatus>(others | mode << status_mpp_shift);
        uint64_t const held = csr::read<csr::Mstatus>() >> status_mpp_shift & 3U;
        say(' ', priv_letter(mode), "->", priv_letter(held));
    }
    say('\n');
}

void sweep_mstatus() {
    // MIE is set while mie is zero, so that nothing can be taken.
    sweep_mstatus_bit("SIE", status_sie);
    sweep_mstatus_bit("MIE", status_mie);
    sweep_mstatus_bit("SPIE", status_spie);
    sweep_mstatus_bit("MPIE", status_mpie);
    sweep_mstatus_bit("SPP", status_spp);
    sweep_mstatus_bit("SUM", status_sum);
    sweep_mstatus_bit("MXR", status_mxr);
    sweep_mstatus_bit("TVM", status_tvm);
    sweep_mstatus_bit("TW", status_tw);
    sweep_mstatus_bit("TSR", status_tsr);
    sweep_mpp();
    uint64_t const status = csr::read<csr::Mstatus>();
    say("csr: mstatus: SXL ", Dec{status >> 34U & 3U}, " UXL ", Dec{status >> 32U & 3U}, '\n');
}

/// sie and sip are windows on mie and mip, as wide as mideleg.
void sweep_views() {
    constexpr uint64_t all = bit_ssi | bit_sti | bit_sei;
    for (uint64_t const delegated : {uint64_t{0}, bit_ssi, all}) {
        uint64_t const others = csr::read<csr::Mideleg>() & ~all;
        csr::write<csr::Mideleg>(others | delegated);
        csr::clear<csr::Mie>(all);
        csr::set<csr::Sie>(all);
        uint64_t const through_sie = csr::read<csr::Mie>();
        csr::set<csr::Mie>(all);
        say("csr: mideleg ", Hex{delegated}, ": mie after sie", ' ', Hex{through_sie & all},
            " sie after mie ", Hex{csr::read<csr::Sie>() & all});
        csr::set<csr::Mip>(all);
        say(" mip ", Hex{csr::read<csr::Mip>() & all}, " sip ", Hex{csr::read<csr::Sip>() & all});
        csr::clear<csr::Sip>(all);
        say(" mip after sip ", Hex{csr::read<csr::Mip>() & all}, '\n');
        csr::clear<csr::Mip>(all);
        csr::clear<csr::Mie>(all);
        csr::write<csr::Mideleg>(others);
    }
}

/// Writing satp with a reserved mode changes nothing at all.
void sweep_satp() {
    constexpr uint64_t bare = 0;
    constexpr uint64_t sv39 = uint64_t{8} << 60U | 0x12345;
    constexpr uint64_t reserved = uint64_t{7} << 60U | 0x54321;
    say("csr: satp:");
    for (uint64_t const value : {sv39, reserved, bare}) {
        csr::write<csr::Satp>(value);
        say(' ', Hex{csr::read<csr::Satp>()});
    }
    say('\n');
}

void sweep_pmp() {
    constexpr uint64_t address = (uint64_t{1} << 54U) - 1;
    sweep<csr::Pmpaddr0 + 0>("pmpaddr0", address);
    sweep<csr::Pmpaddr0 + 1>("pmpaddr1", address);
    sweep<csr::Pmpaddr0 + 2>("pmpaddr2", address);
    sweep<csr::Pmpaddr0 + 3>("pmpaddr3", address);
    sweep<csr::Pmpaddr0 + 4>("pmpaddr4", address);
    sweep<csr::Pmpaddr0 + 5>("pmpaddr5", address);
    sweep<csr::Pmpaddr0 + 6>("pmpaddr6", address);
    sweep<csr::Pmpaddr0 + 7>("pmpaddr7", address);
    say("csr: pmpcfg0:");
    // Unlocked, every address mode and every legal permission; then all off.
    for (uint64_t const value :
         {uint64_t{0x1f1d1c1b19181710}, uint64_t{0x0f0d0c0b09080705}, uint64_t{0}}) {
        csr::write<csr::Pmpcfg0>(value);
        say(' ', Hex{csr::read<csr::Pmpcfg0>()});
    }
    say('\n');
}

/// Runs a stub in M-mode (or S-mode) and prints the trap, mepc counted from the stub.
void trap(char const* name, Stub* stub, Priv mode = Priv::Machine) {
    Run const r = run(mode, stub, {.a1 = 1});
    bool const finished = r.epc == address_of(&run_from_m_ecall);
    say("csr: ", name, ": ");
    if (finished) {
        say("no trap, a0 ", Hex{r.a0}, '\n');
        return;
    }
    say("cause ", Dec{r.cause}, " mepc +", Dec{r.epc - address_of(stub)}, " mtval ", Hex{r.tval},
        " MPP ", priv_letter(r.status >> status_mpp_shift & 3U), '\n');
}

void sweep_absent() {
    trap("read of 0x5c0", read_5c0);
    trap("write of 0x7c5", write_7c5);
    trap("set of 0x8ff", set_8ff);
    trap("csrrw of mhartid", write_mhartid);
    trap("csrrs of mhartid", set_mhartid);
    trap("csrrs x0 of mhartid", read_mhartid_by_csrrs);
    trap("mhartid from S-mode", read_mhartid_from_s, Priv::Supervisor);
}

void show_misa() {
    uint64_t const misa = csr::read<csr::Misa>();
    say("csr: misa: MXL ", Dec{misa >> 62U}, " has ");
    for (char const letter : {'A', 'C', 'I', 'M', 'S', 'U'}) {
        if ((misa >> (letter - 'A') & 1U) != 0) put(letter);
    }
    say('\n');
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    constexpr uint64_t all = ~uint64_t{0};
    constexpr uint64_t even = ~uint64_t{3}; // pc-like registers: bits 0 and 1 are not asked for
    constexpr uint64_t delegable = 0xb1ff;  // up to U-ecall, and the page faults
    constexpr uint64_t s_interrupts = bit_ssi | bit_sti | bit_sei;
    constexpr uint64_t interrupts = s_interrupts | bit_msi | bit_mti | bit_mei;
    say("csr: start\n");
    show_misa();
    sweep_with_immediates<csr::Mscratch>("mscratch");
    sweep_with_immediates<csr::Sscratch>("sscratch");
    sweep<csr::Mepc>("mepc", even);
    sweep<csr::Sepc>("sepc", even);
    sweep<csr::Mtvec>("mtvec", even);
    sweep<csr::Stvec>("stvec", even);
    sweep<csr::Mtvec>("mtvec mode", 1);
    sweep<csr::Mcause>("mcause", cause_interrupt | 0xf);
    sweep<csr::Scause>("scause", cause_interrupt | 0xf);
    sweep<csr::Mtval>("mtval", all);
    sweep<csr::Stval>("stval", all);
    sweep<csr::Medeleg>("medeleg", delegable);
    sweep<csr::Mideleg>("mideleg", s_interrupts);
    sweep<csr::Mie>("mie", interrupts);
    sweep<csr::Mip>("mip", s_interrupts);
    sweep<csr::Mcounteren>("mcounteren", 7);
    sweep_mstatus();
    sweep_views();
    sweep_satp();
    sweep_pmp();
    open_pmp();
    sweep_absent();
    say("csr: end\n");
    finish();
}
