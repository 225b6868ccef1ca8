// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"

#include "attest/p256.hpp"
#include "attest/pool.hpp"
#include "attest/report.hpp"
#include "base/wipe.hpp"

#include <mbedtls/hkdf.h>
#include <span>

namespace plinth::attest {

namespace {

/// A text without its NUL, as bytes; at most 15 characters.
struct Label {
    template <std::size_t N> consteval explicit(false) Label(char const (&text)[N]) : size{N - 1} {
        for (std::size_t i = 0; i + 1 < N; ++i) bytes[i] = static_cast<std::uint8_t>(text[i]);
    }
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size;
};

/// HKDF-SHA-512 as stated at Identity. `bound_to` is the monitor hash or empty. Needs a PoolScope.
Result<void> expand(Secret const& secret, Label label, Bytes bound_to, std::uint8_t counter,
                    std::span<std::uint8_t> out) {
    static constexpr Label salt{"plinth.kdf.v1"};
    std::array<std::uint8_t, 16 + 64 + 1> info{};
    std::size_t size = 0;
    for (auto const byte : Bytes{label.bytes}.first(label.size)) info[size++] = byte;
    info[size++] = 0;
    for (auto const byte : bound_to) info[size++] = byte;
    info[size++] = counter;
    auto const* const sha512 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA512);
    if (mbedtls_hkdf(sha512, salt.bytes.data(), salt.size, secret.data(), secret.size(),
                     info.data(), size, out.data(), out.size()) != 0) {
        wipe(out.data(), out.size());
        return Err::Crypto;
    }
    return {};
}

/// The key pair under `label`. Needs a PoolScope.
Result<void> derive_key(Secret const& secret, Label label, Bytes bound_to, p256::KeyPair& out) {
    auto const candidate = [&](std::uint8_t counter, Secret& scalar) {
        return expand(secret, label, bound_to, counter, scalar);
    };
    return p256::first_key_pair(candidate, out);
}

/// Whatever mbedTLS left below the caller's frame: it goes 3.8 KiB deep on rv64 (measured with a
/// painted stack), so that a hart that derives or signs needs 5 KiB of free stack.
[[gnu::noinline]] void wipe_stack_below() {
    std::array<std::uint8_t, 4096> below;
    wipe_object(below);
}

} // namespace

char const* name(RootKind kind) {
    switch (kind) {
    case RootKind::None: return "none";
    case RootKind::HandedOver: return "handed-over";
    case RootKind::SelfAsserted: return "self-asserted";
    case RootKind::Test: return "test";
    }
    return "unknown";
}

void DeviceRoot::wipe() { wipe_object(*this); }

/// Takes over or makes the device's key and its certificate over hash and public key.
Result<void> Identity::derive_device(DeviceRoot const& root) {
    if (root.kind == RootKind::HandedOver) {
        if (!root.has_certificate || all_zero(root.device_public_key)) return Err::Malformed;
        device_public_key_ = root.device_public_key;
        certificate_ = root.certificate;
        return {};
    }
    p256::KeyPair device;
    TRY_VOID(derive_key(root.secret, "device-key", {}, device));
    auto const made =
        p256::sign(device.private_key, monitor_message(root.kind, monitor_hash_, public_key_));
    device_public_key_ = device.public_key;
    wipe_object(device);
    certificate_ = TRY(made);
    auto const given = Bytes{root.device_public_key};
    if (!all_zero(given) && !equal(given, device_public_key_)) return Err::Malformed;
    return {};
}

Result<void> Identity::derive_all(DeviceRoot const& root, Digest const& monitor_hash) {
    PoolScope const pool;
    if (!pool) return Err::Busy;
    monitor_hash_ = monitor_hash;
    TRY_VOID(expand(root.secret, "sealing-root", monitor_hash, 0, sealing_root_));
    TRY_VOID(expand(root.secret, "drbg", monitor_hash, 0, drbg_personalisation_));
    p256::KeyPair pair;
    TRY_VOID(derive_key(root.secret, "monitor-key", monitor_hash, pair));
    private_key_ = pair.private_key;
    public_key_ = pair.public_key;
    wipe_object(pair);
    return derive_device(root);
}

Result<void> Identity::derive(DeviceRoot const& root, Digest const& monitor_hash) {
    wipe();
    if (root.kind == RootKind::None) return Err::Unprovisioned;
    if (all_zero(root.secret) || all_zero(monitor_hash)) return Err::Malformed;
    auto const derived = derive_all(root, monitor_hash);
    wipe_stack_below();
    if (derived) {
        kind_ = root.kind;
    } else {
        wipe();
    }
    return derived;
}

Result<void> Identity::sign_enclave(Report& out, Digest const& enclave_hash, Bytes data) const {
    out = Report{};
    if (!provisioned()) return Err::Unprovisioned;
    if (data.size() > max_report_data) return Err::BadArgument;
    PoolScope const pool;
    if (!pool) return Err::Busy;
    auto const made = p256::sign(private_key_, enclave_message(enclave_hash, data));
    wipe_stack_below();
    auto const signature = TRY(made);
    out.enclave.hash = enclave_hash;
    out.enclave.data_len = data.size();
    for (std::size_t i = 0; i < data.size(); ++i) out.enclave.data[i] = data[i];
    out.enclave.signature = signature;
    out.monitor = {.hash = monitor_hash_, .public_key = public_key_, .signature = certificate_};
    out.device_public_key = device_public_key_;
    return {};
}

void Identity::wipe() { wipe_object(*this); }

Result<Bytes> Identity::sealing_root() const {
    if (!provisioned()) return Err::Unprovisioned;
    return Bytes{sealing_root_};
}

Result<Bytes> Identity::drbg_personalisation() const {
    if (!provisioned()) return Err::Unprovisioned;
    return Bytes{drbg_personalisation_};
}

Result<PublicKey> device_public_key(Secret const& secret) {
    if (all_zero(secret)) return Err::Malformed;
    PoolScope const pool;
    if (!pool) return Err::Busy;
    p256::KeyPair device;
    TRY_VOID(derive_key(secret, "device-key", {}, device));
    auto const key = device.public_key;
    wipe_object(device);
    return key;
}

Secret test_secret() {
    static constexpr char text[] = "plinth test device secret v1";
    Sha256 hash;
    for (std::size_t i = 0; i + 1 < sizeof text; ++i) {
        auto const byte = static_cast<std::uint8_t>(text[i]);
        hash.update({&byte, 1});
    }
    return hash.finish();
}

} // namespace plinth::attest
