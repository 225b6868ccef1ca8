// SPDX-License-Identifier: Apache-2.0
// The commands of plinth-attest.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace plinth::attest {

/// Runs one command line without the program's name; results go to `out`, messages to `err`.
/// Returns the exit status: 0 done or verified, 1 not verified, 2 unusable arguments or files.
int run_command(std::vector<std::string> const& arguments, std::ostream& out, std::ostream& err);

} // namespace plinth::attest
