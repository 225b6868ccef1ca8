// SPDX-License-Identifier: Apache-2.0
/// A host under a plan that is larger than the PMP, whose page tables and pages each have a window
/// of their own; and what one instruction does there according to the references.
#pragma once

#include "bench.hpp"
#include "guest_cpu.hpp"
#include "monitor/worlds.hpp"
#include "reference/plan_reference.hpp"
#include "reference/trap_reference.hpp"
#include "reference/walk_memory.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace plinth::fake {

namespace bit = reference::bit;
using Fault = GuestCpu::Fault;

/// Pages that may be used, each between two that are denied.
inline constexpr unsigned islands = 62;
constexpr std::uint64_t island(unsigned index) { return 0x8100'0000 + 0x2000ULL * index; }
inline constexpr std::uint64_t archipelago_end = island(islands);
/// The only place with 16 KiB for the root of a G-stage.
inline constexpr std::uint64_t guest_root = 0x80ff'8000, guest_root_size = 0x4000;
/// As much that is denied.
inline constexpr std::uint64_t vault = 0x80ff'0000;

/// The host's plan as the design words it, from the virtual PMP and the ranges that are published.
inline std::vector<reference::Rule> host_rules(monitor::HartState& h) {
    std::vector<reference::Rule> out;
    auto const deny = [&](PhysRange range) {
        out.push_back({range.base().raw, range.last(), false, false, false});
    };
    deny(board::monitor);
    for (auto const& device : board::owned_devices) deny(device);
    for (auto const& range : h.monitor->published.read())
        if (range) deny(*range);
    auto const& pmp = h.v.pmp;
    for (std::size_t i = 0; i < pmp.cfg.size(); ++i) {
        auto const region = reference::pmp_region(pmp.cfg, pmp.addr, i);
        auto const how = reference::PmpConfig::decode(pmp.cfg[i]);
        if (!region.empty())
            out.push_back({region.low, std::min(region.end, reference::physical_limit) - 1, how.r,
                           how.w, how.x});
    }
    return out;
}

/// What the host can name of memory: the bytes that the tests put there.
struct Image {
    std::vector<std::uint8_t> bytes; ///< from guest_root

    explicit Image(Machine const& machine)
        : bytes(machine.ram.begin() + (guest_root - Machine::ram_base),
                machine.ram.begin() + (archipelago_end - Machine::ram_base)) {}

    static bool has(std::uint64_t at, unsigned width) {
        auto const in = [&](std::uint64_t low, std::uint64_t end) {
            return at >= low && at < end && end - at >= width;
        };
        return in(island(0), archipelago_end) || in(guest_root, guest_root + guest_root_size);
    }
    std::uint8_t& at(std::uint64_t where) { return bytes[where - guest_root]; }
    std::uint64_t word(std::uint64_t where, unsigned width = 8) {
        std::uint64_t out = 0;
        for (unsigned i = 0; i < width; ++i) out |= std::uint64_t{at(where + i)} << (8 * i);
        return out;
    }
    void put(std::uint64_t where, std::uint64_t value, unsigned width = 8) {
        for (unsigned i = 0; i < width; ++i)
            at(where + i) = static_cast<std::uint8_t>(value >> (8 * i));
    }
};

/// One instruction by the references: page tables, plan, effect.
struct Verdict {
    bool retires{true};
    std::vector<Fault> faults{};           ///< if not: each of these would do
    std::set<std::uint64_t> fetch_needs{}; ///< blocks that must be there at once to fetch it
    std::set<std::uint64_t> needs{};       ///< likewise for the most demanding byte of its data
    std::set<std::uint64_t> all_needs{};   ///< for all bytes of its data
    bool straddles{false};                 ///< two rules, in one page: refused (3.7.1)
};

class Oracle {
  public:
    Oracle(std::vector<reference::Rule> rules, reference::Translation how, Image image)
        : memory{std::move(image)}, rules_{std::move(rules)}, how_{how} {}

    Image memory;

    /// Reads the instruction at pc.
    bool fetch(std::uint64_t pc, std::uint32_t& word, Verdict& out) {
        word = 0;
        for (unsigned half = 0; half < 2; ++half) {
            auto const walk = go({pc + 2 * half, 2, reference::Use::Fetch});
            note(walk, out.fetch_needs);
            if (!walk.pa) return fail(walk, pc + 2 * half, out);
            word |= static_cast<std::uint32_t>(memory.word(*walk.pa, 2)) << (16 * half);
            if ((word & 3U) != 3) break;
        }
        return true;
    }
    /// Where the bytes of an access lie.
    bool reach(reference::Access const& access, Verdict& out, std::vector<std::uint64_t>& where) {
        auto const pieces = reference::split(access);
        for (auto const& piece : pieces) {
            auto const walk = go(piece);
            std::set<std::uint64_t> blocks;
            note(walk, blocks);
            out.all_needs.insert(blocks.begin(), blocks.end());
            if (walk.pa) out.all_needs.insert(block(*walk.pa + piece.width - 1));
            if (blocks.size() > out.needs.size()) out.needs = blocks;
            if (!walk.pa) fail_at(walk, piece, out);
            for (unsigned i = 0; walk.pa && i < piece.width; ++i) {
                where.push_back(*walk.pa + i);
                out.straddles |= reference::first_rule(rules_, *walk.pa + i) !=
                                 reference::first_rule(rules_, *walk.pa);
            }
        }
        return out.retires;
    }

  private:
    bool grants(std::uint64_t at, unsigned width, reference::Kind kind) const {
        return Image::has(at, width) && reference::plan_allows(rules_, at, width, kind);
    }
    reference::Walk go(reference::Access const& access) {
        using reference::Update;
        auto const read = [&](std::uint64_t at) -> std::optional<std::uint64_t> {
            if (!grants(at, 8, reference::Kind::Read)) return std::nullopt;
            return memory.word(at);
        };
        auto const update = [&](std::uint64_t at, std::uint64_t, std::uint64_t wanted) {
            if (!grants(at, 8, reference::Kind::Write)) return Update::Refused;
            memory.put(at, wanted);
            return Update::Stored;
        };
        auto const allows = [&](std::uint64_t at, unsigned width, reference::Kind kind) {
            return grants(at, width, kind) &&
                   (access.use != reference::Use::Amo || grants(at, width, reference::Kind::Read));
        };
        return reference::perform(how_, access, read, update, allows);
    }
    static bool fail(reference::Walk const& walk, std::uint64_t va, Verdict& out) {
        out.retires = false;
        out.faults.push_back({*walk.cause, va, walk.gpa.value_or(0) >> 2U});
        return false;
    }
    /// An access fault may name the access or the first byte that is denied.
    void fail_at(reference::Walk const& walk, reference::Access const& piece, Verdict& out) {
        fail(walk, piece.va, out);
        if (walk.touched.empty() || walk.touched.back().what != reference::Touch::Final) return;
        auto const at = walk.touched.back().pa;
        auto const kind = walk.touched.back().kind;
        for (unsigned i = 1; i < piece.width; ++i)
            if (grants(at, i, kind) && !grants(at + i, 1, kind))
                out.faults.push_back({*walk.cause, piece.va + i, 0});
    }
    /// The aligned powers of two around what a walk touched, as large as one rule decides.
    void note(reference::Walk const& walk, std::set<std::uint64_t>& blocks) const {
        for (auto const& touched : walk.touched) blocks.insert(block(touched.pa));
    }
    std::uint64_t block(std::uint64_t at) const {
        std::uint64_t low = 0, last = reference::physical_limit - 1;
        auto const rule = reference::first_rule(rules_, at);
        for (std::size_t i = 0; i <= rule.value_or(rules_.size() - 1); ++i) {
            if (rules_[i].last < at) low = std::max(low, rules_[i].last + 1);
            if (rules_[i].base > at) last = std::min(last, rules_[i].base - 1);
        }
        if (rule)
            low = std::max(low, rules_[*rule].base), last = std::min(last, rules_[*rule].last);
        std::uint64_t size = 4;
        while ((at & ~(2 * size - 1)) >= low && (at | (2 * size - 1)) <= last) size *= 2;
        return at & ~(size - 1);
    }

    std::vector<reference::Rule> rules_;
    reference::Translation how_;
};

} // namespace plinth::fake
