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

/// Whether the plans of every hart that is online still fit its PMP with one more enclave (what
/// does not fit is denied, so the host would lose memory). Counted in entries: 1 for a NAPOT-shaped
/// range, else 2.
bool room_for(Monitor const& monitor, enclave::Registry const& registry, PhysRange epm);

/// The host's lowered plan, computed again if its inputs changed.
arch::PmpImage const& host_image(HartState& h);
/// The lowered plan of the world that runs on this hart.
arch::PmpImage const& current_image(HartState& h);
/// Makes the PMP hold one of this hart's images.
inline void load_plan(HartState& h, arch::PmpImage const& image) {
    if (h.loaded == &image) return;
    h.loaded = &image;
    h.hart.load_pmp(image);
}
/// Makes the PMP hold the plan of the world that runs on this hart.
inline void load_current_plan(HartState& h) { load_plan(h, current_image(h)); }

/// Tells every hart to stop. False: another hart did so first.
bool begin_to_stop(HartState& h);
/// Stops all other harts for good and returns when they have stopped.
void stop_others(HartState& h);

} // namespace plinth::monitor
