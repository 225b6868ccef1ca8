// SPDX-License-Identifier: Apache-2.0
// How harts agree: requests, plan changes that reach everyone, waiting that serves.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// Obeys what other harts asked of this one: acknowledges a plan change (recomputing and reloading
/// the plan that is loaded now) and parks when the machine stops. Takes no lock.
void serve(HartState& h);

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

/// Recomputes this hart's lowered plans from the published ranges and its vPMPs.
void recompute_plans(HartState& h);

/// Says once if the firmware's PMP asks for more than this hart has.
void warn_if_incomplete(HartState& h);

/// Whether the plans of every hart that is online still fit its PMP with one more enclave (what
/// does not fit is denied, so the host would lose memory). Counted in entries: 1 for a NAPOT-shaped
/// range, else 2.
bool room_for(Monitor const& monitor, enclave::Registry const& registry, PhysRange epm);

/// The lowered plan of the world that runs on this hart.
arch::PmpImage const& current_image(HartState& h);
/// Makes the PMP hold the plan of the world that runs on this hart.
void load_current_plan(HartState& h);

/// Stops all other harts for good and returns when they have stopped.
void stop_others(HartState& h);

} // namespace plinth::monitor
