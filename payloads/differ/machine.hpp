// SPDX-License-Identifier: Apache-2.0
// The hart's state before and after a program, and the page tables.
#pragma once

#include "program.hpp"

namespace differ {

/// Which of the known CSRs this machine has for M-mode, found out by reading each.
extern bool present[known_count];
extern bool has_double;

/// Builds the fixed part of the page tables.
void build_tables();
/// Writes the routines that reset and read registers; after `present` is known.
void build_state_code();

/// Above the monitor every CSR access is a trap, so only what may have changed is reset and read.
/// These say what may: a register, what the code of a step writes, a trap into S-mode, anything.
void expect_change(unsigned number);
void expect_change_by(Slot const& slot, uint32_t const* words);
void expect_change_by_supervisor_trap();
void expect_any_change();
/// Gives registers, data pages and tables the content that program `seed` starts with, and expects
/// no change from then on.
void reset_state(uint64_t seed);
/// Whether the n-th known CSR belongs to what is compared behind a program besides mstatus: what
/// may have changed, and of the rest each register once in eight programs.
bool is_worth_reading(unsigned n, uint64_t program);
/// mstatus, to be read first: then FS is opened for the other registers.
uint64_t read_status();
/// The n-th known CSR.
uint64_t read_known(unsigned n);
/// The FP registers; nullptr if the program does not use them.
uint64_t const* read_fp();
/// The vector registers, if the program uses them: how many words. Read last: vstart becomes 0.
unsigned read_vectors(uint64_t const*& words);
/// What programs may change in memory: words of the data pages, then the leaves of the page tables
/// (accessed and dirty bits), set by set, then the entries of the 2 MiB pages.
unsigned memory_words();
uint64_t memory_word(unsigned n);

} // namespace differ
