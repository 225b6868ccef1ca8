// SPDX-License-Identifier: Apache-2.0
// What the measurement of an enclave has to be, computed from its files.
#pragma once

#include "attest/digest.hpp"

#include <cstdint>

namespace plinth::attest {

/// The zero bytes that follow `size` bytes up to the next page boundary: 0 to 4,095.
constexpr std::uint64_t page_padding(std::uint64_t size) { return (0 - size) % 4096; }

/// The measurement of an enclave whose three images lie one after the other from the EPM's base on,
/// each padded with zeros to whole pages; free begins after the last. (KEYSTONE-ABI "Measurement")
Digest measure_images(Bytes loader, Bytes runtime, Bytes app);

} // namespace plinth::attest
