// SPDX-License-Identifier: Apache-2.0
// A guest in VS-mode: Sv39 on Sv39x4, the tables of both stages in windows of their own.
#include "csr.hpp"
#include "print.hpp"
#include "windows.hpp"

extern "C" { // stubs.S
void windows_hlv();
void windows_hlvx();
void windows_hsv();
}

namespace windows {

using namespace payload;

namespace {

constexpr unsigned Vsstatus = 0x200, Hstatus = 0x600, Hedeleg = 0x602, Htval = 0x643, Hgatp = 0x680,
                   Vsatp = 0x280;
constexpr uint64_t spv = 1U << 7U, spvp = 1U << 8U;
constexpr uint64_t gib = 1U << 30U;
constexpr uint64_t cause_guest_fetch = 20, cause_guest_load = 21, cause_guest_store = 23;
constexpr uint64_t value = 0x0123'4567'89ab'cdef;
constexpr uint64_t all = payload::sv39::read | payload::sv39::write | payload::sv39::execute;
constexpr Mode const& sv39_mode = modes[0];

void fence() { asm volatile(".word 0x22000073\n\t.word 0x62000073" ::: "memory"); }

bool have_hypervisor() {
    // Reads hstatus; illegal without the extension.
    alignas(4) static uint32_t const code[] = {0x600025f3, breakpoint};
    return run({nullptr, false}, address_of(code), 0, 0).cause == cause_breakpoint;
}

/// The G stage maps guest addresses one to one, by one leaf or by tables down to pages.
struct Guest {
    Space vs;
    uint64_t g_root;
    uint64_t g_middle = 0; ///< physical address of the entry above the last table; 0: one leaf
    uint64_t g_last = 0;   ///< of the last table
    uint64_t code;
    uint64_t data;
    uint64_t pc = sv39_mode.at_root(32);
    uint64_t va;

    /// `shared`: the data's page is in the same last table as the code's.
    Guest(Pages pages, uint64_t root, bool by_pages, bool shared)
        : vs{sv39_mode, pages}, g_root{root}, code{vs.take()}, data{vs.take()},
          va{shared ? pc + page_size : pc + (page_size << 9U)} {
        memset(at<void>(root), 0, 4 * page_size);
        at<uint64_t>(root)[monitor / gib] = pte(monitor, leaf_flags(true));
        if (by_pages) map_pages(pages);
        vs.map(pc, code, all);
        vs.map(va, data, all);
    }
    Guest(Guest const&) = delete;
    Guest& operator=(Guest const&) = delete;

    uint64_t& g_leaf(uint64_t pa) { return at<uint64_t>(g_last)[(pa >> 12U) & 511U]; }

  private:
    /// The 2 MiB with all the pages, page by page.
    void map_pages(Pages pages) {
        uint64_t const middle = vs.take();
        g_last = vs.take();
        uint64_t const first = pages.base & ~((page_size << 9U) - 1);
        g_middle = middle + (first >> 21U & 511U) * 8;
        at<uint64_t>(g_root)[monitor / gib] = pte(middle, 0);
        *at<uint64_t>(g_middle) = pte(g_last, 0);
        for (uint64_t i = 0; i < 512; ++i)
            at<uint64_t>(g_last)[i] = pte(first + i * page_size, leaf_flags(true));
    }
};

/// Turns the stages on, runs, and turns them off. `bits` of hstatus: SPV for code of the guest's,
/// SPVP for accesses as in VS-mode.
Run run_staged(uint64_t hgatp, uint64_t vsatp, uint64_t bits, uint64_t pc, uint64_t a0,
               uint64_t a1) {
    evict();
    csr::write<Hgatp>(uint64_t{8} << 60U | hgatp >> 12U);
    csr::write<Vsatp>(vsatp);
    csr::set<Hstatus>(bits);
    fence();
    Run const r = run({nullptr, false}, pc, a0, a1);
    csr::clear<Hstatus>(bits);
    csr::write<Hgatp>(0);
    csr::write<Vsatp>(0);
    fence();
    return r;
}

Run run_guest(Guest const& guest, uint64_t pc, uint64_t a0, uint64_t a1) {
    return run_staged(guest.g_root, guest.vs.satp(), spv | spvp, pc, a0, a1);
}

void try_one(Tally& tally, Guest& guest, Access const& access, bool possible) {
    uint64_t const offset = 64;
    uint64_t model = value;
    uint64_t expected = ~uint64_t{0}; // of a loop that gives up
    if (possible) expected = run({nullptr, false}, access.code, address_of(&model), 1).a1;
    *at<uint64_t>(guest.data + offset) = value;
    copy_code(access, guest.code);
    Run const r = run_guest(guest, guest.pc, guest.va + offset, 1);
    bool const good = r.cause == cause_breakpoint && r.epc == guest.pc + access.size() - 4 &&
                      r.a1 == expected && *at<uint64_t>(guest.data + offset) == model;
    count(tally, good, "guest", access.name, 0, r);
}

/// What the fetch needs must fit. (QEMU names some of its faults those of a load: what the host
/// sees where it does not fit depends on the instruction.) The data may need more, but for loops.
void try_good(unsigned windows, unsigned fetch_windows, bool by_pages, bool shared) {
    if (!fits(fetch_windows)) return;
    Guest guest{alone(), large_window(), by_pages, shared};
    Tally worked, refused;
    for (Access const& access : accesses()) {
        bool const possible = access.possible(windows);
        try_one(possible ? worked : refused, guest, access, possible);
    }
    char name[] = "guest of . windows:";
    name[9] = static_cast<char>('0' + windows);
    report(name, "accesses", worked);
    if (refused.cases != 0) report(name, "loops that cannot be", refused);
}

/// Hypervisor loads and stores of the host, whose own code takes one more window.
void try_hypervisor_accesses() {
    Tally tally;
    for (bool const by_pages : {false, true}) {
        if (!fits(by_pages ? 8 : 6)) continue;
        Guest guest{alone(), large_window(), by_pages, false};
        for (uint64_t i = 0; i < 20; ++i) {
            uint64_t const offset = 8 * i;
            uint64_t& word = *at<uint64_t>(guest.data + offset);
            word = value + i;
            auto const go = [&](void (*code)(), uint64_t a1) {
                return run_staged(guest.g_root, guest.vs.satp(), spvp, address_of(code),
                                  guest.va + offset, a1);
            };
            Run r = go(windows_hlv, 0);
            count(tally, r.cause == cause_breakpoint && r.a1 == value + i, "guest", "hlv", i, r);
            r = go(windows_hlvx, 0);
            count(tally, r.cause == cause_breakpoint && r.a1 == ((value + i) & 0xffff'ffffU),
                  "guest", "hlvx", i, r);
            r = go(windows_hsv, ~i);
            count(tally, r.cause == cause_breakpoint && word == ~i, "guest", "hsv", i, r);
        }
    }
    report("guest", "hypervisor accesses", tally);
}

/// A load, a store and a fetch at the guest's data; `plain`: the cause of the load.
void expect_faults(Tally& tally, Guest& guest, char const* what, uint64_t load, uint64_t store,
                   uint64_t fetch, uint64_t htval) {
    for (Access const& access : accesses()) {
        copy_code(access, guest.code);
        Run const r = run_guest(guest, guest.pc, guest.va, 1);
        uint64_t const cause = access.stores != 0 ? store : load;
        bool const good = r.cause == cause && r.tval == guest.va &&
                          r.epc == guest.pc + access.skip && csr::read<Htval>() == htval >> 2U;
        count(tally, good, "guest", what, access.width, r);
    }
    Run const r = run_guest(guest, guest.va, 0, 0);
    bool const good = r.cause == fetch && r.tval == guest.va && csr::read<Htval>() == htval >> 2U;
    count(tally, good, "guest", what, 0, r);
}

/// Entries that are not valid, in both stages.
void try_page_faults() {
    Tally tally;
    bool const by_pages = fits(7); // else its code cannot be fetched
    Guest guest{alone(), large_window(), by_pages, false};
    for (unsigned level = 0; level < 2; ++level) { // (the root's entry is the code's, too)
        uint64_t& entry = guest.vs.entry(guest.va, level);
        uint64_t const before = entry;
        entry = 0;
        expect_faults(tally, guest, "VS entry", cause_load_page_fault, cause_store_page_fault,
                      cause_fetch_page_fault, 0);
        entry = before;
    }
    if (by_pages) {
        uint64_t& entry = guest.g_leaf(guest.data);
        uint64_t const before = entry;
        entry = 0;
        expect_faults(tally, guest, "G entry", cause_guest_load, cause_guest_store,
                      cause_guest_fetch, guest.data);
        entry = before;
    }
    report("guest", "page faults", tally);
}

/// Accesses that somebody's memory denies: how the hart names the faults. QEMU calls them guest
/// page faults where tables of both stages are involved.
struct Denials {
    uint64_t owned[2];
    Tally tally;
    uint64_t as_access, as_guest;

    void add(Run const& r, uint64_t access, uint64_t as_guest_page, uint64_t va, char const* what) {
        if (r.cause == access) ++as_access;
        if (r.cause == as_guest_page) ++as_guest;
        bool const good = (r.cause == access || r.cause == as_guest_page) && r.tval == va;
        count(tally, good, "guest", what, access, r);
    }
};

/// The data's entry in the guest's tables or those of the G stage, `entry`, leads into that memory.
void try_denied_entry(Denials& denials, Guest& guest, uint64_t& entry, uint64_t bad,
                      char const* what) {
    uint64_t const before = entry;
    entry = bad;
    for (Access const& access : accesses()) {
        copy_code(access, guest.code);
        Run const r = run_guest(guest, guest.pc, guest.va, 1);
        uint64_t const as_guest = access.stores != 0 ? cause_guest_store : cause_guest_load;
        denials.add(r, access.fault(), as_guest, guest.va, what);
    }
    Run const r = run_guest(guest, guest.va, 0, 0);
    denials.add(r, cause_fetch_fault, cause_guest_fetch, guest.va, what);
    entry = before;
}

void try_guest_denied(Denials& denials) {
    for (uint64_t const owned : denials.owned) {
        Guest wide{alone(), large_window(), false, false};
        for (unsigned level = 0; level < 2; ++level)
            try_denied_entry(denials, wide, wide.vs.entry(wide.va, level),
                             pte(owned, level == 0 ? all : 0), "VS entry denied");
        if (pmp_entries < 7) continue; // as where there are windows
        Guest paged{alone(), large_window(), true, false};
        try_denied_entry(denials, paged, paged.g_leaf(paged.data), pte(owned, leaf_flags(true)),
                         "G leaf denied");
    }
}

/// hlv.d with each table there, the roots, too: those cannot be tried by code that runs in them.
void try_guest_loads(Denials& denials) {
    for (uint64_t const owned : denials.owned) {
        Guest guest{alone(), large_window(), false, false};
        auto const load = [&](uint64_t hgatp, uint64_t vsatp) {
            Run const r = run_staged(hgatp, vsatp, spvp, address_of(windows_hlv), guest.va, 1);
            denials.add(r, cause_load_fault, cause_guest_load, guest.va, "hlv denied");
        };
        for (unsigned level = 0; level < 3; ++level) {
            uint64_t& entry = guest.vs.entry(guest.va, level);
            uint64_t const before = entry;
            entry = pte(owned, level == 0 ? all : 0);
            load(guest.g_root, guest.vs.satp());
            entry = before;
        }
        load(guest.g_root, uint64_t{8} << 60U | owned >> 12U);
        load(denials.owned[1], guest.vs.satp());
    }
}

} // namespace

void try_guest(bool denied) {
    if (!have_hypervisor()) {
        say("windows: no guest\n");
        return;
    }
    csr::write<Hedeleg>(0);
    csr::write<Vsstatus>(uint64_t{3} << 13U);
    try_good(6, 5, false, true);
    try_good(7, 5, false, false);
    try_good(8, 7, true, true);
    try_good(9, 7, true, false);
    try_hypervisor_accesses();
    try_page_faults();
    // On the bare machine the firmware is where the monitor is here.
    uint64_t const other = denied ? monitor + monitor_size / 2 : monitor;
    Denials denials{{denied ? hole(5) : other, other}, {}, 0, 0};
    try_guest_denied(denials);
    try_guest_loads(denials);
    report("guest", "denied", denials.tally);
    say("windows: guest ends: ", Dec{denials.as_access}, " access faults, ", Dec{denials.as_guest},
        " guest page faults\n");
}

} // namespace windows
