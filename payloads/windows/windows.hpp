// SPDX-License-Identifier: Apache-2.0
// Memory in many windows: pages that the host may use, each alone between two pages that belong to
// enclaves. Everything is tried through page tables whose pages and leaves lie in such windows.
#pragma once

#include "fdt.hpp"
#include "memory.hpp"
#include "run.hpp"
#include "sv39.hpp"

#include <initializer_list>
#include <stdint.h>

namespace windows {

using payload::page_size;
using payload::Run;

inline constexpr uint64_t cause_fetch_fault = 1;
inline constexpr uint64_t cause_breakpoint = 3;
inline constexpr uint64_t cause_load_fault = 5;
inline constexpr uint64_t cause_store_fault = 7;
inline constexpr uint64_t cause_fetch_page_fault = 12;
inline constexpr uint64_t cause_load_page_fault = 13;
inline constexpr uint64_t cause_store_page_fault = 15;
inline constexpr uint32_t breakpoint = 0x00100073;

/// What no host may touch: the monitor, its CLINT, the firmware (QEMU virt).
inline constexpr uint64_t monitor = 0x80000000;
inline constexpr uint64_t monitor_size = 0x100000;
inline constexpr uint64_t clint = 0x2000000;
inline constexpr uint64_t firmware = 0x80100000;

// ---- Counting ----------------------------------------------------------------------------------

/// How many cases of one kind there were, and how many did not come out right.
struct Tally {
    uint64_t cases = 0;
    uint64_t wrong = 0;
};

/// Counts a case; the first wrong ones of the run are printed, with what they gave.
void count(Tally& tally, bool good, char const* where, char const* what, uint64_t number,
           Run const& run);
/// Prints "windows: NAME WHAT: N cases, M wrong".
void report(char const* name, char const* what, Tally const& tally);
uint64_t all_wrong();

/// How the cases of try_invalid() ended.
struct Ends {
    uint64_t fetch_faults, load_faults, store_faults, completed, accessed_set, dirty_set;
};
void report(char const* name, Ends const& ends);

// ---- Places ------------------------------------------------------------------------------------

/// Pages at equal distances.
struct Pages {
    uint64_t base;
    uint64_t stride;
    constexpr uint64_t page(uint64_t index) const { return base + index * stride; }
};

/// Enclaves of one page; every second page of the arena, and the two around the large window.
inline constexpr unsigned most_enclaves = 64;
inline constexpr unsigned row_enclaves = 62; ///< those with one page between two of them
inline constexpr unsigned row_windows = row_enclaves - 1;
/// Which entry of an enclave's page is a good one of a page table.
inline constexpr uint64_t prepared_index = 300;

/// Where the enclaves lie; set before anything else.
void place_arena(uint64_t base);
/// EPM number `index`.
uint64_t hole(unsigned index);
/// The pages between two enclaves.
Pages alone();
/// As many pages that lie together, in the image.
Pages together();
/// 16 KiB, aligned, between two enclaves.
uint64_t large_window();

/// Creates as many enclaves as possible; entry 300 of EPM number n, for n < 5, leads as a page
/// table of that level to `next[n]`. Returns how many there are.
unsigned create_enclaves(uint64_t const (&next)[5]);
/// Runs every enclave, which looks at its own page, and destroys it. How many were not as they
/// were.
Tally end_enclaves();
/// Creates enclave number `index`; fills the page with `filler` before. False if refused.
bool create_enclave(unsigned index, uint64_t filler);
bool run_enclave_once(unsigned index);
bool destroy_enclave(unsigned index);
/// The offset in an EPM behind which the enclave puts its canary.
inline constexpr uint64_t canary_offset = 3072;

// ---- Translation -------------------------------------------------------------------------------

/// One of Sv39, Sv48, Sv57.
struct Mode {
    char const* name;
    unsigned levels;
    uint64_t satp_mode;
    /// The first address of entry `index` of the root.
    constexpr uint64_t at_root(uint64_t index) const { return index << (3 + 9 * levels); }
};
inline constexpr Mode modes[] = {{"sv39", 3, 8}, {"sv48", 4, 9}, {"sv57", 5, 10}};
/// Whether the hart has the mode.
bool has(Mode const& mode);

/// Page tables, one page after the other from `pages`. The image is mapped one to one by a leaf of
/// the root, for S-mode.
class Space {
  public:
    Space(Mode const& mode, Pages pages);
    /// The next page, zeroed.
    uint64_t take();
    /// Maps the page of `va` to `pa`; `flags` is all that the leaf has besides V.
    void map(uint64_t va, uint64_t pa, uint64_t flags);
    /// The entry of `va` at `level`; the tables above it exist.
    uint64_t& entry(uint64_t va, unsigned level);
    uint64_t satp() const { return mode_.satp_mode << 60U | root_ >> 12U; }
    Mode const& mode() const { return mode_; }

  private:
    Mode const& mode_;
    Pages pages_;
    uint64_t used_ = 0;
    uint64_t root_;
};

/// Two pages at consecutive virtual addresses, each in a window of its own.
struct Pair {
    uint64_t edge; ///< address at which the second one begins
    uint64_t low;  ///< physical address of the first
    uint64_t high; ///< and of the second
};
/// Maps two new pages around `edge`.
Pair map_pair(Space& space, uint64_t edge, uint64_t flags);

constexpr uint64_t pte(uint64_t pa, uint64_t flags) {
    return pa >> 12U << 10U | flags | payload::sv39::valid;
}

/// How many PMP entries the monitor uses.
extern unsigned pmp_entries;
/// Whether an access that needs so many windows at once can be made.
bool fits(unsigned windows);
/// Reads one word in each of the last windows, so that no PMP entry holds another one, or the image
/// at most.
void evict();

/// Runs code in S or U with these tables (none: no translation) until it traps. With tables it
/// begins with evict().
struct How {
    Space const* space;
    bool user;
    uint64_t status = 0; ///< SUM, MXR
};
Run run(How how, uint64_t pc, uint64_t a0, uint64_t a1, uint64_t a2 = 0);

/// One access with its address in a0 and its operand or result in a1, then ebreak (stubs.S).
struct Access {
    uint64_t code;
    uint64_t end;
    uint32_t width;
    uint32_t skip; ///< offset of the instruction that makes the access
    uint32_t stores;
    uint32_t aligned; ///< 1, not at other addresses; 2, and LR and SC until they succeed
    char const* name;
    uint64_t size() const { return end - code; }
    /// Whether it must be tried as it is when fetch and data together take so many windows. LR and
    /// SC cannot be made one by one in the guest's stead: they never succeed then.
    bool possible(unsigned windows) const { return aligned != 2 || fits(windows); }
    uint64_t fault() const { return stores != 0 ? cause_store_fault : cause_load_fault; }
};
struct Accesses {
    Access const* first;
    Access const* last;
    Access const* begin() const { return first; }
    Access const* end() const { return last; }
};
Accesses accesses();
/// Copies the code to physical address `to`.
void copy_code(Access const& access, uint64_t to);

constexpr uint64_t leaf_flags(bool user) {
    using namespace payload::sv39;
    return read | write | execute | (user ? payload::sv39::user : 0);
}

// ---- The parts ---------------------------------------------------------------------------------

void try_accesses(Mode const& mode);
void try_jumps(Mode const& mode);
void try_split_fetches(Mode const& mode);
void try_bare();
void try_bare_jumps();
/// Accesses that the plan denies. `enclaves`: how many there are.
void try_denied(Mode const& mode);
void try_bare_denied();
/// What the tables of try_denied() have behind `level`.
uint64_t denied_next(unsigned level);
void try_invalid(Mode const& mode);
/// Nothing if the hart has no vectors.
void try_vectors(Mode const& mode, bool denied);
/// Nothing if the hart has no hypervisor extension.
void try_guest(bool denied);
/// The other harts sweep memory while this one creates and destroys enclaves.
void race(uint64_t boot_hart, payload::Machine const& machine);

} // namespace windows
