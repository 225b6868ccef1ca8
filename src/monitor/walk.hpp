// SPDX-License-Identifier: Apache-2.0
// Which memory the hart touches when it translates an address: page tables walked in software. Only
// where, never whether: what a PTE permits the hart itself judges when the instruction comes again.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// One stage of translation, from satp, vsatp or hgatp (4.1.11, 8.2.10).
struct Stage {
    u64 root;        ///< physical address of the top table, of guests for vsatp
    unsigned levels; ///< 0: no translation, 3, 4 or 5
    unsigned wider;  ///< bits by which the top table is wider (8.5.1: Sv39x4 …)

    static constexpr Stage of(u64 atp, unsigned wider) {
        auto const mode = static_cast<unsigned>(atp >> 60U);
        return {page(atp), mode >= 8 && mode <= 10 ? mode - 5 : 0, wider};
    }
    /// The page that bits 43:0 name.
    static constexpr u64 page(u64 number) { return (number & ((1ULL << 44U) - 1)) * page_size; }
};

/// The address that `stage` makes of `address` (4.3.2, Svnapot); none where a PTE is not valid or
/// `load(address of a PTE)` returns none.
template <typename Load>
std::optional<u64> walk(Stage const& stage, u64 address, Load const& load) {
    if (stage.levels == 0) return address;
    auto table = stage.root;
    for (auto level = stage.levels; level-- > 0;) {
        auto const shift = 12 + 9 * level, bits = 9 + (level + 1 == stage.levels ? stage.wider : 0);
        std::optional<u64> const pte =
            load(table + 8 * ((address >> shift) & ((1ULL << bits) - 1)));
        if (!pte || (*pte & 1U) == 0) return std::nullopt;
        table = Stage::page(*pte >> 10U);
        if ((*pte & 0xeU) == 0) continue; // not a leaf
        auto const napot = level == 0 && *pte >> 63U != 0;
        return merge(table, address, (1ULL << (napot ? 16U : shift)) - 1);
    }
    return std::nullopt;
}

/// The physical address of `address` as the host's translation registers in this hart have it, of
/// two stages if `virt`. `grants(physical address, rights)` says for each PTE whether it may be
/// read; PTEs outside RAM end the walk.
template <typename Grants>
std::optional<u64> translate(HartState& h, u64 address, bool virt, Grants const& grants) {
    auto const load = [&](u64 at) -> std::optional<u64> {
        auto const pte = *PhysRange::make({at}, 8);
        if (!grants(at, arch::Rights{.r = true}) || !h.monitor->boot.is_ram(pte)) return {};
        return arch::word_at(h.hart.bytes(pte).data());
    };
    if (!h.hart.features().has('S')) return address;
    if (!virt) return walk(Stage::of(h.hart.read<csr::Satp>(), 0), address, load);
    auto const guest = Stage::of(h.hart.read<csr::Hgatp>(), 2);
    auto const physical = [&](u64 at) { return walk(guest, at, load); };
    auto const load_physical = [&](u64 at) -> std::optional<u64> {
        auto const where = physical(at);
        return where ? load(*where) : std::nullopt;
    };
    auto const at = walk(Stage::of(h.hart.read<csr::Vsatp>(), 0), address, load_physical);
    return at ? physical(*at) : std::nullopt;
}

/// The same where the plan that is loaded says which PTEs may be read.
inline std::optional<u64> translate_granted(HartState& h, u64 address, bool virt) {
    return translate(h, address, virt, [&h](u64 pte, arch::Rights rights) {
        return h.loaded->plan().window({pte}).rights.covers(rights);
    });
}

} // namespace plinth::monitor
