// SPDX-License-Identifier: Apache-2.0
// Who the monitor is: keys derived from the device root and the monitor's own measurement.
#pragma once

#include "attest/boot_page.hpp"
#include "base/wipe.hpp"

namespace plinth::attest {

/// The kind's name as logs and device-key files write it: none, handed-over, self-asserted, test.
char const* name(RootKind kind);

/// The monitor's identity: its key pair, its hash, and the device's certificate for both.
///
/// Derivation: HKDF-SHA-512 (RFC 5869) with salt = "plinth.kdf.v1", ikm = the whole secret and
/// info = label ‖ 0 ‖ monitor hash (64 bytes) ‖ counter byte, for the labels "monitor-key",
/// "sealing-root" and "drbg"; for the device key of self-asserted and test roots the label is
/// "device-key" and the monitor hash is left out. A key's counter starts at 0 and goes on while the
/// 32 bytes are no scalar in [1, n−1].
///
/// Functions that sign or derive use one static pool: one of them at a time, on one hart. They need
/// 5 KiB of free stack, which they wipe.
class Identity : Pinned {
  public:
    /// Derives keys and, unless it was handed over, the certificate. The caller wipes `page`.
    /// Errors: Unprovisioned (kind None), Malformed (zero secret or hash; handed over without
    /// certificate or device key; a device key that is not the secret's), Crypto. After an error
    /// the identity is unprovisioned.
    Result<void> derive(BootPage const& page, Digest const& monitor_hash);

    /// Writes a complete report on the enclave with measurement `enclave_hash`; each unused byte is
    /// zero. Errors: Unprovisioned, BadArgument (more than 1,024 bytes), Crypto; then every byte of
    /// `out` is zero. About 7 M instructions.
    Result<void> sign_enclave(Report& out, Digest const& enclave_hash, Bytes data) const;

    /// Zeroes keys and everything else: unprovisioned again.
    void wipe() { wipe_object(*this); }

    RootKind kind() const { return kind_; }
    bool provisioned() const { return kind_ != RootKind::None; }
    /// Hash, public key and certificate.
    MonitorReport const& monitor() const { return monitor_; }
    PublicKey const& device_public_key() const { return device_public_key_; }
    /// Root of the enclaves' sealing keys, 64 bytes. A secret.
    /// Errors: Unprovisioned.
    Result<Bytes> sealing_root() const { return secret(sealing_root_); }
    /// Personalisation for Drbg::seed, 64 bytes, different for each device and monitor. A secret.
    /// Errors: Unprovisioned.
    Result<Bytes> drbg_personalisation() const { return secret(drbg_personalisation_); }

  private:
    Result<void> derive_device(BootPage const& page);
    Result<void> derive_all(BootPage const& page, Digest const& monitor_hash);
    Result<Bytes> secret(Bytes derived) const {
        if (!provisioned()) return Err::Unprovisioned;
        return derived;
    }

    RootKind kind_{RootKind::None};
    KeyPair key_{};
    std::array<std::uint8_t, 64> sealing_root_{};
    std::array<std::uint8_t, 64> drbg_personalisation_{};
    MonitorReport monitor_{};
    PublicKey device_public_key_{};
};

/// The public test secret: SHA-256("plinth test device secret v1"). Worth nothing.
Secret test_secret();

} // namespace plinth::attest
