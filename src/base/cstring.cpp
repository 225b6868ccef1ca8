// SPDX-License-Identifier: Apache-2.0
// Bodies of the C memory and string functions for the freestanding build. The compiler calls them
// by itself, so this file is compiled with -fno-builtin -fno-tree-loop-distribute-patterns;
// otherwise a loop below would be turned into a call of the function that it implements.
#include <cstddef>
#include <cstdint>

namespace {

/// A word that may alias objects of any type, as character types may.
using Word [[gnu::may_alias]] = std::uint64_t;
using Byte = unsigned char;

std::uintptr_t number(void const* address) { return __builtin_bit_cast(std::uintptr_t, address); }
bool aligned(void const* address) { return number(address) % sizeof(Word) == 0; }

void* copy_up(void* to, void const* from, std::size_t size) {
    auto* target = static_cast<Byte*>(to);
    auto const* source = static_cast<Byte const*>(from);
    for (; aligned(target) && aligned(source) && size >= 8; size -= 8, target += 8, source += 8)
        *static_cast<Word*>(static_cast<void*>(target)) =
            *static_cast<Word const*>(static_cast<void const*>(source));
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
    if (number(to) - number(from) >= size) return copy_up(to, from, size);
    for (; size != 0; --size)
        static_cast<Byte*>(to)[size - 1] = static_cast<Byte const*>(from)[size - 1];
    return to;
}

void* memset(void* to, int value, std::size_t size) {
    auto* byte = static_cast<Byte*>(to);
    auto const fill = static_cast<Byte>(value);
    auto const word = fill * std::uint64_t{0x0101010101010101};
    for (; size >= 8 && aligned(byte); size -= 8, byte += 8)
        *static_cast<Word*>(static_cast<void*>(byte)) = word;
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

void* memchr(void const* where, int value, std::size_t size) {
    auto const* byte = static_cast<Byte const*>(where);
    for (; size != 0; --size, ++byte)
        if (*byte == static_cast<Byte>(value)) return const_cast<Byte*>(byte);
    return nullptr;
}

std::size_t strnlen(char const* text, std::size_t limit) {
    std::size_t length = 0;
    while (length < limit && text[length] != '\0') ++length;
    return length;
}

std::size_t strlen(char const* text) { return strnlen(text, SIZE_MAX); }

int strcmp(char const* a, char const* b) {
    for (; *a != '\0' && *a == *b; ++a) ++b;
    return static_cast<Byte>(*a) - static_cast<Byte>(*b);
}

char* strchr(char const* text, int value) {
    return static_cast<char*>(memchr(text, value, strlen(text) + 1));
}

char* strrchr(char const* text, int value) {
    for (auto left = strlen(text) + 1; left != 0; --left)
        if (text[left - 1] == static_cast<char>(value)) return const_cast<char*>(text + left - 1);
    return nullptr;
}

} // extern "C"
