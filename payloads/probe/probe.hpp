// SPDX-License-Identifier: Apache-2.0
// Which memory can the host reach? One probe is one load, store or fetch of one hart in one mode.
#pragma once

#include <stdint.h>

extern "C" {
/// Where the SBI starts the other harts (start_s.S).
void secondary_start();
// access.S: one access at a0 each, then return to ra; a1 is loaded or stored.
void load_word();
void load_double();
void store_word();
void store_double();
}

namespace probe {

/// What is expected of a place.
enum class Expect {
    Denied, ///< load, store and fetch are access faults: causes 5, 7 and 1
    Open,   ///< loads and stores work; a fetch executes the `ret` that was put there
    Zeroed, ///< loads give 0, stores work, a fetch executes the zeros: illegal instruction
};

/// Somewhere in memory.
struct Place {
    char const* name;
    uint64_t address;
    unsigned width; ///< 4 or 8 bytes
    Expect expect;
    bool fetch = true; ///< whether a fetch is probed too
};

/// How the probing hart runs.
enum class Mode { SupervisorBare, SupervisorSv39, UserBare };

/// Builds the page tables for Mode::SupervisorSv39: everything one to one.
void build_tables();

/// Probes one place in every mode on the calling hart; prints a line for each access.
void probe_place(uint64_t hart, Place const& place);

/// The state of the enclave whose memory is probed.
enum class Phase : uint64_t { Fresh = 1, Stopped = 2, Destroyed = 3 };

/// Probes everything that the phase names, on the calling hart.
void probe_phase(uint64_t hart, Phase phase);

/// How many accesses were made, and how many did not do what was expected.
struct Totals {
    uint64_t probes;
    uint64_t failures;
};
Totals totals();

/// Counts something that is wrong besides the probes, and says so.
void complain(char const* what, uint64_t number);

/// The enclave's memory and the memory shared with it; the addresses are set before any probe.
struct EnclaveMemory {
    uint64_t epm;
    uint64_t epm_size;
    uint64_t utm;
    uint64_t utm_size;
};
extern EnclaveMemory enclave_memory;

} // namespace probe
