// SPDX-License-Identifier: Apache-2.0
// The run loop: enter, handle, apply.
#pragma once

#include "monitor/next.hpp"

namespace plinth::monitor {

/// Joins the harts that others must reckon with. Once, before the first entry to a lower world.
void go_online(HartState& h);
/// Turn after turn: delivers what is pending, enters the current world, handles the trap that ends
/// it. Does not return, except on a fake hart.
void run(HartState& h);

} // namespace plinth::monitor
