// SPDX-License-Identifier: Apache-2.0
// Accesses that the plan allows. What each must do is what it does in the image, without
// translation, where everything lies in one window.
#include "windows.hpp"

namespace windows {

using namespace payload;

namespace {

constexpr uint64_t operand = 0x8123'4567'89ab'cdef;

alignas(page_size) uint8_t model[2 * page_size];

void fill(uint64_t page, uint64_t seed) {
    for (uint64_t i = 0; i < page_size / 8; ++i)
        at<uint64_t>(page)[i] = (seed + i) * 0x9e37'79b9'7f4a'7c15;
}

void fill_both(uint64_t low, uint64_t high) {
    fill(low, 1);
    fill(high, 0x1000);
}

/// Through which tables an access is made.
struct Way {
    How how;
    char const* name;
    uint64_t pc;      ///< virtual address of the code
    uint64_t code[2]; ///< physical address of the page at pc and of the next one
    Pair data;
    unsigned windows; ///< of fetch and data together
};

/// What worked, and what could not because of too few PMP entries.
struct Tallies {
    Tally worked, refused;
};

/// Puts the code at pc, which may lie in two pages.
void place_code(Way const& way, Access const& access) {
    uint64_t const offset = way.pc % page_size;
    for (uint64_t i = 0; i < access.size(); i += 2) {
        uint64_t const place = offset + i;
        uint64_t const to = way.code[place / page_size] + place % page_size;
        *at<uint16_t>(to) = at<uint16_t const>(access.code)[i / 2];
    }
}

bool same_effect(Way const& way, Run const& expected, Run const& seen, Access const& access) {
    if (expected.cause != cause_breakpoint || seen.cause != cause_breakpoint) return false;
    if (seen.epc != way.pc + access.size() - 4 || seen.a1 != expected.a1) return false;
    return memcmp(at<void>(way.data.low), model, page_size) == 0 &&
           memcmp(at<void>(way.data.high), model + page_size, page_size) == 0;
}

/// Whether a loop of LR and SC gave up and changed nothing.
bool gave_up(Way const& way, Run const& seen) {
    return seen.cause == cause_breakpoint && seen.a1 == ~uint64_t{0} &&
           memcmp(at<void>(way.data.low), model, page_size) == 0 &&
           memcmp(at<void>(way.data.high), model + page_size, page_size) == 0;
}

/// One access, `offset` from the edge between the two pages.
void try_one(Tallies& tallies, Way const& way, Access const& access, int64_t offset) {
    uint64_t const distance = static_cast<uint64_t>(offset);
    fill_both(address_of(model), address_of(model) + page_size);
    fill_both(way.data.low, way.data.high);
    place_code(way, access);
    Run const seen = run(way.how, way.pc, way.data.edge + distance, operand);
    if (!access.possible(way.windows)) {
        count(tallies.refused, gave_up(way, seen), way.name, access.name, distance, seen);
        return;
    }
    uint64_t const model_edge = address_of(model) + page_size;
    Run const expected = run({nullptr, false}, access.code, model_edge + distance, operand);
    count(tallies.worked, same_effect(way, expected, seen, access), way.name, access.name, distance,
          seen);
}

void try_all(Tallies& tallies, Way const& way) {
    for (Access const& access : accesses()) {
        int64_t const width = access.width;
        try_one(tallies, way, access, -width);
        try_one(tallies, way, access, 0);
        if (access.aligned != 0) continue;
        for (int64_t offset = 1 - width; offset < 0; ++offset)
            try_one(tallies, way, access, offset);
    }
}

void report(char const* name, char const* what, char const* refused, Tallies const& tallies) {
    windows::report(name, what, tallies.worked);
    if (tallies.refused.cases != 0) windows::report(name, refused, tallies.refused);
}

} // namespace

/// Code and both data pages hang below different entries of the root: nothing but that is shared.
void try_accesses(Mode const& mode) {
    for (bool const user : {false, true}) {
        Space space{mode, alone()};
        uint64_t const pc = mode.at_root(32);
        uint64_t const page = space.take();
        space.map(pc, page, leaf_flags(user));
        Pair const data = map_pair(space, mode.at_root(16), leaf_flags(user));
        Tallies tallies;
        try_all(tallies, {{&space, user}, mode.name, pc, {page, page}, data, 2 * mode.levels + 1});
        report(mode.name, user ? "U accesses" : "S accesses",
               user ? "U loops that cannot be" : "S loops that cannot be", tallies);
    }
}

/// The access is a 4-byte instruction, or c.mv and one, that begins two bytes before the end of a
/// page. Where the two pages part, level by level, decides how many windows the fetch alone needs.
void try_split_fetches(Mode const& mode) {
    for (unsigned part = 0; part < mode.levels; ++part) {
        Space space{mode, alone()};
        bool const at_top = part == mode.levels - 1;
        uint64_t const edge =
            at_top ? mode.at_root(49) : mode.at_root(48) + (page_size << 9 * part);
        Pair const code = map_pair(space, edge, leaf_flags(false));
        Pair const data = map_pair(space, mode.at_root(16), leaf_flags(false));
        unsigned const most = 2 * mode.levels + 1;
        Way const way{{&space, false}, mode.name, edge - 2, {code.low, code.high}, data, most};
        bool const possible = fits(mode.levels + part + 2);
        Tallies tallies;
        for (Access const& access : accesses()) {
            if ((*at<uint16_t const>(access.code) & 3U) != 3) continue;
            if (possible) {
                try_one(tallies, way, access, access.aligned != 0 ? 0 : -1);
                continue;
            }
            place_code(way, access);
            Run const r = run(way.how, way.pc, way.data.edge, operand);
            bool const names_it = r.tval == way.pc || r.tval == edge;
            bool const fault = r.cause == cause_fetch_fault && r.epc == way.pc && names_it;
            count(tallies.refused, fault, mode.name, access.name, part, r);
        }
        report(mode.name, "split fetches", "split fetches that cannot be", tallies);
    }
}

/// Without translation: code in one window, data in another one. (They cannot straddle: next to a
/// window is a hole.)
void try_bare() {
    uint64_t const code = alone().page(0);
    uint64_t const data = alone().page(1);
    for (bool const user : {false, true}) {
        Tally tally;
        for (Access const& access : accesses()) {
            for (uint64_t const at : {uint64_t{0}, page_size - access.width}) {
                fill(address_of(model), 1);
                fill(data, 1);
                copy_code(access, code);
                Run const expected =
                    run({nullptr, false}, access.code, address_of(model) + at, operand);
                Run const seen = run({nullptr, user}, code, data + at, operand);
                bool const good = expected.cause == cause_breakpoint &&
                                  seen.cause == cause_breakpoint && seen.a1 == expected.a1 &&
                                  seen.epc == code + access.size() - 4 &&
                                  memcmp(payload::at<void>(data), model, page_size) == 0;
                count(tally, good, "bare", access.name, at, seen);
            }
        }
        report("bare", user ? "U accesses" : "S accesses", tally);
    }
}

} // namespace windows
