// SPDX-License-Identifier: Apache-2.0
// What the trap vector tries first: most traps of vM read or write a CSR or the CLINT, and nothing
// that an entry depends on changes. They need no turn of the run loop, and no register saved that a
// function call preserves.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// What became of the trap. The vector counts with these values.
enum class Short : u64 {
    No = 0,             ///< nothing happened: the trap takes the usual way
    Resume = 1,         ///< executed, and what prepare_entry() arranged still holds
    ResumePrepared = 2, ///< executed, and the next entry is prepared
    Save = 3,           ///< nothing happened: call again with all registers saved
    Turn = 4,           ///< executed; the run loop's next turn arranges the rest
    ResumeAll = 5,      ///< as Resume; registers changed that a function call preserves
};

/// Executes the firmware's instruction that trapped, if it can, exactly as the run loop would. The
/// cause is an illegal instruction, a load or a store access fault. HartState::regs holds those
/// registers only that a function call may change; `_all`: it holds all of them.
extern "C" Short plinth_short_path(HartState& h);
extern "C" Short plinth_short_path_all(HartState& h);

} // namespace plinth::monitor
