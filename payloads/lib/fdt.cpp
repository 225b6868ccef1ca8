// SPDX-License-Identifier: Apache-2.0
#include "fdt.hpp"

#include "memory.hpp"

namespace payload {

namespace {

constexpr uint32_t magic = 0xd00dfeed;
constexpr uint32_t token_begin_node = 1;
constexpr uint32_t token_end_node = 2;
constexpr uint32_t token_property = 3;
constexpr uint32_t token_nop = 4;
constexpr unsigned max_depth = 8;

uint32_t big32(uint8_t const* bytes) {
    return static_cast<uint32_t>(bytes[0]) << 24U | static_cast<uint32_t>(bytes[1]) << 16U |
           static_cast<uint32_t>(bytes[2]) << 8U | bytes[3];
}

uint64_t big64(uint8_t const* bytes) {
    return static_cast<uint64_t>(big32(bytes)) << 32U | big32(bytes + 4);
}

bool equal(char const* a, char const* b) { return memcmp(a, b, strlen(b) + 1) == 0; }

/// Whether `text` begins with `start`.
bool begins(char const* text, char const* start) {
    for (; *start != '\0'; ++text, ++start) {
        if (*text != *start) return false;
    }
    return true;
}

/// Which of the nodes that matter the walk is directly in.
enum class Place { Elsewhere, Cpus, Cpu, Memory, Chosen };

Place enter(Place parent, unsigned depth, char const* name) {
    if (depth == 2 && equal(name, "cpus")) return Place::Cpus;
    if (depth == 2 && equal(name, "chosen")) return Place::Chosen;
    if (depth == 2 && begins(name, "memory@")) return Place::Memory;
    if (depth == 3 && parent == Place::Cpus && begins(name, "cpu@")) return Place::Cpu;
    return Place::Elsewhere;
}

void note_property(Place place, char const* name, uint8_t const* value, uint32_t size,
                   Machine& machine) {
    if (place == Place::Cpu && equal(name, "reg") && machine.hart_count < max_harts) {
        machine.harts[machine.hart_count++] = big32(value + size - 4);
    }
    if (place == Place::Memory && equal(name, "reg") && size >= 16 && machine.ram_size == 0) {
        machine.ram_base = big64(value);
        machine.ram_size = big64(value + 8);
    }
    if (place == Place::Chosen && equal(name, "bootargs")) {
        machine.bootargs = reinterpret_cast<char const*>(value);
    }
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace

bool read_machine(uint64_t tree, Machine& machine) {
    machine = Machine{};
    auto const* const base = at<uint8_t const>(tree);
    if (big32(base) != magic) return false;
    auto const* at_token = base + big32(base + 8);
    auto const* const strings = reinterpret_cast<char const*>(base + big32(base + 12));
    Place path[max_depth + 1] = {}; // path[n]: the node at depth n that the walk is in
    unsigned depth = 0;
    for (;;) {
        uint32_t const token = big32(at_token);
        at_token += 4;
        if (token == token_begin_node) {
            auto const* const name = reinterpret_cast<char const*>(at_token);
            if (depth == max_depth) return false;
            path[depth + 1] = enter(path[depth], depth + 1, name);
            ++depth;
            at_token += round_up(strlen(name) + 1, 4);
        } else if (token == token_end_node) {
            if (depth == 0) return false;
            --depth;
        } else if (token == token_property) {
            uint32_t const size = big32(at_token);
            note_property(path[depth], strings + big32(at_token + 4), at_token + 8, size, machine);
            at_token += 8 + round_up(size, 4);
        } else if (token != token_nop) {
            break;
        }
    }
    return machine.ram_size != 0 && machine.hart_count != 0;
}

char const* find_argument(char const* bootargs, char const* key) {
    if (bootargs == nullptr) return nullptr;
    for (char const* word = bootargs; *word != '\0';) {
        if (begins(word, key)) return word + strlen(key);
        while (*word != '\0' && *word != ' ') ++word;
        while (*word == ' ') ++word;
    }
    return nullptr;
}

bool parse_hex(char const* text, uint8_t* bytes, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
        int const high = hex_value(text[2 * i]);
        int const low = high < 0 ? -1 : hex_value(text[2 * i + 1]);
        if (low < 0) return false;
        bytes[i] = static_cast<uint8_t>(high << 4 | low);
    }
    return text[2 * size] == '\0' || text[2 * size] == ' ';
}

} // namespace payload
