// SPDX-License-Identifier: Apache-2.0
// The monitor's own SBI extension.
#pragma once

#include "monitor/next.hpp"

namespace plinth::monitor {

inline constexpr u64 own_extension = 0x08504c4e;
/// SBI_ERR_NOT_SUPPORTED and SBI_ERR_INVALID_ADDRESS.
inline constexpr u64 sbi_not_supported = static_cast<u64>(-2),
                     sbi_invalid_address = static_cast<u64>(-5);

/// FID 0: a1 = version, major in bits 31:16, minor in 15:8, patch in 7:0. FID 1: copies the boot
/// measurements (monitor, firmware, device tree; 3 × 64 bytes) to the caller's virtual address a0.
/// FID 2, host only: a1 = enclaves alive, limit in bits 63:32. Else a0 = −2.
Next own_call(HartState& h);

} // namespace plinth::monitor
