// SPDX-License-Identifier: Apache-2.0
// The attestation report (KEYSTONE-ABI "Report"): its layout and the messages that are signed.
#pragma once

#include "attest/digest.hpp"

#include <bit>
#include <type_traits>

namespace plinth::attest {

/// The x coordinate, big-endian, of a P-256 key with even y: 0x02 ‖ x is the compressed point.
using PublicKey = std::array<std::uint8_t, 32>;
/// An ECDSA P-256 signature: r ‖ s, each 32 bytes, big-endian.
using Signature = std::array<std::uint8_t, 64>;
/// The secret from which a root's keys are derived.
using Secret = std::array<std::uint8_t, 32>;
/// A private key whose public point has an even y, and that point's x. Holds a secret: wipe it.
struct KeyPair {
    Secret private_key{};
    PublicKey public_key{};
};

/// Where the device secret comes from. The numbers are those of the boot page.
enum class RootKind : std::uint32_t {
    None = 0,         ///< no key: nothing can be attested
    HandedOver = 1,   ///< an earlier stage measured the monitor, derived the secret and certified
    SelfAsserted = 2, ///< a secret of this device, but the monitor measured itself
    Test = 3,         ///< the public test secret: anyone can forge
};

/// The most bytes of user data that a report carries.
inline constexpr std::size_t max_report_data = 1024;

/// What the monitor says about an enclave.
struct EnclaveReport {
    Digest hash{};                                    ///< measurement of the enclave
    std::uint64_t data_len{};                         ///< bytes of data that count, at most 1,024
    std::array<std::uint8_t, max_report_data> data{}; ///< the enclave's data; zero beyond data_len
    Signature signature{};                            ///< by the monitor key
};

/// What the device says about the monitor.
struct MonitorReport {
    Digest hash{};          ///< measurement of the monitor
    PublicKey public_key{}; ///< the monitor key
    Signature signature{};  ///< by the device key: the monitor's certificate
};

/// The whole report: 1,352 bytes without padding, numbers little-endian.
struct Report {
    EnclaveReport enclave{};
    MonitorReport monitor{};
    PublicKey device_public_key{};
};

static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(Report) == 1352 && std::has_unique_object_representations_v<Report>);

/// SHA-256("plinth.enclave.v1\0" ‖ hash ‖ data_len ‖ data[0..data_len)), what the monitor key
/// signs. `data` is at most max_report_data bytes. The length is eight bytes, little-endian.
inline Hash256 enclave_message(Digest const& hash, Bytes data) {
    auto const length = std::bit_cast<std::array<std::uint8_t, 8>>(std::uint64_t{data.size()});
    return sha256({letters("plinth.enclave.v1\0"), hash, length, data});
}

/// SHA-256(context ‖ monitor hash ‖ monitor public key), what the device key signs. The context is
/// "plinth.monitor.v1\0" for a root that was handed over by a stage that measured the monitor, and
/// "plinth.monitor.self.v1\0" for a monitor that measured itself (self-asserted and test roots).
inline Hash256 monitor_message(RootKind root, Digest const& hash, PublicKey const& key) {
    auto const context = root == RootKind::HandedOver ? letters("plinth.monitor.v1\0")
                                                      : letters("plinth.monitor.self.v1\0");
    return sha256({context, hash, key});
}

/// The 24 bytes with which the measurement of an enclave begins, which is the SHA3-512 of these and
/// of [EPM base, free): runtime − EPM base, user − runtime, free − user as little-endian u64
/// (KEYSTONE-ABI "Measurement").
inline std::array<std::uint8_t, 24> measured_offsets(std::array<std::uint64_t, 3> const& offsets) {
    return std::bit_cast<std::array<std::uint8_t, 24>>(offsets);
}

} // namespace plinth::attest
