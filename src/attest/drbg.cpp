// SPDX-License-Identifier: Apache-2.0
#include "attest/drbg.hpp"

#include "attest/pool.hpp"

#include <bit>

namespace plinth::attest {

Result<void> Drbg::seed(Bytes entropy, Bytes personalisation) {
    wipe();
    if (entropy.size() > max_entropy || personalisation.size() > max_personalisation)
        return Err::BadArgument;
    if (entropy.size() < min_entropy || all_zero(entropy)) return Err::NoEntropy;
    // mbedTLS allocates when it seeds and never again, so the state may outlive the scope.
    PoolScope const pool{storage_};
    std::array<std::uint8_t, max_entropy + max_personalisation> material{};
    auto const size = concatenate({entropy, personalisation}, material);
    mbedtls_hmac_drbg_init(&state_);
    auto const* const sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    seeded_ = mbedtls_hmac_drbg_seed_buf(&state_, sha256, material.data(), size) == 0;
    wipe_object(material);
    if (seeded_) return {};
    wipe();
    return Err::Crypto;
}

Result<std::uint64_t> Drbg::next() {
    std::array<std::uint8_t, 8> bytes{};
    TRY(fill(bytes));
    auto const value = std::bit_cast<std::uint64_t>(bytes);
    wipe_object(bytes);
    return value;
}

Result<void> Drbg::fill(std::span<std::uint8_t> out) {
    constexpr std::uint64_t max_requests = 1ULL << 48; // SP 800-90A rev. 1, table 2
    auto const able = seeded_ && ++requests_ <= max_requests;
    if (able && mbedtls_hmac_drbg_random(&state_, out.data(), out.size()) == 0) return {};
    ::plinth::wipe(out.data(), out.size());
    wipe();
    return able ? Err::Crypto : Err::NoEntropy;
}

} // namespace plinth::attest
