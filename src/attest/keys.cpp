// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"

#include "attest/p256.hpp"
#include "attest/pool.hpp"

#include <mbedtls/hkdf.h>

namespace plinth::attest {

namespace {

/// HKDF-SHA-512 as stated at Identity. `label` ends with its zero byte, `bound_to` is the monitor
/// hash or empty. Needs a PoolScope.
Result<void> expand(Secret const& secret, Bytes label, Bytes bound_to, std::uint8_t counter,
                    std::span<std::uint8_t> out) {
    auto const salt = letters("plinth.kdf.v1");
    std::array<std::uint8_t, 16 + 64 + 1> info{};
    auto const size = concatenate({label, bound_to, {&counter, 1}}, info);
    auto const* const sha512 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA512);
    if (mbedtls_hkdf(sha512, salt.data(), salt.size(), secret.data(), secret.size(), info.data(),
                     size, out.data(), out.size()) != 0) {
        wipe(out.data(), out.size());
        return Err::Crypto;
    }
    return {};
}

/// The key pair under `label`. Needs a PoolScope.
Result<void> derive_key(Secret const& secret, Bytes label, Bytes bound_to, KeyPair& out) {
    auto const candidate = [&](std::uint8_t counter, Secret& scalar) {
        return expand(secret, label, bound_to, counter, scalar);
    };
    return p256::first_key_pair(candidate, out);
}

} // namespace

char const* name(RootKind kind) {
    static constexpr std::array names{"none", "handed-over", "self-asserted", "test"};
    return names[static_cast<std::size_t>(kind)];
}

/// Takes over or makes the device's key and its certificate over hash and public key.
Result<void> Identity::derive_device(BootPage const& page) {
    auto const& given = page.device_public_key;
    if (page.kind == RootKind::HandedOver) {
        if (page.has_certificate == 0 || all_zero(given)) return Err::Malformed;
        device_public_key_ = given;
        monitor_.signature = page.certificate;
        return {};
    }
    KeyPair device;
    TRY(derive_key(page.secret, letters("device-key\0"), {}, device));
    auto const made = p256::sign(device.private_key,
                                 monitor_message(page.kind, monitor_.hash, monitor_.public_key));
    device_public_key_ = device.public_key;
    wipe_object(device);
    monitor_.signature = TRY(made);
    if (!all_zero(given) && !equal(given, device_public_key_)) return Err::Malformed;
    return {};
}

Result<void> Identity::derive_all(BootPage const& page, Digest const& hash) {
    PoolScope const pool;
    monitor_.hash = hash;
    TRY(expand(page.secret, letters("sealing-root\0"), hash, 0, sealing_root_));
    TRY(expand(page.secret, letters("drbg\0"), hash, 0, drbg_personalisation_));
    TRY(derive_key(page.secret, letters("monitor-key\0"), hash, key_));
    monitor_.public_key = key_.public_key;
    TRY(derive_device(page));
    kind_ = page.kind;
    return {};
}

Result<void> Identity::derive(BootPage const& page, Digest const& monitor_hash) {
    wipe();
    if (page.kind == RootKind::None) return Err::Unprovisioned;
    if (all_zero(page.secret) || all_zero(monitor_hash)) return Err::Malformed;
    auto const derived = derive_all(page, monitor_hash);
    wipe_stack_below();
    if (!derived) wipe();
    return derived;
}

Result<void> Identity::sign_enclave(Report& out, Digest const& enclave_hash, Bytes data) const {
    out = Report{};
    if (!provisioned()) return Err::Unprovisioned;
    if (data.size() > max_report_data) return Err::BadArgument;
    PoolScope const pool;
    auto const made = p256::sign(key_.private_key, enclave_message(enclave_hash, data));
    wipe_stack_below();
    out.enclave.signature = TRY(made);
    out.enclave.hash = enclave_hash;
    out.enclave.data_len = data.size();
    concatenate({data}, out.enclave.data);
    out.monitor = monitor_;
    out.device_public_key = device_public_key_;
    return {};
}

Secret test_secret() { return sha256({letters("plinth test device secret v1")}); }

} // namespace plinth::attest
