// SPDX-License-Identifier: Apache-2.0
// Building Sv39 page tables (privileged specification, "Sv39").
#pragma once

#include <stdint.h>

namespace payload::sv39 {

inline constexpr uint64_t valid = 1U << 0;
inline constexpr uint64_t read = 1U << 1;
inline constexpr uint64_t write = 1U << 2;
inline constexpr uint64_t execute = 1U << 3;
inline constexpr uint64_t user = 1U << 4;
inline constexpr uint64_t accessed = 1U << 6;
inline constexpr uint64_t dirty = 1U << 7;

/// Physical pages for tables: [next, end), reached at physical address + `offset`.
struct Pool {
    uint64_t next;
    uint64_t end;
    uint64_t offset;
};

/// Size of a leaf: level 0 is 4 KiB, level 1 is 2 MiB, level 2 is 1 GiB.
constexpr uint64_t leaf_size(unsigned level) { return uint64_t{4096} << (9 * level); }

/// Takes a zeroed page from the pool; 0 when it is empty.
uint64_t take_page(Pool& pool);

/// Maps [va, va + size) to [pa, pa + size) with leaves of one level, in the tables whose root page
/// is at physical address `root`. `flags` are permissions; V, A and D are added. All three numbers
/// are multiples of the leaf size. False when the pool runs out.
bool map(Pool& pool, uint64_t root, uint64_t va, uint64_t pa, uint64_t size, uint64_t flags,
         unsigned level);

/// The value of satp that selects Sv39 with the root page at physical address `root`, ASID 0.
constexpr uint64_t satp(uint64_t root) { return uint64_t{8} << 60U | root >> 12U; }

} // namespace payload::sv39
