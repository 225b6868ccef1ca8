// SPDX-License-Identifier: Apache-2.0
// An enclave that keeps a canary (canary_enclave.S), carried inside a payload.
#pragma once

#include "keystone.hpp"
#include "sbi.hpp"

#include <stdint.h>

namespace payload {

inline constexpr uint64_t canary_epm_size = 0x10000;

/// Enters an enclave, through run and resume or through resume alone, until something else than an
/// interrupt stops it; what stopped it.
sbi::Result run_enclave(uint64_t id);
sbi::Result resume_enclave(uint64_t id);

/// Creates the enclave with its EPM at `epm`, the UTM (one page) behind it, and runs it until its
/// canary is in place. `error` is then keystone::edge_call and `value` the enclave's id; otherwise
/// it is what create or run answered.
sbi::Result start_canary_enclave(uint64_t epm);

} // namespace payload
