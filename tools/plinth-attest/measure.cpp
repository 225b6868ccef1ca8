// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include "attest/report.hpp"

#include <array>

namespace plinth::attest {

Digest measure_images(Bytes loader, Bytes runtime, Bytes app) {
    static constexpr std::array<std::uint8_t, 4096> zeros{};
    auto const padded = [](Bytes image) { return image.size() + page_padding(image.size()); };
    Sha3 measurement;
    measurement.update(measured_offsets({padded(loader), padded(runtime), padded(app)}));
    for (auto const image : {loader, runtime, app}) {
        measurement.update(image);
        measurement.update(Bytes{zeros}.first(page_padding(image.size())));
    }
    return measurement.finish();
}

} // namespace plinth::attest
