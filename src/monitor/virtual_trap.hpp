// SPDX-License-Identifier: Apache-2.0
// Traps and returns of the virtual M-mode, and of S-mode where the monitor stands in for hardware.
#pragma once

#include "monitor/state.hpp"

#include <optional>

namespace plinth::monitor {

/// Machine state stacking of a trap into M from (priv, virt) (3.1.6.1, 9.4.1): MPIE ← MIE, MIE ← 0,
/// MPP ← priv, MPV ← virt, GVA ← gva.
u64 stack_mstatus(u64 old, Priv priv, bool virt, bool gva);

/// Where control goes and with which status after mret or sret.
struct Return {
    u64 status;
    Priv priv;
    bool virt;
};
/// mret (3.3.2): MIE ← MPIE, MPIE ← 1, MPP ← U, MPV ← 0, MPRV ← 0 unless the new mode is M.
Return mret(u64 status);
/// sret executed in M: SIE ← SPIE, SPIE ← 1, SPP ← U, MPRV ← 0; `spv` is hstatus.SPV.
Return sret(u64 status, bool spv);

/// pc of a trap to `tvec`: base, or base + 4·code for interrupts in vectored mode (3.1.7).
u64 vector_target(u64 tvec, u64 cause);

/// Delivers `trap`, which happened in this hart's current firmware or host, to the firmware's
/// mtvec. The world is Firmware afterwards as far as VirtCsrs and regs are concerned.
void trap_to_firmware(HartState& h, Trap const& trap);
/// Delivers an exception of the enclave or host to its own stvec; `status` has its sstatus.
void trap_to_supervisor(HartState& h, Trap const& trap, u64& status);
/// Delivers an exception of the host to itself: to VS if it came from V and hedeleg says so, else
/// to (H)S.
void trap_to_host(HartState& h, Trap const& trap);

/// The firmware's mip as it reads it (3.1.9): physical S and VS bits and MEIP, virtual MSIP and
/// MTIP.
u64 virtual_mip(HartState& h);
/// The highest-priority interrupt among `pending` (3.1.9: MEI MSI MTI SEI SSI STI, then SGEI VSEI
/// VSSI VSTI, LCOFI last), if any.
std::optional<unsigned> highest_interrupt(u64 pending);
/// The interrupt that vM would take now, if the firmware or the host runs.
inline std::optional<unsigned> deliverable_interrupt(HartState& h) {
    if (h.world == World::Firmware && mstatus::Mie::get(h.v.mstatus) == 0) return std::nullopt;
    auto const pending = virtual_mip(h) & h.v.mie & ~h.v.mideleg;
    return pending == 0 ? std::nullopt : highest_interrupt(pending);
}

} // namespace plinth::monitor
