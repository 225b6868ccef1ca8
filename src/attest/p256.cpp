// SPDX-License-Identifier: Apache-2.0
#include "attest/p256.hpp"

#include <mbedtls/ecdsa.h>
#include <mbedtls/hmac_drbg.h>

namespace plinth::attest::p256 {

namespace {

/// Random numbers that blind mbedTLS' point multiplication against side channels. They have no
/// influence on results and need to be unpredictable only to those who do not know the key, so they
/// come from an HMAC_DRBG whose seed is the key and the message: signing works, and takes the same
/// steps each time, without entropy. RFC 6979 nonces are not taken from here.
struct Blinding : Owned<mbedtls_hmac_drbg_context, mbedtls_hmac_drbg_init, mbedtls_hmac_drbg_free> {
    /// Zero, or mbedTLS' error.
    int seed(Secret const& key, Hash256 const& message) {
        auto seed = sha256({letters("blind.v1"), key, message});
        auto const* const info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
        auto const error = mbedtls_hmac_drbg_seed_buf(this, info, seed.data(), seed.size());
        wipe_object(seed);
        return error;
    }
};

} // namespace

Result<void> key_pair(Secret const& scalar, KeyPair& out) {
    Curve curve;
    Number d;
    Point q;
    Blinding blinding;
    if (blinding.seed(scalar, {}) != 0 ||
        mbedtls_mpi_read_binary(&d, scalar.data(), scalar.size()) != 0)
        return Err::Crypto;
    if (mbedtls_ecp_check_privkey(&curve, &d) != 0) return Err::BadArgument;
    std::array<std::uint8_t, 33> point{}; // 2 or 3 for an even or odd y, then x
    std::size_t length = 0;
    if (mbedtls_ecp_mul(&curve, &q, &d, &curve.G, mbedtls_hmac_drbg_random, &blinding) != 0 ||
        mbedtls_ecp_point_write_binary(&curve, &q, MBEDTLS_ECP_PF_COMPRESSED, &length, point.data(),
                                       point.size()) != 0)
        return Err::Crypto;
    // (d, (x, y)) and (n − d, (x, −y)) are both key pairs, and one of y and p − y is even.
    if ((point[0] == 3 && mbedtls_mpi_sub_mpi(&d, &curve.N, &d) != 0) ||
        mbedtls_mpi_write_binary(&d, out.private_key.data(), out.private_key.size()) != 0)
        return Err::Crypto;
    concatenate({Bytes{point}.subspan(1)}, out.public_key);
    return {};
}

Result<Signature> sign(Secret const& private_key, Hash256 const& message) {
    Curve curve;
    Number d;
    Number r;
    Number s;
    Blinding blinding;
    Signature signature{};
    if (blinding.seed(private_key, message) != 0 ||
        mbedtls_mpi_read_binary(&d, private_key.data(), private_key.size()) != 0 ||
        mbedtls_ecdsa_sign_det_ext(&curve, &r, &s, &d, message.data(), message.size(),
                                   MBEDTLS_MD_SHA256, mbedtls_hmac_drbg_random, &blinding) != 0 ||
        mbedtls_mpi_write_binary(&r, signature.data(), 32) != 0 ||
        mbedtls_mpi_write_binary(&s, signature.data() + 32, 32) != 0)
        return Err::Crypto;
    return signature;
}

} // namespace plinth::attest::p256
