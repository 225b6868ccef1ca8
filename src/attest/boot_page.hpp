// SPDX-License-Identifier: Apache-2.0
// The boot page: the last 4 KiB of the monitor's MiB, filled by the packer or by an earlier stage.
#pragma once

#include "attest/keys.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>

namespace plinth::attest {

/// Bytes of a boot page.
inline constexpr std::size_t boot_page_size = 4096;

/// What a boot page says. Holds a secret: wipe it, and zero the page itself, after use.
/// Layout, little-endian: +0 "PLINTHBP", +8 u32 version = 1, +12 u32 kind (RootKind), +16 u64
/// firmware length in bytes, +24 secret[32], +56 device public key[32], +88 u32 has_certificate,
/// +92 u32 zero, +96 certificate[64], zero from +160 on.
struct BootPage {
    std::uint64_t firmware_length{}; ///< bytes; not zero, the board knows the upper bound
    DeviceRoot root{};
};

/// Whether the build accepts a boot page of kind Test (config::test_key).
enum class TestKeys : std::uint8_t { Refuse, Accept };

/// Checks a whole boot page and takes it apart. What a kind does not use must be zero.
/// Errors: Unprovisioned (all bytes zero: there is no boot page), BadArgument (not 4,096 bytes),
/// Malformed (magic, version, kind, length, secret, certificate, flags or padding not as the layout
/// says; a test page or the test secret where TestKeys::Refuse).
Result<BootPage> parse_boot_page(Bytes page, TestKeys test_keys);

} // namespace plinth::attest
