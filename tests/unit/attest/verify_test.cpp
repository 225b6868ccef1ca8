// SPDX-License-Identifier: Apache-2.0
#include "verify.hpp"

#include "support.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <ostream>

namespace plinth::attest::test {
namespace {

TEST(Attest, ReportRoundTripForEveryRootAndLength) {
    auto const hash = digest_of("monitor 1");
    for (auto const& root : {handed_over("device A", hash), self_asserted("device A"),
                             BootPage{.kind = RootKind::Test, .secret = test_secret()}}) {
        Monitor const monitor{root, hash};
        for (std::size_t const size : {0U, 1U, 32U, 1023U, 1024U}) {
            std::vector<std::uint8_t> const data(size, 0x42);
            auto const report = monitor.report(digest_of("enclave 1"), data);
            auto const link = verify(report, {.root = root.kind,
                                              .device_key = monitor.identity.device_public_key(),
                                              .monitor_hash = hash,
                                              .enclave_hash = digest_of("enclave 1"),
                                              .data = data,
                                              .allow_test_keys = root.kind == RootKind::Test});
            EXPECT_EQ(link, Link::None) << name(root.kind) << " " << size << " " << name(link);
        }
    }
}

TEST(Attest, UnusedBytesOfAReportAreZeroWhateverWasThere) {
    Scene const scene{32};
    Report report;
    for (auto& byte : bytes_of(report)) byte = 0xee;
    ASSERT_TRUE(scene.monitor.identity.sign_enclave(report, digest_of("enclave 1"), scene.data));
    EXPECT_EQ(std::memcmp(&report, &scene.report, sizeof report), 0);
    EXPECT_TRUE(all_zero(Bytes{report.enclave.data}.subspan(32)));
}

TEST(Attest, ReportBytesAreInTheDocumentedPlaces) {
    Scene const scene{32};
    auto report = scene.report;
    Bytes const bytes = bytes_of(report);
    ASSERT_EQ(bytes.size(), 1352U);
    EXPECT_TRUE(equal(bytes.first(64), report.enclave.hash));
    EXPECT_TRUE(equal(bytes.subspan(64, 8), from_hex<8>("2000000000000000")));
    EXPECT_TRUE(equal(bytes.subspan(72, 32), scene.data));
    EXPECT_TRUE(equal(bytes.subspan(1096, 64), report.enclave.signature));
    EXPECT_TRUE(equal(bytes.subspan(1160, 64), report.monitor.hash));
    EXPECT_TRUE(equal(bytes.subspan(1224, 32), report.monitor.public_key));
    EXPECT_TRUE(equal(bytes.subspan(1256, 64), report.monitor.signature));
    EXPECT_TRUE(equal(bytes.subspan(1320, 32), report.device_public_key));
}

/// A field of the report and the links that may name a change in it.
struct Field {
    char const* name;
    std::size_t offset;
    std::size_t size;
    std::vector<Link> links;
};

/// GoogleTest shows a field, and ctest names its test, by its name.
void PrintTo(Field const& field, std::ostream* out) { *out << field.name; }

// With 32 bytes of data.
Field const fields[] = {
    {"EnclaveHash", 0, 64, {Link::ReportSignature}},
    {"DataLength", 64, 8, {Link::ReportSignature, Link::Length, Link::UnusedBytes}},
    {"UsedData", 72, 32, {Link::ReportSignature}},
    {"UnusedData", 104, 992, {Link::UnusedBytes}},
    {"ReportSignature", 1096, 64, {Link::ReportSignature}},
    {"MonitorHash", 1160, 64, {Link::MonitorCertificate}},
    {"MonitorKey", 1224, 32, {Link::MonitorKey, Link::MonitorCertificate}},
    {"MonitorCertificate", 1256, 64, {Link::MonitorCertificate}},
    {"DeviceKey", 1320, 32, {Link::DeviceKey}},
};

class AttestFields : public ::testing::TestWithParam<Field> {};

TEST_P(AttestFields, R01_EverySingleBitFlipIsRejected) {
    Scene scene{32};
    auto const& field = GetParam();
    auto const bytes = bytes_of(scene.report);
    ASSERT_EQ(verify(scene.report, scene.expected), Link::None);
    for (std::size_t bit = field.offset * 8; bit < (field.offset + field.size) * 8; ++bit) {
        auto const mask = static_cast<std::uint8_t>(1U << (bit % 8));
        bytes[bit / 8] ^= mask;
        auto const link = verify(scene.report, scene.expected);
        bytes[bit / 8] ^= mask;
        EXPECT_EQ(std::count(field.links.begin(), field.links.end(), link), 1)
            << "bit " << bit << ": " << name(link);
    }
    EXPECT_EQ(verify(scene.report, scene.expected), Link::None);
}

INSTANTIATE_TEST_SUITE_P(Fields, AttestFields, ::testing::ValuesIn(fields),
                         [](auto const& tested) { return tested.param.name; });

TEST(Attest, R01_TheFieldsCoverAll10816Bits) {
    std::size_t next = 0;
    for (auto const& field : fields) {
        EXPECT_EQ(field.offset, next) << field.name;
        next += field.size;
    }
    EXPECT_EQ(next * 8, 10816U);
}

TEST(Attest, R01_SignaturesCoverWhatAVerifierWouldExpectAnyway) {
    Scene scene{1024};
    auto const bytes = bytes_of(scene.report);
    for (std::size_t i = 0; i < 1224; ++i) {
        if (i >= 1096 && i < 1160) continue;
        bytes[i] ^= 4;
        auto expected = scene.expected; // expects exactly what the forged report says
        expected.enclave_hash = scene.report.enclave.hash;
        expected.monitor_hash = scene.report.monitor.hash;
        auto const length = std::min<std::uint64_t>(scene.report.enclave.data_len, 1024);
        expected.data = Bytes{scene.report.enclave.data}.first(length);
        EXPECT_NE(verify(scene.report, expected), Link::None) << i;
        bytes[i] ^= 4;
    }
}

TEST(Attest, R02_AnotherNonceIsRejected) {
    Scene const scene{32};
    auto expected = scene.expected;
    auto fresh = scene.data;
    fresh[31] ^= 1;
    expected.data = fresh;
    EXPECT_EQ(verify(scene.report, expected), Link::Data);
    expected.data = Bytes{scene.data}.first(31);
    EXPECT_EQ(verify(scene.report, expected), Link::Data);
    expected.data = {};
    EXPECT_EQ(verify(scene.report, expected), Link::Data);
}

TEST(Attest, R03_OverlongDataLengthsAreRejected) {
    Scene scene{1024};
    for (std::uint64_t const length :
         {1025ULL, 0x10000ULL, 1ULL << 32U, 1ULL << 63U, ~0ULL - 71, ~0ULL}) {
        scene.report.enclave.data_len = length;
        EXPECT_EQ(verify(scene.report, scene.expected), Link::Length) << length;
    }
}

TEST(Attest, R04_PartsOfTwoDevicesOrMonitorsDoNotFit) {
    Scene const a{32, "device A", "monitor 1"};
    for (auto const& [device, program] :
         {std::pair{"device B", "monitor 1"}, std::pair{"device A", "monitor 2"}}) {
        Scene const b{32, device, program};
        auto report = a.report;
        report.enclave = b.report.enclave; // another monitor's word under this one's certificate
        EXPECT_EQ(verify(report, a.expected), Link::ReportSignature) << device;
        report = a.report;
        report.monitor = b.report.monitor;
        EXPECT_NE(verify(report, a.expected), Link::None) << device;
        report = a.report;
        report.monitor.public_key = b.report.monitor.public_key;
        EXPECT_EQ(verify(report, a.expected), Link::MonitorCertificate) << device;
        EXPECT_NE(verify(b.report, a.expected), Link::None) << device;
    }
}

TEST(Attest, R04_ASelfMadeChainDoesNotReachThePinnedKey) {
    Scene const honest{32};
    Scene forged{32, "attacker"};
    EXPECT_EQ(verify(forged.report, honest.expected), Link::DeviceKey);
    // Naming the pinned key does not help: it did not sign.
    forged.report.device_public_key = honest.expected.device_key;
    EXPECT_EQ(verify(forged.report, honest.expected), Link::MonitorCertificate);
}

TEST(Attest, AnotherMonitorIsNamedAsSuch) {
    Scene const other{32, "device A", "monitor 2"};
    auto expected = other.expected;
    expected.monitor_hash = digest_of("monitor 1");
    EXPECT_EQ(verify(other.report, expected), Link::MonitorHash);
}

TEST(Attest, AnotherEnclaveIsNamedAsSuch) {
    Scene const scene{32};
    auto expected = scene.expected;
    expected.enclave_hash = digest_of("enclave 2");
    EXPECT_EQ(verify(scene.report, expected), Link::EnclaveHash);
}

TEST(Attest, R05_ZeroKeysAndHashesAreRejectedEvenIfExpected) {
    Scene const scene{32};
    auto report = scene.report;
    auto expected = scene.expected;
    report.device_public_key = {};
    expected.device_key = {};
    EXPECT_EQ(verify(report, expected), Link::DeviceKey);
    report = scene.report;
    report.monitor.public_key = {};
    EXPECT_EQ(verify(report, scene.expected), Link::MonitorKey);
    // Genuinely signed, and zero all the same.
    report = scene.monitor.report({}, scene.data);
    expected = scene.expected;
    expected.enclave_hash = {};
    EXPECT_EQ(verify(report, expected), Link::EnclaveHash);
    EXPECT_NE(verify(Report{}, {}), Link::None);
    EXPECT_NE(verify(Report{}, {.root = RootKind::SelfAsserted}), Link::None);
}

TEST(Attest, R05_AZeroMonitorHashIsRejectedEvenIfCertified) {
    Scene const scene{32};
    auto report = scene.report;
    report.monitor.hash = {};
    auto expected = scene.expected;
    expected.monitor_hash = {};
    {
        PoolScope const pool;
        KeyPair device;
        ASSERT_TRUE(p256::key_pair(secret_of("certifies anything"), device));
        auto const message = monitor_message(RootKind::SelfAsserted, {}, report.monitor.public_key);
        report.monitor.signature = *p256::sign(device.private_key, message);
        report.device_public_key = device.public_key;
        expected.device_key = device.public_key;
    }
    EXPECT_EQ(verify(report, expected), Link::MonitorHash);
}

TEST(Attest, R05_TestKeysAreRejectedUnlessAllowed) {
    Monitor const monitor{{.kind = RootKind::Test, .secret = test_secret()},
                          digest_of("monitor 1")};
    std::array<std::uint8_t, 32> const nonce{1};
    auto const report = monitor.report(digest_of("enclave 1"), nonce);
    Expected expected{.root = RootKind::Test,
                      .device_key = monitor.identity.device_public_key(),
                      .monitor_hash = digest_of("monitor 1"),
                      .enclave_hash = digest_of("enclave 1"),
                      .data = nonce};
    EXPECT_EQ(verify(report, expected), Link::TestKey);
    // Nor does it help to call the same key by a better name.
    expected.root = RootKind::SelfAsserted;
    EXPECT_EQ(verify(report, expected), Link::TestKey);
    expected.root = RootKind::HandedOver;
    EXPECT_EQ(verify(report, expected), Link::TestKey);
    expected.root = RootKind::Test;
    expected.allow_test_keys = true;
    EXPECT_EQ(verify(report, expected), Link::None);
    // A real key is not made worse by the permission.
    Scene scene{32};
    scene.expected.allow_test_keys = true;
    EXPECT_EQ(verify(scene.report, scene.expected), Link::None);
}

/// Values at the edges of [1, n−1] and of the field, big-endian.
std::vector<std::array<std::uint8_t, 32>> out_of_range() {
    return {from_hex<32>("0000000000000000000000000000000000000000000000000000000000000000"),
            from_hex<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"), // n
            from_hex<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"),
            from_hex<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"), // p
            from_hex<32>("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")};
}

TEST(Attest, R06_SignatureHalvesOutOfRangeAreRejected) {
    Scene const scene{32};
    for (std::size_t const half : {0U, 32U}) {
        for (auto const& value : out_of_range()) {
            auto report = scene.report;
            std::copy(value.begin(), value.end(), report.enclave.signature.begin() + half);
            EXPECT_EQ(verify(report, scene.expected), Link::ReportSignature);
            report = scene.report;
            std::copy(value.begin(), value.end(), report.monitor.signature.begin() + half);
            EXPECT_EQ(verify(report, scene.expected), Link::MonitorCertificate);
        }
    }
    auto report = scene.report;
    report.enclave.signature = {};
    EXPECT_EQ(verify(report, scene.expected), Link::ReportSignature);
}

TEST(Attest, R06_KeysThatAreNoPointAreRejected) {
    Scene const scene{32};
    // x = 1: x³ − 3x + b is no square modulo p; and coordinates that are not below p.
    auto const bad = {
        from_hex<32>("0000000000000000000000000000000000000000000000000000000000000001"),
        from_hex<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
        from_hex<32>("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")};
    for (auto const& key : bad) {
        auto report = scene.report;
        report.monitor.public_key = key;
        EXPECT_EQ(verify(report, scene.expected), Link::MonitorKey);
        auto expected = scene.expected;
        report = scene.report;
        report.device_public_key = expected.device_key = key;
        EXPECT_EQ(verify(report, expected), Link::DeviceKey);
    }
}

TEST(Attest, R10_ASignatureOverChosenDataIsNoCertificate) {
    // The enclave has its monitor sign "hash ‖ key" of the attacker's monitor, and presents the
    // honest monitor's key as a device key.
    Scene const honest{32};
    Scene forged{32, "attacker"};
    for (auto const kind : {RootKind::SelfAsserted, RootKind::HandedOver}) {
        std::vector<std::uint8_t> claim(forged.report.monitor.hash.begin(),
                                        forged.report.monitor.hash.end());
        auto const& key = forged.report.monitor.public_key;
        claim.insert(claim.end(), key.begin(), key.end());
        auto report = forged.report;
        report.device_public_key = honest.report.monitor.public_key;
        report.monitor.signature =
            honest.monitor.report(forged.report.monitor.hash, claim).enclave.signature;
        auto expected = forged.expected;
        expected.root = kind;
        expected.device_key = honest.report.monitor.public_key;
        EXPECT_EQ(verify(report, expected), Link::MonitorCertificate);
    }
}

TEST(Attest, R10_ContextsSeparateTheKindsOfRoot) {
    auto const hash = digest_of("monitor 1");
    Scene const self{32};
    auto expected = self.expected;
    expected.root = RootKind::HandedOver; // would hide that the monitor measured itself
    EXPECT_EQ(verify(self.report, expected), Link::MonitorCertificate);
    expected.root = RootKind::None;
    EXPECT_EQ(verify(self.report, expected), Link::DeviceKey);
    auto const root = handed_over("device A", hash);
    Monitor const handed{root, hash};
    expected = {.root = RootKind::SelfAsserted,
                .device_key = root.device_public_key,
                .monitor_hash = hash,
                .enclave_hash = digest_of("enclave 1"),
                .data = self.data};
    auto const report = handed.report(digest_of("enclave 1"), self.data);
    EXPECT_EQ(verify(report, expected), Link::MonitorCertificate);
    expected.root = RootKind::HandedOver;
    EXPECT_EQ(verify(report, expected), Link::None);
}

TEST(Attest, R10_MessagesAreTheDocumentedBytes) {
    auto const hash = digest_of("h");
    auto const data = text_bytes("data");
    auto message = text_bytes({"plinth.enclave.v1\0", 18});
    message.insert(message.end(), hash.begin(), hash.end());
    auto const length = from_hex<8>("0400000000000000");
    message.insert(message.end(), length.begin(), length.end());
    message.insert(message.end(), data.begin(), data.end());
    EXPECT_EQ(enclave_message(hash, data), sha256({message}));
    for (auto const& [kind, context] :
         {std::pair{RootKind::HandedOver, std::string_view{"plinth.monitor.v1\0", 18}},
          std::pair{RootKind::SelfAsserted, std::string_view{"plinth.monitor.self.v1\0", 23}},
          std::pair{RootKind::Test, std::string_view{"plinth.monitor.self.v1\0", 23}}}) {
        message = text_bytes(context);
        message.insert(message.end(), hash.begin(), hash.end());
        auto const key = secret_of("key");
        message.insert(message.end(), key.begin(), key.end());
        EXPECT_EQ(monitor_message(kind, hash, key), sha256({message})) << name(kind);
    }
}

TEST(Attest, AVerifierThatCannotComputeRejects) {
    Scene const scene{32};
    (void)is_test_key({});
    PoolScope const pool;
    EXPECT_DEATH((void)verify(scene.report, scene.expected), "monitor failure: in_use");
}

} // namespace
} // namespace plinth::attest::test
