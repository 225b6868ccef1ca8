// SPDX-License-Identifier: Apache-2.0
// The arena and its enclaves.
#include "keystone.hpp"
#include "sbi.hpp"
#include "windows.hpp"

extern "C" {
extern uint8_t const windows_enclave_start[]; // enclave.S
extern uint8_t const windows_enclave_end[];
}

namespace windows {

using namespace payload;

namespace {

constexpr uint64_t large_size = 4 * page_size;
constexpr uint64_t large_offset = row_enclaves * 2 * page_size;
constexpr uint64_t utm_offset = 4U << 20U;

alignas(page_size) uint8_t image_pages[row_windows * page_size];
uint64_t arena;

/// An enclave as the host knows it.
struct Made {
    uint64_t id;
    uint64_t fold; ///< of its page, as it was created
    bool alive;
};
Made made[most_enclaves];

/// What enclave.S computes.
uint64_t fold_page(uint64_t page) {
    uint64_t fold = 0;
    for (unsigned i = 0; i < page_size / 8; ++i)
        fold = (fold + (fold << 5U)) ^ at<uint64_t>(page)[i];
    return fold;
}

/// Enters the enclave until it exits; what it found.
sbi::Result run_to_exit(uint64_t id) {
    auto r = sbi::call(keystone::extension, keystone::run, id);
    while (r.error == keystone::interrupted)
        r = sbi::call(keystone::extension, keystone::resume, id);
    return r;
}

bool create(unsigned index) {
    uint64_t const epm = hole(index);
    uint64_t const utm = arena + utm_offset + index * page_size;
    memcpy(at<void>(epm), windows_enclave_start,
           address_of(windows_enclave_end) - address_of(windows_enclave_start));
    uint64_t const fold = fold_page(epm);
    uint64_t const end = epm + page_size;
    keystone::CreateArgs const args{epm, page_size, utm, page_size, epm, epm, end, 0};
    auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
    if (r.error != 0) return false;
    made[index] = {r.value, fold, true};
    return true;
}

} // namespace

void place_arena(uint64_t base) { arena = base; }

uint64_t hole(unsigned index) {
    if (index < row_enclaves) return arena + index * 2 * page_size;
    return index == row_enclaves ? arena + large_offset - page_size
                                 : arena + large_offset + large_size;
}

Pages alone() { return {arena + page_size, 2 * page_size}; }
Pages together() { return {address_of(image_pages), page_size}; }
uint64_t large_window() { return arena + large_offset; }

unsigned create_enclaves(uint64_t const (&next)[5]) {
    for (unsigned i = 0; i < most_enclaves; ++i) {
        memset(at<void>(hole(i)), 0, page_size);
        uint64_t const flags = i == 0 ? leaf_flags(false) : 0;
        if (i < 5) at<uint64_t>(hole(i))[prepared_index] = pte(next[i], flags);
        if (!create(i)) return i;
    }
    return most_enclaves;
}

Tally end_enclaves() {
    Tally tally;
    for (unsigned i = 0; i < most_enclaves; ++i) {
        if (!made[i].alive) continue;
        auto const r = run_to_exit(made[i].id);
        Run seen{};
        seen.a0 = static_cast<uint64_t>(r.error);
        seen.a1 = r.value;
        count(tally, r.error == 0 && r.value == made[i].fold, "EPM", "changed", i, seen);
        destroy_enclave(i);
    }
    return tally;
}

bool create_enclave(unsigned index, uint64_t filler) {
    for (unsigned i = 0; i < page_size / 8; ++i) at<uint64_t volatile>(hole(index))[i] = filler;
    return create(index);
}

bool run_enclave_once(unsigned index) {
    auto const r = run_to_exit(made[index].id);
    return r.error == 0 && r.value == made[index].fold;
}

bool destroy_enclave(unsigned index) {
    made[index].alive = false;
    return sbi::call(keystone::extension, keystone::destroy, made[index].id).error == 0;
}

} // namespace windows
