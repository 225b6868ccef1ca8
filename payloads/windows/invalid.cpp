// SPDX-License-Identifier: Apache-2.0
// Entries of page tables in every state that matters, at every level: the same faults, and the same
// A and D bits, whether the tables lie in one window or each in a window of its own.
#include "csr.hpp"
#include "windows.hpp"

namespace windows {

using namespace payload;

namespace {

using namespace payload::sv39;

constexpr uint64_t global = 1U << 5U;
constexpr uint64_t rwx = payload::sv39::read | payload::sv39::write | execute;
/// What the low bits of an entry become, and which high ones are set.
struct Entry {
    uint64_t low;
    uint64_t high;
};
constexpr Entry entries[] = {
    {0, 0},                      // not valid
    {rwx | accessed | dirty, 0}, // not valid, all else
    {valid, 0},                  // a pointer
    {valid | accessed, 0},       // pointers with reserved bits
    {valid | dirty, 0},
    {valid | user, 0},
    {valid | global, 0},               // a pointer
    {valid | payload::sv39::write, 0}, // reserved rights
    {valid | payload::sv39::write | execute, 0},
    {valid | payload::sv39::read, 0}, // leaves
    {valid | execute, 0},
    {valid | payload::sv39::read | execute, 0},
    {valid | payload::sv39::read | payload::sv39::write, 0},
    {valid | rwx, 0},
    {valid | rwx | accessed, 0},
    {valid | rwx | accessed | dirty, 0},
    {valid | rwx | user, 0},
    {valid | execute | user, 0},
    {valid | payload::sv39::read | user, 0},
    {valid | rwx, uint64_t{1} << 54U}, // reserved
    {valid | rwx, uint64_t{1} << 61U}, // Svpbmt
    {valid | rwx, uint64_t{1} << 63U}, // Svnapot
    {valid, uint64_t{1} << 63U},
};
constexpr char const* kinds[] = {"load", "store", "amo", "fetch"};
constexpr uint64_t high_bits = uint64_t{0x3ff} << 54U;
constexpr uint64_t data_offset = 32;

/// How a case ended: what the registers say, and what became of the entries and of the word.
struct Outcome {
    Run run;
    uint64_t changed[5];
    uint64_t word;
    bool operator==(Outcome const& o) const {
        bool same = run.cause == o.run.cause && run.tval == o.run.tval && run.epc == o.run.epc &&
                    run.a1 == o.run.a1 && word == o.word;
        for (unsigned i = 0; i < 5; ++i) same = same && changed[i] == o.changed[i];
        return same;
    }
};

/// One address with its tables in some pages.
struct Place {
    Space space;
    uint64_t va;
    uint64_t pc;
    uint64_t code;
    uint64_t data;
    uint64_t good[5]{};

    Place(Mode const& mode, Pages pages, bool user_mode)
        : space{mode, pages}, va{mode.at_root(16)}, pc{mode.at_root(32)}, code{space.take()},
          data{space.take()} {
        space.map(pc, code, leaf_flags(user_mode));
        space.map(va, data, leaf_flags(user_mode));
        for (unsigned level = 0; level < mode.levels; ++level) good[level] = space.entry(va, level);
    }
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;
};

/// What to do.
struct Case {
    Entry entry;
    unsigned level;
    unsigned kind;
    bool user_mode;
    uint64_t status;
};

Access const& code_of(unsigned kind) {
    constexpr char const* names[] = {"ld a1, 0(a0)", "sd a1, 0(a0)", "amoadd.d a1, a1, (a0)"};
    for (Access const& access : accesses())
        if (memcmp(access.name, names[kind], strlen(names[kind]) + 1) == 0) return access;
    asm volatile("unimp");
    __builtin_unreachable();
}

Outcome outcome(Place& place, Case const& c) {
    unsigned const levels = place.space.mode().levels;
    for (unsigned level = levels; level-- > 0;)
        place.space.entry(place.va, level) = place.good[level];
    uint64_t& word = *at<uint64_t>(place.data + data_offset);
    word = 0x1234'5678'0000'0000 | breakpoint;
    uint64_t* where[5]{};
    for (unsigned level = 0; level < levels; ++level)
        where[level] = &place.space.entry(place.va, level);
    uint64_t const wanted =
        (place.good[c.level] & ~(high_bits | 0x3ffU)) | c.entry.low | c.entry.high;
    *where[c.level] = wanted;
    uint64_t before[5];
    for (unsigned level = 0; level < levels; ++level) before[level] = *where[level];
    Outcome out{};
    uint64_t const va = place.va + data_offset;
    if (c.kind < 3) copy_code(code_of(c.kind), place.code);
    out.run = run({&place.space, c.user_mode, c.status}, c.kind < 3 ? place.pc : va, va, 1);
    for (unsigned level = 0; level < levels; ++level)
        out.changed[level] = *where[level] ^ before[level];
    out.word = word;
    return out;
}

void add(Ends& ends, Outcome const& o) {
    if (o.run.cause == cause_fetch_page_fault) ++ends.fetch_faults;
    if (o.run.cause == cause_load_page_fault) ++ends.load_faults;
    if (o.run.cause == cause_store_page_fault) ++ends.store_faults;
    if (o.run.cause == cause_breakpoint) ++ends.completed;
    for (uint64_t const changed : o.changed) {
        if ((changed & accessed) != 0) ++ends.accessed_set;
        if ((changed & dirty) != 0) ++ends.dirty_set;
    }
}

void try_states(Mode const& mode, bool user_mode, uint64_t status, Tally& tally, Ends& ends) {
    Place apart{mode, alone(), user_mode};
    Place one{mode, together(), user_mode};
    for (unsigned level = 0; level < mode.levels; ++level) {
        for (Entry const& entry : entries) {
            for (unsigned kind = 0; kind < 4; ++kind) {
                Case const c{entry, level, kind, user_mode, status};
                Outcome const expected = outcome(one, c);
                Outcome const seen = outcome(apart, c);
                add(ends, seen);
                count(tally, seen == expected, mode.name, kinds[kind], level << 12U | entry.low,
                      seen.run);
            }
        }
    }
}

} // namespace

void try_invalid(Mode const& mode) {
    Tally tally;
    Ends ends{};
    try_states(mode, true, 0, tally, ends);
    try_states(mode, false, 0, tally, ends);
    try_states(mode, false, status_sum, tally, ends);
    try_states(mode, false, status_mxr, tally, ends);
    report(mode.name, "entries", tally);
    report(mode.name, ends);
}

} // namespace windows
