// SPDX-License-Identifier: Apache-2.0
// What a handler decided. Handlers decide, apply() acts.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

struct Next {
    enum class Kind : u8 {
        Resume,  ///< the world goes on where regs.pc stands
        Skip,    ///< likewise, behind the instruction that trapped
        Reflect, ///< `trap` is delivered: by firmware and host to vM, by an enclave to its stvec
        Host,    ///< the firmware enters the host with regs as they are
        Enclave, ///< the host enters `enclave`, already Running
        Leave,   ///< the enclave is left; the host's call returns `answer`
        Stop,    ///< this hart stops for good (reset in progress)
    };
    Kind kind{Kind::Resume};
    u8 length{4};                       ///< Skip: bytes of the instruction
    bool replan{false};                 ///< the inputs of this hart's plans changed
    Trap trap{};                        ///< Reflect
    enclave::Enclave* enclave{nullptr}; ///< Enclave
    enclave::Answer answer{};           ///< Leave
};

constexpr Next resume() { return {}; }
constexpr Next skip(u8 length = 4) { return {.kind = Next::Kind::Skip, .length = length}; }
/// Delivers the trap as the hardware reported it.
constexpr Next reflect(Trap const& trap) { return {.kind = Next::Kind::Reflect, .trap = trap}; }
/// Delivers another exception for the same instruction.
constexpr Next reflect(Trap trap, Cause cause, u64 tval) {
    trap.cause = arch::raw(cause);
    trap.tval = tval;
    trap.tval2 = trap.tinst = 0;
    return {.kind = Next::Kind::Reflect, .trap = trap};
}

/// The enclave is left, its host's call answered.
constexpr Next leave(enclave::Code code, u64 value = 0) {
    return {.kind = Next::Kind::Leave, .answer = {code, value}};
}

} // namespace plinth::monitor
