// SPDX-License-Identifier: Apache-2.0
// SHA3-512 and SHA-256. No memory but the object's own.
#pragma once

#include "base/result.hpp"

#include <array>
#include <initializer_list>
#include <mbedtls/sha3.h>
#include <span>

namespace plinth::attest {

/// Bytes that are read.
using Bytes = std::span<std::uint8_t const>;
/// A SHA3-512 digest.
using Digest = std::array<std::uint8_t, 64>;
/// A SHA-256 digest.
using Hash256 = std::array<std::uint8_t, 32>;

/// SHA3-512 (FIPS 202, 6.1) of one message that arrives in pieces; may pause between them.
class Sha3 : Pinned {
  public:
    Sha3();
    /// Absorbs `bytes`.
    void update(Bytes bytes);
    /// The digest of everything. Called once, last; wipes the state.
    Digest finish();

  private:
    mbedtls_sha3_context state_{};
};

/// SHA3-512 of the parts, one after the other.
Digest sha3_512(std::initializer_list<Bytes> parts);
/// SHA-256 (FIPS 180-4, 6.2) of the parts, one after the other; leaves nothing of them behind.
Hash256 sha256(std::initializer_list<Bytes> parts);

/// Copies the parts one after the other to the beginning of `out`; the number of bytes.
std::size_t concatenate(std::initializer_list<Bytes> parts, std::span<std::uint8_t> out);
/// The characters of a literal, without its last NUL.
template <std::size_t N> Bytes letters(char const (&literal)[N]) {
    return {static_cast<std::uint8_t const*>(static_cast<void const*>(literal)), N - 1};
}

/// Whether every byte is zero: no key, hash or secret in use may be.
bool all_zero(Bytes bytes);
/// Whether two equally long byte strings are equal; takes the same time wherever they differ.
/// Strings of different length are unequal.
bool equal(Bytes a, Bytes b);

} // namespace plinth::attest
