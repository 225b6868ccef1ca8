// SPDX-License-Identifier: Apache-2.0
// What the M-mode test firmwares share: running code below themselves, and ending the machine.
#pragma once

#include "csr.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "run.hpp"

extern "C" {
/// A firmware's program, on hart 0, interrupts off.
void firmware_main(uint64_t tree);
/// What a hart other than 0 does after its software interrupt was raised (still raised).
void secondary_main(uint64_t hart);
}

namespace payload {

/// Privilege modes with their encoding in mstatus.MPP.
enum class Priv : uint64_t { User = 0, Supervisor = 1, Machine = 3 };

/// One letter for a mode, as the specification writes it.
char priv_letter(uint64_t encoding);

/// Code to be run, written in assembly.
using Stub = void();

/// How `run` enters its code.
struct RunOptions {
    uint64_t a0 = 0;
    uint64_t a1 = 0;
    uint64_t a2 = 0;
    uint64_t status = 0; ///< bits added to mstatus, for instance MPIE
    bool vectored = false;
};

/// Runs `code` in a mode until it traps into M-mode. MIE, MPIE, SIE, SPIE, SUM, MXR, TVM, TW, TSR
/// and MPRV are zero at entry unless given in the options.
Run run(Priv mode, Stub* code, RunOptions options = {});

/// Lets S-mode and U-mode use all memory: pmp entry 0 covers everything.
void open_pmp();

/// Ends the machine with success through QEMU's test finisher.
[[noreturn]] void finish();

} // namespace payload
