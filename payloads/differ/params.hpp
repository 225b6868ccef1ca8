// SPDX-License-Identifier: Apache-2.0
// What the runner writes into the image before it starts it.
#pragma once

#include "layout.h"

#include <stdint.h>

namespace differ {

/// Number of jobs that fit.
inline constexpr unsigned max_jobs = 256;
/// Number of CSR rules that fit.
inline constexpr unsigned max_rules = 384;

/// In Job::steps: the program may lock vPMPs.
inline constexpr uint64_t job_locks = uint64_t{1} << 63U;

/// One program to run: its number and which of its steps take part.
struct Job {
    uint64_t program;
    uint64_t steps;
};

/// A CSR that bare and virtual machine may read differently.
struct Rule {
    uint32_t csr;
    uint32_t kind;   ///< 0: the bits of `hidden` are not compared; 1: not used by programs at all;
                     ///< 2: which of several interrupts comes first;
                     ///< 3: load or store fault of an atomic; 4: mstatus.GVA of a trap
    uint64_t hidden; ///< bits that programs do not see
};

/// Params::flags
inline constexpr uint64_t flag_full_log = 1; ///< print every record and the code
inline constexpr uint64_t flag_no_sweep = 2; ///< leave out the sweep over all CSR numbers

struct Params {
    char magic[8];
    uint64_t seed;
    uint64_t first; ///< number of the first program when there are no jobs
    uint64_t count; ///< how many programs follow it
    uint64_t flags;
    uint64_t classes; ///< bit n: steps of class n are generated
    uint64_t jobs;    ///< number of jobs; 0: first … first + count - 1 with all steps
    uint64_t rules;
    uint64_t locking; ///< without jobs: so many programs at the end may lock vPMPs
    Job job[max_jobs];
    Rule rule[max_rules];
};
static_assert(sizeof(Params) <= PARAMS_SIZE);

extern "C" Params const volatile params;

} // namespace differ
