// SPDX-License-Identifier: Apache-2.0
// Running code in some privilege mode as a call that returns at the next trap.
#pragma once

#include <stdint.h>

namespace payload {

/// Argument and result of `run_from_m` and `run_from_s`; run.S knows the layout.
struct Run {
    uint64_t pc;       ///< in: where to start
    uint64_t a0;       ///< in: register a0; out: a0 at the trap
    uint64_t a1;       ///< in: register a1; out: a1 at the trap
    uint64_t a2;       ///< in: register a2
    uint64_t status;   ///< in: mstatus/sstatus before mret/sret; out: after the trap
    uint64_t vectored; ///< in: mode of mtvec/stvec, 0 direct, 1 vectored
    uint64_t cause;    ///< out: mcause/scause
    uint64_t epc;      ///< out: mepc/sepc
    uint64_t tval;     ///< out: mtval/stval
    uint64_t vector;   ///< out: which entry of the vector was taken
};

extern "C" {
/// Executes mret with run.status and run.pc; returns at the next trap into M-mode. Code that
/// returns to the address in ra executes an ecall. Overwrites mtvec, mscratch, mstatus and mepc,
/// clears MPRV. Every register but a0 and a1 may be destroyed by the code.
void run_from_m(Run* run);

/// The same with sret, for traps into S-mode. Code started in S-mode must not return to ra with
/// an ecall (that would be an SBI call): there ra leads back to the caller, and cause is
/// `cause_none`.
void run_from_s(Run* run);

/// The ecall that code run by `run_from_m` reaches by returning.
void run_from_m_ecall();
}

/// No trap happened.
inline constexpr uint64_t cause_none = ~uint64_t{0};

} // namespace payload
