// SPDX-License-Identifier: Apache-2.0
// A monitor that breaks ends the test that broke it.
#include "base/result.hpp"
#include "machine.hpp"

namespace plinth {

void monitor_failure(char const* what) { throw fake::MonitorFailure{what}; }

} // namespace plinth
