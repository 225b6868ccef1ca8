// SPDX-License-Identifier: Apache-2.0
// Byte operations, under the names that the compiler also calls by itself.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {
void* memcpy(void* to, void const* from, size_t size);
void* memmove(void* to, void const* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(void const* a, void const* b, size_t size);
size_t strlen(char const* text);
}

namespace payload {

inline constexpr uint64_t page_size = 4096;

/// `value` rounded up to a multiple of `unit`, a power of two.
constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
    return (value + unit - 1) & ~(unit - 1);
}

/// Memory at an address that is a number.
template <typename T> T* at(uint64_t address) { return reinterpret_cast<T*>(address); }

/// The address of an object or function as a number.
template <typename T> uint64_t address_of(T* object) { return reinterpret_cast<uint64_t>(object); }

} // namespace payload
