// SPDX-License-Identifier: Apache-2.0
#include "input.hpp"

#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

namespace plinth::attest {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return {};
}

template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> hex_array(std::string_view text) {
    auto const bytes = parse_hex(text);
    if (!bytes || bytes->size() != N) return {};
    std::array<std::uint8_t, N> result{};
    std::memcpy(result.data(), bytes->data(), N);
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string to_text(std::vector<std::uint8_t> const& bytes) { return {bytes.begin(), bytes.end()}; }

RootKind root_named(std::string const& text, std::string const& origin) {
    for (auto const kind : {RootKind::HandedOver, RootKind::SelfAsserted, RootKind::Test}) {
        if (text == name(kind)) return kind;
    }
    throw InputError(origin + ": root is '" + text + "', not handed-over, self-asserted or test");
}

} // namespace

std::vector<std::uint8_t> read_file(std::string const& path) {
    std::ifstream file{path, std::ios::binary};
    std::vector<std::uint8_t> bytes;
    std::array<char, 4096> piece{};
    do {
        file.read(piece.data(), piece.size());
        bytes.insert(bytes.end(), piece.data(), piece.data() + file.gcount());
    } while (file);
    if (!file.is_open() || file.bad()) throw InputError("cannot read " + path);
    return bytes;
}

std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
    std::vector<std::uint8_t> bytes;
    std::optional<unsigned> high;
    for (auto const c : text) {
        if (is_space(c)) continue;
        auto const digit = hex_digit(c);
        if (!digit) return {};
        if (high) bytes.push_back(static_cast<std::uint8_t>(*high << 4 | *digit));
        high = high ? std::nullopt : digit;
    }
    if (high) return {};
    return bytes;
}

Digest read_hash(std::string const& argument) {
    if (auto const given = hex_array<64>(argument)) return *given;
    auto const content = hex_array<64>(to_text(read_file(argument)));
    if (!content) throw InputError(argument + " does not hold a hash: 128 hexadecimal digits");
    return *content;
}

DeviceKeyFile parse_device_key(std::string_view text, std::string const& origin) {
    std::map<std::string, std::string> fields;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        if (trimmed(line).empty()) continue;
        auto const colon = line.find(':');
        if (colon == std::string::npos) throw InputError(origin + ": a line without a colon");
        auto const field = std::string{trimmed(std::string_view{line}.substr(0, colon))};
        auto const value = std::string{trimmed(std::string_view{line}.substr(colon + 1))};
        if (field != "scheme" && field != "root" && field != "public") {
            throw InputError(origin + ": unknown field '" + field + "'");
        }
        if (!fields.emplace(field, value).second) throw InputError(origin + ": two " + field + "s");
    }
    if (fields.size() != 3) throw InputError(origin + ": scheme, root and public are needed");
    if (fields["scheme"] != "p256") {
        throw InputError(origin + ": scheme '" + fields["scheme"] + "' is not supported");
    }
    auto const key = hex_array<32>(fields["public"]);
    if (!key) throw InputError(origin + ": public is not 64 hexadecimal digits");
    return {.root = root_named(fields["root"], origin), .key = *key};
}

std::string format_device_key(DeviceKeyFile const& file) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (auto const byte : file.key) {
        hex += digits[byte >> 4U];
        hex += digits[byte & 15U];
    }
    return std::string{"scheme: p256\nroot: "} + name(file.root) + "\npublic: " + hex + "\n";
}

std::optional<Report> parse_report(Bytes bytes) {
    Report report{};
    if (bytes.size() == sizeof report) {
        std::memcpy(&report, bytes.data(), sizeof report);
        return report;
    }
    auto const decoded = parse_hex(std::string{bytes.begin(), bytes.end()});
    if (!decoded || decoded->size() != sizeof report) return {};
    std::memcpy(&report, decoded->data(), sizeof report);
    return report;
}

} // namespace plinth::attest
