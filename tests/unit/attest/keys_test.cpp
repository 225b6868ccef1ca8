// SPDX-License-Identifier: Apache-2.0
#include "attest/keys.hpp"

#include "attest/p256.hpp"
#include "attest/pool.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/platform.h>

namespace plinth::attest::test {
namespace {

// RFC 6979, A.2.5 (P-256): the key's private x, and its public Ux, whose Uy is odd.
constexpr char rfc6979_private[] =
    "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
constexpr char rfc6979_public_x[] =
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
// The order n of P-256's base point (FIPS 186-5 / SP 800-186, 3.2.1.3).
constexpr char order[] = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

// RFC 6979, A.2.5, "With SHA-256, message = sample" and "message = test".
TEST(Signing, R13_NoncesAreThoseOfRfc6979) {
    PoolScope const pool;
    auto const key = from_hex<32>(rfc6979_private);
    auto const sample = p256::sign(key, sha256({text_bytes("sample")}));
    ASSERT_TRUE(sample);
    EXPECT_EQ(*sample,
              from_hex<64>("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                           "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"));
    auto const test = p256::sign(key, sha256({text_bytes("test")}));
    ASSERT_TRUE(test);
    EXPECT_EQ(*test,
              from_hex<64>("f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                           "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"));
}

// RFC 5869, A.1: HKDF with SHA-256, the construction that expands every key here with SHA-512.
TEST(Derivation, HkdfMatchesRfc5869) {
    PoolScope const pool;
    auto const ikm = from_hex<22>("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    auto const salt = from_hex<13>("000102030405060708090a0b0c");
    auto const info = from_hex<10>("f0f1f2f3f4f5f6f7f8f9");
    std::array<std::uint8_t, 42> okm{};
    ASSERT_EQ(mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), salt.data(), salt.size(),
                           ikm.data(), ikm.size(), info.data(), info.size(), okm.data(),
                           okm.size()),
              0);
    EXPECT_EQ(okm, from_hex<42>("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
                                "34007208d5b887185865"));
}

// Computed by an independent implementation in Python of RFC 5869, SEC 1 and RFC 6979 from the
// construction stated at Identity. If these values change, every deployed key changes.
TEST(Derivation, IsTheDocumentedConstruction) {
    Monitor const monitor{{.kind = RootKind::Test, .secret = test_secret()}, digest_of("monitor")};
    auto const& identity = monitor.identity;
    EXPECT_EQ(identity.device_public_key(),
              from_hex<32>("cb7e83f1423b196d85c84a0768729d34f9dc9d1510130bcb2d946cfa04b60518"));
    EXPECT_EQ(identity.monitor().public_key,
              from_hex<32>("2c5f6c5aef67e8dbd855cbb1f68f5da0fbaf72e1f807fb1555938017fa3d7b6c"));
    EXPECT_TRUE(
        equal(*identity.sealing_root(),
              from_hex<64>("2ccfdc6493090e14e6f18189488874bc6fec2b6473ff0a807539899520979a01"
                           "b7f956e1b05ed0f2a675ebc85170a6ca81fcdd7f3f3dc769a4ed4f6f355aee8c")));
    EXPECT_TRUE(
        equal(*identity.drbg_personalisation(),
              from_hex<64>("a8983af600c143600e1097d9354d1c321fe0fa514f78663861a046de0f3f210b"
                           "cc430175269a6c60f81f6de5ec73e6c52fd46e3c6ee1c86bb3833f9ed51af5b3")));
    EXPECT_EQ(identity.monitor().signature,
              from_hex<64>("7cd49c7343ca4ace485c6ca2ea6e91d86f090f1ef91d65b57e58de91ec521faf"
                           "e6814218dfe69fffe3deb90a3a9ebe0e558eda00626f673c8f34c939c3adfc73"));
    std::array<std::uint8_t, 32> data{};
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(monitor.report(digest_of("enclave"), data).enclave.signature,
              from_hex<64>("fa090ffb82615da5e7cae94daf13732ef189a441ecc7f8608cf0820ec82377f0"
                           "a1dc95d04e854dd446191f9404bb6117dd7485d52c9bec14954d941a8c9ab325"));
    EXPECT_EQ(*device_public_key(test_secret()), identity.device_public_key());
}

TEST(KeyPair, HasAnEvenYWhateverTheScalar) {
    PoolScope const pool;
    p256::Curve curve;
    unsigned negated = 0;
    for (std::uint8_t i = 1; i <= 32; ++i) {
        auto const scalar = sha256({{&i, 1}});
        KeyPair pair;
        ASSERT_TRUE(p256::key_pair(scalar, pair));
        if (pair.private_key != scalar) ++negated;
        // d·G is 0x02 ‖ x: even, and the x that was returned.
        p256::Number d;
        p256::Number zero;
        p256::Point q;
        std::array<std::uint8_t, 33> compressed{};
        std::size_t length = 0;
        ASSERT_EQ(mbedtls_mpi_read_binary(&d, pair.private_key.data(), 32), 0);
        ASSERT_EQ(mbedtls_ecp_muladd(&curve, &q, &d, &curve.G, &zero, &curve.G), 0);
        ASSERT_EQ(mbedtls_ecp_point_write_binary(&curve, &q, MBEDTLS_ECP_PF_COMPRESSED, &length,
                                                 compressed.data(), compressed.size()),
                  0);
        EXPECT_EQ(compressed[0], 2) << i;
        EXPECT_TRUE(equal(Bytes{compressed}.subspan(1), pair.public_key)) << i;
    }
    EXPECT_GT(negated, 0U);
    EXPECT_LT(negated, 32U);
}

TEST(KeyPair, OddYOfRfc6979IsNegated) {
    PoolScope const pool;
    KeyPair pair;
    ASSERT_TRUE(p256::key_pair(from_hex<32>(rfc6979_private), pair));
    EXPECT_EQ(pair.public_key, from_hex<32>(rfc6979_public_x));
    // n − x, by schoolbook subtraction.
    auto const n = from_hex<32>(order);
    auto const x = from_hex<32>(rfc6979_private);
    Secret negated{};
    int borrow = 0;
    for (std::size_t i = 32; i-- > 0;) {
        auto const digit = int{n[i]} - int{x[i]} - borrow;
        borrow = digit < 0 ? 1 : 0;
        negated[i] = static_cast<std::uint8_t>(digit & 0xff);
    }
    EXPECT_EQ(pair.private_key, negated);
}

TEST(KeyPair, ScalarsOutsideOneToOrderAreRefused) {
    PoolScope const pool;
    KeyPair pair;
    auto scalar = from_hex<32>(order);
    EXPECT_EQ(p256::key_pair(scalar, pair).error(), Err::BadArgument);
    EXPECT_EQ(p256::key_pair({}, pair).error(), Err::BadArgument);
    Secret all_ones;
    all_ones.fill(0xff);
    EXPECT_EQ(p256::key_pair(all_ones, pair).error(), Err::BadArgument);
    EXPECT_TRUE(all_zero(pair.private_key) && all_zero(pair.public_key));
    --scalar[31];
    EXPECT_TRUE(p256::key_pair(scalar, pair));
}

TEST(KeyPair, CandidatesThatAreNoScalarAreSkipped) {
    PoolScope const pool;
    KeyPair pair;
    KeyPair third;
    ASSERT_TRUE(p256::key_pair(secret_of("third"), third));
    std::array<Secret, 3> const candidates{from_hex<32>(order), Secret{}, secret_of("third")};
    std::uint8_t asked = 0;
    auto const listed = [&](std::uint8_t counter, Secret& scalar) {
        EXPECT_EQ(counter, asked++);
        scalar = candidates[counter];
        return Result<void>{};
    };
    ASSERT_TRUE(p256::first_key_pair(listed, pair));
    EXPECT_EQ(asked, 3);
    EXPECT_EQ(pair.private_key, third.private_key);
    EXPECT_EQ(pair.public_key, third.public_key);
}

TEST(KeyPair, ASourceWithoutScalarsEndsWithAnError) {
    PoolScope const pool;
    KeyPair pair;
    unsigned asked = 0;
    auto const none = [&](std::uint8_t, Secret& scalar) {
        ++asked;
        scalar = {};
        return Result<void>{};
    };
    EXPECT_EQ(p256::first_key_pair(none, pair).error(), Err::Crypto);
    EXPECT_EQ(asked, 128U);
    auto const broken = [](std::uint8_t, Secret&) { return Result<void>{Err::NoEntropy}; };
    EXPECT_EQ(p256::first_key_pair(broken, pair).error(), Err::NoEntropy);
}

/// Everything that a secret and a monitor hash give, one after the other.
std::vector<std::vector<std::uint8_t>> all_keys(Secret const& secret, Digest const& hash) {
    Monitor const monitor{{.kind = RootKind::SelfAsserted, .secret = secret}, hash};
    std::vector<std::vector<std::uint8_t>> keys;
    for (auto const key :
         {Bytes{monitor.identity.monitor().public_key}, *monitor.identity.sealing_root(),
          *monitor.identity.drbg_personalisation()}) {
        keys.emplace_back(key.begin(), key.end());
    }
    keys.emplace_back(monitor.identity.device_public_key().begin(),
                      monitor.identity.device_public_key().end());
    return keys;
}

TEST(Derivation, R11_EveryByteOfTheSecretChangesEveryKey) {
    auto const secret = secret_of("device A");
    auto const hash = digest_of("monitor 1");
    auto const genuine = all_keys(secret, hash);
    for (std::size_t i = 0; i < secret.size(); ++i) {
        auto other = secret;
        other[i] ^= 1;
        auto const keys = all_keys(other, hash);
        for (std::size_t k = 0; k < genuine.size(); ++k) EXPECT_NE(keys[k], genuine[k]) << i;
    }
}

TEST(Derivation, R11_EveryByteOfTheMonitorHashChangesEveryKeyButTheDevices) {
    auto const secret = secret_of("device A");
    auto const hash = digest_of("monitor 1");
    auto const genuine = all_keys(secret, hash);
    for (std::size_t i = 0; i < hash.size(); ++i) {
        auto other = hash;
        other[i] ^= 1;
        auto const keys = all_keys(secret, other);
        for (std::size_t k = 0; k < 3; ++k) EXPECT_NE(keys[k], genuine[k]) << i;
        EXPECT_EQ(keys[3], genuine[3]) << i;
    }
}

TEST(Derivation, R07_AnotherVersionOfTheMonitorCannotUnseal) {
    Monitor const current{self_asserted("device A"), digest_of("monitor 2")};
    Monitor const older{self_asserted("device A"), digest_of("monitor 1")};
    EXPECT_FALSE(equal(*current.identity.sealing_root(), *older.identity.sealing_root()));
    EXPECT_NE(current.identity.monitor().public_key, older.identity.monitor().public_key);
}

TEST(Identity, UnprovisionedSignsNothing) {
    Identity identity;
    Report report;
    bytes_of(report)[700] = 0xee;
    EXPECT_EQ(identity.sign_enclave(report, digest_of("enclave 1"), {}).error(),
              Err::Unprovisioned);
    EXPECT_TRUE(all_zero(bytes_of(report)));
    EXPECT_EQ(identity.sealing_root().error(), Err::Unprovisioned);
    EXPECT_EQ(identity.drbg_personalisation().error(), Err::Unprovisioned);
    EXPECT_EQ(identity.derive({}, digest_of("monitor 1")).error(), Err::Unprovisioned);
    EXPECT_FALSE(identity.provisioned());
}

TEST(Identity, R05_ZeroSecretsAndHashesAreRefused) {
    Identity identity;
    BootPage const zero{.kind = RootKind::SelfAsserted};
    EXPECT_EQ(identity.derive(zero, digest_of("monitor 1")).error(), Err::Malformed);
    EXPECT_EQ(identity.derive(self_asserted("device A"), {}).error(), Err::Malformed);
    EXPECT_EQ(device_public_key({}).error(), Err::Malformed);
    EXPECT_FALSE(identity.provisioned());
    EXPECT_TRUE(all_zero(bytes_of(identity)));
}

TEST(Identity, HandedOverRootsNeedCertificateAndKey) {
    auto const hash = digest_of("monitor 1");
    auto const genuine = handed_over("device A", hash);
    Identity identity;
    ASSERT_TRUE(identity.derive(genuine, hash));
    EXPECT_EQ(identity.monitor().signature, genuine.certificate);
    EXPECT_EQ(identity.device_public_key(), genuine.device_public_key);
    auto root = genuine;
    root.has_certificate = 0;
    EXPECT_EQ(identity.derive(root, hash).error(), Err::Malformed);
    root = genuine;
    root.device_public_key = {};
    EXPECT_EQ(identity.derive(root, hash).error(), Err::Malformed);
    EXPECT_FALSE(identity.provisioned());
}

TEST(Identity, AGivenDeviceKeyMustBeTheSecrets) {
    auto root = self_asserted("device A");
    auto const key = device_public_key(root.secret);
    ASSERT_TRUE(key);
    root.device_public_key = *key;
    Identity identity;
    EXPECT_TRUE(identity.derive(root, digest_of("monitor 1")));
    root.device_public_key[5] ^= 1;
    EXPECT_EQ(identity.derive(root, digest_of("monitor 1")).error(), Err::Malformed);
    EXPECT_FALSE(identity.provisioned());
}

TEST(Identity, TooMuchDataIsRefusedAndTheReportZero) {
    Scene const scene{0};
    std::vector<std::uint8_t> const data(1025, 7);
    auto report = scene.report;
    EXPECT_EQ(scene.monitor.identity.sign_enclave(report, digest_of("enclave 1"), data).error(),
              Err::BadArgument);
    EXPECT_TRUE(all_zero(bytes_of(report)));
}

/// Nobody gets memory that another one uses: whoever does not hold the lock ends the monitor.
TEST(Identity, ASecondUserOfThePoolEndsTheMonitor) {
    Scene const scene{32};
    PoolScope const pool;
    Report report;
    EXPECT_DEATH((void)scene.monitor.identity.sign_enclave(report, digest_of("enclave 1"), {}),
                 "monitor failure: in_use");
    Identity identity;
    EXPECT_DEATH((void)identity.derive(self_asserted("device A"), digest_of("monitor 1")),
                 "monitor failure: in_use");
    EXPECT_DEATH((void)device_public_key(test_secret()), "monitor failure: in_use");
    EXPECT_DEATH(PoolScope{}, "monitor failure: in_use");
}

TEST(Identity, R12_WipeLeavesNoByteOfAKey) {
    Scene scene{32};
    scene.monitor.identity.wipe();
    EXPECT_TRUE(all_zero(bytes_of(scene.monitor.identity)));
    Report report;
    EXPECT_EQ(scene.monitor.identity.sign_enclave(report, digest_of("enclave 1"), {}).error(),
              Err::Unprovisioned);
}

TEST(Identity, R12_HoldsNoDeviceSecret) {
    Scene scene{32};
    auto const secret = secret_of("device A");
    EXPECT_FALSE(contains(bytes_of(scene.monitor.identity), secret));
    EXPECT_FALSE(contains(bytes_of(scene.monitor.identity), sha256({secret})));
}

TEST(Pool, R12_IsZeroAfterUse) {
    std::uint8_t* memory = nullptr;
    {
        PoolScope const pool;
        memory = static_cast<std::uint8_t*>(mbedtls_calloc(1, 8000));
        ASSERT_NE(memory, nullptr);
        std::memset(memory, 0x5a, 8000);
    }
    // Still the static pool's storage, only not allocated any more.
    EXPECT_TRUE(all_zero({memory, 8000}));
    EXPECT_EQ(mbedtls_calloc(1, 16), nullptr);
}

TEST(RootKind, HasTheNamesOfDeviceKeyFiles) {
    EXPECT_STREQ(name(RootKind::None), "none");
    EXPECT_STREQ(name(RootKind::HandedOver), "handed-over");
    EXPECT_STREQ(name(RootKind::SelfAsserted), "self-asserted");
    EXPECT_STREQ(name(RootKind::Test), "test");
}

} // namespace
} // namespace plinth::attest::test
