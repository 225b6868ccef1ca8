// SPDX-License-Identifier: Apache-2.0
// Files and arguments of the tool: bytes, hexadecimal digits, hashes, device-key files, reports.
#pragma once

#include "attest/keys.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace plinth::attest {

/// An argument or a file that cannot be used; what() is one line for the user.
class InputError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A device-key file: how the key came to be, and the key.
struct DeviceKeyFile {
    RootKind root{RootKind::None};
    PublicKey key{};
};

/// The file's bytes. Throws InputError.
std::vector<std::uint8_t> read_file(std::string const& path);

/// Pairs of hexadecimal digits, white space anywhere ignored; nothing if there is any other
/// character or an odd number of digits.
std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view text);

/// 128 hexadecimal digits, or a file that holds them and white space. Throws InputError.
Digest read_hash(std::string const& argument);

/// Lines `scheme: p256`, `root: handed-over|self-asserted|test` and `public: 64 hex digits`, each
/// once, in any order. Throws InputError; `origin` names the file in the message.
DeviceKeyFile parse_device_key(std::string_view text, std::string const& origin);

/// The file that parse_device_key reads.
std::string format_device_key(DeviceKeyFile const& file);

/// A report as 1,352 raw bytes or as hexadecimal digits; nothing if `bytes` are neither.
std::optional<Report> parse_report(Bytes bytes);

} // namespace plinth::attest
