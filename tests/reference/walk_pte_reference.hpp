// SPDX-License-Identifier: Apache-2.0
/// Reference model of address translation, first part: what controls a stage, and what one PTE says
/// about an access. `walk_reference.hpp` is the algorithm.
///
/// Written from the specification, without sight of src/, as said there.
#pragma once

#include "access.hpp"

#include <cstdint>

namespace plinth::reference {

/// What an access is for. LR counts as a load, SC as a store; the load of an AMO needs what a store
/// needs and faults as one (4.3.1). LoadExecutable is HLVX: a load that needs X in place of R
/// (8.3.1).
enum class Use : std::uint8_t { Fetch, Load, Store, Amo, LoadExecutable };

/// The fields of sstatus or vsstatus that translation reads (4.1.1.2, 8.5).
struct Status {
    bool sum = false;
    bool mxr = false;
};

/// The fields of menvcfg or henvcfg that translation reads (3.1.18, 8.2.5). Those of henvcfg are
/// zero whatever is said here while menvcfg's are.
struct Envcfg {
    bool adue = false;  ///< hardware sets A and D; otherwise the need to is a page fault
    bool pbmte = false; ///< Svpbmt is there; otherwise its bits are reserved
};

/// All that decides how an access below M-mode is translated. With `virt`, mode U means VU and S
/// means VS. What concerns the other value of `virt` is ignored.
struct Translation {
    Mode mode = Mode::S;
    bool virt = false;
    std::uint64_t satp = 0;
    std::uint64_t vsatp = 0;
    std::uint64_t hgatp = 0;
    Status sstatus{}; ///< of HS: with `virt` its MXR counts for both stages, its SUM for none
    Status vsstatus{};
    Envcfg menvcfg{}; ///< for satp and hgatp
    Envcfg henvcfg{}; ///< for vsatp
    bool svnapot = false;
};

namespace detail {

inline constexpr std::uint64_t pte_v = 0x01;
inline constexpr std::uint64_t pte_r = 0x02;
inline constexpr std::uint64_t pte_w = 0x04;
inline constexpr std::uint64_t pte_x = 0x08;
inline constexpr std::uint64_t pte_u = 0x10;
inline constexpr std::uint64_t pte_a = 0x40;
inline constexpr std::uint64_t pte_d = 0x80;
inline constexpr std::uint64_t pte_reserved = std::uint64_t{0x7f} << 54;
inline constexpr std::uint64_t pte_pbmt = std::uint64_t{3} << 61;
inline constexpr std::uint64_t pte_n = std::uint64_t{1} << 63;
inline constexpr std::uint64_t ppn_mask = (std::uint64_t{1} << 44) - 1;
inline constexpr unsigned page_bits = 12;
inline constexpr std::uint64_t page_size = std::uint64_t{1} << page_bits;
inline constexpr unsigned pte_size = 8;

/// One stage of translation with what its checks depend on.
struct Stage {
    bool guest;      ///< the G-stage: wider root, no sign extension, its own faults
    unsigned levels; ///< 0 is Bare
    std::uint64_t root;
    Mode mode;
    Status status;
    Envcfg env;
    bool napot;
};

/// LEVELS of MODE in satp, vsatp or hgatp; the reserved encodings cannot be in the register.
constexpr unsigned levels_of(std::uint64_t atp) {
    std::uint64_t const mode = atp >> 60;
    require(mode == 0 || (mode >= 8 && mode <= 10), "levels_of: MODE is reserved");
    return mode == 0 ? 0 : static_cast<unsigned>(mode) - 5;
}

/// The stage that satp controls, or with `virt` vsatp (8.2.18): vsstatus has the SUM and adds to
/// the MXR; henvcfg has no more than menvcfg.
constexpr Stage first_stage(Translation const& how) {
    std::uint64_t const atp = how.virt ? how.vsatp : how.satp;
    Stage stage{.guest = false,
                .levels = levels_of(atp),
                .root = (atp & ppn_mask) << page_bits,
                .mode = how.mode,
                .status = how.sstatus,
                .env = how.menvcfg,
                .napot = how.svnapot};
    if (how.virt) {
        stage.status = {how.vsstatus.sum, how.vsstatus.mxr || how.sstatus.mxr};
        stage.env = {how.menvcfg.adue && how.henvcfg.adue, how.menvcfg.pbmte && how.henvcfg.pbmte};
    }
    return stage;
}

/// The stage that hgatp controls: PPN[1:0] read as zeros (8.2.10), every access is U-mode's
/// (8.5.1), vsstatus.MXR does not count (8.5), and no MXR does for accesses to VS-level tables.
constexpr Stage guest_stage(Translation const& how, bool explicit_access) {
    return {.guest = true,
            .levels = levels_of(how.hgatp),
            .root = (how.hgatp & ppn_mask & ~std::uint64_t{3}) << page_bits,
            .mode = Mode::U,
            .status = {false, explicit_access && how.sstatus.mxr},
            .env = how.menvcfg,
            .napot = how.svnapot};
}

constexpr bool is_store(Use use) { return use == Use::Store || use == Use::Amo; }

/// Is the address one that the stage translates? Sv39 takes 39 bits sign-extended to 64 (4.4.1),
/// Sv39x4 41 bits zero-extended (8.5.1); nine more for each further level.
constexpr bool in_range(Stage const& stage, std::uint64_t address) {
    unsigned const bits = page_bits + 9 * stage.levels;
    if (stage.guest) return address >> (bits + 2) == 0;
    std::uint64_t const high = address >> (bits - 1);
    return high == 0 || high == UINT64_MAX >> (bits - 1);
}

/// va.vpn[level]; the root's of a G-stage is two bits wider (8.5.1).
constexpr std::uint64_t vpn(Stage const& stage, std::uint64_t address, unsigned level) {
    bool const wide = stage.guest && level + 1 == stage.levels;
    return (address >> (page_bits + 9 * level)) & (wide ? 0x7ff : 0x1ff);
}

constexpr std::uint64_t ppn(std::uint64_t pte) { return (pte >> 10) & ppn_mask; }

constexpr bool is_leaf(std::uint64_t pte) { return (pte & (pte_r | pte_x)) != 0; }

/// Step 3: V, no W without R, and nothing reserved is set: bits 60:54, in pointers D, A, U, PBMT
/// and N, in leaves what Svpbmt and Svnapot (only 64 KiB, level 0) do not define.
constexpr bool is_valid(Stage const& stage, std::uint64_t pte, unsigned level) {
    if ((pte & pte_v) == 0) return false;
    if ((pte & pte_w) != 0 && (pte & pte_r) == 0) return false;
    if ((pte & pte_reserved) != 0) return false;
    if (!is_leaf(pte)) return (pte & (pte_d | pte_a | pte_u | pte_pbmt | pte_n)) == 0;
    if ((pte & pte_pbmt) != 0 && !stage.env.pbmte) return false;
    if ((pte & pte_pbmt) == pte_pbmt) return false;
    if ((pte & pte_n) == 0) return true;
    return stage.napot && level == 0 && (ppn(pte) & 0xf) == 8;
}

/// Step 5: U against the mode and SUM; S-mode never fetches from a page with U (4.3.1).
constexpr bool mode_permits(Stage const& stage, std::uint64_t pte, Use use) {
    bool const user_page = (pte & pte_u) != 0;
    if (stage.mode == Mode::U) return user_page;
    return !user_page || (use != Use::Fetch && stage.status.sum);
}

/// Step 5: R, W and X. MXR makes executable pages readable by loads.
constexpr bool rights_permit(Stage const& stage, std::uint64_t pte, Use use) {
    bool const r = (pte & pte_r) != 0;
    bool const x = (pte & pte_x) != 0;
    switch (use) {
    case Use::Fetch: return x;
    case Use::Load: return r || (stage.status.mxr && x);
    case Use::Store:
    case Use::Amo: return (pte & pte_w) != 0;
    case Use::LoadExecutable: return x;
    }
    return false;
}

/// Low bits of a leaf's PPN that come from the address instead: those of a superpage (step 8), or
/// the four of a 64 KiB NAPOT range.
constexpr std::uint64_t taken_from_address(std::uint64_t pte, unsigned level) {
    if ((pte & pte_n) != 0) return 0xf;
    return (std::uint64_t{1} << (9 * level)) - 1;
}

/// Step 6. The low bits of a NAPOT leaf say its size; they are not an address.
constexpr bool is_misaligned(std::uint64_t pte, unsigned level) {
    return (pte & pte_n) == 0 && (ppn(pte) & taken_from_address(pte, level)) != 0;
}

/// Step 8.
constexpr std::uint64_t leaf_address(std::uint64_t pte, unsigned level, std::uint64_t address) {
    std::uint64_t const mask = taken_from_address(pte, level);
    std::uint64_t const page = (ppn(pte) & ~mask) | ((address >> page_bits) & mask);
    return page << page_bits | (address & (page_size - 1));
}

} // namespace detail

} // namespace plinth::reference
