// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"

#include <mbedtls/sha256.h>

namespace plinth::attest {

Sha3::Sha3() { SM_CHECK(mbedtls_sha3_starts(&state_, MBEDTLS_SHA3_512) == 0); }

void Sha3::update(Bytes bytes) {
    SM_CHECK(mbedtls_sha3_update(&state_, bytes.data(), bytes.size()) == 0);
}

Digest Sha3::finish() {
    Digest digest{};
    SM_CHECK(mbedtls_sha3_finish(&state_, digest.data(), digest.size()) == 0);
    return digest;
}

Digest sha3_512(std::initializer_list<Bytes> parts) {
    Sha3 hash;
    for (auto const part : parts) hash.update(part);
    return hash.finish();
}

Hash256 sha256(std::initializer_list<Bytes> parts) {
    mbedtls_sha256_context state{};
    SM_CHECK(mbedtls_sha256_starts(&state, 0) == 0);
    for (auto const part : parts)
        SM_CHECK(mbedtls_sha256_update(&state, part.data(), part.size()) == 0);
    Hash256 digest{};
    SM_CHECK(mbedtls_sha256_finish(&state, digest.data()) == 0);
    return digest;
}

std::size_t concatenate(std::initializer_list<Bytes> parts, std::span<std::uint8_t> out) {
    std::size_t size = 0;
    for (auto const part : parts)
        for (auto const byte : part) out[size++] = byte;
    return size;
}

bool all_zero(Bytes bytes) {
    unsigned seen = 0;
    for (auto const byte : bytes) seen |= byte;
    return seen == 0;
}

bool equal(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    unsigned different = 0;
    for (std::size_t i = 0; i < a.size(); ++i) different |= a[i] ^ b[i];
    return different == 0;
}

} // namespace plinth::attest
