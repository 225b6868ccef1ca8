// SPDX-License-Identifier: Apache-2.0
#include "attest/drbg.hpp"

#include "attest/pool.hpp"
#include "base/wipe.hpp"

namespace plinth::attest {

namespace {

/// SP 800-90A rev. 1, table 2: requests between reseeds.
constexpr std::uint64_t max_requests = 1ULL << 48;

Result<void> check_entropy(Bytes entropy) {
    if (entropy.size() > Drbg::max_entropy) return Err::BadArgument;
    if (entropy.size() < Drbg::min_entropy || all_zero(entropy)) return Err::NoEntropy;
    return {};
}

} // namespace

Result<void> Drbg::fail(Err error) {
    wipe();
    return error;
}

Result<void> Drbg::seed(Bytes entropy, Bytes personalisation) {
    wipe();
    TRY_VOID(check_entropy(entropy));
    if (personalisation.size() > max_personalisation) return Err::BadArgument;
    std::array<std::uint8_t, max_entropy + max_personalisation> material{};
    std::size_t size = 0;
    for (auto const byte : entropy) material[size++] = byte;
    for (auto const byte : personalisation) material[size++] = byte;
    int error = 0;
    {
        // mbedTLS allocates when it seeds and never again, so the state may outlive the scope.
        PoolScope const pool{storage_};
        if (!pool) {
            wipe_object(material);
            return Err::Busy;
        }
        mbedtls_hmac_drbg_init(&state_);
        auto const* const sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
        error = mbedtls_hmac_drbg_seed_buf(&state_, sha256, material.data(), size);
    }
    wipe_object(material);
    if (error != 0) return fail(Err::Crypto);
    seeded_ = true;
    return {};
}

Result<void> Drbg::reseed(Bytes entropy) {
    if (!seeded_) return Err::NoEntropy;
    TRY_VOID(check_entropy(entropy));
    if (mbedtls_hmac_drbg_update(&state_, entropy.data(), entropy.size()) != 0) {
        return fail(Err::Crypto);
    }
    requests_ = 0;
    return {};
}

Result<std::uint64_t> Drbg::next() {
    std::array<std::uint8_t, 8> bytes{};
    TRY_VOID(fill(bytes));
    std::uint64_t value = 0;
    for (auto const byte : bytes) value = value << 8 | byte;
    wipe_object(bytes);
    return value;
}

Result<void> Drbg::fill(std::span<std::uint8_t> out) {
    auto const whole = out;
    while (!out.empty()) {
        auto const piece = out.first(out.size() < 1024 ? out.size() : 1024);
        auto const able = seeded_ && requests_ < max_requests;
        if (!able || mbedtls_hmac_drbg_random(&state_, piece.data(), piece.size()) != 0) {
            ::plinth::wipe(whole.data(), whole.size());
            return fail(able ? Err::Crypto : Err::NoEntropy);
        }
        ++requests_;
        out = out.subspan(piece.size());
    }
    return {};
}

void Drbg::wipe() { wipe_object(*this); }

} // namespace plinth::attest
