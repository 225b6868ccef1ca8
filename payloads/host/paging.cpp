// SPDX-License-Identifier: Apache-2.0
#include "csr.hpp"
#include "host.hpp"
#include "memory.hpp"
#include "sv39.hpp"

namespace host {

using namespace payload;

namespace {

constexpr uint64_t table_pages = 24;
alignas(4096) uint8_t table_memory[table_pages * page_size];
sv39::Pool pool;
uint64_t root;

constexpr uint64_t read_write = sv39::read | sv39::write;
constexpr uint64_t everything = read_write | sv39::execute;
constexpr uint64_t large_page = sv39::leaf_size(1);
constexpr uint64_t mapped_ram_limit = uint64_t{4} << 30U; // the host uses the start of RAM only
constexpr uint64_t uart = 0x10000000;

bool map_ram(Machine const& machine, uint64_t fine_base) {
    uint64_t const size = machine.ram_size < mapped_ram_limit ? machine.ram_size : mapped_ram_limit;
    uint64_t const end = machine.ram_base + size;
    for (uint64_t base = machine.ram_base; base < end; base += large_page) {
        unsigned const level = base == fine_base ? 0 : 1;
        if (!sv39::map(pool, root, base, base, large_page, everything, level)) return false;
    }
    return true;
}

} // namespace

void build_tables(Machine const& machine, uint64_t fine_base, uint64_t alias_page,
                  uint64_t moving_page) {
    uint64_t const base = address_of(table_memory);
    pool = {base, base + sizeof(table_memory), 0};
    root = sv39::take_page(pool);
    bool const mapped = map_ram(machine, fine_base) &&
                        sv39::map(pool, root, uart, uart, page_size, read_write, 0) &&
                        sv39::map(pool, root, alias_va, alias_page, page_size, read_write, 0) &&
                        sv39::map(pool, root, moving_va, moving_page, page_size, read_write, 0);
    if (!mapped) fail("out of pages for tables");
}

void move_page(uint64_t page) {
    if (!sv39::map(pool, root, moving_va, page, page_size, read_write, 0)) fail("page not moved");
    asm volatile("fence rw, rw" ::: "memory");
}

void enable_paging() {
    csr::write<csr::Stvec>(address_of(host_vector));
    asm volatile("sfence.vma" ::: "memory");
    csr::write<csr::Satp>(sv39::satp(root));
    asm volatile("sfence.vma" ::: "memory");
}

} // namespace host
