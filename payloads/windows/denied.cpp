// SPDX-License-Identifier: Apache-2.0
// Accesses that the plan denies: where the access goes, or where one of its page tables lies. All
// are access faults of the host, and change nothing.
#include "windows.hpp"

namespace windows {

using namespace payload;

namespace {

// The same pages in every mode, since the enclaves' pages lead to them.
constexpr uint64_t table_page = 40; ///< the table of level l is in this window and l more
constexpr uint64_t leaf_page = 46;
constexpr uint64_t data_offset = 16;
constexpr unsigned leaf = ~0U; ///< instead of a level: the page itself
constexpr uint64_t pattern = 0x600d'600d'600d'600d;

/// Whose memory is tried. A page table within an EPM has a good entry.
struct Owner {
    char const* name;
    uint64_t page; ///< 0: an EPM
};
constexpr Owner owners[] = {
    {"EPM", 0}, {"monitor", monitor + monitor_size / 2}, {"CLINT", clint}, {"firmware", firmware}};

uint64_t table(unsigned level) { return alone().page(table_page + level); }

uint64_t target(Owner const& owner, unsigned level) {
    return owner.page != 0 ? owner.page : hole(level == leaf ? 5 : level);
}

/// An address whose every index but the root's is that of the prepared entries.
uint64_t address(Mode const& mode) {
    uint64_t va = mode.at_root(16);
    for (unsigned level = 0; level + 1 < mode.levels; ++level)
        va |= prepared_index << (12 + 9 * level);
    return va;
}

/// Good tables for `va`, as denied_next() says.
void build(Space& space, uint64_t va, bool user) {
    for (unsigned level = space.mode().levels - 1; level > 0; --level) {
        memset(at<void>(table(level - 1)), 0, page_size);
        space.entry(va, level) = pte(denied_next(level), 0);
    }
    space.entry(va, 0) = pte(denied_next(0), leaf_flags(user));
}

bool is_fault(Run const& r, uint64_t cause, uint64_t epc, uint64_t tval) {
    return r.cause == cause && r.epc == epc && r.tval == tval;
}

/// Everything at one place, whose tables are not good.
void try_place(Tally& tally, How how, uint64_t pc, uint64_t code, uint64_t va, Owner const& owner,
               unsigned level) {
    // What comes after the denied table in the walk is never touched.
    uint64_t const* const last = at<uint64_t>(table(0)) + prepared_index;
    uint64_t const before = *last;
    for (Access const& access : accesses()) {
        copy_code(access, code);
        Run const r = run(how, pc, va + data_offset, pattern);
        bool const good = is_fault(r, access.fault(), pc + access.skip, va + data_offset);
        bool const touched = level != leaf && level > 0 && *last != before;
        count(tally, good && !touched, owner.name, access.name, level, r);
    }
    Run const r = run(how, va + data_offset, 0, 0);
    count(tally, is_fault(r, cause_fetch_fault, va + data_offset, va + data_offset), owner.name,
          "fetch", level, r);
}

/// Page tables at each level below the root, and the page.
void try_places(Mode const& mode, bool user) {
    uint64_t const va = address(mode);
    uint64_t const pc = mode.at_root(32);
    Tally tally;
    for (Owner const& owner : owners) {
        for (unsigned level = 0; level < mode.levels; ++level) {
            Space space{mode, alone()};
            uint64_t const code = space.take();
            space.map(pc, code, leaf_flags(user));
            build(space, va, user);
            unsigned const which = level + 1 == mode.levels ? leaf : level;
            uint64_t const flags = which == leaf ? leaf_flags(user) : 0;
            space.entry(va, which == leaf ? 0 : level + 1) = pte(target(owner, which), flags);
            try_place(tally, {&space, user}, pc, code, va, owner, which);
        }
    }
    report(mode.name, user ? "U denied" : "S denied", tally);
}

/// Accesses from one page into the other, one of which is an EPM. `allowed`: the other one, which
/// keeps its content.
void try_edge(Tally& tally, How how, uint64_t pc, uint64_t code, uint64_t edge, uint64_t allowed,
              bool high_is_denied) {
    for (Access const& access : accesses()) {
        int64_t const width = access.width;
        for (int64_t offset = 1 - width; offset < 0 && access.aligned == 0; ++offset) {
            uint64_t const va = edge + static_cast<uint64_t>(offset);
            for (unsigned i = 0; i < page_size / 8; ++i) at<uint64_t>(allowed)[i] = pattern;
            copy_code(access, code);
            Run const r = run(how, pc, va, 0x1111'2222'3333'4444);
            bool kept = true;
            for (unsigned i = 0; i < page_size / 8; ++i)
                kept = kept && at<uint64_t>(allowed)[i] == pattern;
            uint64_t const tval = high_is_denied ? edge : va;
            count(tally, kept && is_fault(r, access.fault(), pc + access.skip, tval), "edge",
                  access.name, va, r);
        }
    }
}

/// A 4-byte instruction whose second half lies in an EPM.
void try_split_fetch(Tally& tally, How how, uint64_t edge, uint64_t allowed) {
    at<uint16_t>(allowed)[page_size / 2 - 1] = static_cast<uint16_t>(breakpoint);
    Run const r = run(how, edge - 2, 0, 0);
    // Where it cannot be fetched anyway (try_split_fetches) the first half may be to blame.
    bool const possible = how.space == nullptr || fits(2 * how.space->mode().levels + 1);
    uint64_t const tval = !possible && r.tval == edge - 2 ? edge - 2 : edge;
    count(tally, is_fault(r, cause_fetch_fault, edge - 2, tval), "edge", "fetch", edge, r);
}

void try_edges(Mode const& mode, bool user) {
    Space space{mode, alone()};
    uint64_t const pc = mode.at_root(32);
    uint64_t const code = space.take();
    space.map(pc, code, leaf_flags(user));
    uint64_t const edge = mode.at_root(16);
    Pair const data = map_pair(space, edge, leaf_flags(user));
    Tally tally;
    for (unsigned const epm : {20U, 63U}) {
        space.map(edge, hole(epm), leaf_flags(user));
        try_edge(tally, {&space, user}, pc, code, edge, data.low, true);
        try_split_fetch(tally, {&space, user}, edge, data.low);
        space.map(edge, data.high, leaf_flags(user));
        space.map(edge - page_size, hole(epm), leaf_flags(user));
        try_edge(tally, {&space, user}, pc, code, edge, data.high, false);
        space.map(edge - page_size, data.low, leaf_flags(user));
    }
    report(mode.name, user ? "U edges" : "S edges", tally);
}

/// A leaf of 2 MiB over the whole arena: windows can be reached through it, EPMs cannot.
void try_superpage(Mode const& mode) {
    Space space{mode, alone()};
    uint64_t const va = mode.at_root(16);
    uint64_t const pc = mode.at_root(32);
    uint64_t const code = space.take();
    space.map(pc, code, leaf_flags(false));
    space.map(va, code, 0); // for its tables
    space.entry(va, 1) = pte(hole(0), leaf_flags(false));
    Tally tally;
    for (unsigned i = 20; i < 30; ++i) {
        for (Access const& access : accesses()) {
            copy_code(access, code);
            uint64_t const epm = va + hole(i) - hole(0);
            uint64_t const window = alone().page(i);
            *at<uint64_t>(window) = 0;
            Run const no = run({&space, false}, pc, epm, 1);
            count(tally, is_fault(no, access.fault(), pc + access.skip, epm), "2 MiB", access.name,
                  i, no);
            uint64_t model = 0, result = ~uint64_t{0}; // of a loop that gives up
            if (access.possible(2 * mode.levels))
                result = run({nullptr, false}, access.code, address_of(&model), 1).a1;
            Run const yes = run({&space, false}, pc, va + window - hole(0), 1);
            bool const same = yes.a1 == result && *at<uint64_t>(window) == model;
            count(tally, yes.cause == cause_breakpoint && same, "2 MiB", access.name, i, yes);
        }
    }
    report(mode.name, "S superpage", tally);
}

} // namespace

uint64_t denied_next(unsigned level) {
    return level == 0 ? alone().page(leaf_page) : table(level - 1);
}

void try_denied(Mode const& mode) {
    for (bool const user : {false, true}) {
        try_places(mode, user);
        try_edges(mode, user);
    }
    try_superpage(mode);
}

void try_bare_denied() {
    uint64_t const code = alone().page(0);
    for (bool const user : {false, true}) {
        Tally tally;
        for (Owner const& owner : owners) {
            uint64_t const page = target(owner, leaf);
            try_place(tally, {nullptr, user}, code, code, page, owner, leaf);
        }
        for (unsigned const window : {1U, row_windows - 1}) {
            uint64_t const page = alone().page(window);
            try_edge(tally, {nullptr, user}, code, code, page + page_size, page, true);
            try_edge(tally, {nullptr, user}, code, code, page, page, false);
            try_split_fetch(tally, {nullptr, user}, page + page_size, page);
        }
        report("bare", user ? "U denied" : "S denied", tally);
    }
}

} // namespace windows
