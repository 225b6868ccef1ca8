// SPDX-License-Identifier: Apache-2.0
// Code that goes from window to window: each page computes a step of a1 and jumps to another one.
#include "windows.hpp"

extern "C" uint32_t const windows_link[]; // stubs.S

namespace windows {

using namespace payload;

namespace {

constexpr unsigned links = 40;
constexpr unsigned step = 17; // prime to `links`: the chain reaches every page

/// jal x0, distance (unprivileged specification, "J-type").
constexpr uint32_t jump(int64_t distance) {
    auto const d = static_cast<uint64_t>(distance);
    uint64_t const word = (d >> 20U & 1U) << 31U | (d >> 1U & 0x3ffU) << 21U |
                          (d >> 11U & 1U) << 20U | (d >> 12U & 0xffU) << 12U | 0x6fU;
    return static_cast<uint32_t>(word);
}

/// Link i lies at virtual address `first` + i * `distance` and physical address page(i).
template <typename Page> void write_links(uint64_t first, uint64_t distance, Page page) {
    for (unsigned i = 0, n = 0; n < links; ++n, i = (i + step) % links) {
        auto* const code = at<uint32_t>(page(i));
        code[0] = windows_link[0];
        code[1] = windows_link[1] | n << 20U;
        unsigned const next = (i + step) % links;
        uint64_t const from = first + i * distance + 8;
        code[2] = jump(static_cast<int64_t>(first + next * distance - from));
        if (n + 1 == links) code[2] = breakpoint;
    }
}

uint64_t expected_result(uint64_t a1) {
    for (unsigned n = 0; n < links; ++n) a1 = a1 << 1U ^ n;
    return a1;
}

void go(Tally& tally, How how, char const* name, uint64_t pc) {
    for (uint64_t i = 0; i < 10; ++i) {
        Run const r = run(how, pc, 0, i);
        bool const good = r.cause == cause_breakpoint && r.a1 == expected_result(i);
        count(tally, good, name, "jumps", i, r);
    }
}

} // namespace

void try_jumps(Mode const& mode) {
    for (bool const user : {false, true}) {
        Space space{mode, alone()};
        uint64_t const pc = mode.at_root(32);
        uint64_t pages[links];
        for (unsigned i = 0; i < links; ++i) {
            pages[i] = space.take();
            space.map(pc + i * page_size, pages[i], leaf_flags(user));
        }
        write_links(pc, page_size, [&](unsigned i) { return pages[i]; });
        Tally tally;
        go(tally, {&space, user}, mode.name, pc);
        report(mode.name, user ? "U jumps" : "S jumps", tally);
    }
}

void try_bare_jumps() {
    Pages const pages = alone();
    write_links(pages.base, pages.stride, [&](unsigned i) { return pages.page(i); });
    for (bool const user : {false, true}) {
        Tally tally;
        go(tally, {nullptr, user}, "bare", pages.base);
        report("bare", user ? "U jumps" : "S jumps", tally);
    }
}

} // namespace windows
