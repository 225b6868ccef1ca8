// SPDX-License-Identifier: Apache-2.0
// Without the next line the compiler turns each loop below into a call of itself.
#pragma GCC optimize("no-tree-loop-distribute-patterns")

#include "memory.hpp"

extern "C" {

void* memcpy(void* to, void const* from, size_t size) {
    auto* out = static_cast<uint8_t*>(to);
    auto const* in = static_cast<uint8_t const*>(from);
    if (((payload::address_of(out) | payload::address_of(in)) & 7U) == 0) {
        for (; size >= 8; size -= 8, out += 8, in += 8) {
            *reinterpret_cast<uint64_t*>(out) = *reinterpret_cast<uint64_t const*>(in);
        }
    }
    while (size-- > 0) *out++ = *in++;
    return to;
}

void* memmove(void* to, void const* from, size_t size) {
    auto* const out = static_cast<uint8_t*>(to);
    auto const* const in = static_cast<uint8_t const*>(from);
    if (out <= in) return memcpy(to, from, size);
    while (size-- > 0) out[size] = in[size];
    return to;
}

void* memset(void* to, int value, size_t size) {
    auto* out = static_cast<uint8_t*>(to);
    auto const byte = static_cast<uint8_t>(value);
    if ((payload::address_of(out) & 7U) == 0) {
        uint64_t const word = byte * 0x0101010101010101ULL;
        for (; size >= 8; size -= 8, out += 8) *reinterpret_cast<uint64_t*>(out) = word;
    }
    while (size-- > 0) *out++ = byte;
    return to;
}

int memcmp(void const* a, void const* b, size_t size) {
    auto const* x = static_cast<uint8_t const*>(a);
    auto const* y = static_cast<uint8_t const*>(b);
    for (; size > 0; --size, ++x, ++y) {
        if (*x != *y) return *x < *y ? -1 : 1;
    }
    return 0;
}

size_t strlen(char const* text) {
    size_t length = 0;
    while (text[length] != '\0') ++length;
    return length;
}
}
