// SPDX-License-Identifier: Apache-2.0
#include "monitor/plan.hpp"

#include "board.hpp"
#include "config.hpp"

#include <algorithm>

namespace plinth::monitor {
namespace {

using namespace arch;

constexpr PhysRange everything = PhysRange::constant(0, phys_last + 1);

/// What no world but the monitor ever reaches. Its devices are denied to the firmware even in the
/// unprotected test build: it could not work otherwise, since they are emulated.
void deny_protected(Plan& plan, enclave::DeniedRanges const& denied, bool devices) {
    for (auto const& device : board::owned_devices)
        if (devices) plan.add(device, rights_none);
    if (config::test_unprotected) return;
    plan.add(board::monitor, rights_none);
    for (auto const& range : denied.ranges)
        if (range) plan.add(*range, rights_none);
}

/// Fills entries one after the other.
class EntryWriter {
  public:
    EntryWriter(PmpImage& image, unsigned limit) : image_{image}, limit_{limit} {}

    /// One entry if the range is NAPOT-shaped, four bytes or begins where the previous entry's
    /// address stands, else two. False, changing nothing, if they do not fit.
    bool write(PhysRange range, Rights rights) {
        auto const cfg = pmpcfg::of(rights);
        if (auto const address = napot_address(range))
            return put(static_cast<u8>(cfg | pmpcfg::napot), *address);
        auto const base = range.base().raw >> 2U;
        if (range.size() == 4) return put(static_cast<u8>(cfg | pmpcfg::na4), base);
        auto const top = (range.last() + 1) >> 2U;
        if (top > pmpaddr_mask) return false;
        auto const previous = image_.used == 0 ? 0 : image_.addr[image_.used - 1];
        if (previous != base && (image_.used + 2 > limit_ || !put(0, base))) return false;
        return put(static_cast<u8>(cfg | pmpcfg::tor), top);
    }

  private:
    bool put(u8 cfg, u64 addr) {
        if (image_.used >= limit_) return false;
        image_.cfg[image_.used] = cfg;
        image_.addr[image_.used] = addr;
        image_.hides_code |= (cfg & (pmpcfg::r | pmpcfg::x)) == pmpcfg::x;
        ++image_.used;
        return true;
    }
    PmpImage& image_;
    unsigned limit_;
};

} // namespace

void Plan::add(PhysRange range, Rights rights) {
    SM_CHECK(count_ < capacity);
    rules_[count_++] = {range, rights};
}

void Plan::keep(Rights most) {
    for (auto& [range, rights] : std::span{rules_}.first(count_))
        rights = {rights.r && most.r, rights.w && most.w, rights.x && most.x};
}

bool Plan::allows(PhysRange range, Rights asked) const {
    auto position = range.base().raw;
    for (;;) {
        auto last = range.last();
        Rule const* found = nullptr;
        for (auto const& rule : rules()) {
            if (rule.range.contains(PhysAddr{position})) {
                found = &rule;
                break;
            }
            auto const next = rule.range.base().raw;
            if (next > position && next <= last) last = next - 1;
        }
        if (found == nullptr || !found->rights.covers(asked)) return false;
        last = std::min(last, found->range.last());
        if (last == range.last()) return true;
        position = last + 1;
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
            plan.add(*range, locked ? pmpcfg::rights(pmp.cfg[i]) : rights_rwx);
    }
    plan.add(everything, rights_rwx);
    return plan;
}

Plan firmware_mprv_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp) {
    auto plan = firmware_plan(denied, pmp);
    plan.keep(rights_x);
    return plan;
}

Plan host_plan(enclave::DeniedRanges const& denied, VirtualPmp const& pmp) {
    Plan plan;
    deny_protected(plan, denied, !config::test_unprotected);
    for (unsigned i = 0; i < virtual_pmp_entries; ++i)
        if (auto const range = pmp.range(i)) plan.add(*range, pmpcfg::rights(pmp.cfg[i]));
    return plan;
}

Plan enclave_plan(enclave::Layout const& layout) {
    Plan plan;
    plan.add(layout.epm, rights_rwx);
    plan.add(layout.utm, rights_rw);
    if (config::test_unprotected) plan.add(everything, rights_rwx);
    return plan;
}

Lowered lower(Plan const& plan, unsigned entries) {
    Lowered out;
    EntryWriter writer{out.image, std::min(entries, max_pmp_entries)};
    for (auto const& rule : plan.rules()) {
        if (writer.write(rule.range, rule.rights)) continue;
        out.complete = false;
        break;
    }
    return out;
}

PmpImage readable_code(PmpImage image) {
    for (auto& cfg : image.cfg)
        cfg = static_cast<u8>((cfg & pmpcfg::x) != 0 ? cfg | pmpcfg::r : cfg & ~pmpcfg::r);
    image.hides_code = false;
    return image;
}

} // namespace plinth::monitor
