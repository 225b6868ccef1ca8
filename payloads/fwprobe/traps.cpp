// SPDX-License-Identifier: Apache-2.0
// MPRV switched off by entering a trap, which makes MPP M, and on again by what a handler does
// without writing MPRV: each access has the rights and the translation of the mode in MPP, and
// none reaches the monitor.
#include "fwprobe.hpp"

#include <initializer_list>

namespace fwprobe {

using namespace payload;

namespace {

constexpr uint64_t gigabyte = uint64_t{1} << 30U;
constexpr uint64_t ram = monitor;
// Where the page table shows the first GiB of RAM: to S-mode only, and to U-mode only. RAM's own
// addresses lead nowhere.
constexpr uint64_t supervisor_window = 1 * gigabyte;
constexpr uint64_t user_window = 3 * gigabyte;

alignas(4096) uint64_t root[512];
uint64_t own_word;

enum class Moment { InTrap, AfterMpp, AfterMret };

struct Way {
    char const* name;
    Stub* code;
};

/// The window through which a mode reaches RAM.
uint64_t window_of(Priv mode) {
    if (mode == Priv::Machine) return ram;
    return mode == Priv::Supervisor ? supervisor_window : user_window;
}

/// What an access at `address` of a place in RAM ends with: 0 for none, or its cause.
uint64_t expected_cause(Priv mode, uint64_t address, bool store) {
    uint64_t const denied = store ? cause_store_fault : cause_load_fault;
    uint64_t const window = window_of(mode);
    if (address >= window && address < window + gigabyte)
        return address - window < firmware - monitor ? denied : 0;
    if (mode == Priv::Machine) return denied; // the user's window: no memory is there
    return store ? cause_store_page_fault : cause_load_page_fault;
}

Stub* stub_of(Moment moment, bool store) {
    if (moment == Moment::InTrap) return store ? store_in_trap : load_in_trap;
    if (moment == Moment::AfterMpp) return store ? store_after_mpp : load_after_mpp;
    return store ? store_after_mret : load_after_mret;
}

/// Which mode's rights an access has at that moment.
Priv mode_at(Moment moment, Priv mpp) {
    if (moment == Moment::InTrap) return Priv::Machine;
    return moment == Moment::AfterMpp ? mpp : Priv::User;
}

void probe_access(Way const& way, Priv mpp, Moment moment, uint64_t address, bool store) {
    uint64_t const bits = status_mprv | static_cast<uint64_t>(mpp) << status_mpp_shift;
    csr::write<csr::Mie>(bit_msi);
    Run const r = run(Priv::Machine, stub_of(moment, store),
                      {.a0 = address, .a1 = address_of(way.code), .a2 = bits});
    uint64_t const cause = expected_cause(mode_at(moment, mpp), address, store);
    bool const good =
        cause == 0 ? returned(r) : !returned(r) && r.cause == cause && r.tval == address;
    constexpr char const* moments[] = {" in the trap", " after MPP", " after mret"};
    record(way.name, moments[static_cast<unsigned>(moment)], address, good, r);
}

/// Loads and stores of the monitor's first and last word and of this program's own, through every
/// window. (The supervisor's window is a device's range for M-mode: not tried there.)
void probe_places(Way const& way, Priv mpp, Moment moment) {
    uint64_t const places[] = {0, firmware - ram - 8, address_of(&own_word) - ram};
    for (uint64_t const window : {ram, supervisor_window, user_window}) {
        if (window == supervisor_window && mode_at(moment, mpp) == Priv::Machine) continue;
        for (uint64_t const place : places) {
            probe_access(way, mpp, moment, window + place, false);
            probe_access(way, mpp, moment, window + place, true);
        }
    }
}

/// A page table of two gigapages, none of them over the addresses of RAM.
void translate() {
    constexpr uint64_t leaf = 0xcf; // V, R, W, X, A, D
    constexpr uint64_t user = 0x10;
    root[supervisor_window / gigabyte] = (ram >> 12U) << 10U | leaf;
    root[user_window / gigabyte] = (ram >> 12U) << 10U | leaf | user;
    csr::write<csr::Satp>(uint64_t{8} << 60U | address_of(root) >> 12U);
    asm volatile("sfence.vma" ::: "memory");
}

} // namespace

void probe_traps() {
    constexpr Way ways[] = {{"ecall:", trap_by_ecall},     {"ebreak:", trap_by_ebreak},
                            {"illegal:", trap_by_illegal}, {"load:", trap_by_load},
                            {"store:", trap_by_store},     {"interrupt:", trap_by_interrupt}};
    auto* const msip = at<uint32_t volatile>(clint + 4 * csr::read<csr::Mhartid>());
    translate();
    *msip = 1;
    for (Way const& way : ways) {
        for (Priv const mpp : {Priv::User, Priv::Supervisor, Priv::Machine}) {
            for (Moment const moment : {Moment::InTrap, Moment::AfterMpp, Moment::AfterMret})
                probe_places(way, mpp, moment);
        }
    }
    csr::write<csr::Mie>(0);
    *msip = 0;
    csr::write<csr::Satp>(0);
    asm volatile("sfence.vma" ::: "memory");
}

} // namespace fwprobe
