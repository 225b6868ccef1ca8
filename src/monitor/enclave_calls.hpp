// SPDX-License-Identifier: Apache-2.0
// The Keystone interface: one row per call. See enclave/abi.hpp for numbers and layouts.
#pragma once

#include "monitor/next.hpp"

namespace plinth::monitor {

/// A Keystone call of the host (a7 = keystone_extension, from S-mode without V).
Next keystone_from_host(HartState& h);
/// Any SBI call of the running enclave: its own Keystone functions, console, timer, extension 1111;
/// everything else is refused without entering the firmware.
Next sbi_from_enclave(HartState& h);

} // namespace plinth::monitor
