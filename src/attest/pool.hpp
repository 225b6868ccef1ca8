// SPDX-License-Identifier: Apache-2.0
// Memory for mbedTLS: for the length of one operation, and never two operations at once.
// Internal to src/attest and the verifier.
#pragma once

#include "base/types.hpp"

#include <span>

namespace plinth::attest {

/// While it lives, mbedTLS allocates from one region. mbedTLS has a single allocator, so a second
/// scope, on whichever hart, would be a mistake of the monitor's, which ends it: the lock of
/// Monitor::identity comes first. Outside a scope every allocation of mbedTLS fails.
class PoolScope : Pinned {
  public:
    /// `memory` of the caller's keeps its content for an object that goes on using it without
    /// allocating or freeing. Without it: the static pool, 16 KiB, zeroed at the end of the scope.
    explicit PoolScope(std::span<std::uint8_t> memory = {});
    ~PoolScope();

  private:
    bool is_static_;
};

} // namespace plinth::attest
