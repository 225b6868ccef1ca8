// SPDX-License-Identifier: Apache-2.0
// Memory of lower worlds, touched with their own rights: hardware checks every access (invariant
// 5).
#pragma once

#include "arch/decode.hpp"
#include "monitor/next.hpp"

#include <optional>
#include <span>

namespace plinth::monitor {

/// mstatus bits that stand for the rights of the world that runs on this hart now.
u64 current_rights(HartState const& h);

/// Copies from or to a virtual address of the current world, as its code in its present mode could.
/// Error Fault; a store may then be partial.
Result<void> copy_in(HartState& h, std::span<u8> out, u64 from);
Result<void> copy_out(HartState& h, u64 to, std::span<u8 const> bytes);
/// Whether every byte could be stored to; stores each byte's own value. Not for memory others
/// write.
Result<void> check_writable(HartState& h, u64 to, u64 size);

/// fetch() where the world's plan hides code from loads.
u64 fetch_hidden(HartState& h);
/// The instruction at regs.pc of the current world; above 32 bits (see fetched()) if it cannot be
/// read any more.
inline u64 fetch(HartState& h) {
    return h.hides_code ? fetch_hidden(h) : h.hart.fetch(h.regs.guest.pc);
}
constexpr bool fetched(u64 bits) { return bits >> 32U == 0; }

/// Makes the access that a firmware with vMPRV asked for: with vMPP's rights, under the
/// host's plan and translation (3.1.6.3). `trap`: the access fault that brought it here.
Next emulate_mprv(HartState& h);

/// Executes HLV or HSV at regs.pc: as VS- or VU-mode of the host (9.3.1). All else is illegal.
Next emulate_hyper(HartState& h, u32 bits);

/// Makes a misaligned load or store for the current world, with its own rights. Atomic instructions
/// and what does not fit the trap any more are reflected.
Next emulate_misaligned(HartState& h);

// One emulator for every access that the monitor makes in a guest's stead (access.cpp).

/// Makes the access of a decoded load, store or atomic instruction with the rights `how` (mstatus
/// bits), under the PMP and translation that are loaded now. Nothing is stored if any byte faults;
/// registers stay as they are. None: other harts kept changing the word, execute it again.
std::optional<arch::GuestAccess> perform(HartState& h, arch::Insn const& insn, u64 how);

/// The same for a load or store that the hart refused because it is misaligned: byte by byte.
arch::GuestAccess perform_misaligned(HartState& h, arch::Insn const& insn, u64 how);

/// Writes the destination register of an access that succeeded with `value`.
void complete(HartState& h, arch::Insn insn, u64 value);

} // namespace plinth::monitor
