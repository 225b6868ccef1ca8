// SPDX-License-Identifier: Apache-2.0
// A firmware that tries everything of a kind: all CSR instructions, or all contents of mstatus.
#pragma once

#include "firmware.hpp"

namespace sweep {

/// What tests/qemu/sweep.py leaves in memory.
struct Parameters {
    uint64_t magic;
    uint64_t what;         ///< 0: CSR instructions, 1: mstatus
    uint64_t has_deadline; ///< menvcfg.STCE
    /// Bits of mstatus of which every combination is written; those that differ in the outer ones
    /// have hashes of their own.
    struct Bits {
        uint64_t all;
        uint64_t outer;
    } sets[2];
};

extern "C" {
/// What try_instructions found out; try.S knows the layout.
struct Findings {
    uint64_t wrong;   ///< traps with another cause than 2, or of which mtval is not the instruction
    uint64_t traps;   ///< how many
    uint8_t* trapped; ///< one byte for each instruction, set where it trapped
    uint64_t code;    ///< address of the instructions
};

/// Runs instructions with mstatus = `status`, hence in the mode in its MPP, until an ecall. Those
/// that trap are skipped. x8, x9 and x11 are theirs; x9 starts as `values`, x12 as 1.
void try_instructions(Findings* findings, uint64_t status, uint64_t* values);

/// Writes `value` to mstatus, then `base`, which has MPRV clear; returns what it read in between.
uint64_t swap_status(uint64_t value, uint64_t base);
}

void try_csrs(Parameters const& given);
void try_statuses(Parameters const& given);

} // namespace sweep
