// SPDX-License-Identifier: Apache-2.0
// The program. Boot arguments: windows.entries=N, how many PMP entries the monitor uses;
// windows.race, only the part with several harts.
#include "windows.hpp"

#include "csr.hpp"
#include "fdt.hpp"
#include "keystone.hpp"
#include "print.hpp"
#include "sbi.hpp"

extern "C" uint8_t const image_end[]; // payload.ld

namespace windows {

using namespace payload;

namespace {

constexpr uint64_t most_lines = 20;
uint64_t wrong;
bool windows_exist; ///< there are enclaves

uint64_t decimal(char const* text) {
    uint64_t value = 0;
    for (; text != nullptr && *text >= '0' && *text <= '9'; ++text)
        value = value * 10 + static_cast<uint64_t>(*text - '0');
    return value;
}

unsigned make_enclaves() {
    uint64_t next[5];
    for (unsigned level = 0; level < 5; ++level) next[level] = denied_next(level);
    if (!sbi::has_extension(keystone::extension)) return 0;
    return create_enclaves(next);
}

void try_single() {
    unsigned const enclaves = make_enclaves();
    say("windows: ", Dec{enclaves}, " enclaves\n");
    windows_exist = enclaves != 0;
    try_bare();
    try_bare_jumps();
    if (enclaves != 0) try_bare_denied();
    for (Mode const& mode : modes) {
        if (!has(mode)) {
            say("windows: no ", mode.name, '\n');
            continue;
        }
        try_accesses(mode);
        try_jumps(mode);
        try_split_fetches(mode);
        try_invalid(mode);
        if (enclaves != 0) try_denied(mode);
        try_vectors(mode, enclaves != 0);
    }
    try_guest(enclaves != 0);
    report("EPMs", "as they were", end_enclaves());
}

} // namespace

void count(Tally& tally, bool good, char const* where, char const* what, uint64_t number,
           Run const& run) {
    ++tally.cases;
    if (good) return;
    ++tally.wrong;
    if (++wrong > most_lines) return;
    say("windows: wrong ", where, " '", what, "' ", Hex{number}, ": cause ", Hex{run.cause});
    say(" tval ", Hex{run.tval}, " epc ", Hex{run.epc}, " a0 ", Hex{run.a0}, " a1 ", Hex{run.a1});
    say(" pc ", Hex{run.pc}, '\n');
}

void report(char const* name, char const* what, Tally const& tally) {
    say("windows: ", name, ' ', what, ": ", Dec{tally.cases}, " cases, ", Dec{tally.wrong},
        " wrong\n");
}

void report(char const* name, Ends const& e) {
    say("windows: ", name, " ends: ", Dec{e.fetch_faults}, " fetch faults, ", Dec{e.load_faults},
        " load faults, ", Dec{e.store_faults}, " store faults, ", Dec{e.completed},
        " completed, A ", Dec{e.accessed_set}, ", D ", Dec{e.dirty_set}, '\n');
}

unsigned pmp_entries;

bool fits(unsigned windows) { return !windows_exist || windows <= pmp_entries; }

uint64_t all_wrong() { return wrong; }

} // namespace windows

extern "C" void windows_stray_trap(uint64_t cause, uint64_t pc, uint64_t value) {
    using namespace payload;
    say("windows: FAIL stray trap, cause ", Hex{cause}, " pc ", Hex{pc}, " value ", Hex{value},
        '\n');
    sbi::shut_down();
}

extern "C" void windows_stray(); // stubs.S

extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace windows;
    csr::write<csr::Stvec>(address_of(windows_stray));
    Machine machine;
    if (!read_machine(tree, machine)) say("windows: FAIL no device tree\n");
    pmp_entries =
        static_cast<unsigned>(decimal(find_argument(machine.bootargs, "windows.entries=")));
    constexpr uint64_t unit = 8U << 20U;
    place_arena(round_up(address_of(image_end), unit));
    if (find_argument(machine.bootargs, "windows.race") != nullptr) {
        race(hart, machine);
    } else {
        try_single();
    }
    say(all_wrong() == 0 ? "windows: PASS\n" : "windows: FAIL\n");
    sbi::shut_down();
}
