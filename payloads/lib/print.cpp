// SPDX-License-Identifier: Apache-2.0
#include "print.hpp"

namespace payload {

namespace {

char hex_digit(uint64_t nibble) {
    return static_cast<char>(nibble < 10 ? '0' + nibble : 'a' + (nibble - 10));
}

} // namespace

void put(char const* text) {
    for (; *text != '\0'; ++text) put_char(*text);
}

void put(char c) { put_char(c); }

void put(Hex number) {
    put("0x");
    int shift = 60;
    while (shift > 0 && ((number.value >> shift) & 15U) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) put_char(hex_digit((number.value >> shift) & 15U));
}

void put(Dec number) {
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = static_cast<char>('0' + number.value % 10);
        number.value /= 10;
    } while (number.value != 0);
    while (count > 0) put_char(digits[--count]);
}

void put(HexByte byte) {
    put_char(hex_digit(byte.value >> 4U));
    put_char(hex_digit(byte.value & 15U));
}

} // namespace payload
