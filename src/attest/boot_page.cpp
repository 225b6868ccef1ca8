// SPDX-License-Identifier: Apache-2.0
#include "attest/boot_page.hpp"

namespace plinth::attest {

namespace {

template <std::size_t N>
void copy(Bytes page, std::size_t offset, std::array<std::uint8_t, N>& out) {
    for (std::size_t i = 0; i < N; ++i) out[i] = page[offset + i];
}

/// `size` bytes, little-endian.
std::uint64_t number_at(Bytes page, std::size_t offset, unsigned size) {
    std::uint64_t value = 0;
    for (unsigned i = size; i-- > 0;) value = value << 8 | page[offset + i];
    return value;
}

Result<RootKind> kind_of(std::uint64_t number) {
    for (auto const kind :
         {RootKind::None, RootKind::HandedOver, RootKind::SelfAsserted, RootKind::Test}) {
        if (number == static_cast<std::uint32_t>(kind)) return kind;
    }
    return Err::Malformed;
}

/// What a kind needs is there and what it does not use is zero.
bool consistent(DeviceRoot const& root, TestKeys test_keys) {
    auto const is_test_secret = equal(root.secret, test_secret());
    auto const no_certificate = !root.has_certificate && all_zero(root.certificate);
    switch (root.kind) {
    case RootKind::None:
        return all_zero(root.secret) && all_zero(root.device_public_key) && no_certificate;
    case RootKind::HandedOver:
        return !all_zero(root.secret) && !is_test_secret && !all_zero(root.device_public_key) &&
               root.has_certificate && !all_zero(root.certificate);
    case RootKind::SelfAsserted: return !all_zero(root.secret) && !is_test_secret && no_certificate;
    case RootKind::Test: return is_test_secret && no_certificate && test_keys == TestKeys::Accept;
    }
    return false;
}

} // namespace

Result<BootPage> parse_boot_page(Bytes page, TestKeys test_keys) {
    static constexpr std::array<std::uint8_t, 8> magic{'P', 'L', 'I', 'N', 'T', 'H', 'B', 'P'};
    if (page.size() != boot_page_size) return Err::BadArgument;
    if (all_zero(page)) return Err::Unprovisioned;
    if (!equal(page.first(8), magic) || number_at(page, 8, 4) != 1) return Err::Malformed;
    auto const has_certificate = number_at(page, 88, 4);
    if (has_certificate > 1 || !all_zero(page.subspan(92, 4)) || !all_zero(page.subspan(160))) {
        return Err::Malformed;
    }
    auto const kind = TRY(kind_of(number_at(page, 12, 4)));
    Result<BootPage> result{BootPage{}}; // filled where it is returned: one copy of the secret
    result->firmware_length = number_at(page, 16, 8);
    auto& root = result->root;
    root.kind = kind;
    copy(page, 24, root.secret);
    copy(page, 56, root.device_public_key);
    root.has_certificate = has_certificate == 1;
    copy(page, 96, root.certificate);
    if (result->firmware_length == 0 || !consistent(root, test_keys)) {
        root.wipe();
        result = Err::Malformed;
    }
    return result;
}

} // namespace plinth::attest
