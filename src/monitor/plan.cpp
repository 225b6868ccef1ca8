// SPDX-License-Identifier: Apache-2.0
#include "monitor/plan.hpp"

#include "board.hpp"
#include "config.hpp"

#include <algorithm>
#include <utility>

namespace plinth::monitor {
namespace {

using namespace arch;

constexpr PhysRange everything = PhysRange::constant(0, phys_last + 1);

/// What no world but the monitor ever reaches. Its devices are denied to the firmware even in the
/// unprotected test build: it could not work otherwise, since they are emulated.
void deny_protected(Plan& plan, enclave::DeniedRanges const& denied, bool devices) {
    for (auto const& device : board::owned_devices)
        if (devices) plan.add({device, rights_none});
    if (config::test_unprotected) return;
    plan.add({board::monitor, rights_none});
    for (auto const& range : denied)
        if (range) plan.add({*range, rights_none});
}

bool put(PmpImage& image, unsigned limit, u8 cfg, u64 addr) {
    if (image.used >= limit) return false;
    image.cfg[image.used] = cfg;
    image.addr[image.used] = addr;
    image.hides_code |= (cfg & (pmpcfg::r | pmpcfg::x)) == pmpcfg::x;
    ++image.used;
    return true;
}

/// One entry if the range is NAPOT-shaped, four bytes or begins where the previous entry's address
/// stands, else two. False, changing nothing, if they do not fit.
bool write(PmpImage& image, unsigned limit, PhysRange range, Rights rights) {
    auto const cfg = pmpcfg::of(rights);
    if (auto const address = napot_address(range))
        return put(image, limit, static_cast<u8>(cfg | pmpcfg::napot), *address);
    auto const base = range.base().raw >> 2U;
    if (range.size() == 4) return put(image, limit, static_cast<u8>(cfg | pmpcfg::na4), base);
    auto const top = (range.last() + 1) >> 2U;
    if (top > pmpaddr_mask) return false;
    auto const previous = image.used == 0 ? 0 : image.addr[image.used - 1];
    if (previous != base && (image.used + 2 > limit || !put(image, limit, 0, base))) return false;
    return put(image, limit, static_cast<u8>(cfg | pmpcfg::tor), top);
}

/// The largest aligned power of two around `at` in a window. Blocks never overlap in part.
Rule block(Rule const& window, PhysAddr at) {
    auto const of = [&](u64 size) {
        auto const base = at.raw & ~(size - 1);
        return *PhysRange::between({base}, {base + size - 1});
    };
    u64 size = 4;
    while (window.range.contains(of(2 * size))) size *= 2;
    return {of(size), window.rights};
}

/// Two ranges as one, if they overlap or touch and entries can hold the result.
std::optional<PhysRange> joined(PhysRange a, PhysRange b) {
    auto const low = std::min(a.base(), b.base());
    auto const last = std::max(a.last(), b.last());
    auto const apart = std::max(a.base(), b.base()).raw > std::min(a.last(), b.last()) + 1;
    if (apart || (last == phys_last && low.raw != 0)) return {}; // no TOR entry ends there
    return *PhysRange::between(low, {last});
}

} // namespace

void Plan::keep(Rights most) {
    for (auto& [range, rights] : std::span{rules_}.first(count_))
        rights = {rights.r && most.r, rights.w && most.w, rights.x && most.x};
}

Rule Plan::window(PhysAddr at) const {
    constexpr auto top = phys_last - (page_size - 1); // no entry could name what ends at phys_last
    u64 low = at.raw < top ? 0 : top, last = at.raw < top ? top - 1 : ~0ULL;
    for (auto const& [range, rights] : rules()) {
        auto const before = range.last()<at.raw, behind = range.base()> at;
        if (before) low = std::max(low, range.last() + 1);
        if (behind) last = std::min(last, range.base().raw - 1);
        if (before || behind) continue;
        return {
            *PhysRange::between({std::max(low, range.base().raw)}, {std::min(last, range.last())}),
            rights};
    }
    return {*PhysRange::between({low}, {last}), rights_none};
}

bool Plan::allows(PhysRange range, Rights asked) const {
    for (auto at = range.base();;) {
        auto const next = window(at);
        if (!next.rights.covers(asked)) return false;
        if (next.range.last() >= range.last()) return true;
        at = {next.range.last() + 1};
    }
}

Plan firmware_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp) {
    Plan plan;
    deny_protected(plan, denied, true);
    unsigned bound = 0; // entries up to the last locked one decide what M may do (3.7.1)
    for (unsigned i = 0; i < virtual_pmp_entries; ++i)
        if ((pmp.cfg[i] & pmpcfg::locked) != 0) bound = i + 1;
    for (unsigned i = 0; i < bound; ++i) {
        auto const locked = (pmp.cfg[i] & pmpcfg::locked) != 0;
        if (auto const range = pmp.range(i))
            plan.add({*range, locked ? pmpcfg::rights(pmp.cfg[i]) : rights_rwx});
    }
    plan.add({everything, rights_rwx});
    return plan;
}

Plan host_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp) {
    Plan plan;
    deny_protected(plan, denied, !config::test_unprotected);
    for (unsigned i = 0; i < virtual_pmp_entries; ++i)
        if (auto const range = pmp.range(i)) plan.add({*range, pmpcfg::rights(pmp.cfg[i])});
    return plan;
}

Plan enclave_plan(enclave::Layout const& layout) {
    Plan plan;
    plan.add({layout.epm, rights_rwx});
    plan.add({layout.utm, rights_rw});
    if (config::test_unprotected) plan.add({everything, rights_rwx});
    return plan;
}

Lowered lower(std::span<Rule const> rules, unsigned entries) {
    Lowered out;
    auto const limit = std::min(entries, max_pmp_entries);
    for (auto rule = rules.begin(); rule != rules.end() && out.complete;) {
        auto [range, rights] = *rule++;
        for (; rule != rules.end() && rule->rights == rights; ++rule) {
            auto const both = joined(range, rule->range);
            if (!both) break;
            range = *both;
        }
        out.complete = write(out.image, limit, range, rights);
    }
    return out;
}

void LoweredPlan::make(Plan const& plan, unsigned entries) {
    plan_ = plan;
    entries_ = entries;
    blocks_ = {};
    auto const lowered = lower(plan.rules(), entries);
    cached_ = !lowered.complete;
    image_ = lowered.image;
    // QEMU refuses mret while no entry is on.
    if (cached_) write(image_ = {}, entries, everything, rights_none);
}

bool LoweredPlan::load(std::span<Rule const> needed) {
    if (needed.size() > entries_) return false;
    auto const ages = std::span{loaded_}.first(entries_);
    ++loads_;
    for (auto const& block : needed) {
        auto const blocks = blocks_.rules();
        auto const found = std::ranges::find(blocks, block.range, &Rule::range);
        auto index = found - blocks.begin();
        if (index == entries_) index = std::ranges::min_element(ages) - ages.begin();
        ages[static_cast<std::size_t>(index)] = loads_;
        if (found != blocks.end()) continue;
        blocks_.put(static_cast<std::size_t>(index), block);
        auto const used = std::exchange(image_.used, static_cast<unsigned>(index));
        write(image_, entries_, block.range, block.rights);
        image_.used = std::max(used, image_.used);
    }
    return true;
}

bool Needed::grants(PhysAddr at, Rights asked) {
    auto const* known = blocks.find(at);
    auto const* used = known != nullptr ? known : lowered.find(at);
    auto const rule = used != nullptr ? *used : lowered.plan().window(at);
    if (!rule.rights.covers(asked)) return false;
    missing |= used == nullptr;
    if (known == nullptr && !blocks.full()) blocks.add(used != nullptr ? rule : block(rule, at));
    return true;
}

} // namespace plinth::monitor
