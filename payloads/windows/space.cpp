// SPDX-License-Identifier: Apache-2.0
// Page tables by hand, and code that runs through them.
#include "csr.hpp"
#include "windows.hpp"

extern "C" {
extern uint8_t const windows_accesses[]; // stubs.S
extern uint8_t const windows_accesses_end[];
void windows_stray();
}

namespace windows {

using namespace payload;

namespace {

constexpr uint64_t status_fs_vs = 3U << 13U | 3U << 9U;

unsigned shift_of(unsigned level) { return 12 + 9 * level; }

} // namespace

bool has(Mode const& mode) {
    // A satp with a mode that the hart lacks is not written at all. The tables are good ones.
    Space const space{mode, together()};
    csr::write<csr::Satp>(space.satp());
    bool const held = csr::read<csr::Satp>() == space.satp();
    csr::write<csr::Satp>(0);
    asm volatile("sfence.vma" ::: "memory");
    return held;
}

Space::Space(Mode const& mode, Pages pages) : mode_{mode}, pages_{pages}, root_{take()} {
    using namespace sv39;
    unsigned const shift = shift_of(mode.levels - 1);
    uint64_t const index = (monitor >> shift) & 511U;
    uint64_t const flags = read | write | execute | accessed | dirty;
    at<uint64_t>(root_)[index] = pte(index << shift, flags);
}

uint64_t Space::take() {
    uint64_t const page = pages_.page(used_++);
    if (used_ > row_windows) asm volatile("unimp");
    memset(at<void>(page), 0, page_size);
    return page;
}

uint64_t& Space::entry(uint64_t va, unsigned level) {
    uint64_t table = root_;
    for (unsigned above = mode_.levels - 1; above > level; --above)
        table = at<uint64_t>(table)[(va >> shift_of(above)) & 511U] >> 10U << 12U;
    return at<uint64_t>(table)[(va >> shift_of(level)) & 511U];
}

void Space::map(uint64_t va, uint64_t pa, uint64_t flags) {
    for (unsigned level = mode_.levels - 1; level > 0; --level) {
        uint64_t& above = entry(va, level);
        if (above == 0) above = pte(take(), 0);
    }
    entry(va, 0) = pte(pa, flags);
}

Pair map_pair(Space& space, uint64_t edge, uint64_t flags) {
    uint64_t const low = space.take();
    uint64_t const high = space.take();
    space.map(edge - page_size, low, flags);
    space.map(edge, high, flags);
    return {edge, low, high};
}

void evict() {
    for (unsigned i = 0; i <= pmp_entries; ++i)
        *at<uint64_t const volatile>(alone().page(row_windows - 1 - i));
}

Run run(How how, uint64_t pc, uint64_t a0, uint64_t a1, uint64_t a2) {
    constexpr uint64_t cleared = status_sie | status_spie | status_spp | status_sum | status_mxr;
    Run r{};
    r.pc = pc;
    r.a0 = a0;
    r.a1 = a1;
    r.a2 = a2;
    uint64_t const before = csr::read<csr::Sstatus>();
    r.status = (before & ~cleared) | status_fs_vs | how.status | (how.user ? 0 : status_spp);
    if (how.space != nullptr) evict();
    if (how.space != nullptr) csr::write<csr::Satp>(how.space->satp());
    asm volatile("sfence.vma\n\tfence.i" ::: "memory");
    run_from_s(&r);
    csr::write<csr::Satp>(0);
    csr::write<csr::Sstatus>(before);
    csr::write<csr::Stvec>(address_of(windows_stray));
    asm volatile("sfence.vma" ::: "memory");
    return r;
}

Accesses accesses() {
    return {at<Access const>(address_of(windows_accesses)),
            at<Access const>(address_of(windows_accesses_end))};
}

void copy_code(Access const& access, uint64_t to) {
    memcpy(at<void>(to), at<void const>(access.code), access.size());
}

} // namespace windows
