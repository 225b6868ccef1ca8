// SPDX-License-Identifier: Apache-2.0
// The hart's state before and after a program, and the page tables.
#pragma once

#include "program.hpp"

namespace differ {

/// Which of the known CSRs this machine has for M-mode, found out by reading each.
extern bool present[known_count];
extern bool has_double;
extern bool has_hypervisor; ///< mtinst and mtval2 exist

/// Builds the fixed part of the page tables.
void build_tables();
/// Writes the code that resets and dumps the state; after `present` is known.
void build_state_code();
/// Gives all registers, data pages and tables the content that program `seed` starts with.
void reset_state(uint64_t seed);

/// What a program left behind.
struct StateDump {
    uint64_t csr[known_count]; ///< 0 where it is not part of the state
    uint64_t fp[32];
};
StateDump const& dump_state();
/// What programs may change in memory: words of the data pages, then the leaves of the page tables
/// (accessed and dirty bits), set by set, then the entries of the 2 MiB pages.
unsigned memory_words();
uint64_t memory_word(unsigned n);

} // namespace differ
