// SPDX-License-Identifier: Apache-2.0
/// Physical memory with hand-made page tables, for the tests of the walk model.
/// Written by someone who has not seen src/.
#pragma once

#include "walk_reference.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <vector>

namespace plinth::reference {

/// The bits of a PTE by their places in the figure of 4.4.1.
namespace bit {
inline constexpr std::uint64_t v = 1;
inline constexpr std::uint64_t r = 1 << 1;
inline constexpr std::uint64_t w = 1 << 2;
inline constexpr std::uint64_t x = 1 << 3;
inline constexpr std::uint64_t u = 1 << 4;
inline constexpr std::uint64_t g = 1 << 5;
inline constexpr std::uint64_t a = 1 << 6;
inline constexpr std::uint64_t d = 1 << 7;
inline constexpr std::uint64_t ad = a | d;
inline constexpr std::uint64_t rwx = r | w | x;
inline constexpr std::uint64_t all = v | rwx | ad;  ///< a leaf that lets S-mode do everything
inline constexpr std::uint64_t guest_all = all | u; ///< one of the G-stage that does
inline constexpr std::uint64_t n = std::uint64_t{1} << 63;
} // namespace bit

/// A PTE: the PPN is bits 55:12 of the address, in bits 53:10 (figures of 4.4.1).
constexpr std::uint64_t pte(std::uint64_t pa, std::uint64_t bits) { return (pa >> 2) | bits; }

/// satp, vsatp or hgatp without ASID or VMID: MODE in bits 63:60, PPN of the root (4.1.11).
constexpr std::uint64_t atp(std::uint64_t mode, std::uint64_t root) {
    return mode << 60 | root >> 12;
}

inline constexpr std::uint64_t sv39 = 8;
inline constexpr std::uint64_t sv48 = 9;
inline constexpr std::uint64_t sv57 = 10;

/// mcause of the three faults for each use (3.1.15 and 8.6.1).
struct Causes {
    Use use;
    std::uint64_t access;
    std::uint64_t page;
    std::uint64_t guest_page;
};
inline constexpr Causes all_causes[] = {{Use::Fetch, 1, 12, 20},
                                        {Use::Load, 5, 13, 21},
                                        {Use::Store, 7, 15, 23},
                                        {Use::Amo, 7, 15, 23},
                                        {Use::LoadExecutable, 5, 13, 21}};

/// RAM from 2 GiB to 4 GiB, zero but for what a test wrote; all else refuses every access.
struct Memory {
    std::map<std::uint64_t, std::uint64_t> words{};
    std::set<std::uint64_t> unreadable{};
    std::set<std::uint64_t> unwritable{};
    /// What another hart stores there just before the next update of that word.
    std::map<std::uint64_t, std::uint64_t> races{};

    static bool is_ram(std::uint64_t pa) { return pa >= 0x80000000 && pa < 0x100000000; }

    std::optional<std::uint64_t> read(std::uint64_t pa) {
        if (!is_ram(pa) || unreadable.contains(pa)) return std::nullopt;
        return words[pa];
    }

    Update update(std::uint64_t pa, std::uint64_t old, std::uint64_t wanted) {
        if (!is_ram(pa) || unwritable.contains(pa)) return Update::Refused;
        if (auto const race = races.find(pa); race != races.end()) {
            words[pa] = race->second;
            races.erase(race);
        }
        if (words[pa] != old) return Update::Changed;
        words[pa] = wanted;
        return Update::Stored;
    }

    Walk walk(Translation const& how, std::uint64_t va, Use use, unsigned width = 1) {
        return translate(
            how, {va, width, use}, [this](std::uint64_t pa) { return read(pa); },
            [this](std::uint64_t pa, std::uint64_t old, std::uint64_t wanted) {
                return update(pa, old, wanted);
            });
    }

    /// Where a load of S-mode goes, or nothing.
    std::optional<std::uint64_t> load(Translation const& how, std::uint64_t va) {
        return walk(how, va, Use::Load).pa;
    }
};

/// The touches of a walk as tests write them down.
constexpr Touched reads(std::uint64_t pa) { return {Touch::PteRead, Kind::Read, pa, 8}; }
constexpr Touched updates(std::uint64_t pa) { return {Touch::PteUpdate, Kind::Write, pa, 8}; }
constexpr Touched loads(std::uint64_t pa) { return {Touch::Final, Kind::Read, pa, 1}; }
constexpr Touched stores(std::uint64_t pa) { return {Touch::Final, Kind::Write, pa, 1}; }
constexpr Touched refused(Touched touched) {
    touched.refused = true;
    return touched;
}

inline void PrintTo(Touched const& touched, std::ostream* out) {
    *out << (touched.what == Touch::PteRead     ? "reads "
             : touched.what == Touch::PteUpdate ? "updates "
                                                : "final ")
         << std::hex << touched.pa << std::dec << " kind " << static_cast<int>(touched.kind)
         << " width " << touched.width << (touched.refused ? " refused" : "");
}

/// Memory and controls with one page at va 0, mapped to 0x90000000 by Sv39 through tables at
/// 0x80002000, 0x80001000 and 0x80000000: the leaf is the first word of the last.
struct OnePage {
    static constexpr std::uint64_t leaf_at = 0x80000000;
    Memory memory{};
    Translation how{.satp = atp(sv39, 0x80002000)};

    explicit OnePage(std::uint64_t bits) {
        memory.words[0x80002000] = pte(0x80001000, bit::v);
        memory.words[0x80001000] = pte(leaf_at, bit::v);
        memory.words[leaf_at] = pte(0x90000000, bits);
    }

    std::uint64_t leaf() { return memory.words[leaf_at]; }
    Walk walk(Use use, std::uint64_t va = 0x123) { return memory.walk(how, va, use); }
};

} // namespace plinth::reference
