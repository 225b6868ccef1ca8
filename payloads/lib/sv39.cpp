// SPDX-License-Identifier: Apache-2.0
#include "sv39.hpp"

#include "memory.hpp"

namespace payload::sv39 {

namespace {

/// The entry for `va` in the table of `level` whose page is at physical address `table`.
uint64_t& entry(Pool const& pool, uint64_t table, uint64_t va, unsigned level) {
    return at<uint64_t>(table + pool.offset)[(va >> (12 + 9 * level)) & 511U];
}

bool map_leaf(Pool& pool, uint64_t root, uint64_t va, uint64_t pa, uint64_t flags, unsigned level) {
    uint64_t table = root;
    for (unsigned above = 2; above > level; --above) {
        uint64_t& pte = entry(pool, table, va, above);
        if ((pte & valid) == 0) {
            uint64_t const page = take_page(pool);
            if (page == 0) return false;
            pte = page >> 12U << 10U | valid;
        }
        table = pte >> 10U << 12U;
    }
    entry(pool, table, va, level) = pa >> 12U << 10U | flags | valid | accessed | dirty;
    return true;
}

} // namespace

uint64_t take_page(Pool& pool) {
    if (pool.end - pool.next < page_size) return 0;
    uint64_t const page = pool.next;
    pool.next += page_size;
    memset(at<void>(page + pool.offset), 0, page_size);
    return page;
}

bool map(Pool& pool, uint64_t root, uint64_t va, uint64_t pa, uint64_t size, uint64_t flags,
         unsigned level) {
    for (uint64_t done = 0; done < size; done += leaf_size(level)) {
        if (!map_leaf(pool, root, va + done, pa + done, flags, level)) return false;
    }
    return true;
}

} // namespace payload::sv39
