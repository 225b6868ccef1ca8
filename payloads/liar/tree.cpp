// SPDX-License-Identifier: Apache-2.0
// Devicetree specification 0.4, chapter 5: a node can be taken out by overwriting it with FDT_NOP.
#include "liar.hpp"

namespace liar {

using namespace payload;

namespace {

constexpr uint32_t begin_node = 1, end_node = 2, property = 3, nop = 4, end = 9;

uint32_t big32(uint8_t const* bytes) {
    return __builtin_bswap32(*at<uint32_t const>(address_of(bytes)));
}

void put_big64(uint8_t* bytes, uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
}

bool begins(uint8_t const* text, char const* start) {
    return memcmp(text, start, strlen(start)) == 0;
}

/// The size of the token at `token` with what belongs to it.
uint64_t size_of(uint8_t const* token) {
    uint32_t const kind = big32(token);
    if (kind == begin_node)
        return 4 + round_up(strlen(reinterpret_cast<char const*>(token) + 4) + 1, 4);
    return kind == property ? 12 + round_up(big32(token + 4), 4) : 4;
}

/// Overwrites the node that begins at `token`; returns what follows it.
uint8_t* take_out(uint8_t* token) {
    unsigned depth = 0;
    do {
        uint32_t const kind = big32(token);
        if (kind == begin_node) ++depth;
        if (kind == end_node) --depth;
        uint64_t const size = size_of(token);
        for (uint64_t i = 0; i < size; ++i) token[i] = i % 4 == 3 ? nop : 0;
        token += size;
    } while (depth != 0);
    return token;
}

} // namespace

unsigned remove_reservations(uint64_t tree) {
    auto* token = at<uint8_t>(tree + big32(at<uint8_t>(tree + 8)));
    unsigned removed = 0;
    while (big32(token) != end) {
        if (big32(token) == begin_node && begins(token + 4, "reserved-memory")) {
            token = take_out(token);
            ++removed;
        } else {
            token += size_of(token);
        }
    }
    return removed;
}

unsigned claim_memory(uint64_t tree, uint64_t base, uint64_t size) {
    auto* token = at<uint8_t>(tree + big32(at<uint8_t>(tree + 8)));
    auto const* const names = at<uint8_t>(tree + big32(at<uint8_t>(tree + 12)));
    bool in_memory = false;
    unsigned changed = 0;
    for (; big32(token) != end; token += size_of(token)) {
        if (big32(token) == begin_node) in_memory = begins(token + 4, "memory@");
        if (!in_memory || big32(token) != property) continue;
        if (memcmp(names + big32(token + 8), "reg", 4) != 0 || big32(token + 4) != 16) continue;
        put_big64(token + 12, base);
        put_big64(token + 20, size);
        ++changed;
    }
    return changed;
}

} // namespace liar
