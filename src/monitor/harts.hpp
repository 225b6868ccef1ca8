// SPDX-License-Identifier: Apache-2.0
// How harts agree: requests, plan changes that reach everyone, waiting that serves.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// What serve() does if there is something to do.
void obey(HartState& h);

/// Obeys what other harts asked of this one: acknowledges a plan change (recomputing and reloading
/// the plan that is loaded now) and parks when the machine stops. Takes no lock.
inline void serve(HartState& h) {
    auto const generation = h.monitor->generation.load(std::memory_order_relaxed);
    if (h.acknowledged.load(std::memory_order_relaxed) != generation) obey(h);
}

/// Returns when predicate() holds; serves other harts meanwhile.
template <typename Predicate> void wait_until(HartState& h, Predicate predicate) {
    while (!predicate()) serve(h);
}

/// Takes a lock as wait_until does.
template <typename T> typename Locked<T>::Guard lock(HartState& h, Locked<T>& locked) {
    return locked.lock([&h] { serve(h); });
}

/// Returns when every hart that may run a lower world has plans that reflect what is published now.
void settle(HartState& h);

/// This hart's lowered plans no longer reflect the published ranges or its vPMPs.
inline void forget_plans(HartState& h) {
    h.firmware_stale = h.host_stale = true;
    h.prepared = false;
}

/// Lower the plans anew. Not inlined: plans take much of the stack.
void recompute_host(HartState& h);
void recompute_firmware(HartState& h);
/// Whether loads and stores of vM have other rights than its own (3.1.6.3).
inline bool mprv_in_force(HartState const& h) {
    return mstatus::Mprv::get(h.v.mstatus) != 0 &&
           mstatus::Mpp::get(h.v.mstatus) != static_cast<u64>(Priv::M);
}
/// The host's plan, computed again if its inputs changed; likewise the firmware's own.
inline LoweredPlan& host_lowered(HartState& h) {
    if (h.host_stale) recompute_host(h);
    return h.host_plan;
}
inline LoweredPlan& firmware_lowered(HartState& h) {
    if (h.firmware_stale) recompute_firmware(h);
    return h.firmware_plan;
}
/// The plan of the world that runs on this hart.
inline LoweredPlan& current_lowered(HartState& h) {
    if (h.world == World::Host) return host_lowered(h);
    if (h.world == World::Enclave) return h.enclave_plan;
    auto& own = firmware_lowered(h);
    return mprv_in_force(h) ? h.firmware_mprv_plan : own;
}
/// Makes the PMP hold one of this hart's plans.
inline void load_plan(HartState& h, LoweredPlan& plan) {
    if (h.loaded == &plan) return;
    h.loaded = &plan;
    h.hides_code = plan.image().hides_code;
    h.hart.load_pmp(plan.image());
}
/// Makes the PMP hold the plan of the world that runs on this hart.
inline void load_current_plan(HartState& h) { load_plan(h, current_lowered(h)); }

/// Joins the harts that others must reckon with. Once, before the first entry to a lower world.
void go_online(HartState& h);
/// The run loop, turn after turn: delivers what is pending, enters the current world, handles the
/// trap that ends it. Does not return, except on a fake hart.
void run(HartState& h);

/// Tells every hart to stop. False: another hart did so first.
bool begin_to_stop(HartState& h);
/// Stops all other harts for good and returns when they have stopped.
void stop_others(HartState& h);

} // namespace plinth::monitor
