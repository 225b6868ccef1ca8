// SPDX-License-Identifier: Apache-2.0
// The boot page: the last 4 KiB of the monitor's MiB, filled by the packer or by an earlier stage.
#pragma once

#include "attest/report.hpp"

namespace plinth::attest {

/// Bytes of a boot page.
inline constexpr std::size_t boot_page_size = 4096;

/// What a boot page says, as it lies there: numbers little-endian, zero behind it up to the page's
/// end. Holds a secret: wipe it, and zero the page itself, after use.
struct BootPage {
    std::array<std::uint8_t, 8> magic{'P', 'L', 'I', 'N', 'T', 'H', 'B', 'P'};
    std::uint32_t version{1};
    RootKind kind{RootKind::None};
    std::uint64_t firmware_length{}; ///< bytes; not zero, the board knows the upper bound
    Secret secret{};
    PublicKey device_public_key{}; ///< zero if it is to be derived (self-asserted, test)
    std::uint32_t has_certificate{};
    std::uint32_t zero{};
    Signature certificate{}; ///< by the device key over (monitor hash, monitor key)
};
static_assert(sizeof(BootPage) == 160 && std::has_unique_object_representations_v<BootPage>);

/// Whether the build accepts a boot page of kind Test (config::test_key).
enum class TestKeys : std::uint8_t { Refuse, Accept };

/// Checks a whole boot page and takes it apart. What a kind does not use must be zero.
/// Errors: Unprovisioned (all bytes zero: there is no boot page), BadArgument (not 4,096 bytes),
/// Malformed (magic, version, kind, length, secret, certificate, flags or padding not as the layout
/// says; a test page or the test secret where TestKeys::Refuse).
Result<BootPage> parse_boot_page(Bytes page, TestKeys test_keys);

} // namespace plinth::attest
