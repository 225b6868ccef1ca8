// SPDX-License-Identifier: Apache-2.0
// Who the monitor is: keys derived from the device root and the monitor's own measurement.
#pragma once

#include "attest/digest.hpp"
#include "base/result.hpp"

#include <array>
#include <cstdint>

namespace plinth::attest {

/// The x coordinate, big-endian, of a P-256 key with even y: 0x02 ‖ x is the compressed point.
using PublicKey = std::array<std::uint8_t, 32>;
/// An ECDSA P-256 signature: r ‖ s, each 32 bytes, big-endian.
using Signature = std::array<std::uint8_t, 64>;
/// The secret from which a root's keys are derived.
using Secret = std::array<std::uint8_t, 32>;

struct Report;

/// Where the device secret comes from. The numbers are those of the boot page.
enum class RootKind : std::uint32_t {
    None = 0,         ///< no key: nothing can be attested
    HandedOver = 1,   ///< an earlier stage measured the monitor, derived the secret and certified
    SelfAsserted = 2, ///< a secret of this device, but the monitor measured itself
    Test = 3,         ///< the public test secret: anyone can forge
};

/// The kind's name as logs and device-key files write it: none, handed-over, self-asserted, test.
char const* name(RootKind kind);

/// What the boot page hands over. Holds a secret: wipe it after use.
struct DeviceRoot {
    RootKind kind{RootKind::None};
    Secret secret{};
    PublicKey device_public_key{}; ///< zero if it is to be derived (self-asserted, test)
    bool has_certificate{false};
    Signature certificate{}; ///< by the device key over (monitor hash, monitor key)

    /// Zeroes everything; the kind becomes None.
    void wipe();
};

/// The monitor's identity: its key pair, its hash, and the device's certificate for both.
///
/// Derivation: HKDF-SHA-512 (RFC 5869) with salt = "plinth.kdf.v1", ikm = the whole secret and
/// info = label ‖ 0 ‖ monitor hash (64 bytes) ‖ counter byte, for the labels "monitor-key",
/// "sealing-root" and "drbg"; for the device key of self-asserted and test roots the label is
/// "device-key" and the monitor hash is left out. A key's counter starts at 0 and goes on while the
/// 32 bytes are no scalar in [1, n−1].
///
/// Functions that sign or derive use one static pool: while one of them runs on a hart, the same on
/// another hart returns Err::Busy; derive() then leaves the identity unprovisioned, sign_enclave()
/// a zero report. Wait outside, serving requests. They need 5 KiB of free stack, which they wipe.
class Identity {
  public:
    constexpr Identity() = default;
    Identity(Identity const&) = delete;
    Identity& operator=(Identity const&) = delete;

    /// Derives keys and, unless it was handed over, the certificate. The caller wipes `root`.
    /// Errors: Unprovisioned (kind None), Malformed (zero secret or hash; handed over without
    /// certificate or device key; a device key that is not the secret's), Crypto, Busy. After an
    /// error the identity is unprovisioned.
    Result<void> derive(DeviceRoot const& root, Digest const& monitor_hash);

    /// Writes a complete report on the enclave with measurement `enclave_hash`; each unused byte is
    /// zero. Errors: Unprovisioned, BadArgument (more than 1,024 bytes), Crypto, Busy; then every
    /// byte of `out` is zero. About 7 M instructions.
    Result<void> sign_enclave(Report& out, Digest const& enclave_hash, Bytes data) const;

    /// Zeroes keys and everything else: unprovisioned again.
    void wipe();

    RootKind kind() const { return kind_; }
    bool provisioned() const { return kind_ != RootKind::None; }
    PublicKey const& public_key() const { return public_key_; }
    PublicKey const& device_public_key() const { return device_public_key_; }
    Digest const& monitor_hash() const { return monitor_hash_; }
    Signature const& certificate() const { return certificate_; }
    /// Root of the enclaves' sealing keys, 64 bytes. A secret.
    /// Errors: Unprovisioned.
    Result<Bytes> sealing_root() const;
    /// Personalisation for Drbg::seed, 64 bytes, different for each device and monitor. A secret.
    /// Errors: Unprovisioned.
    Result<Bytes> drbg_personalisation() const;

  private:
    Result<void> derive_device(DeviceRoot const& root);
    Result<void> derive_all(DeviceRoot const& root, Digest const& monitor_hash);

    RootKind kind_{RootKind::None};
    Secret private_key_{};
    std::array<std::uint8_t, 64> sealing_root_{};
    std::array<std::uint8_t, 64> drbg_personalisation_{};
    PublicKey public_key_{};
    PublicKey device_public_key_{};
    Digest monitor_hash_{};
    Signature certificate_{};
};

/// The device's public key of a self-asserted or test root, derived from its secret alone.
/// Errors: Malformed (zero secret), Crypto, Busy.
Result<PublicKey> device_public_key(Secret const& secret);

/// The public test secret: SHA-256("plinth test device secret v1"). Worth nothing.
Secret test_secret();

} // namespace plinth::attest
