// SPDX-License-Identifier: Apache-2.0
// Plans: what a world may access, as a pure function of the state; and their lowering to PMP
// entries.
#pragma once

#include "arch/pmp.hpp"
#include "enclave/registry.hpp"

#include <array>

namespace plinth::monitor {

inline constexpr unsigned virtual_pmp_entries = 16;

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

/// Some rules, in an order.
template <std::size_t Capacity> class RuleList {
  public:
    static constexpr std::size_t capacity = Capacity;
    void add(Rule const& rule) { put(count_, rule); }
    /// In the place of the rule `index`, or behind the last one.
    void put(std::size_t index, Rule const& rule) {
        SM_CHECK(index <= count_ && index < Capacity);
        rules_[index] = rule;
        if (index == count_) ++count_;
    }
    std::span<Rule const> rules() const { return {rules_.data(), count_}; }
    bool full() const { return count_ == Capacity; }
    /// The first rule that matches a byte; nullptr if none does.
    Rule const* find(PhysAddr at) const {
        for (auto const& rule : rules())
            if (rule.range.contains(at)) return &rule;
        return nullptr;
    }

  protected:
    std::array<Rule, Capacity> rules_{};
    std::size_t count_{0};
};

/// The first rule that matches a byte decides; a byte that none matches is denied.
class Plan : public RuleList<enclave::max_enclaves + virtual_pmp_entries + 8> {
  public:
    /// Takes every right away that is not in `most`.
    void keep(arch::Rights most);
    /// The largest run of bytes around `at` for which one rule decides, with their rights. A run
    /// ends below the last page that there is, so that an entry's address can name its end.
    Rule window(PhysAddr at) const;
    /// Whether every byte of `range` has all of `asked`.
    bool allows(PhysRange range, arch::Rights asked) const;
};

/// Monitor, devices and enclaves denied; locked vPMPs as they bind M; the rest open.
Plan firmware_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp);
/// Monitor, devices and enclaves denied; then the vPMPs in their order, and nothing else.
Plan host_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp);
/// Its own memory and the shared memory, never to be executed.
Plan enclave_plan(enclave::Layout const& layout);

/// Rules as PMP entries: some of the first ones; all, if `complete`.
struct Lowered {
    arch::PmpImage image{};
    bool complete{true};
};

/// Writes rules with at most `entries` PMP entries. Never allows what the rules deny: they are
/// lowered in their order, neighbours of equal rights as one, and the first one that does not fit
/// ends the list.
Lowered lower(std::span<Rule const> rules, unsigned entries);

/// A plan as the PMP holds it: whole if it fits, else as a cache. Then the PMP denies what none of
/// the blocks in use allows; a block is an aligned power of two of bytes, one entry, all of which
/// has the same rights.
class LoweredPlan {
  public:
    void make(Plan const& plan, unsigned entries);
    Plan const& plan() const { return plan_; }
    arch::PmpImage const& image() const { return image_; }
    bool cached() const { return cached_; }
    /// The block in use that has this byte, if any.
    Rule const* find(PhysAddr at) const { return blocks_.find(at); }
    /// Makes the image hold all of `needed`, and of the blocks in use the most recent that fit.
    /// False, changing nothing, if `needed` alone does not fit.
    bool load(std::span<Rule const> needed);

  private:
    arch::PmpImage image_{};
    bool cached_{false};
    unsigned entries_{0};
    RuleList<arch::max_pmp_entries> blocks_{};        ///< number i is entry i of the image
    std::array<u64, arch::max_pmp_entries> loaded_{}; ///< the last load() that needed it
    u64 loads_{0};
    Plan plan_{};
};

/// The blocks that one instruction needs at the same time.
struct Needed {
    LoweredPlan const& lowered;
    bool missing{false};                          ///< some are not in use
    RuleList<arch::max_pmp_entries + 1> blocks{}; ///< if full: more than any hart holds

    /// Whether the plan grants an access to this byte; then its block is needed.
    bool grants(PhysAddr at, arch::Rights asked);
};

} // namespace plinth::monitor
