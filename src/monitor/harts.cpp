// SPDX-License-Identifier: Apache-2.0
#include "monitor/harts.hpp"

#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

void ask_others(HartState& h) {
    for (auto& other : h.monitor->harts)
        if (&other != &h && other.online.load() != 0) h.hart.send_ipi(other.hart.id());
}

} // namespace

[[gnu::noinline]] void recompute_firmware(HartState& h) {
    h.firmware_stale = false;
    h.loaded = nullptr;
    auto const entries = h.hart.features().pmp_entries;
    auto plan = firmware_plan(h.monitor->published.read(), h.v.pmp);
    h.firmware_plan.make(plan, entries);
    plan.keep(arch::rights_x); // loads and stores trap everywhere
    h.firmware_mprv_plan.make(plan, entries);
}

[[gnu::noinline]] void recompute_host(HartState& h) {
    h.host_stale = false;
    h.loaded = nullptr;
    h.host_plan.make(host_plan(h.monitor->published.read(), h.v.pmp),
                     h.hart.features().pmp_entries);
    h.delegable = h.host_plan.cached() ? ~arch::plan_faults : ~0ULL;
    if (h.world == World::Host && h.hart.features().has('S')) delegate_host(h);
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
