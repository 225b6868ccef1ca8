// SPDX-License-Identifier: Apache-2.0
// Invariants of the monitor itself. Never used on anything that a lower world controls.
#pragma once

namespace plinth {

/// Stops all harts with enclaves still denied; prints `what` and where. Defined by the machine.
[[noreturn]] void monitor_failure(char const* what);

/// A broken monitor invariant ends the monitor, closed.
#define SM_CHECK(condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) ::plinth::monitor_failure(#condition);                                   \
    } while (false)

} // namespace plinth
