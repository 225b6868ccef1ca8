// SPDX-License-Identifier: Apache-2.0
// A reader for the few facts that payloads take from the flattened device tree
// (Devicetree specification 0.4, chapter 5).
#pragma once

#include <stdint.h>

namespace payload {

/// The most harts a payload handles.
inline constexpr unsigned max_harts = 8;

/// What a payload wants to know about its machine.
struct Machine {
    uint64_t ram_base;
    uint64_t ram_size;
    uint64_t harts[max_harts]; ///< hart ids in the order of the tree
    unsigned hart_count;
    char const* bootargs; ///< zero-terminated, inside the tree; nullptr when absent
};

/// Reads the tree at `tree`; false if it is no device tree or names no memory or no hart.
bool read_machine(uint64_t tree, Machine& machine);

/// The text after `key` in a space-separated list of boot arguments, nullptr when absent.
char const* find_argument(char const* bootargs, char const* key);

/// Decodes exactly 2 × `size` hexadecimal digits, which a space or the end must follow.
bool parse_hex(char const* text, uint8_t* bytes, unsigned size);

} // namespace payload
