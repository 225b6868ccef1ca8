// SPDX-License-Identifier: Apache-2.0
// What a handler decided. Handlers decide, apply() acts.
#pragma once

#include "arch/decode.hpp"
#include "monitor/state.hpp"

namespace plinth::monitor {

struct Next {
    enum class Kind : u8 {
        Resume,  ///< the world goes on where regs.pc stands
        Skip,    ///< likewise, behind the instruction that trapped
        Reflect, ///< HartState::trap is delivered: by firmware and host to vM, by an enclave to its
                 ///< stvec
        Own,     ///< HartState::trap is delivered to the host itself
        Host,    ///< the firmware enters the host with regs as they are
        Enclave, ///< the host enters HartState::enclave, already Running
        Leave,   ///< the enclave is left; the host's call returns HartState::answer
        Stop,    ///< this hart stops for good (reset in progress)
    };
    u64 word{0}; ///< in one register: bits 7:0 Kind; Skip: 15:8 bytes of the instruction

    static constexpr Next of(Kind kind, u64 length = 0) {
        return {static_cast<u64>(kind) | length << 8U};
    }
    constexpr Kind kind() const { return static_cast<Kind>(word & 0xffU); }
    constexpr u64 length() const { return word >> 8U; }
};

constexpr Next resume() { return {}; }
constexpr Next skip(u64 length = 4) { return Next::of(Next::Kind::Skip, length); }
/// Delivers the trap as it stands.
constexpr Next reflect() { return Next::of(Next::Kind::Reflect); }
/// Delivers another exception for the same instruction.
inline Next reflect(HartState& h, Cause cause, u64 tval) {
    h.trap = {.cause = arch::raw(cause), .tval = tval, .mstatus = h.trap.mstatus};
    return reflect();
}

/// Delivers an illegal instruction with its bits (mtval, 3.1.16) as they were read.
inline Next illegal(HartState& h, u32 bits) {
    return reflect(h, Cause::IllegalInstruction, arch::tval_of(bits));
}

/// Answers an SBI call: a0 and a1, behind the ecall.
inline Next answer(HartState& h, u64 error, u64 value = 0) {
    h.regs.guest.set(reg::a0, error);
    h.regs.guest.set(reg::a1, value);
    return skip();
}

/// The enclave is left, its host's call answered.
inline Next leave(HartState& h, enclave::Code code, u64 value = 0) {
    h.answer = {code, value};
    return Next::of(Next::Kind::Leave);
}

} // namespace plinth::monitor
