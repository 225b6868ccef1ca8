// SPDX-License-Identifier: Apache-2.0
// Builds the runtime's address space in the enclave's free memory.
#include "enclave/layout.hpp"
#include "memory.hpp"
#include "sv39.hpp"

namespace enclave {

namespace {

using namespace payload;

/// What start.S needs to enter the runtime.
struct LoaderResult {
    uint64_t satp;
    uint64_t free;
    uint64_t entry;
    uint64_t stack_top;
};

constexpr uint64_t read_write = sv39::read | sv39::write;

bool map_stack(sv39::Pool& pool, uint64_t root) {
    for (uint64_t i = 0; i < runtime_stack_pages; ++i) {
        uint64_t const page = sv39::take_page(pool);
        if (page == 0) return false;
        uint64_t const va = runtime_stack + i * page_size;
        if (!sv39::map(pool, root, va, page, page_size, read_write, 0)) return false;
    }
    return true;
}

} // namespace

/// Returns 0, or the value with which the enclave must exit.
extern "C" uint64_t loader_main(LoaderResult& result, uint64_t epm, uint64_t epm_size,
                                uint64_t runtime, uint64_t user, uint64_t free, uint64_t utm,
                                uint64_t utm_size) {
    bool const ordered = epm < runtime && runtime < user && user < free && free < epm + epm_size;
    if (!ordered || utm_size == 0) return exit_entry_registers;
    sv39::Pool pool{free, epm + epm_size - loader_stack_pages * page_size, 0};
    uint64_t const root = sv39::take_page(pool);
    bool const mapped = root != 0 &&
                        sv39::map(pool, root, runtime_base, runtime, user - runtime,
                                  sv39::read | sv39::execute, 0) &&
                        sv39::map(pool, root, utm_window, utm, utm_size, read_write, 0) &&
                        sv39::map(pool, root, epm_window, epm, epm_size, read_write, 0) &&
                        map_stack(pool, root);
    if (!mapped) return exit_loader_memory;
    result = {sv39::satp(root), pool.next, runtime_base,
              runtime_stack + runtime_stack_pages * page_size};
    return 0;
}

} // namespace enclave
