// SPDX-License-Identifier: Apache-2.0
// What the trap vector tries first: most traps of vM read or write a CSR or the CLINT, and nothing
// that an entry depends on changes. They need no turn of the run loop.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// What became of the trap. The vector knows the values.
enum class Short : u64 {
    No = 0,             ///< nothing happened: the trap takes the usual way
    Resume = 1,         ///< executed, and what prepare_entry() arranged still holds
    ResumeAll = 2,      ///< likewise, and a register changed that a function call preserves
    ResumePrepared = 3, ///< executed, and the next entry is prepared
    Turn = 4,           ///< executed; the run loop's next turn arranges the rest
};

/// Executes the firmware's instruction that trapped, if it can, exactly as the run loop would.
Short short_path(HartState& h);

} // namespace plinth::monitor
