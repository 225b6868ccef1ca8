// SPDX-License-Identifier: Apache-2.0
// Monitor-owned devices as the firmware sees them: the CLINT, virtual; the reset device, guarded.
#pragma once

#include "monitor/next.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {

/// Offsets in the CLINT: mtimecmp of hart 0, mtime.
inline constexpr u64 clint_mtimecmp = 0x4000, clint_mtime = 0xbff8;

/// A load or store of the firmware that the plan denied. Emulates it if it is meant for a device
/// that the monitor owns and stands in for; otherwise the fault is the firmware's.
Next firmware_access_fault(HartState& h);
/// What such an instruction does, if it fits HartState::trap; else the trap is reflected.
Next emulate_device(HartState& h, arch::Insn insn);

/// Writes this hart's vmtimecmp.
inline void set_timer(HartState& h, u64 moment) {
    h.vmtimecmp.store(moment, std::memory_order_relaxed);
    h.now = h.hart.time();
    program_deadline(h);
    interrupts_changed(h);
}

/// Wipes enclaves and keys with all other harts stopped (invariant 14). Nothing runs below M
/// afterwards but what the caller does.
void wipe_everything(HartState& h);

} // namespace plinth::monitor
