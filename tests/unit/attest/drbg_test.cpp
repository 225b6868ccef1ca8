// SPDX-License-Identifier: Apache-2.0
#include "attest/drbg.hpp"

#include "attest/pool.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace plinth::attest::test {
namespace {

constinit Drbg constant_drbg;

std::array<std::uint8_t, 32> entropy(std::uint8_t first) {
    std::array<std::uint8_t, 32> bytes{};
    bytes[0] = first;
    bytes[31] = 1;
    return bytes;
}

// NIST CAVP, drbgvectors_no_reseed, HMAC_DRBG.rsp (CAVS 14.3), SHA-256: entropy and nonce of count
// 0 without personalisation, and of count 0 with a personalisation of 256 bits. The second 1,024
// bits of each are listed there.
TEST(Drbg, MatchesTheVectorsOfNistCavp) {
    std::array<std::uint8_t, 128> out{};
    auto const plain =
        from_hex<48>("ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488"
                     "659ba96c601dc69fc902940805ec0ca8");
    ASSERT_TRUE(constant_drbg.seed(plain, {}));
    ASSERT_TRUE(constant_drbg.fill(out));
    ASSERT_TRUE(constant_drbg.fill(out));
    EXPECT_EQ(out,
              from_hex<128>("e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89"
                            "d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf07745bc1"
                            "07694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668"
                            "961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8"));
    auto const named =
        from_hex<48>("5cacc68165a2e2ee20812f35ec73a79dbf30fd475476ac0c44fc6174cdac2b55"
                     "6f885496c1e63af620becd9e71ecb824");
    auto const name =
        from_hex<32>("e72dd8590d4ed5295515c35ed6199e9d211b8f069b3058caa6670b96ef1208d0");
    ASSERT_TRUE(constant_drbg.seed(named, name));
    ASSERT_TRUE(constant_drbg.fill(out));
    ASSERT_TRUE(constant_drbg.fill(out));
    EXPECT_EQ(out,
              from_hex<128>("f1012cf543f94533df27fedfbf58e5b79a3dc517a9c402bdbfc9a0c0f721f9d5"
                            "3faf4aafdc4b8f7a1b580fcaa52338d4bd95f58966a243cdcd3f446ed4bc546d"
                            "9f607b190dd69954450d16cd0e2d6437067d8b44d19a6af7a7cfa8794e5fbd72"
                            "8e8fb2f2e8db5dd4ff1aa275f35886098e80ff844886060da8b1e7137846b23b"));
}

TEST(Drbg, RefusesToSpeakBeforeItIsSeeded) {
    Drbg drbg;
    std::array<std::uint8_t, 16> out{};
    out.fill(0xee);
    EXPECT_EQ(drbg.fill(out).error(), Err::NoEntropy);
    EXPECT_TRUE(all_zero(out));
    EXPECT_EQ(drbg.next().error(), Err::NoEntropy);
    EXPECT_FALSE(drbg.seeded());
}

TEST(Drbg, RefusesPoorOrOverlongSeedsAndStaysClosed) {
    Drbg drbg;
    std::vector<std::uint8_t> const long_seed(Drbg::max_entropy + 1, 1);
    std::vector<std::uint8_t> const long_name(Drbg::max_personalisation + 1, 1);
    EXPECT_EQ(drbg.seed(Bytes{entropy(1)}.first(31), {}).error(), Err::NoEntropy);
    EXPECT_EQ(drbg.seed(std::array<std::uint8_t, 48>{}, {}).error(), Err::NoEntropy);
    EXPECT_EQ(drbg.seed(long_seed, {}).error(), Err::BadArgument);
    EXPECT_EQ(drbg.seed(entropy(1), long_name).error(), Err::BadArgument);
    EXPECT_FALSE(drbg.seeded());
    ASSERT_TRUE(drbg.seed(Bytes{long_seed}.first(Drbg::max_entropy),
                          Bytes{long_name}.first(Drbg::max_personalisation)));
    // A failed seed closes one that worked before.
    EXPECT_FALSE(drbg.seed({}, {}));
    EXPECT_EQ(drbg.next().error(), Err::NoEntropy);
}

TEST(Drbg, SeedAndPersonalisationCount) {
    auto const first_number = [](std::uint8_t seed, std::string_view name) {
        Drbg drbg;
        EXPECT_TRUE(drbg.seed(entropy(seed), text_bytes(name)));
        auto const number = drbg.next();
        EXPECT_TRUE(number);
        return *number;
    };
    auto const plain = first_number(1, "");
    EXPECT_EQ(first_number(1, ""), plain);
    EXPECT_NE(first_number(2, ""), plain);
    EXPECT_NE(first_number(1, "hart"), plain);
}

TEST(Drbg, FillsUpToOneRequestWithoutRepeatingAndClosesBeyond) {
    Drbg drbg;
    ASSERT_TRUE(drbg.seed(entropy(1), {}));
    std::vector<std::uint8_t> out(5 * 1024);
    for (std::size_t at = 0; at < out.size(); at += 1024)
        ASSERT_TRUE(drbg.fill(std::span{out}.subspan(at, 1024)));
    for (std::size_t i = 0; i + 32 <= out.size(); i += 8) {
        EXPECT_FALSE(contains(Bytes{out}.subspan(i + 8), Bytes{out}.subspan(i, 16))) << i;
    }
    EXPECT_EQ(drbg.fill(std::span{out}.first(1025)).error(), Err::Crypto);
    EXPECT_TRUE(all_zero(Bytes{out}.first(1025)));
    EXPECT_FALSE(drbg.seeded());
}

TEST(Drbg, GoesOnWhileSignaturesUseTheAllocator) {
    Drbg disturbed;
    Drbg quiet;
    ASSERT_TRUE(disturbed.seed(entropy(1), {}) && quiet.seed(entropy(1), {}));
    Scene const scene{32};
    for (int i = 0; i < 3; ++i) {
        auto const again = scene.monitor.report(digest_of("enclave 1"), scene.data);
        EXPECT_EQ(std::memcmp(&again, &scene.report, sizeof again), 0);
        PoolScope const pool;
        EXPECT_EQ(*disturbed.next(), *quiet.next());
    }
}

TEST(Drbg, SeedingWhileTheAllocatorIsInUseEndsTheMonitor) {
    PoolScope const pool;
    Drbg drbg;
    EXPECT_DEATH((void)drbg.seed(entropy(1), {}), "monitor failure: in_use");
}

TEST(Drbg, R12_WipeLeavesNoByte) {
    Drbg drbg;
    ASSERT_TRUE(drbg.seed(entropy(1), {}) && drbg.next());
    EXPECT_FALSE(all_zero(bytes_of(drbg)));
    drbg.wipe();
    EXPECT_TRUE(all_zero(bytes_of(drbg)));
    EXPECT_EQ(drbg.next().error(), Err::NoEntropy);
}

} // namespace
} // namespace plinth::attest::test
