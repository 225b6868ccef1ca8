// SPDX-License-Identifier: Apache-2.0
// Monitor-owned devices as the firmware sees them: the CLINT, virtual; the reset device, guarded.
#pragma once

#include "monitor/next.hpp"

namespace plinth::monitor {

/// A load or store of the firmware that the plan denied. Emulates it if it is meant for a device
/// that the monitor owns and stands in for; otherwise the fault is the firmware's.
Next firmware_access_fault(HartState& h);
/// What such an instruction does, if it fits HartState::trap; else the trap is reflected.
Next emulate_device(HartState& h, arch::Insn insn);

/// Wipes enclaves and keys with all other harts stopped (invariant 14). Nothing runs below M
/// afterwards but what the caller does.
void wipe_everything(HartState& h);

} // namespace plinth::monitor
