// SPDX-License-Identifier: Apache-2.0
// Plans: what a world may access, as a pure function of the state; and their lowering to PMP
// entries.
#pragma once

#include "arch/pmp.hpp"
#include "enclave/registry.hpp"

#include <array>

namespace plinth::monitor {

inline constexpr unsigned virtual_pmp_entries = 8;

/// The firmware's PMP registers, legalized.
struct VirtualPmp {
    alignas(8) std::array<u8, virtual_pmp_entries> cfg{};
    std::array<u64, virtual_pmp_entries> addr{};
    unsigned grain{0}; ///< G of 3.7.1: the hart's smallest region has 2^(G+2) bytes

    /// What pmpaddr `index` reads: bits below the grain are ones in NAPOT, else zeros.
    u64 address(unsigned index) const {
        if (grain == 0) return addr[index];
        auto const napot = (cfg[index] & 0x10U) != 0;
        return napot ? addr[index] | ((1ULL << (grain - 1)) - 1) : coarse(addr[index]);
    }
    /// What entry `index` matches, if anything.
    std::optional<PhysRange> range(unsigned index) const {
        return arch::pmp_range(cfg[index], address(index),
                               index == 0 ? 0 : coarse(addr[index - 1]));
    }
    u64 coarse(u64 word) const { return word & ~((1ULL << grain) - 1); }
};

struct Rule {
    PhysRange range = PhysRange::constant(0, 1);
    arch::Rights rights{};
};

/// An ordered list of rules: the first that matches a byte decides; a byte that none matches is
/// denied.
class Plan {
  public:
    static constexpr unsigned capacity = enclave::max_enclaves + virtual_pmp_entries + 8;
    void add(PhysRange range, arch::Rights rights);
    /// Takes every right away that is not in `most`.
    void keep(arch::Rights most);
    std::span<Rule const> rules() const { return {rules_.data(), count_}; }
    /// Whether every byte of `range` has all of `asked`.
    bool allows(PhysRange range, arch::Rights asked) const;

  private:
    std::array<Rule, capacity> rules_{};
    unsigned count_{0};
};

/// Monitor, devices and enclaves denied; locked vPMPs as they bind M; the rest open.
Plan firmware_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp);
/// The same while vMPRV is in force: loads and stores trap everywhere, so that they can be made
/// with the other privilege's rights.
Plan firmware_mprv_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp);
/// Monitor, devices and enclaves denied; then the vPMPs in their order, and nothing else.
Plan host_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp);
/// Its own memory and the shared memory, never to be executed.
Plan enclave_plan(enclave::Layout const& layout);

/// A plan as PMP entries. `complete` is false if some rules did not fit: then the rest is denied.
struct Lowered {
    arch::PmpImage image{};
    bool complete{true};
};

/// Writes a plan with at most `entries` PMP entries. Never allows what the plan denies: rules are
/// lowered in their order and the first one that does not fit ends the list.
Lowered lower(Plan const& plan, unsigned entries);

/// The image under which an instruction is read: R is granted wherever the world may execute.
arch::PmpImage readable_code(arch::PmpImage image);

} // namespace plinth::monitor
