// SPDX-License-Identifier: Apache-2.0
// Verification of a report, from the pinned device key down to the enclave's data. Not part of the
// monitor: only whoever relies on a report verifies it.
#pragma once

#include "attest/keys.hpp"

#include <cstdint>

namespace plinth::attest {

/// What the verifier knows from elsewhere. Nothing here may come from the report or its sender.
struct Expected {
    RootKind root{RootKind::None}; ///< how the device key came to be: decides the context string
    PublicKey device_key{};        ///< pinned
    Digest monitor_hash{};         ///< of the accepted monitor
    Digest enclave_hash{};         ///< of the accepted enclave
    Bytes data{};                  ///< the exact data, normally a nonce drawn for this report
    bool allow_test_keys{false};   ///< whether a report that anyone can forge is acceptable
};

/// The links of the chain, in the order in which they are checked.
enum class Link : std::uint8_t {
    None,               ///< every link holds
    Length,             ///< data_len above 1,024
    UnusedBytes,        ///< a byte beyond data_len is not zero
    TestKey,            ///< the pinned key is the public test key, and that was not allowed
    DeviceKey,          ///< zero, no point of the curve, root None, or not the report's
    MonitorKey,         ///< zero or no point of the curve
    MonitorCertificate, ///< the device key did not sign this monitor hash and key
    MonitorHash,        ///< zero, or genuine but not the accepted monitor
    ReportSignature,    ///< the monitor key did not sign this enclave hash and data
    EnclaveHash,        ///< zero, or genuine but not the accepted enclave
    Data,               ///< genuine but not the expected data: an old or another one's report
};

/// The first link that does not hold, or Link::None. Accepts any content of `report`.
Link verify(Report const& report, Expected const& expected);

/// The link's name as the tool prints it.
char const* name(Link link);

/// The device's public key of a self-asserted or test root, derived from its secret alone.
/// Errors: Malformed (zero secret), Crypto.
Result<PublicKey> device_public_key(Secret const& secret);

/// Whether `key` is the device key of the public test secret.
bool is_test_key(PublicKey const& key);

} // namespace plinth::attest
