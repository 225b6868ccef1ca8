// SPDX-License-Identifier: Apache-2.0
// Test firmware: exceptions from M, S and U arrive with the right cause, mepc, mtval and mstatus,
// in M-mode or, delegated, in S-mode.
#include "firmware.hpp"

#include <initializer_list>

extern "C" {
// stubs.S: each begins with the instruction that is to trap, unless its name says otherwise.
void do_ecall();
void do_ebreak();
void do_c_ebreak();
void do_illegal();
void do_c_illegal();
void do_nop_then_illegal();
void do_load();
void do_store();
void do_amo();
void do_lr();
void do_jump();
void do_mscratch();
void do_mret();
void do_sret();
void do_satp();
void do_sfence();
void do_wfi();
void report_status();
void sret_to_s();
void sret_to_u();
void mret_to_a0();
void delegated_from_u();
void delegated_from_s();
void delegated_sret_again();
void do_fences();
}

namespace {

using namespace payload;

constexpr uint64_t nowhere = 0x18000000; // no device and no memory on QEMU virt
constexpr uint64_t misaligned = 2;

char digit(uint64_t status, uint64_t bit) { return (status & bit) != 0 ? '1' : '0'; }

/// Prints a trap; mepc counts from `stub`, or is printed whole if it is far from it.
void show(char const* name, Run const& r, Stub* stub) {
    say("traps: ", name, ": cause ", Dec{r.cause}, " mepc ");
    uint64_t const offset = r.epc - address_of(stub);
    if (offset < 64) {
        say('+', Dec{offset});
    } else if (r.epc == address_of(&run_from_m_ecall)) {
        say("return");
    } else {
        say(Hex{r.epc});
    }
    say(" mtval ", Hex{r.tval}, " MPP ", priv_letter(r.status >> status_mpp_shift & 3U), " MPIE ",
        digit(r.status, status_mpie), " MIE ", digit(r.status, status_mie), '\n');
}

void check(char const* name, Priv mode, Stub* stub, RunOptions options = {}) {
    show(name, run(mode, stub, options), stub);
}

void from_machine() {
    check("M ecall", Priv::Machine, do_ecall);
    check("M illegal", Priv::Machine, do_illegal);
    check("M c.illegal", Priv::Machine, do_c_illegal);
    check("M nop, illegal", Priv::Machine, do_nop_then_illegal);
    check("M load", Priv::Machine, do_load, {.a0 = nowhere});
    check("M store", Priv::Machine, do_store, {.a0 = nowhere});
    check("M jump", Priv::Machine, do_jump, {.a0 = nowhere});
    check("M fences", Priv::Machine, do_fences);
    check("M ecall, MPIE set", Priv::Machine, do_ecall, {.status = status_mpie});
    check("M ecall, vectored", Priv::Machine, do_ecall, {.vectored = true});
}

/// mtval of a breakpoint may be 0 or the address of the instruction; which one is not printed.
void breakpoint(char const* name, Priv mode, Stub* stub) {
    Run r = run(mode, stub);
    say("traps: ", name, ": mtval ", r.tval == 0 || r.tval == r.epc ? "allowed" : "wrong", '\n');
    r.tval = 0;
    show(name, r, stub);
}

/// QEMU reports a misaligned atomic instruction as cause 4 or 6, depending on whether it runs
/// several harts in parallel; both are printed as 6.
void misaligned_atomics() {
    alignas(8) uint64_t words[2] = {};
    uint64_t const address = address_of(words) + misaligned;
    Run amo = run(Priv::Machine, do_amo, {.a0 = address});
    amo.tval -= address;
    if (amo.cause == 4) amo.cause = 6;
    show("M misaligned amo", amo, do_amo);
    Run reserve = run(Priv::Machine, do_lr, {.a0 = address});
    reserve.tval -= address;
    show("M misaligned lr", reserve, do_lr);
}

void from_lower() {
    check("U ecall", Priv::User, do_ecall);
    check("S ecall", Priv::Supervisor, do_ecall);
    check("S ecall, MPIE set", Priv::Supervisor, do_ecall, {.status = status_mpie});
    breakpoint("M ebreak", Priv::Machine, do_ebreak);
    breakpoint("M c.ebreak", Priv::Machine, do_c_ebreak);
    breakpoint("U ebreak", Priv::User, do_ebreak);
    check("U illegal", Priv::User, do_illegal);
    check("S illegal", Priv::Supervisor, do_illegal);
    check("S mscratch", Priv::Supervisor, do_mscratch);
    check("U satp", Priv::User, do_satp);
    check("S mret", Priv::Supervisor, do_mret);
    check("U mret", Priv::User, do_mret);
    check("U sret", Priv::User, do_sret);
    check("U load", Priv::User, do_load, {.a0 = nowhere});
    check("S store", Priv::Supervisor, do_store, {.a0 = nowhere});
    check("S jump", Priv::Supervisor, do_jump, {.a0 = nowhere});
}

/// The bits by which M-mode takes instructions away from S-mode.
void taken_away() {
    check("S satp", Priv::Supervisor, do_satp);
    check("S satp, TVM", Priv::Supervisor, do_satp, {.status = status_tvm});
    check("S sfence.vma", Priv::Supervisor, do_sfence);
    check("S sfence.vma, TVM", Priv::Supervisor, do_sfence, {.status = status_tvm});
    check("S sret, TSR", Priv::Supervisor, do_sret, {.status = status_tsr});
    check("S wfi, TW", Priv::Supervisor, do_wfi, {.status = status_tw});
}

/// mret and sret executed in M-mode, and what they do to mstatus.
void returns() {
    constexpr uint64_t fields = status_mie | status_mpie | status_mpp;
    for (uint64_t const mpie : {uint64_t{0}, status_mpie}) {
        Run const r = run(Priv::Machine, report_status, {.status = mpie});
        say("traps: after mret, MPIE was ", digit(mpie, status_mpie), ": MPP ",
            priv_letter(r.a0 >> status_mpp_shift & 3U), " MPIE ", digit(r.a0, status_mpie), " MIE ",
            digit(r.a0, status_mie), " others ", Hex{r.a0 & fields & ~(status_mpp | 0x88U)}, '\n');
    }
    uint64_t const target = address_of(do_ecall);
    show("M sret to S", run(Priv::Machine, sret_to_s, {.a0 = target}), do_ecall);
    show("M sret to U", run(Priv::Machine, sret_to_u, {.a0 = target}), do_ecall);
    show("M mret to U", run(Priv::Machine, mret_to_a0, {.a0 = target}), do_ecall);
}

/// Traps of S and U taken in S-mode; the S handler hands scause in a0, and in a1 sepc counted from
/// the trapping instruction, with an ecall to M-mode.
void delegated(char const* name, Stub* stub, Stub* inner, uint64_t medeleg) {
    csr::write<csr::Medeleg>(medeleg);
    Run const r = run(Priv::Supervisor, stub, {.a0 = address_of(inner)});
    uint64_t const status = csr::read<csr::Sstatus>();
    say("traps: ", name, ": M cause ", Dec{r.cause}, " S cause ", Dec{r.a0}, " sepc +",
        Dec{r.a1 - address_of(inner)}, " stval ", Hex{csr::read<csr::Stval>()}, " SPP ",
        (status & status_spp) != 0 ? 'S' : 'U', '\n');
    csr::write<csr::Medeleg>(0);
}

void delegation() {
    constexpr uint64_t u_ecall = 1U << 8;
    constexpr uint64_t illegal = 1U << 2;
    constexpr uint64_t breakpoints = 1U << 3;
    delegated("U ecall delegated", delegated_from_u, do_ecall, u_ecall);
    delegated("U illegal delegated", delegated_from_u, do_illegal, illegal);
    delegated("S illegal delegated", delegated_from_s, do_illegal, illegal);
    delegated("S mscratch delegated", delegated_from_s, do_mscratch, illegal);
    delegated("U ebreak delegated", delegated_from_u, do_nop_then_illegal, illegal | breakpoints);
    csr::write<csr::Medeleg>(u_ecall);
    Run const r = run(Priv::Supervisor, delegated_sret_again, {.a0 = 5});
    say("traps: five U ecalls served by S: M cause ", Dec{r.cause}, " count ", Dec{r.a0}, '\n');
    csr::write<csr::Medeleg>(u_ecall);
    check("U illegal while only ecall is delegated", Priv::User, do_illegal);
    check("M ecall while delegated", Priv::Machine, do_ecall);
    csr::write<csr::Medeleg>(0);
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    say("traps: start\n");
    csr::write<csr::Medeleg>(0);
    open_pmp();
    from_machine();
    misaligned_atomics();
    from_lower();
    taken_away();
    returns();
    delegation();
    say("traps: end\n");
    finish();
}
