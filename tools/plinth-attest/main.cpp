// SPDX-License-Identifier: Apache-2.0
// plinth-attest: expected measurements, and the verification of reports, on the relying party's
// machine.
#include "base/result.hpp"
#include "cli.hpp"

#include <cstdlib>
#include <iostream>

namespace plinth {

void monitor_failure(char const* what) {
    std::cerr << "plinth-attest: internal error: " << what << "\n";
    std::abort();
}

} // namespace plinth

int main(int count, char** values) {
    return plinth::attest::run_command({values + 1, values + count}, std::cout, std::cerr);
}
