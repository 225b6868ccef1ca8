// SPDX-License-Identifier: Apache-2.0
#include "verify.hpp"

#include "attest/p256.hpp"
#include "attest/pool.hpp"

#include <mbedtls/ecdsa.h>
#include <optional>

namespace plinth::attest {

namespace {

/// The point with even y whose x is `key` (SEC 1, 2.3.4), checked to lie on the curve.
bool load_point(p256::Curve& curve, PublicKey const& key, p256::Point& point) {
    std::array<std::uint8_t, 33> compressed{2};
    for (std::size_t i = 0; i < key.size(); ++i) compressed[1 + i] = key[i];
    return mbedtls_ecp_point_read_binary(&curve, &point, compressed.data(), compressed.size()) ==
               0 &&
           mbedtls_ecp_check_pubkey(&curve, &point) == 0;
}

/// ECDSA verification (FIPS 186-5, 6.4.2); r and s outside [1, n−1] do not verify.
bool signature_holds(p256::Curve& curve, p256::Point& key, Hash256 const& message,
                     Signature const& signature) {
    p256::Number r;
    p256::Number s;
    return mbedtls_mpi_read_binary(&r, signature.data(), 32) == 0 &&
           mbedtls_mpi_read_binary(&s, signature.data() + 32, 32) == 0 &&
           mbedtls_ecdsa_verify(&curve, message.data(), message.size(), &key, &r, &s) == 0;
}

/// A zero value never matches, not even zero: a platform without a measuring stage reports zeros.
bool matches(Bytes actual, Bytes wanted) { return !all_zero(wanted) && equal(actual, wanted); }

Link check_device(Report const& report, Expected const& expected) {
    auto const test = expected.root == RootKind::Test || is_test_key(expected.device_key);
    if (test && !expected.allow_test_keys) return Link::TestKey;
    auto const pinned = expected.root != RootKind::None;
    return pinned && matches(report.device_public_key, expected.device_key) ? Link::None
                                                                            : Link::DeviceKey;
}

/// The two signatures, and between them what the first of them vouches for.
Link check_signatures(Report const& report, Expected const& expected) {
    PoolScope const pool;
    p256::Curve curve;
    p256::Point device;
    p256::Point monitor;
    if (!load_point(curve, expected.device_key, device)) return Link::DeviceKey;
    auto const& said = report.monitor;
    if (all_zero(said.public_key)) return Link::MonitorKey;
    if (!load_point(curve, said.public_key, monitor)) return Link::MonitorKey;
    auto const certified = monitor_message(expected.root, said.hash, said.public_key);
    if (!signature_holds(curve, device, certified, said.signature)) return Link::MonitorCertificate;
    if (!matches(said.hash, expected.monitor_hash)) return Link::MonitorHash;
    auto const data = Bytes{report.enclave.data}.first(report.enclave.data_len);
    auto const signed_message = enclave_message(report.enclave.hash, data);
    return signature_holds(curve, monitor, signed_message, report.enclave.signature)
               ? Link::None
               : Link::ReportSignature;
}

} // namespace

Link verify(Report const& report, Expected const& expected) {
    auto const& enclave = report.enclave;
    if (enclave.data_len > max_report_data) return Link::Length;
    auto const data_len = static_cast<std::size_t>(enclave.data_len);
    if (!all_zero(Bytes{enclave.data}.subspan(data_len))) return Link::UnusedBytes;
    if (auto const link = check_device(report, expected); link != Link::None) return link;
    if (auto const link = check_signatures(report, expected); link != Link::None) return link;
    if (!matches(enclave.hash, expected.enclave_hash)) return Link::EnclaveHash;
    return equal(Bytes{enclave.data}.first(data_len), expected.data) ? Link::None : Link::Data;
}

char const* name(Link link) {
    switch (link) {
    case Link::None: return "none";
    case Link::Length: return "data length";
    case Link::UnusedBytes: return "unused bytes";
    case Link::TestKey: return "test key";
    case Link::DeviceKey: return "device key";
    case Link::MonitorKey: return "monitor key";
    case Link::MonitorCertificate: return "monitor certificate";
    case Link::MonitorHash: return "monitor hash";
    case Link::ReportSignature: return "report signature";
    case Link::EnclaveHash: return "enclave hash";
    case Link::Data: return "data";
    }
    return "unknown";
}

Result<PublicKey> device_public_key(Secret const& secret) {
    static constexpr Digest any_monitor{1}; // the device's key is the same for all of them
    Identity identity;
    BootPage page{.kind = RootKind::SelfAsserted, .secret = secret};
    auto const derived = identity.derive(page, any_monitor);
    wipe_object(page);
    TRY(derived);
    return identity.device_public_key();
}

bool is_test_key(PublicKey const& key) {
    static std::optional<PublicKey> test_key;
    if (!test_key) {
        auto const derived = device_public_key(test_secret());
        if (!derived) return true; // unknown, so do not trust it
        test_key = *derived;
    }
    return equal(key, *test_key);
}

} // namespace plinth::attest
