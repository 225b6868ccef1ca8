// SPDX-License-Identifier: Apache-2.0
// SHA3-512 and SHA-256 over bytes that arrive in pieces. No memory but the object's own.
#pragma once

#include <array>
#include <cstdint>
#include <mbedtls/sha256.h>
#include <mbedtls/sha3.h>
#include <span>

namespace plinth::attest {

/// Bytes that are read.
using Bytes = std::span<std::uint8_t const>;
/// A SHA3-512 digest.
using Digest = std::array<std::uint8_t, 64>;
/// A SHA-256 digest.
using Hash256 = std::array<std::uint8_t, 32>;

/// SHA3-512 (FIPS 202, 6.1) of a stream. Constant-initialisable; may pause between updates for any
/// time and go on on another hart.
class Sha3 {
  public:
    constexpr Sha3() = default;
    Sha3(Sha3 const&) = delete;
    Sha3& operator=(Sha3 const&) = delete;

    /// Absorbs `bytes`; the first call after construction or finish() begins a new message.
    void update(Bytes bytes);
    /// The digest of everything since the last finish(); wipes the state.
    Digest finish();
    /// Forgets what was absorbed; the next update begins a new message.
    void reset();

  private:
    mbedtls_sha3_context state_{};
    bool started_{false};
};

/// SHA-256 (FIPS 180-4, 6.2) of a stream; used as Sha3.
class Sha256 {
  public:
    constexpr Sha256() = default;
    Sha256(Sha256 const&) = delete;
    Sha256& operator=(Sha256 const&) = delete;

    /// Absorbs `bytes`; the first call after construction or finish() begins a new message.
    void update(Bytes bytes);
    /// The digest of everything since the last finish(); wipes the state.
    Hash256 finish();

  private:
    mbedtls_sha256_context state_{};
    bool started_{false};
};

/// SHA3-512 of one piece.
Digest sha3_512(Bytes bytes);
/// SHA-256 of one piece.
Hash256 sha256(Bytes bytes);

/// Whether every byte is zero: no key, hash or secret in use may be.
bool all_zero(Bytes bytes);
/// Whether two equally long byte strings are equal; takes the same time wherever they differ.
/// Strings of different length are unequal.
bool equal(Bytes a, Bytes b);

} // namespace plinth::attest
