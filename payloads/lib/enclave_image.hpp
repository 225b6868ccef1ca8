// SPDX-License-Identifier: Apache-2.0
// The demo enclave's three parts, carried inside a payload, and placing them in memory.
#pragma once

#include "keystone.hpp"

#include <stdint.h>

namespace payload {

/// Copies loader, runtime and application, each padded with zeros to a page, to the start of
/// [epm, epm + epm_size) and clears the rest; returns create's argument. All zeros if it does not
/// fit.
keystone::CreateArgs place_enclave(uint64_t epm, uint64_t epm_size, uint64_t utm,
                                   uint64_t utm_size);

} // namespace payload
