// SPDX-License-Identifier: Apache-2.0
#include "attest/measurement.hpp"

#include <array>

namespace plinth::attest {

void EnclaveMeasurement::begin(std::uint64_t runtime_offset, std::uint64_t user_offset_from_runtime,
                               std::uint64_t free_offset_from_user) {
    hash_.reset();
    for (auto const offset : {runtime_offset, user_offset_from_runtime, free_offset_from_user}) {
        std::array<std::uint8_t, 8> little_endian{};
        for (unsigned i = 0; i < 8; ++i) {
            little_endian[i] = static_cast<std::uint8_t>(offset >> (8 * i));
        }
        hash_.update(little_endian);
    }
}

void EnclaveMeasurement::update(Bytes bytes) { hash_.update(bytes); }

Digest EnclaveMeasurement::finish() { return hash_.finish(); }

} // namespace plinth::attest
