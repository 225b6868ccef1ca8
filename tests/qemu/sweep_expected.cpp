// SPDX-License-Identifier: Apache-2.0
// What payloads/sweep must print above the monitor, computed from the reference models of
// tests/reference, which know nothing of src/. Built and started by sweep.py:
//   sweep_expected csrs EXTENSION...
//   sweep_expected mstatus ALL:OUTER ALL:OUTER EXTENSION...
#include "reference/csr_reference.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

namespace ref = plinth::reference;
using u64 = std::uint64_t;

constexpr unsigned numbers = 4096, cases = 12;
constexpr u64 states_on = 3U << 13U | 3U << 9U;

/// Virtual M-mode on a hart with these extensions, as docs/design.md describes it: it has the
/// registers of 64 PMP entries and of 29 counters, and neither triggers nor mseccfg nor seed.
ref::Features features(std::vector<std::string> const& extensions) {
    ref::Features out;
    out.pmp_entries = 64;
    out.v1_12 = out.sstc = false;
    for (auto const& name : extensions) {
        out.v = out.v || name == "v";
        out.h = out.h || name == "h";
        out.sstc = out.sstc || name == "sstc";
        out.v1_12 = out.v1_12 || name == "priv-1.12";
    }
    out.countinhibit = out.v1_12;
    return out;
}

char outcome(unsigned number, unsigned which, ref::Mode mode, ref::Features const& hart,
             ref::CsrState const& state) {
    auto const op = static_cast<ref::CsrOp>(which / 2);
    auto const operand = which % 2 == 0 ? 0U : 1U;
    return ref::csr_access_traps(number, op, operand, mode, hart, state) ? 'x' : '.';
}

/// Registers of FP and vector state; the others are not tried without them.
bool has_state(unsigned number) { return number < 0x100 || (number & ~0xFU) == 0xC20; }

void print_mode(char const* name, ref::Mode mode, u64 states, ref::Features const& hart) {
    ref::CsrState state{.mstatus = states, .mcounteren = 7, .scounteren = 7};
    if (hart.sstc) state.menvcfg = 1ULL << 63U;
    for (unsigned number = 0; number < numbers; ++number) {
        if (states == 0 && !has_state(number)) continue;
        std::string text;
        for (unsigned which = 0; which < cases; ++which)
            text += outcome(number, which, mode, hart, state);
        if (text.find('.') != std::string::npos)
            std::printf("%s %#x %s\n", name, number, text.c_str());
    }
}

void print_csrs(ref::Features const& hart) {
    print_mode("M on", ref::Mode::M, states_on, hart);
    print_mode("M off", ref::Mode::M, 0, hart);
    print_mode("S on", ref::Mode::S, states_on, hart);
    print_mode("S off", ref::Mode::S, 0, hart);
    print_mode("U on", ref::Mode::U, states_on, hart);
    print_mode("U off", ref::Mode::U, 0, hart);
}

/// As in payloads/sweep/statuses.cpp.
u64 hash_of(u64 fixed, u64 mask, ref::Features const& hart) {
    u64 const base = ref::canonical_mstatus(0, ref::mstatus_bits::mpp, hart);
    u64 hash = 0, value = 0;
    do {
        hash = (hash ^ ref::canonical_mstatus(base, fixed | value, hart)) * 0x100000001b3;
        hash ^= hash >> 32U;
        value = (value - mask) & mask;
    } while (value != 0);
    return hash;
}

void print_statuses(u64 all, u64 outer_bits, ref::Features const& hart) {
    u64 outer = 0;
    do {
        std::printf("mstatus %#" PRIx64 " 0x%" PRIx64 " %#" PRIx64 "\n", all, outer,
                    hash_of(outer, all & ~outer_bits, hart));
        outer = (outer - outer_bits) & outer_bits;
    } while (outer != 0);
}

} // namespace

int main(int count, char** arguments) {
    std::vector<std::string> const words(arguments + 1, arguments + count);
    auto const hart = features(words);
    if (words.at(0) == "csrs") print_csrs(hart);
    for (auto const& word : words) {
        auto const colon = word.find(':');
        if (colon == std::string::npos) continue;
        print_statuses(std::strtoull(word.c_str(), nullptr, 16),
                       std::strtoull(word.c_str() + colon + 1, nullptr, 16), hart);
    }
}
