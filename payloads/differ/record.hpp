// SPDX-License-Identifier: Apache-2.0
// What happens while a program runs: the log, the traps, the coverage.
#pragma once

#include "program.hpp"

namespace differ {

struct Record {
    char const* what;
    uint64_t a, b, c, d;
};
inline constexpr unsigned max_records = 1024;

/// How far a program came.
struct Outcome {
    uint64_t hash;
    unsigned executed; ///< instructions of its slots
    unsigned traps;
    unsigned s_traps; ///< of these, into S-mode or VS-mode
    bool ended;       ///< reached its last slot
};

/// Gets ready for a program of `steps` steps. `choices`: seed of what the trap handlers decide.
void begin(Slot const* slots, unsigned steps, uint64_t choices);
/// Adds a record to the log of the program.
void note(char const* what, uint64_t a, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0);
Outcome const& outcome();
unsigned record_count();
Record const& record(unsigned n);

/// Times that a form of a known CSR was executed without a trap.
extern uint32_t successes[known_count][6];
/// Traps by handler (0 M, 1 S, 2 VS), mode they came from (0 U, 1 S, 3 M, 4 VU, 5 VS) and cause
/// (interrupts from 32).
inline constexpr unsigned handlers = 3, trapped_modes = 6;
extern uint32_t trap_counts[handlers][trapped_modes][64];

/// Of each watched instruction: how often it did not trap, and how often by mode it was illegal (or
/// virtual) and how often its access was denied, which says that it was legal there.
struct Watch {
    uint32_t passed;
    uint32_t illegal[trapped_modes];
    uint32_t denied[trapped_modes];
};
inline constexpr auto watched_kinds = static_cast<unsigned>(Watched::Count);
extern Watch watches[watched_kinds];

/// Accesses of M-mode that a locked vPMP denied.
extern uint64_t locked_faults;

/// The registers at the last trap or end of a slot.
extern uint64_t last_register[32];
extern uint64_t last_cause;

} // namespace differ
