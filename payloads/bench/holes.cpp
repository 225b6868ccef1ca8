// SPDX-License-Identifier: Apache-2.0
// What loads cost where the host's memory has holes: of one doubleword of each page of 256 MiB,
// page after page and in random order, with Sv39 and leaves of 2 MiB.
#include "holes.hpp"
#include "csr.hpp"
#include "fdt.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "samples.hpp"
#include "sbi.hpp"
#include "sv39.hpp"

namespace bench {

using namespace payload;

void end() { sbi::shut_down(); }

namespace {

constexpr uint64_t area_pages = 65536;
constexpr uint64_t area_size = area_pages * page_size;

alignas(4096) uint8_t shared_pages[max_holes][page_size];
alignas(4096) uint8_t tables[3][page_size];
uint32_t order[area_pages]; ///< page numbers: those that are read, one after the other

/// What a page holds in its first doubleword.
uint64_t content(uint64_t page) { return varied(page) >> 1U; }

struct Sum {
    Timed timed;
    uint64_t sum;
};

/// Loads from the pages of the list. Each place is code of its own, since a plugin of QEMU tells by
/// the addresses of rdinstret what is measured; the first instruction behind it is executed once.
template <unsigned Place> [[gnu::noinline]] Sum load(uint64_t area, uint64_t count) {
    Sum s{};
    auto const* next = order;
    auto const* const behind = order + count;
    asm volatile("rdinstret %0\n\t"
                 "li t0, %6\n"
                 "1: lwu t0, 0(%3)\n\t"
                 "slli t0, t0, 12\n\t"
                 "add t0, t0, %5\n\t"
                 "ld t0, 0(t0)\n\t"
                 "add %2, %2, t0\n\t"
                 "addi %3, %3, 4\n\t"
                 "bltu %3, %4, 1b\n\t"
                 "rdinstret %1"
                 : "=&r"(s.timed.begin), "=&r"(s.timed.end), "+r"(s.sum), "+r"(next)
                 : "r"(behind), "r"(area), "i"(Place)
                 : "t0", "memory");
    return s;
}

void enable_paging(Machine const& machine) {
    sv39::Pool pool{address_of(&tables[1]), address_of(&tables[0]) + sizeof tables, 0};
    auto const flags = sv39::read | sv39::write | sv39::execute;
    if (!sv39::map(pool, address_of(&tables[0]), machine.ram_base, machine.ram_base,
                   machine.ram_size, flags, 1))
        fail("holes.tables", 0, 0, 1);
    csr::write<csr::Satp>(sv39::satp(address_of(&tables[0])));
    asm volatile("sfence.vma" ::: "memory");
}

/// Lists the pages that are no holes; returns how many.
uint64_t list_pages(HoleArea const& area, unsigned holes) {
    uint64_t count = 0;
    unsigned hole = 0;
    for (uint64_t page = 0; page < area.pages; ++page) {
        uint64_t const address = area.base + page * page_size;
        if (hole < holes && address == hole_address(area, hole, holes)) {
            ++hole;
            continue;
        }
        *at<uint64_t volatile>(address) = content(page);
        order[count++] = static_cast<uint32_t>(page);
    }
    check("holes.count", 0, hole, holes);
    return count;
}

void shuffle(uint64_t count) {
    for (uint64_t i = count - 1; i > 0; --i) {
        uint64_t const other = varied(i) % (i + 1);
        uint32_t const kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
}

void say_row(char const* name, Sum const& s, uint64_t expected) {
    check(name, 0, s.sum, expected);
    row(name, [&](unsigned) { return s.timed.cost(); }, 1);
}

} // namespace

} // namespace bench

extern "C" void payload_main(uint64_t, uint64_t tree) {
    using namespace bench;
    say("bench: start\n");
    calibrate();
    Machine machine;
    if (!read_machine(tree, machine)) fail("holes.tree", 0, 0, 1);
    uint64_t const base = machine.ram_base + machine.ram_size - area_size;
    HoleArea const area{base, area_pages, address_of(&shared_pages)};
    unsigned const holes = number_argument(machine.bootargs, "plinth.holes=");
    check("holes.create", holes, static_cast<uint64_t>(create_holes(area, holes)), 0);
    enable_paging(machine);
    uint64_t const count = list_pages(area, holes);
    uint64_t expected = 0;
    for (uint64_t i = 0; i < count; ++i) expected += content(order[i]);
    say("bench: accesses ", Dec{count}, '\n');
    say_row("holes.sweep", load<0>(base, count), expected);
    shuffle(count);
    say_row("holes.random", load<1>(base, count), expected);
    say("bench: end\n");
    end();
}
