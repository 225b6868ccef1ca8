// SPDX-License-Identifier: Apache-2.0
// Vector accesses whose elements lie in many windows.
#include "windows.hpp"

extern "C" { // vector.S
void windows_gather();
void windows_scatter();
void windows_strided();
void windows_bytes();
}

namespace windows {

using namespace payload;

namespace {

constexpr uint64_t pages = 24; ///< each with a table of its own
constexpr uint64_t distance = page_size << 9U;
constexpr uint64_t elements = 96;
constexpr uint64_t bytes = 512;

/// What vector.S reads.
struct Job {
    uint64_t count;
    uint64_t offsets; ///< address of offsets, or the distance of elements
    uint64_t values;
};

uint64_t offsets[elements];
uint64_t values[elements];

uint64_t value_of(uint64_t i) { return (i + 1) * 0x9e37'79b9'7f4a'7c15; }

/// Element i lies in page 7 * i, at another place in each.
uint64_t page_of(uint64_t i) { return i * 7 % pages; }
uint64_t within(uint64_t i) { return 8 * (i * 5 % 512); }

/// Some harts hold sstatus.VS without it.
bool have_vectors() {
    alignas(4) static uint32_t const code[] = {0xcd8072d7, breakpoint}; // vsetivli t0, 0, e64, m1
    return run({nullptr, false}, address_of(code), 0, 0).cause == cause_breakpoint;
}

void indexed(Tally& tally, Space const& space, uint64_t const (&page)[pages], uint64_t va) {
    Job const job{elements, address_of(offsets), address_of(values)};
    for (uint64_t i = 0; i < elements; ++i) {
        offsets[i] = page_of(i) * distance + within(i);
        values[i] = 0;
        *at<uint64_t>(page[page_of(i)] + within(i)) = value_of(i);
    }
    Run r = run({&space, false}, address_of(windows_gather), va, address_of(&job));
    bool good = r.cause == cause_breakpoint;
    for (uint64_t i = 0; i < elements; ++i) good = good && values[i] == value_of(i);
    count(tally, good, space.mode().name, "gather", elements, r);
    for (uint64_t i = 0; i < elements; ++i) values[i] = value_of(i + elements);
    r = run({&space, false}, address_of(windows_scatter), va, address_of(&job));
    good = r.cause == cause_breakpoint;
    for (uint64_t i = 0; i < elements; ++i)
        good = good && *at<uint64_t>(page[page_of(i)] + within(i)) == value_of(i + elements);
    count(tally, good, space.mode().name, "scatter", elements, r);
}

void strided(Tally& tally, Space const& space, uint64_t const (&page)[pages], uint64_t va) {
    Job const job{pages, distance, address_of(values)};
    for (uint64_t i = 0; i < pages; ++i) {
        values[i] = 0;
        *at<uint64_t>(page[i]) = value_of(i);
    }
    Run const r = run({&space, false}, address_of(windows_strided), va, address_of(&job));
    bool good = r.cause == cause_breakpoint;
    for (uint64_t i = 0; i < pages; ++i) good = good && values[i] == value_of(i);
    count(tally, good, space.mode().name, "strided", pages, r);
}

/// From one page into the next one.
void straddling(Tally& tally, Space& space) {
    Pair const pair = map_pair(space, space.mode().at_root(20), leaf_flags(false));
    Job const job{bytes, 0, address_of(values)};
    for (uint64_t i = 0; i < bytes / 2; ++i) {
        *at<uint8_t>(pair.low + page_size - bytes / 2 + i) = static_cast<uint8_t>(i);
        *at<uint8_t>(pair.high + i) = static_cast<uint8_t>(~i);
    }
    memset(values, 0, sizeof(values));
    uint64_t const va = pair.edge - bytes / 2;
    Run const r = run({&space, false}, address_of(windows_bytes), va, address_of(&job));
    bool good = r.cause == cause_breakpoint;
    auto const* const seen = at<uint8_t>(address_of(values));
    for (uint64_t i = 0; i < bytes; ++i)
        good = good && seen[i] == static_cast<uint8_t>(i < bytes / 2 ? i : ~(i - bytes / 2));
    count(tally, good, space.mode().name, "bytes", bytes, r);
}

/// Where the windows of one element and of the code do not fit the hart cannot make the access, and
/// nobody makes it in its stead. (OpenSBI 1.6 tries to.)
void refused(Mode const& mode) {
    Tally tally;
    uint64_t const va = mode.at_root(16);
    Space space{mode, alone()};
    uint64_t const page = space.take();
    space.map(va, page, leaf_flags(false));
    for (uint64_t& offset : offsets) offset = 0;
    Job const job{1, address_of(offsets), address_of(values)};
    Job const one{1, 8, address_of(values)};
    for (auto* const code : {windows_gather, windows_scatter, windows_strided, windows_bytes}) {
        *at<uint64_t>(page) = 1;
        values[0] = 2;
        uint64_t const parameters = code == windows_strided ? address_of(&one) : address_of(&job);
        Run const r = run({&space, false}, address_of(code), va, parameters);
        uint64_t const cause = code == windows_scatter ? cause_store_fault : cause_load_fault;
        bool const kept = *at<uint64_t>(page) == 1 && values[0] == 2;
        count(tally, r.cause == cause && r.tval == va && kept, mode.name, "vector", r.epc, r);
    }
    report(mode.name, "S vectors that cannot be", tally);
}

/// One of the pages is an EPM.
void denied_elements(Mode const& mode) {
    Tally tally;
    constexpr uint64_t bad = 13;
    for (bool const stores : {false, true}) {
        uint64_t const va = mode.at_root(16);
        Space space{mode, alone()};
        for (uint64_t i = 0; i < pages; ++i)
            space.map(va + i * distance, i == bad ? hole(7) : space.take(), leaf_flags(false));
        uint64_t first = elements;
        for (uint64_t i = elements; i-- > 0;) {
            offsets[i] = page_of(i) * distance + within(i);
            if (page_of(i) == bad) first = offsets[i];
        }
        Job const job{elements, address_of(offsets), address_of(values)};
        auto* const code = stores ? windows_scatter : windows_gather;
        Run const r = run({&space, false}, address_of(code), va, address_of(&job));
        uint64_t const cause = stores ? cause_store_fault : cause_load_fault;
        count(tally, r.cause == cause && r.tval == va + first, mode.name, "EPM element", stores, r);
    }
    report(mode.name, "S vectors denied", tally);
}

} // namespace

void try_vectors(Mode const& mode, bool denied) {
    if (!have_vectors()) return;
    if (!fits(mode.levels + 2)) return refused(mode);
    Tally tally;
    for (unsigned round = 0; round < 5; ++round) {
        uint64_t const va = mode.at_root(16);
        Space space{mode, alone()};
        uint64_t page[pages];
        for (uint64_t i = 0; i < pages; ++i) {
            page[i] = space.take();
            space.map(va + i * distance, page[i], leaf_flags(false));
        }
        indexed(tally, space, page, va);
        strided(tally, space, page, va);
        Space other{mode, alone()};
        straddling(tally, other);
    }
    report(mode.name, "S vectors", tally);
    if (denied) denied_elements(mode);
}

} // namespace windows
