// SPDX-License-Identifier: Apache-2.0
// The monitor's own lines on the board's UART. Never guest data, never secrets.
#pragma once

#include "monitor/state.hpp"

namespace plinth::monitor {

/// A 64-bit number to be shown as 0x….
struct Hex {
    u64 value;
};

/// Takes text, numbers and bytes (lowercase hexadecimal without a prefix). A byte waits for 1 ms at
/// most; then it and all that follow are dropped.
class Console {
  public:
    explicit Console(Hart& hart) : hart_{hart} {}
    void put(char c) {
        auto const limit = hart_.time() + board::timebase / 1000;
        while (!stuck_ && !board::Uart::ready()) stuck_ = hart_.time() > limit;
        if (!stuck_ && board::Uart::usable()) board::Uart::send(c);
    }
    Console& operator<<(char const* text) {
        for (; *text != '\0'; ++text) put(*text);
        return *this;
    }
    Console& operator<<(u64 number) { return digits(number, 10); }
    Console& operator<<(Hex number) { return (*this << "0x").digits(number.value, 16); }
    Console& operator<<(std::span<u8 const> bytes) {
        for (auto const byte : bytes) digits(byte >> 4U, 16).digits(byte & 15U, 16);
        return *this;
    }

  private:
    Console& digits(u64 number, u64 base) {
        u64 scale = 1;
        while (number / scale >= base) scale *= base;
        for (; scale != 0; scale /= base) put("0123456789abcdef"[number / scale % base]);
        return *this;
    }
    Hart& hart_;
    bool stuck_{false};
};

} // namespace plinth::monitor
