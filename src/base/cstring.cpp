// SPDX-License-Identifier: Apache-2.0
// Bodies of the C memory and string functions for the freestanding build. The compiler calls them
// by itself, so this file is compiled with -fno-builtin -fno-tree-loop-distribute-patterns;
// otherwise a loop below would be turned into a call of the function that it implements.
#include <cstddef>
#include <cstdint>

namespace {

/// Words that may alias objects of any type, as character types may.
struct [[gnu::may_alias]] Word {
    std::uint64_t value;
};
/// As many as the compiler moves without a call.
struct [[gnu::may_alias]] Words {
    std::uint64_t values[4];
};
using Byte = unsigned char;

std::uintptr_t number(void const* address) { return __builtin_bit_cast(std::uintptr_t, address); }
/// Two addresses between which whole units can be copied.
template <typename Unit> bool aligned(void const* a, void const* b) {
    return (number(a) | number(b)) % sizeof(Unit) == 0;
}
template <typename Unit> void copy(void* to, void const* from) {
    *static_cast<Unit*>(to) = *static_cast<Unit const*>(from);
}

void* copy_up(void* to, void const* from, std::size_t size) {
    auto* target = static_cast<Byte*>(to);
    auto const* source = static_cast<Byte const*>(from);
    for (; size >= 32 && aligned<Word>(target, source); size -= 32, target += 32, source += 32)
        copy<Words>(target, source);
    for (; size >= 8 && aligned<Word>(target, source); size -= 8, target += 8, source += 8)
        copy<Word>(target, source);
    for (; size != 0; --size) *target++ = *source++;
    return to;
}

} // namespace

extern "C" {

void* memcpy(void* __restrict to, void const* __restrict from, std::size_t size) {
    return copy_up(to, from, size);
}

void* memmove(void* to, void const* from, std::size_t size) {
    // Modulo 2^64: also true when the target lies below the source.
    if (to == from || number(to) - number(from) >= size) return copy_up(to, from, size);
    auto* target = static_cast<Byte*>(to) + size;
    auto const* source = static_cast<Byte const*>(from) + size;
    for (; size != 0 && !aligned<Word>(target, source); --size) *--target = *--source;
    for (; size >= 8; size -= 8) copy<Word>(target -= 8, source -= 8);
    for (; size != 0; --size) *--target = *--source;
    return to;
}

void* memset(void* to, int value, std::size_t size) {
    auto* byte = static_cast<Byte*>(to);
    auto const fill = static_cast<Byte>(value);
    auto const word = fill * std::uint64_t{0x0101010101010101};
    Words const words{word, word, word, word};
    for (; size >= 32 && aligned<Word>(byte, byte); size -= 32, byte += 32)
        copy<Words>(byte, &words);
    for (; size >= 8 && aligned<Word>(byte, byte); size -= 8, byte += 8) copy<Word>(byte, &word);
    for (; size != 0; --size) *byte++ = fill;
    return to;
}

int memcmp(void const* a, void const* b, std::size_t size) {
    auto const* left = static_cast<Byte const*>(a);
    auto const* right = static_cast<Byte const*>(b);
    for (; size != 0; --size, ++left, ++right)
        if (*left != *right) return *left - *right;
    return 0;
}

std::size_t strnlen(char const* text, std::size_t limit) {
    std::size_t length = 0;
    while (length < limit && text[length] != '\0') ++length;
    return length;
}

std::size_t strlen(char const* text) { return strnlen(text, SIZE_MAX); }

} // extern "C"
