// SPDX-License-Identifier: Apache-2.0
#include "attest/digest.hpp"

#include "measure.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace plinth::attest::test {
namespace {

// NIST, "SHA3-512 example values" for FIPS 202: 0, 24 and 1,600 bits.
TEST(Digest, Sha3MatchesTheExamplesOfFips202) {
    EXPECT_EQ(sha3_512({}),
              from_hex<64>("a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6"
                           "15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"));
    EXPECT_EQ(sha3_512({text_bytes("abc")}),
              from_hex<64>("b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e"
                           "10e116e9192af3c91a7ec57647e3934057340b4cf408d5a56592f8274eec53f0"));
    EXPECT_EQ(sha3_512({std::vector<std::uint8_t>(200, 0xa3)}),
              from_hex<64>("e76dfad22084a8b1467fcf2ffa58361bec7628edf5f3fdc0e4805dc48caeeca8"
                           "1b7c13c30adf52a3659584739a2df46be589c51ca1a4a8416df6545a1ce8ba00"));
}

// NIST, "SHA-256 example values" for FIPS 180-4: one block and two blocks.
TEST(Digest, Sha256MatchesTheExamplesOfFips180) {
    EXPECT_EQ(sha256({text_bytes("abc")}),
              from_hex<32>("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    EXPECT_EQ(sha256({text_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")}),
              from_hex<32>("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"));
}

TEST(Digest, PiecesOfAnySizeGiveTheDigestOfTheWhole) {
    std::vector<std::uint8_t> message(500);
    for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i * i);
    for (std::size_t piece = 1; piece <= 160; ++piece) {
        Sha3 stream;
        for (std::size_t at = 0; at < message.size(); at += piece) {
            auto const bytes = Bytes{message}.subspan(at, std::min(piece, message.size() - at));
            stream.update(bytes);
        }
        EXPECT_EQ(stream.finish(), sha3_512({message})) << piece;
    }
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
        auto const first = Bytes{message}.first(cut), last = Bytes{message}.subspan(cut);
        EXPECT_EQ(sha256({first, {}, last}), sha256({message})) << cut;
        EXPECT_EQ(sha3_512({first, {}, last}), sha3_512({message})) << cut;
    }
}

TEST(Digest, AFinishedStreamKeepsNothing) {
    Sha3 hash;
    hash.update(text_bytes("to be forgotten"));
    EXPECT_FALSE(all_zero(bytes_of(hash)));
    (void)hash.finish();
    EXPECT_TRUE(all_zero(bytes_of(hash)));
}

TEST(Digest, EqualSeesEveryDifferenceAndLength) {
    std::array<std::uint8_t, 64> const a{};
    EXPECT_TRUE(equal(a, a) && all_zero(a) && all_zero({}));
    for (std::size_t bit = 0; bit < a.size() * 8; ++bit) {
        auto b = a;
        b[bit / 8] = static_cast<std::uint8_t>(1U << (bit % 8));
        EXPECT_FALSE(equal(a, b)) << bit;
        EXPECT_FALSE(all_zero(b)) << bit;
    }
    EXPECT_FALSE(equal(a, Bytes{a}.first(63)));
}

/// The stream that KEYSTONE-ABI "Measurement" describes, laid out in one piece.
std::vector<std::uint8_t> measured_stream(std::array<std::vector<std::uint8_t>, 3> const& images) {
    std::vector<std::uint8_t> stream;
    std::vector<std::uint8_t> content;
    for (auto const& image : images) {
        auto const pages = (image.size() + 4095) / 4096;
        for (unsigned i = 0; i < 8; ++i) {
            stream.push_back(static_cast<std::uint8_t>((pages * 4096) >> (8 * i)));
        }
        content.insert(content.end(), image.begin(), image.end());
        content.resize((content.size() + 4095) / 4096 * 4096);
    }
    stream.insert(stream.end(), content.begin(), content.end());
    return stream;
}

TEST(Measurement, IsTheHashOfOffsetsAndPaddedImages) {
    for (std::size_t const size : {1U, 4095U, 4096U, 4097U, 20000U}) {
        std::array<std::vector<std::uint8_t>, 3> const images{
            std::vector<std::uint8_t>(size, 0x11), std::vector<std::uint8_t>(3 * size, 0x22),
            std::vector<std::uint8_t>(70, 0x33)};
        EXPECT_EQ(measure_images(images[0], images[1], images[2]),
                  sha3_512({measured_stream(images)}))
            << size;
    }
}

TEST(Measurement, OffsetsAreLittleEndian) {
    EXPECT_EQ(measured_offsets({0x1000, 0x2000, 0x0102030405060708}),
              from_hex<24>("0010000000000000 0020000000000000 0807060504030201"));
}

TEST(Measurement, EveryByteAndEveryOffsetCounts) {
    std::vector<std::uint8_t> const loader(4096, 1);
    std::vector<std::uint8_t> const runtime(4096, 2);
    std::vector<std::uint8_t> const app(100, 3);
    auto const genuine = measure_images(loader, runtime, app);
    for (std::size_t i = 0; i < app.size(); ++i) {
        auto changed = app;
        changed[i] ^= 0x80;
        EXPECT_NE(measure_images(loader, runtime, changed), genuine) << i;
    }
    EXPECT_NE(measure_images(runtime, loader, app), genuine);
    // The same bytes in the same places, divided otherwise between runtime and application.
    auto both = runtime;
    both.insert(both.end(), app.begin(), app.end());
    EXPECT_NE(measure_images(loader, both, {}), genuine);
}

TEST(Measurement, PaddingFillsUpToThePage) {
    EXPECT_EQ(page_padding(0), 0U);
    EXPECT_EQ(page_padding(1), 4095U);
    EXPECT_EQ(page_padding(4096), 0U);
    EXPECT_EQ(page_padding(4097), 4095U);
}

} // namespace
} // namespace plinth::attest::test
