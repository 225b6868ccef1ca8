// SPDX-License-Identifier: Apache-2.0
// One emulator for every access that the monitor makes in a guest's stead: MPRV and misaligned.
#pragma once

#include "arch/decode.hpp"
#include "monitor/state.hpp"

#include <optional>

namespace plinth::monitor {

/// Makes the access of a decoded load, store or atomic instruction with the rights `how` (mstatus
/// bits), under the PMP and translation that are loaded now. Nothing is stored if any byte faults;
/// registers stay as they are. None: other harts kept changing the word, execute it again.
std::optional<arch::GuestAccess> perform(HartState& h, arch::Insn const& insn, u64 how);

/// The same for a load or store that the hart refused because it is misaligned: byte by byte.
arch::GuestAccess perform_misaligned(HartState& h, arch::Insn const& insn, u64 how);

/// Writes the destination register of an access that succeeded with `value`.
void complete(HartState& h, arch::Insn insn, u64 value);

} // namespace plinth::monitor
