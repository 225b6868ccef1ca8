// SPDX-License-Identifier: Apache-2.0
// Random numbers for enclaves and for the monitor's own needs.
#pragma once

#include "attest/digest.hpp"
#include "base/wipe.hpp"

#include <mbedtls/hmac_drbg.h>

namespace plinth::attest {

/// HMAC_DRBG with SHA-256 (NIST SP 800-90A rev. 1, 10.1.2). Fails closed: before a successful
/// seed(), after an error and after wipe() every call returns Err::NoEntropy, and output buffers
/// are zero. Not locked: one hart at a time. Stays where it is, since mbedTLS keeps pointers into
/// it.
class Drbg : Pinned {
  public:
    static constexpr std::size_t min_entropy = 32;          ///< bytes
    static constexpr std::size_t max_entropy = 256;         ///< bytes
    static constexpr std::size_t max_personalisation = 128; ///< bytes

    /// Instantiates (10.1.2.3) with entropy ‖ personalisation; the caller wipes both. Uses the
    /// static pool's allocator for a moment. Errors: NoEntropy (less than min_entropy bytes, or all
    /// zero), BadArgument (longer than the limits), Crypto.
    Result<void> seed(Bytes entropy, Bytes personalisation);
    /// 64 random bits. Errors: NoEntropy, Crypto.
    Result<std::uint64_t> next();
    /// Fills `out`, at most 1,024 bytes, with random ones. Errors: NoEntropy, Crypto (more than
    /// that, too); then `out` is zero.
    Result<void> fill(std::span<std::uint8_t> out);
    /// Zeroes the state: not seeded any more.
    void wipe() { wipe_object(*this); }
    bool seeded() const { return seeded_; }

  private:
    mbedtls_hmac_drbg_context state_{};
    alignas(16) std::array<std::uint8_t, 768> storage_{}; // what state_ points to
    std::uint64_t requests_{0};                           // since the seed
    bool seeded_{false};
};

} // namespace plinth::attest
