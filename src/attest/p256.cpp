// SPDX-License-Identifier: Apache-2.0
#include "attest/p256.hpp"

#include "base/wipe.hpp"

#include <mbedtls/ecdsa.h>
#include <mbedtls/hmac_drbg.h>

namespace plinth::attest::p256 {

namespace {

/// Random numbers that blind mbedTLS' point multiplication against side channels. They have no
/// influence on results and need to be unpredictable only to those who do not know the key, so they
/// come from an HMAC_DRBG whose seed is the key and the message: signing works, and takes the same
/// steps each time, without entropy. RFC 6979 nonces are not taken from here.
struct Blinding : Owned<mbedtls_hmac_drbg_context, mbedtls_hmac_drbg_init, mbedtls_hmac_drbg_free> {
    Result<void> seed(Secret const& key, Hash256 const& message) {
        static constexpr std::array<std::uint8_t, 8> label{'b', 'l', 'i', 'n', 'd', '.', 'v', '1'};
        Sha256 hash;
        hash.update(label);
        hash.update(key);
        hash.update(message);
        auto seed = hash.finish();
        auto const* const sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
        auto const error = mbedtls_hmac_drbg_seed_buf(get(), sha256, seed.data(), seed.size());
        wipe_object(seed);
        if (error != 0) return Err::Crypto;
        return {};
    }
};

} // namespace

Result<void> Curve::load() {
    if (mbedtls_ecp_group_load(get(), MBEDTLS_ECP_DP_SECP256R1) != 0) return Err::Crypto;
    return {};
}

Result<void> key_pair(Secret const& scalar, KeyPair& out) {
    Curve curve;
    Number d;
    Point q;
    Blinding blinding;
    TRY_VOID(curve.load());
    TRY_VOID(blinding.seed(scalar, {}));
    auto* const group = curve.get();
    if (mbedtls_mpi_read_binary(d.get(), scalar.data(), scalar.size()) != 0) return Err::Crypto;
    if (mbedtls_ecp_check_privkey(group, d.get()) != 0) return Err::BadArgument;
    if (mbedtls_ecp_mul(group, q.get(), d.get(), &group->G, mbedtls_hmac_drbg_random,
                        blinding.get()) != 0) {
        return Err::Crypto;
    }
    std::array<std::uint8_t, 65> point{}; // 0x04, x, y
    std::size_t length = 0;
    if (mbedtls_ecp_point_write_binary(group, q.get(), MBEDTLS_ECP_PF_UNCOMPRESSED, &length,
                                       point.data(), point.size()) != 0) {
        return Err::Crypto;
    }
    // (d, (x, y)) and (n − d, (x, −y)) are both key pairs, and one of y and p − y is even.
    auto const odd = (point[64] & 1U) != 0;
    if (odd && mbedtls_mpi_sub_mpi(d.get(), &group->N, d.get()) != 0) return Err::Crypto;
    for (std::size_t i = 0; i < out.public_key.size(); ++i) out.public_key[i] = point[1 + i];
    if (mbedtls_mpi_write_binary(d.get(), out.private_key.data(), out.private_key.size()) != 0) {
        return Err::Crypto;
    }
    return {};
}

Result<Signature> sign(Secret const& private_key, Hash256 const& message) {
    Curve curve;
    Number d;
    Number r;
    Number s;
    Blinding blinding;
    TRY_VOID(curve.load());
    TRY_VOID(blinding.seed(private_key, message));
    if (mbedtls_mpi_read_binary(d.get(), private_key.data(), private_key.size()) != 0 ||
        mbedtls_ecdsa_sign_det_ext(curve.get(), r.get(), s.get(), d.get(), message.data(),
                                   message.size(), MBEDTLS_MD_SHA256, mbedtls_hmac_drbg_random,
                                   blinding.get()) != 0) {
        return Err::Crypto;
    }
    Signature signature{};
    if (mbedtls_mpi_write_binary(r.get(), signature.data(), 32) != 0 ||
        mbedtls_mpi_write_binary(s.get(), signature.data() + 32, 32) != 0) {
        return Err::Crypto;
    }
    return signature;
}

} // namespace plinth::attest::p256
