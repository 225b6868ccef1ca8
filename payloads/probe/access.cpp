// SPDX-License-Identifier: Apache-2.0
// One place, probed in every mode.
#include "csr.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "probe.hpp"
#include "run.hpp"
#include "sv39.hpp"

#include <initializer_list>

namespace probe {

using namespace payload;

namespace {

enum class Kind { Load, Store, Fetch };

constexpr uint64_t cause_fetch_fault = 1;
constexpr uint64_t cause_illegal = 2;
constexpr uint64_t cause_load_fault = 5;
constexpr uint64_t cause_store_fault = 7;
constexpr uint64_t cause_user_ecall = 8;
constexpr uint32_t return_instruction = 0x00008067;

alignas(4096) uint8_t tables[8 * page_size];
uint64_t sv39_satp;
Totals sum; // one hart probes at a time

/// An access by `code` at `address` with `value`, in a mode; cause_none if it worked.
Run access(Mode mode, uint64_t code, uint64_t address, uint64_t value) {
    Run r{};
    r.pc = code;
    r.a0 = address;
    r.a1 = value;
    r.status = csr::read<csr::Sstatus>() & ~(status_sie | status_spie | status_spp);
    if (mode != Mode::UserBare) r.status |= status_spp;
    if (mode == Mode::SupervisorSv39) csr::write<csr::Satp>(sv39_satp);
    asm volatile("sfence.vma\n\tfence.i" ::: "memory");
    run_from_s(&r);
    csr::write<csr::Satp>(0);
    asm volatile("sfence.vma" ::: "memory");
    if (mode == Mode::UserBare && r.cause == cause_user_ecall) r.cause = cause_none;
    return r;
}

uint64_t expected_cause(Expect expect, Kind kind) {
    if (expect == Expect::Denied) {
        if (kind == Kind::Load) return cause_load_fault;
        return kind == Kind::Store ? cause_store_fault : cause_fetch_fault;
    }
    return expect == Expect::Zeroed && kind == Kind::Fetch ? cause_illegal : cause_none;
}

char const* mode_name(Mode mode) {
    if (mode == Mode::SupervisorBare) return "S-bare";
    return mode == Mode::SupervisorSv39 ? "S-sv39" : "U";
}

char const* kind_name(Kind kind) {
    if (kind == Kind::Load) return "load";
    return kind == Kind::Store ? "store" : "fetch";
}

/// Prints and counts one probe; `good` says whether what else there was to see is right.
void record(uint64_t hart, Mode mode, Place const& place, Kind kind, Run const& r, bool good) {
    say("probe: h", Dec{hart}, ' ', mode_name(mode), ' ', place.name, ' ', kind_name(kind));
    if (r.cause == cause_none) {
        say(" cause none");
    } else {
        say(" cause ", Dec{r.cause});
    }
    uint64_t const expected = expected_cause(place.expect, kind);
    ++sum.probes;
    if (r.cause != expected) {
        ++sum.failures;
        if (expected == cause_none) {
            say(", expected none");
        } else {
            say(", expected ", Dec{expected});
        }
    } else if (!good) {
        ++sum.failures;
        say(", wrong value or address ", Hex{r.a1}, ' ', Hex{r.tval});
    }
    put('\n');
}

/// Whether a denied access names its address: within its bytes, since the part that is denied may
/// be the second half.
bool names_address(Run const& r, Place const& place) {
    return r.tval - place.address < place.width;
}

/// Loads; returns what was there, or 0.
Run probe_load(uint64_t hart, Mode mode, Place const& place) {
    auto* const code = place.width == 4 ? load_word : load_double;
    Run const r = access(mode, address_of(code), place.address, ~uint64_t{0});
    bool good = true;
    if (place.expect == Expect::Denied) good = names_address(r, place);
    if (place.expect == Expect::Zeroed) good = r.a1 == 0;
    record(hart, mode, place, Kind::Load, r, good);
    return r;
}

/// Stores. What could be loaded is stored again, so that nothing breaks where nothing is denied.
void probe_store(uint64_t hart, Mode mode, Place const& place, Run const& loaded) {
    auto* const code = place.width == 4 ? store_word : store_double;
    uint64_t const value = loaded.cause == cause_none ? loaded.a1 : 0;
    Run const r = access(mode, address_of(code), place.address, value);
    bool const good = place.expect != Expect::Denied || names_address(r, place);
    record(hart, mode, place, Kind::Store, r, good);
}

/// Fetches by jumping there. Where that would execute what nobody knows (a place that should be
/// denied but could be read, or should be zero but is not) the fetch counts as one that worked.
void probe_fetch(uint64_t hart, Mode mode, Place const& place, Run const& loaded) {
    bool const readable = loaded.cause == cause_none;
    if (readable &&
        (place.expect == Expect::Denied || (place.expect == Expect::Zeroed && loaded.a1 != 0))) {
        Run reachable{};
        reachable.cause = cause_none;
        record(hart, mode, place, Kind::Fetch, reachable, true);
        return;
    }
    Run const r = access(mode, place.address & ~uint64_t{1}, place.address, 0);
    bool const good = place.expect != Expect::Denied || names_address(r, place);
    record(hart, mode, place, Kind::Fetch, r, good);
}

} // namespace

void build_tables() {
    constexpr uint64_t four_gib = uint64_t{4} << 30U;
    constexpr uint64_t rights = sv39::read | sv39::write | sv39::execute;
    uint64_t const base = address_of(tables);
    sv39::Pool pool{base, base + sizeof(tables), 0};
    uint64_t const root = sv39::take_page(pool);
    sv39::map(pool, root, 0, 0, four_gib, rights, 1);
    sv39_satp = sv39::satp(root);
}

void probe_place(uint64_t hart, Place const& place) {
    for (Mode const mode : {Mode::SupervisorBare, Mode::SupervisorSv39, Mode::UserBare}) {
        if (place.expect == Expect::Open) {
            *at<uint32_t volatile>(place.address) = return_instruction;
        }
        Run const loaded = probe_load(hart, mode, place);
        probe_store(hart, mode, place, loaded);
        if (place.fetch) probe_fetch(hart, mode, place, loaded);
    }
}

Totals totals() { return sum; }

void complain(char const* what, uint64_t number) {
    ++sum.failures;
    say("probe: ", what, ' ', Dec{number}, '\n');
}

} // namespace probe
