// SPDX-License-Identifier: Apache-2.0
/// Reference model of traps: what entry, mret and sret do to mstatus, pc and the privilege mode,
/// and which pending interrupt is taken where.
///
/// Written from sections 3.1.6, 3.1.7, 3.1.9, 3.3.2, 4.1.1, 4.1.3, 8.2.3, 8.4.1, 8.6.2 and 8.6.4
/// of the RISC-V privileged specification 1.12 (and Sscofpmf for interrupt 13), by someone who has
/// not seen src/. Pure functions on values; nothing here knows a register file.
#pragma once

#include "access.hpp"
#include "csr_warl_reference.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace plinth::reference {

/// The mode of a hart: nominal privilege, and V, which is 1 in VS and VU only.
struct Privilege {
    Mode mode = Mode::M;
    bool virt = false;

    constexpr bool operator==(Privilege const&) const = default;
};

/// mcause of an interrupt.
inline constexpr std::uint64_t interrupt_bit = std::uint64_t{1} << 63;

/// The registers that entry to M-mode writes.
struct MachineTrap {
    std::uint64_t mstatus;
    std::uint64_t mepc;
    std::uint64_t mcause;
    std::uint64_t mtval;
    std::uint64_t pc;
    Privilege privilege;

    constexpr bool operator==(MachineTrap const&) const = default;
};

/// Where a trap into M-mode goes: BASE, plus four times the cause for interrupts when vectored
/// (3.1.7).
constexpr std::uint64_t trap_target(std::uint64_t mtvec, std::uint64_t mcause) {
    std::uint64_t const base = mtvec & ~std::uint64_t{3};
    bool const vectored = (mtvec & 3) == 1 && (mcause & interrupt_bit) != 0;
    return vectored ? base + 4 * (mcause & ~interrupt_bit) : base;
}

/// Entry to M-mode from `from` at `pc`. MPIE takes MIE, MIE is cleared, MPP takes the mode, MPRV
/// stays (3.1.6.1). With H, MPV takes V and GVA says whether `tval` is a guest virtual address
/// (8.4.1); without H both stay zero. `guest_address` is true for a breakpoint, misaligned, access,
/// page or guest-page fault that wrote a guest's virtual address to mtval.
constexpr MachineTrap enter_machine(std::uint64_t mstatus, std::uint64_t mtvec, std::uint64_t pc,
                                    std::uint64_t cause, std::uint64_t tval, Privilege from,
                                    bool guest_address, Features const& hart) {
    namespace m = mstatus_bits;
    std::uint64_t after = field_set(mstatus, m::mpie, field_get(mstatus, m::mie));
    after = field_set(after, m::mie, 0);
    after = field_set(after, m::mpp, static_cast<std::uint64_t>(from.mode));
    if (hart.h) {
        after = field_set(after, m::mpv, from.virt ? 1 : 0);
        after = field_set(after, m::gva, guest_address ? 1 : 0);
    }
    return {.mstatus = after,
            .mepc = pc,
            .mcause = cause,
            .mtval = tval,
            .pc = trap_target(mtvec, cause),
            .privilege = {Mode::M, false}};
}

/// What a return from a trap leaves. (sret with V = 0 also clears hstatus.SPV; mret leaves it.)
struct TrapReturn {
    std::uint64_t mstatus;
    std::uint64_t pc;
    Privilege privilege;

    constexpr bool operator==(TrapReturn const&) const = default;
};

namespace detail {

/// The least-privileged mode, which xPP becomes on a return (3.1.6.1).
constexpr std::uint64_t least_privileged(Features const& hart) { return hart.u ? 0 : 3; }

} // namespace detail

/// mret, executed in M-mode: MIE takes MPIE, MPIE becomes 1, the mode becomes MPP and V MPV unless
/// MPP is M, MPP becomes U, MPV 0; MPRV is cleared unless the new mode is M (3.1.6.1, 8.6.4).
/// `mepc` is the register's value, whose low bits already read as zero.
constexpr TrapReturn return_machine(std::uint64_t mstatus, std::uint64_t mepc,
                                    Features const& hart) {
    namespace m = mstatus_bits;
    std::uint64_t const previous = field_get(mstatus, m::mpp);
    require(previous != 2, "return_machine: MPP holds the reserved encoding");
    bool const virt = hart.h && previous != 3 && field_get(mstatus, m::mpv) == 1;
    std::uint64_t after = field_set(mstatus, m::mie, field_get(mstatus, m::mpie));
    after = field_set(after, m::mpie, 1);
    after = field_set(after, m::mpp, detail::least_privileged(hart));
    if (hart.h) after = field_set(after, m::mpv, 0);
    if (previous != 3) after = field_set(after, m::mprv, 0);
    return {after, mepc, {static_cast<Mode>(previous), virt}};
}

/// sret, executed in M-mode or HS-mode (V = 0): SIE takes SPIE, SPIE becomes 1, the mode becomes
/// SPP with V = hstatus.SPV, SPP and SPV become 0; MPRV is cleared, since the new mode is never M.
constexpr TrapReturn return_supervisor(std::uint64_t mstatus, std::uint64_t sepc, bool spv,
                                       Features const& hart) {
    namespace m = mstatus_bits;
    std::uint64_t const previous = field_get(mstatus, m::spp);
    std::uint64_t after = field_set(mstatus, m::sie, field_get(mstatus, m::spie));
    after = field_set(after, m::spie, 1);
    after = field_set(after, m::spp, 0);
    after = field_set(after, m::mprv, 0);
    return {after, sepc, {static_cast<Mode>(previous), hart.h && spv}};
}

/// Does sret raise an illegal-instruction exception? Without S, in U-mode, and in S-mode with TSR
/// (3.1.6.5, 3.3.2); V = 0.
constexpr bool sret_traps(std::uint64_t mstatus, Mode mode, Features const& hart) {
    if (!hart.s || mode == Mode::U) return true;
    return mode == Mode::S && (mstatus & mstatus_bits::tsr) != 0;
}

/// Does mret raise an illegal-instruction exception? Everywhere but in M-mode (3.3.2).
constexpr bool mret_traps(Mode mode) { return mode != Mode::M; }

/// The effective mode of a load or store: with MPRV that of MPP and MPV (3.1.6.3, 8.4.1). Fetches
/// always use the current mode.
constexpr Privilege effective_privilege(std::uint64_t mstatus, Privilege current, Kind kind,
                                        Features const& hart) {
    namespace m = mstatus_bits;
    if (kind == Kind::Execute || (mstatus & m::mprv) == 0) return current;
    std::uint64_t const previous = field_get(mstatus, m::mpp);
    require(previous != 2, "effective_privilege: MPP holds the reserved encoding");
    bool const virt = hart.h && previous != 3 && (mstatus & m::mpv) != 0;
    return {static_cast<Mode>(previous), virt};
}

// --- interrupts (3.1.9, 4.1.3, 8.2.3) -----------------------------------------------------------

/// Which mode takes an interrupt.
enum class Target : std::uint8_t { Machine, Supervisor, VirtualSupervisor };

/// The interrupt that a hart takes next.
struct Pending {
    unsigned code; ///< bit number in mip
    Target target;

    /// The code that the target's cause register shows: VS-mode sees its interrupts 10, 6 and 2 as
    /// 9, 5 and 1 (8.2.2).
    constexpr unsigned reported_code() const {
        bool const translated =
            target == Target::VirtualSupervisor && (code == 2 || code == 6 || code == 10);
        return translated ? code - 1 : code;
    }
    constexpr bool operator==(Pending const&) const = default;
};

/// Decreasing priority among interrupts for the same mode: MEI, MSI, MTI, SEI, SSI, STI (3.1.9),
/// SGEI, VSEI, VSSI, VSTI (8.2.3), LCOFI (Sscofpmf). Platform interrupts, 16 and up, have a
/// platform's priority and are not modelled.
inline constexpr std::array<unsigned, 11> interrupt_priority{11, 3, 7, 9, 1, 5, 12, 10, 2, 6, 13};

/// The highest-priority interrupt of a set.
constexpr std::optional<unsigned> first_interrupt(std::uint64_t set) {
    for (unsigned const code : interrupt_priority) {
        if (((set >> code) & 1) != 0) return code;
    }
    return std::nullopt;
}

/// What only a hart with H has.
struct VirtualState {
    bool virt = false; ///< V
    std::uint64_t hideleg = 0;
    std::uint64_t vsstatus = 0; ///< its SIE counts in VS-mode
};

/// The interrupt to take, if any. Not delegated: to M, if the mode is less than M or MIE is set.
/// Delegated by mideleg: to (H)S, if the mode is less than S (VS and VU are) or SIE is set in S.
/// Delegated further by hideleg: to VS, only while V = 1, if the mode is VU or vsstatus.SIE is set.
/// Interrupts for a higher mode come before all for a lower one, and nothing is ever taken by a
/// mode below the current one.
constexpr std::optional<Pending> select_interrupt(std::uint64_t mip, std::uint64_t mie,
                                                  std::uint64_t mideleg, std::uint64_t mstatus,
                                                  Mode mode, VirtualState const& guest = {}) {
    namespace m = mstatus_bits;
    std::uint64_t const ready = mip & mie;
    bool const machine_open = mode != Mode::M || (mstatus & m::mie) != 0;
    auto const machine = first_interrupt(ready & ~mideleg);
    if (machine_open && machine) return Pending{*machine, Target::Machine};

    bool const below_hs = mode == Mode::U || (mode == Mode::S && guest.virt);
    bool const supervisor_open = below_hs || (mode == Mode::S && (mstatus & m::sie) != 0);
    auto const supervisor = first_interrupt(ready & mideleg & ~guest.hideleg);
    if (supervisor_open && supervisor) return Pending{*supervisor, Target::Supervisor};

    bool const in_guest = guest.virt && mode != Mode::M;
    bool const guest_open = in_guest && (mode == Mode::U || (guest.vsstatus & m::sie) != 0);
    auto const to_guest = first_interrupt(ready & mideleg & guest.hideleg);
    if (guest_open && to_guest) return Pending{*to_guest, Target::VirtualSupervisor};
    return std::nullopt;
}

/// Does wfi resume? Whenever something is pending and locally enabled, whatever the global enables
/// and delegation are (3.3.3).
constexpr bool wfi_resumes(std::uint64_t mip, std::uint64_t mie) { return (mip & mie) != 0; }

/// Where an exception raised in `from` goes: never to a less privileged mode than `from` (3.1.8);
/// hedeleg applies to VS and VU only (8.6.2).
constexpr Target exception_target(unsigned code, std::uint64_t medeleg, std::uint64_t hedeleg,
                                  Privilege from) {
    require(code < 64, "exception_target: a delegatable code");
    bool const delegated = from.mode != Mode::M && ((medeleg >> code) & 1) != 0;
    if (!delegated) return Target::Machine;
    bool const further = from.virt && ((hedeleg >> code) & 1) != 0;
    return further ? Target::VirtualSupervisor : Target::Supervisor;
}

/// What entry to S-mode with V = 0 does to mstatus: SPIE takes SIE, SIE is cleared, SPP takes the
/// mode; the machine's fields stay (3.1.8).
constexpr std::uint64_t enter_supervisor(std::uint64_t mstatus, Mode from) {
    namespace m = mstatus_bits;
    require(from != Mode::M, "enter_supervisor: traps from M-mode are taken in M-mode");
    std::uint64_t after = field_set(mstatus, m::spie, field_get(mstatus, m::sie));
    after = field_set(after, m::sie, 0);
    return field_set(after, m::spp, from == Mode::S ? 1 : 0);
}

} // namespace plinth::reference
