// SPDX-License-Identifier: Apache-2.0
// Changing worlds: the line Firmware ↔ Host ↔ Enclave, and what stands in the hart at each entry.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// The three edges of the world graph, in both directions. Each leaves the hart's CSRs as the new
/// world needs them; registers of host and firmware are one file and stay.
void firmware_to_host(HartState& h);
void host_to_firmware(HartState& h);
/// The enclave is Running and its state belongs to this hart.
void host_to_enclave(HartState& h);
/// Saves the enclave's state, gives the host its own back and answers its call.
void enclave_to_host(HartState& h, enclave::Answer answer);

/// Makes the hart delegate what the firmware delegated, but for the faults that a cached plan
/// brings about. On a hart with S-mode.
void delegate_host(HartState& h);

/// Leaves nothing of any world in the hart's registers: before the first world, and before the end.
void forget_worlds(HartState& h);

/// Whether something that concerns the host or the firmware must be served before the enclave runs
/// on.
bool enclave_must_stop(HartState& h);

/// Makes the hart's timer expire at the earliest moment after `now` that concerns anyone. Called
/// where such a moment or the world changed.
void program_deadline(HartState& h);

/// FS and VS of vmstatus are the hart's while the firmware runs: they may have become dirty. Comes
/// before anything looks at them; not between a change of vmstatus and the next entry.
inline void take_dirty(HartState& h) {
    h.v.mstatus =
        merge(h.v.mstatus, h.hart.read<csr::Mstatus>(), mstatus::Fs::mask | mstatus::Vs::mask);
}
/// The next entry to the firmware needs prepare_entry().
inline void unprepare(HartState& h) {
    take_dirty(h);
    h.prepared = false;
}
/// Likewise if vM may have to take an interrupt that was not pending or enabled before.
inline void interrupts_changed(HartState& h) {
    if (mstatus::Mie::get(h.v.mstatus) != 0) unprepare(h);
}

/// The last step before a guest entry: plan, mie and mstatus for the current world.
void prepare_entry(HartState& h);

/// Sleeps as a wfi of vM would: until an interrupt is pending that vmie enables, or something else
/// wakes the hart. May return early (3.3.3).
void wait_for_virtual_interrupt(HartState& h);

/// Brings vM to its reset state: pc = firmware, M-mode, a0 = hart id, a1 = device tree, a2 =
/// fw_dynamic.
void reset_virtual_hart(HartState& h);

} // namespace plinth::monitor
