// SPDX-License-Identifier: Apache-2.0
#include "holes.hpp"

#include "fdt.hpp"
#include "keystone.hpp"
#include "memory.hpp"
#include "sbi.hpp"

namespace payload {

uint64_t hole_address(HoleArea const& area, unsigned index, unsigned count) {
    uint64_t const part = area.pages / count;
    uint64_t mixed = (uint64_t{index} + 1) * 0x9e3779b97f4a7c15U;
    mixed ^= mixed >> 32U;
    return area.base + (index * part + mixed % part) * page_size;
}

int64_t create_holes(HoleArea const& area, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        uint64_t const epm = hole_address(area, i, count);
        uint64_t const utm = area.shared + i * page_size;
        keystone::CreateArgs const args{epm, page_size, utm, page_size, epm, epm, epm, 0};
        auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
        if (r.error != 0) return r.error;
    }
    return 0;
}

unsigned number_argument(char const* bootargs, char const* key) {
    char const* text = find_argument(bootargs, key);
    unsigned number = 0;
    for (; text != nullptr && *text >= '0' && *text <= '9'; ++text)
        number = number * 10 + static_cast<unsigned>(*text - '0');
    return number;
}

} // namespace payload
