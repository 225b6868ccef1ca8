// SPDX-License-Identifier: Apache-2.0
// A firmware that executes what no compiler would write: random SYSTEM and custom instructions,
// random calls, returns and traps to nowhere. It survives as on a bare machine: everything comes
// back to it as a trap, or as what the instruction does.
#pragma once

#include "firmware.hpp"

namespace garbage {

/// What tests/qemu/garbage.py leaves in memory at `parameters`.
struct Parameters {
    uint64_t magic;
    uint64_t instructions; ///< in the first part; the second executes three times as many
    uint64_t calls;        ///< from M-mode and as many from S-mode; likewise
    uint64_t seed;
    uint64_t compare; ///< 1: leave out registers that only one of the two machines has
    uint64_t monitor; ///< 1: above the monitor, 0: on the bare machine
};
inline constexpr uint64_t parameters = 0x81000000;
inline constexpr uint64_t parameters_magic = 0x65676162726167; // "garbage"
/// What the script and this program tell each other while the program runs.
inline constexpr uint64_t mailbox = 0x81001000;

inline Parameters const& given() { return *payload::at<Parameters const>(parameters); }

/// Registers x1 to x31 of one attempt: word n is register n.
struct Registers {
    uint64_t x[32];
};

/// How an attempt ended.
struct Outcome {
    uint64_t cause; ///< mcause, or `completed`
    uint64_t epc;
    uint64_t tval;
};
inline constexpr uint64_t completed = ~uint64_t{0};

/// One of the four generators of this program.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 | 1U) {}
    uint64_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_ * 0x2545f4914f6cdd1d;
    }
    uint64_t below(uint64_t limit) { return (next() >> 11U) % limit; }

  private:
    uint64_t state_;
};

/// What happened, as sums and as a hash over every cause in its order.
struct Tally {
    uint64_t done = 0;
    uint64_t illegal = 0;
    uint64_t others = 0;
    uint64_t hash = 0xcbf29ce484222325;
    void add(Outcome const& outcome);
};

/// Executes `instruction` in M-mode or, with `lower`, in S-mode, with these registers.
Outcome attempt(uint32_t instruction, Registers const& registers, bool lower);
/// Jumps to `target` by mret with MPP = `mode` and these interrupts enabled; the trap that ends it.
Outcome jump(uint64_t target, payload::Priv mode, uint64_t interrupts = 0);
/// Puts the registers that matter back after an attempt.
void restore();
/// A word that is an address of something, an edge, or anything.
uint64_t any_word(Random& random);

// directed.cpp: what chance would not find. Each prints a line for what is not as it must be.
inline constexpr uint64_t epm = 0x84000000; ///< two pages, above the monitor
void expect(bool good, char const* what, uint64_t first, Outcome const& seen);
/// How many lines that were.
uint64_t failures();
/// Fills the enclave's first page with page-table entries, before there is an enclave.
void write_page_table(uint64_t page);
/// M-mode's own events arrive there whatever is delegated.
void take_delegated_events();
/// Floating-point loads and stores, by M-mode and with MPRV, of what the monitor owns.
void access_with_fp();
/// Page tables inside the enclave are not walked for MPRV, and stay as they are.
void walk_owned_tables();

} // namespace garbage

extern "C" {
uint64_t garbage_try(garbage::Registers const* registers, uint64_t lower);
void garbage_vector();
void garbage_landing();
void garbage_mprv_load();
void garbage_fp_load();
void garbage_fp_store();
extern uint32_t garbage_slot;
extern uint32_t garbage_after[];
}
