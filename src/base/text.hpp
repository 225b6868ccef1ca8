// SPDX-License-Identifier: Apache-2.0
// Text output without a heap: strings, hexadecimal, decimal.
#pragma once

#include "base/types.hpp"
#include <span>

namespace plinth {

/// A 64-bit number to be shown as 0x….
struct Hex {
    u64 value;
};

/// Formats onto anything that has put(char). Never given guest data or secrets.
template <typename Sink> class Text {
  public:
    constexpr explicit Text(Sink& sink) : sink_{sink} {}
    Text& operator<<(char const* text) {
        for (; *text != '\0'; ++text) sink_.put(*text);
        return *this;
    }
    Text& operator<<(Hex number) {
        *this << "0x";
        int shift = 60;
        while (shift > 0 && ((number.value >> shift) & 15) == 0) shift -= 4;
        for (; shift >= 0; shift -= 4) digit((number.value >> shift) & 15);
        return *this;
    }
    Text& operator<<(u64 number) {
        u64 scale = 1;
        while (number / scale >= 10) scale *= 10;
        for (; scale != 0; scale /= 10) digit(number / scale % 10);
        return *this;
    }
    /// Bytes as lowercase hexadecimal without a prefix.
    Text& operator<<(std::span<u8 const> bytes) {
        for (auto const byte : bytes) {
            digit(byte >> 4U);
            digit(byte & 15U);
        }
        return *this;
    }

  private:
    void digit(u64 value) { sink_.put("0123456789abcdef"[value]); }
    Sink& sink_;
};

} // namespace plinth
