// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"

#include "base/check.hpp"
#include "base/wipe.hpp"

namespace plinth::attest {

void Sha3::update(Bytes bytes) {
    if (!started_) SM_CHECK(mbedtls_sha3_starts(&state_, MBEDTLS_SHA3_512) == 0);
    started_ = true;
    SM_CHECK(mbedtls_sha3_update(&state_, bytes.data(), bytes.size()) == 0);
}

Digest Sha3::finish() {
    update({});
    Digest digest{};
    SM_CHECK(mbedtls_sha3_finish(&state_, digest.data(), digest.size()) == 0);
    reset();
    return digest;
}

void Sha3::reset() {
    wipe_object(state_);
    started_ = false;
}

void Sha256::update(Bytes bytes) {
    if (!started_) SM_CHECK(mbedtls_sha256_starts(&state_, 0) == 0);
    started_ = true;
    SM_CHECK(mbedtls_sha256_update(&state_, bytes.data(), bytes.size()) == 0);
}

Hash256 Sha256::finish() {
    update({});
    Hash256 digest{};
    SM_CHECK(mbedtls_sha256_finish(&state_, digest.data()) == 0);
    wipe_object(state_);
    started_ = false;
    return digest;
}

Digest sha3_512(Bytes bytes) {
    Sha3 hash;
    hash.update(bytes);
    return hash.finish();
}

Hash256 sha256(Bytes bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

bool all_zero(Bytes bytes) {
    std::uint8_t seen = 0;
    for (auto const byte : bytes) seen = static_cast<std::uint8_t>(seen | byte);
    return seen == 0;
}

bool equal(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    std::uint8_t different = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        different = static_cast<std::uint8_t>(different | (a[i] ^ b[i]));
    }
    return different == 0;
}

} // namespace plinth::attest
