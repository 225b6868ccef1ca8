// SPDX-License-Identifier: Apache-2.0
// P-256 key pairs and deterministic ECDSA on top of mbedTLS. Internal to src/attest.
#pragma once

#include "attest/report.hpp"
#include "base/wipe.hpp"

#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>

namespace plinth::attest::p256 {

/// An mbedTLS object that is zeroed and freed at the end of its scope. Needs a PoolScope.
template <typename Raw, void (*Init)(Raw*), void (*Free)(Raw*)> struct Owned : Raw, Pinned {
    Owned() { Init(this); }
    ~Owned() { Free(this); }
};
using Number = Owned<mbedtls_mpi, mbedtls_mpi_init, mbedtls_mpi_free>;
using Point = Owned<mbedtls_ecp_point, mbedtls_ecp_point_init, mbedtls_ecp_point_free>;

/// P-256's constants lie in tables, so loading them cannot fail.
inline void load_curve(mbedtls_ecp_group* group) {
    mbedtls_ecp_group_init(group);
    SM_CHECK(mbedtls_ecp_group_load(group, MBEDTLS_ECP_DP_SECP256R1) == 0);
}
/// The curve P-256 (FIPS 186-5; SEC 2 secp256r1).
using Curve = Owned<mbedtls_ecp_group, load_curve, mbedtls_ecp_group_free>;

/// The key pair of a scalar, big-endian: private d or n − d, whichever gives an even y.
/// Errors: BadArgument (not in [1, n−1]), Crypto. Needs a PoolScope.
Result<void> key_pair(Secret const& scalar, KeyPair& out);

/// The key pair of the first candidate that is a scalar: candidate(counter, Secret&) → Result<void>
/// is asked for counters from 0 to 127. A random candidate is refused with probability 2^-32.
/// Errors: Crypto (also when none of them is one), the source's own. Needs a PoolScope.
template <typename Source> Result<void> first_key_pair(Source candidate, KeyPair& out) {
    Secret scalar{};
    Result<void> result = Err::BadArgument;
    for (std::uint8_t counter = 0; counter < 128; ++counter) {
        result = candidate(counter, scalar);
        if (result) result = key_pair(scalar, out);
        if (result || result.error() != Err::BadArgument) break;
    }
    wipe_object(scalar);
    if (!result && result.error() == Err::BadArgument) return Err::Crypto;
    return result;
}

/// Deterministic ECDSA (RFC 6979) over a SHA-256 digest. Errors: Crypto. Needs a PoolScope.
Result<Signature> sign(Secret const& private_key, Hash256 const& message);

} // namespace plinth::attest::p256
