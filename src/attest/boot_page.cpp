// SPDX-License-Identifier: Apache-2.0
#include "attest/boot_page.hpp"

#include "attest/keys.hpp"

namespace plinth::attest {

namespace {

/// What a kind needs is there and what it does not use is zero.
bool consistent(BootPage const& page, TestKeys test_keys) {
    auto const is_test_secret = equal(page.secret, test_secret());
    auto const is_own_secret = !is_test_secret && !all_zero(page.secret);
    auto const no_certificate = page.has_certificate == 0 && all_zero(page.certificate);
    switch (page.kind) {
    case RootKind::None:
        return all_zero(page.secret) && all_zero(page.device_public_key) && no_certificate;
    case RootKind::HandedOver:
        return is_own_secret && !all_zero(page.device_public_key) && page.has_certificate == 1 &&
               !all_zero(page.certificate);
    case RootKind::SelfAsserted: return is_own_secret && no_certificate;
    case RootKind::Test: return is_test_secret && no_certificate && test_keys == TestKeys::Accept;
    }
    return false; // a number that is no kind
}

} // namespace

Result<BootPage> parse_boot_page(Bytes page, TestKeys test_keys) {
    if (page.size() != boot_page_size) return Err::BadArgument;
    Result<BootPage> result{BootPage{}}; // filled where it is returned: one copy of the secret
    auto& said = *result;
    auto const wanted = said;
    memcpy(&said, page.data(), sizeof said);
    if (said.magic != wanted.magic && all_zero(page)) return Err::Unprovisioned;
    if (said.magic != wanted.magic || said.version != wanted.version || said.zero != 0 ||
        !all_zero(page.subspan(sizeof said)) || said.firmware_length == 0 ||
        !consistent(said, test_keys)) {
        wipe_object(said);
        result = Err::Malformed;
    }
    return result;
}

} // namespace plinth::attest
