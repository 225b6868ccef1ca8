// SPDX-License-Identifier: Apache-2.0
#include "attest/boot_page.hpp"

#include "support.hpp"

#include <gtest/gtest.h>

namespace plinth::attest::test {
namespace {

using Page = std::array<std::uint8_t, boot_page_size>;

void put(Page& page, std::size_t offset, Bytes bytes) {
    std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// A valid page of that kind, written down byte by byte from the documented layout.
Page page_of(RootKind kind) {
    Page page{};
    put(page, 0, text_bytes("PLINTHBP"));
    page[8] = 1;
    page[12] = static_cast<std::uint8_t>(kind);
    put(page, 16, from_hex<8>("0807060504030201"));
    if (kind == RootKind::Test) put(page, 24, test_secret());
    if (kind == RootKind::SelfAsserted) put(page, 24, secret_of("device A"));
    if (kind == RootKind::HandedOver) {
        auto const root = handed_over("device A", digest_of("monitor 1"));
        put(page, 24, root.secret);
        put(page, 56, root.device_public_key);
        page[88] = 1;
        put(page, 96, root.certificate);
    }
    return page;
}

Err error_of(Page const& page, TestKeys test_keys = TestKeys::Accept) {
    auto const parsed = parse_boot_page(page, test_keys);
    EXPECT_FALSE(parsed);
    return parsed ? Err::Overlap : parsed.error();
}

TEST(BootPage, EveryKindIsReadAsWritten) {
    for (auto const kind :
         {RootKind::None, RootKind::HandedOver, RootKind::SelfAsserted, RootKind::Test}) {
        auto const page = page_of(kind);
        auto const parsed = parse_boot_page(page, TestKeys::Accept);
        ASSERT_TRUE(parsed) << name(kind);
        EXPECT_EQ(parsed->firmware_length, 0x0102030405060708U);
        EXPECT_EQ(parsed->kind, kind);
        EXPECT_TRUE(equal(parsed->secret, Bytes{page}.subspan(24, 32)));
        EXPECT_TRUE(equal(parsed->device_public_key, Bytes{page}.subspan(56, 32)));
        EXPECT_EQ(parsed->has_certificate, kind == RootKind::HandedOver);
        EXPECT_TRUE(equal(parsed->certificate, Bytes{page}.subspan(96, 64)));
    }
}

TEST(BootPage, ParsedRootsDeriveAnIdentity) {
    for (auto const kind : {RootKind::HandedOver, RootKind::SelfAsserted, RootKind::Test}) {
        auto const parsed = parse_boot_page(page_of(kind), TestKeys::Accept);
        ASSERT_TRUE(parsed);
        Identity identity;
        EXPECT_TRUE(identity.derive(*parsed, digest_of("monitor 1"))) << name(kind);
        EXPECT_EQ(identity.kind(), kind);
    }
}

TEST(BootPage, AbsentIsNotMalformed) {
    EXPECT_EQ(error_of(Page{}), Err::Unprovisioned);
    EXPECT_EQ(parse_boot_page(Bytes{}, TestKeys::Accept).error(), Err::BadArgument);
    EXPECT_EQ(parse_boot_page(std::vector<std::uint8_t>(4095), TestKeys::Accept).error(),
              Err::BadArgument);
    EXPECT_EQ(parse_boot_page(std::vector<std::uint8_t>(4097), TestKeys::Accept).error(),
              Err::BadArgument);
}

TEST(BootPage, EveryBitOfMagicVersionFlagsAndPaddingIsChecked) {
    for (auto const kind :
         {RootKind::None, RootKind::HandedOver, RootKind::SelfAsserted, RootKind::Test}) {
        auto page = page_of(kind);
        for (std::size_t i = 0; i < page.size(); ++i) {
            auto const checked = i < 12 || (i >= 88 && i < 96) || i >= 160;
            if (!checked) continue;
            for (unsigned bit = 0; bit < 8; ++bit) {
                page[i] ^= static_cast<std::uint8_t>(1U << bit);
                EXPECT_EQ(error_of(page), Err::Malformed) << i << " " << name(kind);
                page[i] ^= static_cast<std::uint8_t>(1U << bit);
            }
            if (i >= 200) i += 63;
        }
    }
}

TEST(BootPage, UnknownKindsAreMalformed) {
    auto page = page_of(RootKind::None);
    for (auto const kind : {4U, 5U, 0x80U, 0xffU}) {
        page[12] = static_cast<std::uint8_t>(kind);
        EXPECT_EQ(error_of(page), Err::Malformed) << kind;
    }
    page[12] = 0;
    page[15] = 1;
    EXPECT_EQ(error_of(page), Err::Malformed);
}

TEST(BootPage, NoFirmwareLengthIsMalformed) {
    auto page = page_of(RootKind::SelfAsserted);
    put(page, 16, std::array<std::uint8_t, 8>{});
    EXPECT_EQ(error_of(page), Err::Malformed);
}

TEST(BootPage, WhatAKindDoesNotUseMustBeZero) {
    for (std::size_t const offset : {24U, 55U, 56U, 87U, 88U, 96U, 159U}) {
        auto page = page_of(RootKind::None);
        page[offset] = 1;
        EXPECT_EQ(error_of(page), Err::Malformed) << offset;
    }
    for (auto const kind : {RootKind::SelfAsserted, RootKind::Test}) {
        for (std::size_t const offset : {88U, 96U, 159U}) {
            auto page = page_of(kind);
            page[offset] = 1;
            EXPECT_EQ(error_of(page), Err::Malformed) << offset;
        }
    }
}

TEST(BootPage, R05_ZeroSecretsKeysAndCertificatesAreMalformed) {
    std::array<std::uint8_t, 64> const zero{};
    for (auto const kind : {RootKind::HandedOver, RootKind::SelfAsserted, RootKind::Test}) {
        auto page = page_of(kind);
        put(page, 24, Bytes{zero}.first(32));
        EXPECT_EQ(error_of(page), Err::Malformed) << name(kind);
    }
    auto page = page_of(RootKind::HandedOver);
    put(page, 56, Bytes{zero}.first(32));
    EXPECT_EQ(error_of(page), Err::Malformed);
    page = page_of(RootKind::HandedOver);
    put(page, 96, zero);
    EXPECT_EQ(error_of(page), Err::Malformed);
    page = page_of(RootKind::HandedOver);
    page[88] = 0;
    EXPECT_EQ(error_of(page), Err::Malformed);
}

TEST(BootPage, R05_TheTestSecretIsRefusedInReleasesAndUnderOtherNames) {
    EXPECT_EQ(error_of(page_of(RootKind::Test), TestKeys::Refuse), Err::Malformed);
    for (auto const kind : {RootKind::HandedOver, RootKind::SelfAsserted}) {
        auto page = page_of(kind);
        EXPECT_TRUE(parse_boot_page(page, TestKeys::Refuse));
        put(page, 24, test_secret());
        EXPECT_EQ(error_of(page, TestKeys::Refuse), Err::Malformed) << name(kind);
        EXPECT_EQ(error_of(page, TestKeys::Accept), Err::Malformed) << name(kind);
    }
    auto page = page_of(RootKind::Test);
    page[30] ^= 1; // a secret that is not the test secret must not be called so
    EXPECT_EQ(error_of(page), Err::Malformed);
}

} // namespace
} // namespace plinth::attest::test
