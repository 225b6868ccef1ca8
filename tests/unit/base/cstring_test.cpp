// SPDX-License-Identifier: Apache-2.0
// src/base/cstring.cpp, compiled under other names, against the build machine's C library.
#include <array>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>

extern "C" {
void* plinth_memcpy(void* to, void const* from, std::size_t size);
void* plinth_memmove(void* to, void const* from, std::size_t size);
void* plinth_memset(void* to, int value, std::size_t size);
int plinth_memcmp(void const* a, void const* b, std::size_t size);
std::size_t plinth_strlen(char const* text);
std::size_t plinth_strnlen(char const* text, std::size_t limit);
}

namespace {

constexpr std::size_t room = 96;
using Buffer = std::array<unsigned char, room>;

Buffer numbered(unsigned char first) {
    Buffer buffer{};
    for (auto& byte : buffer) byte = first++;
    return buffer;
}

int sign(int value) { return (value > 0) - (value < 0); }

/// Every combination of alignment (two words) and size (up to five words and a bit).
template <typename Body> void for_each_shape(Body body) {
    for (std::size_t to = 0; to < 16; ++to) {
        for (std::size_t from = 0; from < 16; ++from) {
            for (std::size_t size = 0; size < 44; ++size) body(to, from, size);
        }
    }
}

TEST(CString, MemcpyCopiesExactlyTheBytesAskedForAtEveryAlignment) {
    for_each_shape([](std::size_t to, std::size_t from, std::size_t size) {
        auto const source = numbered(1);
        auto expected = numbered(100);
        auto found = expected;
        std::memcpy(&expected[to], &source[from], size);
        EXPECT_EQ(plinth_memcpy(&found[to], &source[from], size), &found[to]);
        ASSERT_EQ(found, expected) << to << ' ' << from << ' ' << size;
    });
}

TEST(CString, MemmoveCopiesOverlappingRangesInBothDirections) {
    for_each_shape([](std::size_t to, std::size_t from, std::size_t size) {
        auto expected = numbered(1);
        auto found = expected;
        std::memmove(&expected[to], &expected[from], size);
        EXPECT_EQ(plinth_memmove(&found[to], &found[from], size), &found[to]);
        ASSERT_EQ(found, expected) << to << ' ' << from << ' ' << size;
    });
}

TEST(CString, MemsetFillsExactlyTheBytesAskedForAtEveryAlignment) {
    for_each_shape([](std::size_t to, std::size_t value, std::size_t size) {
        auto expected = numbered(1);
        auto found = expected;
        auto const fill = static_cast<int>(0xf8 + value); // above 0xff only the low byte counts
        std::memset(&expected[to], fill, size);
        EXPECT_EQ(plinth_memset(&found[to], fill, size), &found[to]);
        ASSERT_EQ(found, expected) << to << ' ' << value << ' ' << size;
    });
}

TEST(CString, MemcmpComparesUnsignedBytesAndStopsAtTheSize) {
    auto const left = numbered(0x70);
    for (std::size_t at = 0; at < room; ++at) {
        for (unsigned const change : {0x01U, 0x80U}) {
            auto right = left;
            right[at] = static_cast<unsigned char>(right[at] ^ change);
            EXPECT_EQ(plinth_memcmp(left.data(), right.data(), at), 0);
            EXPECT_EQ(sign(plinth_memcmp(left.data(), right.data(), at + 1)),
                      sign(std::memcmp(left.data(), right.data(), at + 1)));
        }
    }
}

TEST(CString, LengthsCountUpToTheTerminatorOrTheLimit) {
    EXPECT_EQ(plinth_strlen(""), 0U);
    EXPECT_EQ(plinth_strlen("monitor"), 7U);
    EXPECT_EQ(plinth_strnlen("monitor", 3), 3U);
    EXPECT_EQ(plinth_strnlen("monitor", 7), 7U);
    EXPECT_EQ(plinth_strnlen("monitor", 100), 7U);
    std::array<char, 2> const unterminated{'a', 'b'};
    EXPECT_EQ(plinth_strnlen(unterminated.data(), 2), 2U);
}

} // namespace
