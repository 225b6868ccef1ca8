// SPDX-License-Identifier: Apache-2.0
// Text output that needs no memory: parts are printed one after the other.
#pragma once

#include <stdint.h>

namespace payload {

/// Writes one character to the console. Each program links exactly one implementation
/// (console_sbi.cpp or console_uart.cpp).
void put_char(char c);

/// A number to be printed in lower-case hexadecimal with 0x and no leading zeros.
struct Hex {
    uint64_t value;
};

/// A number to be printed in decimal.
struct Dec {
    uint64_t value;
};

/// A byte to be printed as two lower-case hexadecimal digits.
struct HexByte {
    uint8_t value;
};

void put(char const* text);
void put(char c);
void put(Hex number);
void put(Dec number);
void put(HexByte byte);

/// Prints its arguments in order, with nothing between them.
template <typename... Parts> void say(Parts... parts) { (put(parts), ...); }

} // namespace payload
