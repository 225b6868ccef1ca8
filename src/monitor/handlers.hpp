// SPDX-License-Identifier: Apache-2.0
// One handler for each world: what a trap means. Decides only; apply() acts.
#pragma once

#include "monitor/next.hpp"

namespace plinth::monitor {

Next handle_firmware(HartState& h);
Next handle_host(HartState& h);
Next handle_enclave(HartState& h);

/// mret of vM: to M or, with Next::Host, into the host.
Next emulate_mret(HartState& h);

} // namespace plinth::monitor
