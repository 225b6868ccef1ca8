// SPDX-License-Identifier: Apache-2.0
// What the attestation tests share: bytes from hexadecimal text, devices, monitors and reports.
#pragma once

#include "attest/keys.hpp"
#include "attest/p256.hpp"
#include "attest/pool.hpp"
#include "attest/report.hpp"
#include "input.hpp"
#include "verify.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <span>
#include <string_view>
#include <vector>

namespace plinth::attest::test {

/// Exactly N bytes written in hexadecimal.
template <std::size_t N> std::array<std::uint8_t, N> from_hex(std::string_view text) {
    auto const bytes = parse_hex(text);
    std::array<std::uint8_t, N> result{};
    EXPECT_TRUE(bytes && bytes->size() == N) << text;
    if (bytes && bytes->size() == N) std::memcpy(result.data(), bytes->data(), N);
    return result;
}

/// The bytes of a text, without a NUL.
inline std::vector<std::uint8_t> text_bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

/// A digest that stands for the program of that name.
inline Digest digest_of(std::string_view program) { return sha3_512({text_bytes(program)}); }

/// A device secret for `device`.
inline Secret secret_of(std::string_view device) { return sha256({text_bytes(device)}); }

/// What a boot page would hand over for a device that asserts itself.
inline BootPage self_asserted(std::string_view device) {
    return {.kind = RootKind::SelfAsserted, .secret = secret_of(device)};
}

/// What an earlier stage of `device` hands over to the monitor with that hash: it measured the
/// monitor, derived the secret from its own and certified the key that the monitor will derive.
inline BootPage handed_over(std::string_view device, Digest const& monitor_hash) {
    BootPage root{.kind = RootKind::HandedOver, .secret = secret_of(device)};
    Identity preview;
    EXPECT_TRUE(
        preview.derive({.kind = RootKind::SelfAsserted, .secret = root.secret}, monitor_hash));
    PoolScope const pool;
    KeyPair stage;
    EXPECT_TRUE(p256::key_pair(sha256({root.secret}), stage));
    auto const message =
        monitor_message(RootKind::HandedOver, monitor_hash, preview.monitor().public_key);
    auto const certificate = p256::sign(stage.private_key, message);
    EXPECT_TRUE(certificate);
    root.device_public_key = stage.public_key;
    root.has_certificate = 1;
    if (certificate) root.certificate = *certificate;
    return root;
}

/// A monitor of that root and hash.
struct Monitor {
    Monitor(BootPage const& root, Digest const& hash) { EXPECT_TRUE(identity.derive(root, hash)); }
    Report report(Digest const& enclave, Bytes data) const {
        Report out;
        EXPECT_TRUE(identity.sign_enclave(out, enclave, data));
        return out;
    }
    Identity identity{};
};

/// A self-asserted monitor, one report of it, and what its verifier expects.
struct Scene {
    explicit Scene(std::size_t data_size, std::string_view device = "device A",
                   std::string_view program = "monitor 1")
        : monitor{self_asserted(device), digest_of(program)}, data(data_size) {
        for (std::size_t i = 0; i < data_size; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + 1);
        report = monitor.report(digest_of("enclave 1"), data);
        expected = {.root = RootKind::SelfAsserted,
                    .device_key = monitor.identity.device_public_key(),
                    .monitor_hash = digest_of(program),
                    .enclave_hash = digest_of("enclave 1"),
                    .data = data};
    }
    Scene(Scene const&) = delete;
    Monitor monitor;
    std::vector<std::uint8_t> data;
    Report report{};
    Expected expected{};
};

/// The bytes of an object.
template <typename T> std::span<std::uint8_t> bytes_of(T& object) {
    static_assert(std::is_trivially_copyable_v<T> || std::is_standard_layout_v<T>);
    return {reinterpret_cast<std::uint8_t*>(&object), sizeof object};
}

/// Whether `needle` occurs in `haystack`.
inline bool contains(Bytes haystack, Bytes needle) {
    for (std::size_t i = 0; i + needle.size() <= haystack.size(); ++i) {
        if (std::memcmp(&haystack[i], needle.data(), needle.size()) == 0) return true;
    }
    return false;
}

} // namespace plinth::attest::test
