// SPDX-License-Identifier: Apache-2.0
// One handler for each world and each SBI extension: what a trap means. Decides only; apply() acts.
#pragma once

#include "monitor/next.hpp"

namespace plinth::monitor {

Next handle_firmware(HartState& h);
Next handle_host(HartState& h);
Next handle_enclave(HartState& h);

/// mret of vM: to M or, with Next::Host, into the host.
Next emulate_mret(HartState& h);

/// A Keystone call of the host (a7 = keystone_extension, from S-mode without V).
Next keystone_from_host(HartState& h);
/// Any SBI call of the running enclave: its own Keystone functions, console, timer, extension 1111;
/// everything else is refused without entering the firmware.
Next sbi_from_enclave(HartState& h);

/// The monitor's own SBI extension.
inline constexpr u64 own_extension = 0x08504c4e;
/// FID 0: a1 = version, major in bits 31:16, minor in 15:8, patch in 7:0. FID 1: copies the boot
/// measurements (monitor, firmware, device tree; 3 × 64 bytes) to the caller's virtual address a0.
/// FID 2, host only: a1 = enclaves alive, limit in bits 63:32. FID 3, host only: what the world a1
/// (0 firmware, 1 host) of the calling hart, a0, may access: run after run of memory that one rule
/// decides, from number a3 on, at most a4, as {base, last, rights as in pmpcfg} of 8 bytes each at
/// the caller's virtual address a2; a1 = how many, 0 after the last. Else a0 = −2.
Next own_call(HartState& h);

/// SBI_ERR_NOT_SUPPORTED, SBI_ERR_INVALID_PARAM and SBI_ERR_INVALID_ADDRESS.
inline constexpr u64 sbi_not_supported = static_cast<u64>(-2),
                     sbi_invalid_param = static_cast<u64>(-3),
                     sbi_invalid_address = static_cast<u64>(-5);

} // namespace plinth::monitor
