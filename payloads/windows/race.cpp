// SPDX-License-Identifier: Apache-2.0
// Harts that load from every page while another one creates, runs and destroys enclaves.
#include "lock.hpp"
#include "print.hpp"
#include "sbi.hpp"
#include "windows.hpp"

extern "C" {
void secondary_start(); // start_s.S
void load_double();     // probe/access.S
}

namespace windows {

using namespace payload;

namespace {

constexpr uint64_t changes = 400;
constexpr uint64_t ram = 0x80000000;
constexpr uint64_t ram_pages = (256U << 20U) / page_size;
constexpr uint64_t ram_step = ram_pages / 64;
constexpr uint64_t stack_size = 8192;
alignas(16) uint8_t stacks[max_harts][stack_size];
uint8_t open[ram_pages]; ///< whether the page could be read before there were enclaves
Signal ready, over, ended;

/// What one hart saw.
struct Seen {
    uint64_t sweeps, pages, denied, spurious, strange;
    uint64_t never_denied; ///< pages that it should not have reached
} seen[max_harts];

uint64_t filler(unsigned index) { return 0xf111'e400'0000'0000 | index; }
uint64_t kept(uint64_t index) { return 0x6b65'7000'0000'0000 | index; }

/// A load with traps caught; a1 is what was loaded.
Run load(uint64_t address) {
    Run r{};
    r.pc = address_of(load_double);
    r.a0 = address;
    r.status = uint64_t{1} << 8U; // S-mode
    run_from_s(&r);
    return r;
}

/// One load from every page of the arena: of an enclave it is denied or gives what the host put
/// there or zero, of the others what the host put there.
void sweep_arena(Seen& mine, uint64_t round) {
    uint64_t const word = canary_offset + round * 8 % (page_size - canary_offset);
    for (unsigned i = 0; i < most_enclaves; ++i) {
        Run const r = load(hole(i) + word);
        bool const denied = r.cause == cause_load_fault && r.tval == hole(i) + word;
        if (denied) ++mine.denied;
        if (!denied && (r.cause != cause_none || (r.a1 != 0 && r.a1 != filler(i)))) ++mine.strange;
    }
    for (unsigned i = 0; i < row_windows; ++i) {
        Run const r = load(alone().page(i) + word);
        if (r.cause != cause_none) ++mine.spurious;
        if (r.cause == cause_none && r.a1 != kept(i)) ++mine.strange;
    }
}

bool in_arena(uint64_t page) { return page >= hole(0) && page <= hole(most_enclaves - 1); }

/// A part of all memory.
void sweep_memory(Seen& mine, uint64_t round) {
    for (uint64_t i = round % 64 * ram_step; i < (round % 64 + 1) * ram_step; ++i) {
        uint64_t const page = ram + i * page_size;
        if (in_arena(page)) continue;
        uint64_t const cause = load(page).cause;
        ++mine.pages;
        if (open[i] != 0 && cause != cause_none) ++mine.spurious;
        if (open[i] == 0 && cause != cause_load_fault) ++mine.never_denied;
    }
}

/// Which pages the host reaches as long as there are no enclaves; returns how many it does not.
uint64_t look_before() {
    uint64_t denied = 0;
    for (uint64_t i = 0; i < ram_pages; ++i) {
        open[i] = load(ram + i * page_size).cause == cause_none;
        if (open[i] == 0) ++denied;
    }
    return denied;
}

bool alive[most_enclaves];

/// Enclaves come and go; what was answered wrongly.
Tally change() {
    Tally tally;
    uint64_t random = 1;
    for (uint64_t i = 0; i < changes; ++i) {
        random = random * 6364136223846793005 + 1442695040888963407;
        auto const index = static_cast<unsigned>(random >> 58U);
        bool const good = alive[index]
                              ? destroy_enclave(index)
                              : create_enclave(index, filler(index)) && run_enclave_once(index);
        alive[index] = !alive[index];
        count(tally, good, "change", alive[index] ? "create" : "destroy", index, {});
    }
    return tally;
}

unsigned start_others(uint64_t boot_hart, Machine const& machine) {
    unsigned started = 0;
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        uint64_t const hart = machine.harts[i];
        if (hart == boot_hart || hart >= max_harts) continue;
        uint64_t const top = address_of(&stacks[hart]) + stack_size;
        if (sbi::start_hart(hart, address_of(secondary_start), top).error == 0) ++started;
    }
    ready.wait_for(started);
    return started;
}

} // namespace

void race(uint64_t boot_hart, Machine const& machine) {
    for (unsigned i = 0; i < row_windows; ++i)
        for (unsigned j = 0; j < page_size / 8; ++j) at<uint64_t>(alone().page(i))[j] = kept(i);
    for (unsigned i = 0; i < most_enclaves; ++i) memset(at<void>(hole(i)), 0, page_size);
    say("windows: ", Dec{look_before()}, " pages are not the host's\n");
    unsigned const others = start_others(boot_hart, machine);
    Tally const changed = change();
    over.set(1);
    ended.wait_for(others);
    report("race", "changes", changed);
    for (Seen const& one : seen) {
        if (one.pages == 0) continue;
        bool const good = one.denied > 0 && one.spurious + one.strange + one.never_denied == 0;
        Tally tally;
        count(tally, good, "race", "sweeps", one.sweeps, {});
        say("windows: ", Dec{one.sweeps}, " sweeps, ", Dec{one.pages}, " pages, ", Dec{one.denied},
            " denied; ", Dec{one.spurious}, " spurious, ", Dec{one.strange}, " strange, ",
            Dec{one.never_denied}, " open\n");
    }
}

} // namespace windows

extern "C" void secondary_main(uint64_t hart) {
    using namespace windows;
    Seen& mine = seen[hart];
    ready.add(1);
    for (uint64_t round = 0; over.get() == 0 || mine.sweeps == 0; ++round) {
        sweep_arena(mine, round);
        sweep_memory(mine, round);
        ++mine.sweeps;
    }
    ended.add(1);
}
