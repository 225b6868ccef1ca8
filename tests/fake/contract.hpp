// SPDX-License-Identifier: Apache-2.0
/// The entry contract (DESIGN, invariants 2, 3, 9, 10): what must stand in a hart when it enters a
/// lower world. Written from the design, row by row; it uses no function of the monitor.
#pragma once

#include "monitor/state.hpp"

#include <string>

namespace plinth::fake {

/// The names of the rows that do not hold for an entry of h's current world, separated by spaces;
/// empty if all hold.
std::string broken_rows(monitor::HartState& h, arch::GuestContext const& guest);

} // namespace plinth::fake
