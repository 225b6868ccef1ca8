// SPDX-License-Identifier: Apache-2.0
/// Reference model of physical memory protection: may this access proceed?
///
/// Written from chapter "Physical Memory Protection" (3.7) of the RISC-V privileged specification
/// 1.12, by someone who has not seen src/. Deliberately slow: it asks about every byte of an
/// access, one at a time, so that there is no interval arithmetic to get wrong.
#pragma once

#include "access.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace plinth::reference {

/// Physical addresses have 56 bits on RV64 (3.7.1). A byte at or above this does not exist, so no
/// PMP entry matches it, not even the all-ones NAPOT entry, whose nominal size is 2^57 bytes.
inline constexpr std::uint64_t physical_limit = std::uint64_t{1} << 56;

/// Bits 53:0 of a pmpaddr register hold address bits 55:2; the others are zero (3.7.1).
inline constexpr std::uint64_t pmpaddr_mask = (std::uint64_t{1} << 54) - 1;

/// The A field of a pmpcfg byte (3.7.1, "Address Matching").
enum class PmpMatch : std::uint8_t { Off = 0, Tor = 1, Na4 = 2, Napot = 3 };

/// One pmpcfg byte, taken apart (3.7.1).
struct PmpConfig {
    bool r;
    bool w;
    bool x;
    PmpMatch match;
    bool locked;

    static constexpr PmpConfig decode(std::uint8_t raw) {
        return {.r = (raw & 0x01) != 0,
                .w = (raw & 0x02) != 0,
                .x = (raw & 0x04) != 0,
                .match = static_cast<PmpMatch>((raw >> 3) & 3),
                .locked = (raw & 0x80) != 0};
    }

    constexpr bool grants(Kind kind) const { return granted(r, w, x, kind); }
};

/// Byte addresses [low, end) that an entry covers; low >= end covers nothing. Cannot overflow: the
/// largest end is 2^57.
struct PmpRegion {
    std::uint64_t low;
    std::uint64_t end;

    constexpr bool empty() const { return low >= end; }
    constexpr bool contains(std::uint64_t byte) const { return byte >= low && byte < end; }
};

namespace detail {

/// The naturally aligned power-of-two region whose size the trailing ones of `addr` encode:
/// n trailing ones mean 2^(n+3) bytes (3.7.1, "NAPOT range encoding").
constexpr PmpRegion napot_region(std::uint64_t addr) {
    unsigned ones = 0;
    while (ones < 54 && ((addr >> ones) & 1) != 0) ++ones;
    std::uint64_t const size = std::uint64_t{8} << ones;
    std::uint64_t const low = (addr << 2) & ~(size - 1);
    return {low, low + size};
}

/// Bits [count-1:0].
constexpr std::uint64_t low_bits(unsigned count) { return (std::uint64_t{1} << count) - 1; }

} // namespace detail

/// The region of entry `i`, for a PMP grain of 2^(grain+2) bytes (3.7.1, "Address Matching"): the
/// low `grain` bits take no part in TOR, the low `grain`-1 bits read as ones in NAPOT.
/// The bound below a TOR entry is the preceding register, whatever that entry's own A is; for
/// entry 0 it is zero.
constexpr PmpRegion pmp_region(std::span<std::uint8_t const> cfg,
                               std::span<std::uint64_t const> addr, std::size_t i,
                               unsigned grain = 0) {
    std::uint64_t const own = addr[i] & pmpaddr_mask;
    std::uint64_t const below = i == 0 ? 0 : addr[i - 1] & pmpaddr_mask;
    std::uint64_t const tor_ignored = detail::low_bits(grain);
    switch (PmpConfig::decode(cfg[i]).match) {
    case PmpMatch::Off: return {0, 0};
    case PmpMatch::Tor: return {(below & ~tor_ignored) << 2, (own & ~tor_ignored) << 2};
    case PmpMatch::Na4: return {own << 2, (own << 2) + 4};
    case PmpMatch::Napot:
        return detail::napot_region(own | (grain >= 2 ? detail::low_bits(grain - 1) : 0));
    }
    return {0, 0};
}

/// Whether byte `k` of an access at `pa` exists at all: neither wrapped nor beyond 56 bits.
constexpr bool physical_byte_exists(std::uint64_t pa, std::uint64_t k) {
    return k <= UINT64_MAX - pa && pa + k < physical_limit;
}

/// May an access of `len` >= 1 bytes at physical address `pa` proceed, as far as PMP decides?
///
/// `cfg` and `addr` hold one element for each implemented entry, lowest number first; both empty
/// means that the hart has no PMP. `mode` is the *effective* mode: with mstatus.MPRV set, that of
/// MPP for loads and stores; S for page-table accesses. `grain` is the specification's G.
///
/// "Priority and Matching Logic": the lowest-numbered entry that matches any byte decides; it
/// must match all bytes or the access fails, whatever L, R, W and X are; M-mode is subject to the
/// permissions only if L is set; no match lets M through, and S and U only if there is no entry.
/// The reserved combination R=0 W=1 and NA4 with a grain are taken literally; pmp_entry_legal
/// tells them apart.
inline bool pmp_allows(std::span<std::uint8_t const> cfg, std::span<std::uint64_t const> addr,
                       Mode mode, std::uint64_t pa, unsigned len, Kind kind, unsigned grain = 0) {
    require(len >= 1, "pmp_allows: an access has at least one byte");
    require(cfg.size() == addr.size(), "pmp_allows: one address for each configuration");
    require(cfg.size() <= 64 && grain < 54, "pmp_allows: at most 64 entries, grain below 54");
    for (std::size_t i = 0; i < cfg.size(); ++i) {
        PmpRegion const region = pmp_region(cfg, addr, i, grain);
        unsigned matched = 0;
        for (unsigned k = 0; k < len; ++k) {
            if (physical_byte_exists(pa, k) && region.contains(pa + k)) ++matched;
        }
        if (matched == 0) continue;
        if (matched != len) return false;
        PmpConfig const config = PmpConfig::decode(cfg[i]);
        return (mode == Mode::M && !config.locked) || config.grants(kind);
    }
    return mode == Mode::M || cfg.empty();
}

/// Whether a hart may hold this pmpcfg byte: bits 6:5 zero, not the reserved R=0 W=1, and no NA4
/// when the grain is coarser than four bytes (3.7.1).
constexpr bool pmp_entry_legal(std::uint8_t raw, unsigned grain = 0) {
    PmpConfig const config = PmpConfig::decode(raw);
    if ((raw & 0x60) != 0) return false;
    if (config.w && !config.r) return false;
    return grain == 0 || config.match != PmpMatch::Na4;
}

/// What a read of a pmpaddr register returns, given the value stored and the A field of the same
/// entry (3.7.1): the grain's low bits show as ones in NAPOT and as zeros in OFF and TOR, while the
/// stored value keeps them.
constexpr std::uint64_t pmpaddr_reads_as(std::uint64_t stored, std::uint8_t raw_cfg,
                                         unsigned grain) {
    stored &= pmpaddr_mask;
    if (grain == 0) return stored;
    bool const power_of_two = (raw_cfg & 0x10) != 0;
    if (power_of_two) return grain >= 2 ? stored | detail::low_bits(grain - 1) : stored;
    return stored & ~detail::low_bits(grain);
}

/// Whether a write of pmpcfg byte `i` is ignored: the entry is locked, even when its A is OFF
/// ("Locking and Privilege Mode").
inline bool pmpcfg_write_ignored(std::span<std::uint8_t const> cfg, std::size_t i) {
    return PmpConfig::decode(cfg[i]).locked;
}

/// Whether a write of pmpaddr `i` is ignored: its own entry is locked, or the next one is locked
/// and TOR, for which it is the lower bound.
inline bool pmpaddr_write_ignored(std::span<std::uint8_t const> cfg, std::size_t i) {
    if (PmpConfig::decode(cfg[i]).locked) return true;
    if (i + 1 >= cfg.size()) return false;
    PmpConfig const next = PmpConfig::decode(cfg[i + 1]);
    return next.locked && next.match == PmpMatch::Tor;
}

} // namespace plinth::reference
