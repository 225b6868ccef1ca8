// SPDX-License-Identifier: Apache-2.0
#include "monitor/harts.hpp"

#include "monitor/console.hpp"
#include "monitor/worlds.hpp"

#include <algorithm>

namespace plinth::monitor {
namespace {

unsigned entries_for(PhysRange epm) { return arch::napot_address(epm) ? 1 : 2; }

void ask_others(HartState& h) {
    for (auto& other : h.monitor->harts)
        if (&other != &h && other.online.load() != 0) h.hart.send_ipi(other.hart.id());
}

/// Not inlined: a plan takes 2 KiB of stack, and one at a time is enough.
[[gnu::noinline]] Lowered lowered(HartState const& h, enclave::DeniedRanges const& denied,
                                  Plan (*make)(enclave::DeniedRanges const&, VirtualPmp const&)) {
    return lower(make(denied, h.v.pmp), h.hart.features().pmp_entries);
}

} // namespace

void warn(HartState& h) {
    h.warning = Warning::Said;
    Console{h.hart}
        << "Plinth: WARN: hart " << u64{h.hart.id()}
        << ": the firmware's PMP entries need more than this hart has; the rest is denied\n";
}

[[gnu::noinline]] void recompute_firmware(HartState& h) {
    h.firmware_stale = false;
    h.loaded = nullptr;
    auto const denied = h.monitor->published.read();
    h.firmware_image = lowered(h, denied, firmware_plan).image;
    h.firmware_mprv_image = lowered(h, denied, firmware_mprv_plan).image;
}

[[gnu::noinline]] void recompute_host(HartState& h) {
    h.host_stale = false;
    h.loaded = nullptr;
    auto const host = lowered(h, h.monitor->published.read(), host_plan);
    h.host_image = host.image;
    if (!host.complete && h.warning == Warning::None) {
        h.warning = Warning::Due; // said at an interrupt, where nobody waits for this hart
        h.hart.send_ipi(h.hart.id());
    }
    auto const most =
        std::max(lowered(h, {}, host_plan).image.used, lowered(h, {}, firmware_plan).image.used);
    h.free_entries.store(h.hart.features().pmp_entries - most);
}

void obey(HartState& h) {
    auto const generation = h.monitor->generation.load();
    if (h.monitor->stopping.load() != 0) {
        forget_worlds(h);
        h.parked.store(1);
        h.hart.park();
    }
    forget_plans(h);
    load_current_plan(h);
    h.acknowledged.store(generation);
}

void settle(HartState& h) {
    auto const generation = h.monitor->generation.fetch_add(1) + 1;
    ask_others(h);
    for (auto& other : h.monitor->harts)
        wait_until(
            h, [&] { return other.online.load() == 0 || other.acknowledged.load() >= generation; });
}

bool room_for(Monitor const& monitor, enclave::Registry const& registry, PhysRange epm) {
    auto needed = entries_for(epm);
    for (auto const& enclave : registry.all())
        if (enclave.layout) needed += entries_for(enclave.layout->epm);
    for (auto const& hart : monitor.harts)
        if (hart.online.load() != 0 && hart.free_entries.load() < needed) return false;
    return true;
}

bool begin_to_stop(HartState& h) {
    auto const first = h.monitor->stopping.exchange(1) == 0;
    h.monitor->generation.fetch_add(1); // so that serve() needs to look at one word only
    ask_others(h);
    return first;
}

void stop_others(HartState& h) {
    if (!begin_to_stop(h)) wait_until(h, [] { return false; });
    for (auto& other : h.monitor->harts)
        if (&other != &h)
            while (other.online.load() != 0 && other.parked.load() == 0) {
            }
}

} // namespace plinth::monitor
