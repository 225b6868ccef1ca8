// SPDX-License-Identifier: Apache-2.0
// What a guest entry returns: the trap that ended it, and the registers the guest runs with.
#pragma once

#include "arch/csr.hpp"

#include <array>

namespace plinth::arch {

/// Exception codes, privileged specification table 3.6 and 9.4.
enum class Cause : u64 {
    FetchMisaligned = 0,
    FetchAccess = 1,
    IllegalInstruction = 2,
    Breakpoint = 3,
    LoadMisaligned = 4,
    LoadAccess = 5,
    StoreMisaligned = 6,
    StoreAccess = 7,
    EcallU = 8,
    EcallS = 9,
    EcallVs = 10,
    EcallM = 11,
    FetchPage = 12,
    LoadPage = 13,
    StorePage = 15,
    FetchGuestPage = 20,
    LoadGuestPage = 21,
    VirtualInstruction = 22,
    StoreGuestPage = 23,
};

inline constexpr u64 interrupt_flag = 1ULL << 63U;

/// mcause as hardware would hold it for an exception.
constexpr u64 raw(Cause cause) { return static_cast<u64>(cause); }

/// Everything a trap says about itself. tval2 and tinst are 0 on harts without H.
struct Trap {
    u64 cause{0}; ///< as in mcause
    u64 tval{0};
    u64 tval2{0};
    u64 tinst{0};
    u64 mstatus{0}; ///< right after the trap: MPP, MPV and GVA say whom it interrupted

    constexpr bool is_interrupt() const { return (cause & interrupt_flag) != 0; }
    constexpr u64 code() const { return cause & ~interrupt_flag; }
    constexpr bool is(Cause c) const { return cause == raw(c); }
    constexpr Priv from() const { return static_cast<Priv>(mstatus::Mpp::get(mstatus)); }
    constexpr bool from_virtual() const { return mstatus::Mpv::get(mstatus) != 0; }
};

/// Exceptions that an access which the PMP denies can raise. Access faults; QEMU 7.2 calls them
/// guest page faults where a G-stage was on the way.
inline constexpr u64 plan_faults = 0xb0'00a2;
constexpr bool is_plan_fault(Trap const& trap) {
    return !trap.is_interrupt() && (plan_faults >> trap.code() & 1U) != 0;
}

/// Integer registers, pc and mstatus of the guest. Offsets are known to arch/metal/switch.S.
struct GuestContext {
    std::array<u64, 32> x_{}; ///< x_[0] is always 0
    u64 pc{0};
    u64 mstatus{0}; ///< written before entry; after a trap in Trap::mstatus

    constexpr u64 get(u64 reg) const { return x_[reg]; }
    constexpr void set(u64 reg, u64 value) {
        x_[reg] = value;
        x_[0] = 0;
    }
};
static_assert(sizeof(GuestContext) == 34 * 8);

namespace reg {
inline constexpr unsigned ra = 1, sp = 2, gp = 3, tp = 4, a0 = 10, a1 = 11, a2 = 12, a3 = 13,
                          a4 = 14, a5 = 15, a6 = 16, a7 = 17;
}

} // namespace plinth::arch
