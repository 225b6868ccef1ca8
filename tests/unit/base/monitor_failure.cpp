// SPDX-License-Identifier: Apache-2.0
// What a broken invariant does in bytes_tests, which have no hart: it ends the program, so that a
// death test can look for the text.
#include "base/result.hpp"
#include <cstdio>
#include <cstdlib>

namespace plinth {

void monitor_failure(char const* what) {
    std::fprintf(stderr, "monitor failure: %s\n", what);
    std::abort();
}

} // namespace plinth
