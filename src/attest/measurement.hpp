// SPDX-License-Identifier: Apache-2.0
// The measurement of an enclave, as KEYSTONE-ABI "Measurement" defines it.
#pragma once

#include "attest/digest.hpp"

#include <cstdint>

namespace plinth::attest {

/// SHA3-512 over three little-endian u64 (runtime − EPM base, user − runtime, free − user) and then
/// all bytes of [EPM base, free) in address order. Fed in pieces of any size; may pause.
class EnclaveMeasurement {
  public:
    constexpr EnclaveMeasurement() = default;

    /// Begins a measurement; offsets in bytes. Whatever was under way before is forgotten.
    void begin(std::uint64_t runtime_offset, std::uint64_t user_offset_from_runtime,
               std::uint64_t free_offset_from_user);
    /// The next bytes of [EPM base, free).
    void update(Bytes bytes);
    /// The measurement; begin() must precede another one.
    Digest finish();

  private:
    Sha3 hash_{};
};

} // namespace plinth::attest
