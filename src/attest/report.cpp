// SPDX-License-Identifier: Apache-2.0
#include "attest/report.hpp"

#include "base/check.hpp"

namespace plinth::attest {

namespace {

/// Begins a message with its context. The NUL is part of it, so that none is another's beginning.
template <std::size_t N> void begin(Sha256& message, char const (&context)[N]) {
    for (auto const character : context) {
        auto const byte = static_cast<std::uint8_t>(character);
        message.update({&byte, 1});
    }
}

} // namespace

Hash256 enclave_message(Digest const& hash, Bytes data) {
    SM_CHECK(data.size() <= max_report_data);
    std::array<std::uint8_t, 8> length{};
    length[0] = static_cast<std::uint8_t>(data.size());
    length[1] = static_cast<std::uint8_t>(data.size() >> 8);
    Sha256 message;
    begin(message, "plinth.enclave.v1");
    message.update(hash);
    message.update(length);
    message.update(data);
    return message.finish();
}

Hash256 monitor_message(RootKind root, Digest const& hash, PublicKey const& key) {
    Sha256 message;
    if (root == RootKind::HandedOver) {
        begin(message, "plinth.monitor.v1");
    } else {
        begin(message, "plinth.monitor.self.v1");
    }
    message.update(hash);
    message.update(key);
    return message.finish();
}

} // namespace plinth::attest
