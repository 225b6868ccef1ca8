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

/// An access to a virtual address, translated as the hart has it now, in two stages if `virt`.
struct Asked {
    u64 address;
    arch::Rights rights;
    bool virt;
};
/// Brings the blocks into the PMP that an instruction needs at the same time. Only the first
/// access decides, the others may end early. None of this changes what the plan allows.
enum class Refill : u8 {
    Loaded,  ///< try again
    Present, ///< nothing was missing, as the page tables are now
    Denied,  ///< likewise, and the plan denies a PTE or the byte itself
    TooMany, ///< for the entries that there are
};
Refill refill(HartState& h, std::span<Asked const> asked);

/// A fault that the PMP may have raised, of host or firmware: loads what the plan allows and the
/// PMP lacks, makes the access where that does not help, else delivers the fault.
Next plan_fault(HartState& h);

/// One access by the hart with the rights `how` (mstatus bits), under the plan that is loaded.
arch::GuestAccess guest_load(HartState& h, u64 address, unsigned width, u64 how);
arch::GuestAccess guest_store(HartState& h, u64 address, unsigned width, u64 how, u64 value);
arch::GuestAccess guest_swap(HartState& h, u64 address, unsigned width, u64 how, u64 expected,
                             u64 value);

/// Makes HartState::trap the fault of an access that the monitor made for the world; `status`: its
/// MPV or GVA.
void report(HartState& h, arch::GuestAccess const& access, u64 status);

/// Copies from or to a virtual address of the current world, as its code in its present mode could.
/// Error Fault; a store may then be partial.
Result<void> copy_in(HartState& h, std::span<u8> out, u64 from);
Result<void> copy_out(HartState& h, u64 to, std::span<u8 const> bytes);
/// Whether every byte could be stored to; stores each byte's own value. Not for memory others
/// write.
Result<void> check_writable(HartState& h, u64 to, u64 size);

/// fetch() where the hart cannot read what it executes: the plan hides code from loads, or is
/// cached and blocks may be missing. From RAM only, by a walk in software.
u64 fetch_hidden(HartState& h);
/// The instruction at regs.pc of the current world; above 32 bits (see fetched()) if it cannot be
/// read any more.
inline u64 fetch(HartState& h) {
    return h.hides_code ? fetch_hidden(h) : h.hart.fetch(h.regs.guest.pc);
}
constexpr bool fetched(u64 bits) { return bits >> 32U == 0; }

/// Whether the world that runs here is translated in two stages.
inline bool in_guest(HartState const& h) { return h.world == World::Host && h.regs.virt; }

/// Whether it is a load, store or atomic that the hart itself would execute, as far as its kind
/// goes: another hart may have put an FP instruction where a plain one trapped.
bool executable(HartState const& h, arch::Insn const& insn);

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
