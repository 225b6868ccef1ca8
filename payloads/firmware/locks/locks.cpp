// SPDX-License-Identifier: Apache-2.0
// Test firmware: locked PMP entries keep configuration and address whatever is written to them, and
// bind M-mode, too. At the end every entry is locked, and the firmware waits to be looked at.
#include "firmware.hpp"

#include <initializer_list>

extern "C" {
void load();
void store();
}

namespace {

using namespace payload;

constexpr unsigned entries = 8;
constexpr uint64_t mailbox = 0x81001000; // tests/qemu/locks.py lets the firmware go on
constexpr uint64_t lock = 0x80, off = 0x00, tor = 0x08, na4 = 0x10, napot = 0x18;
constexpr uint64_t r = 1, w = 2, x = 4;
constexpr uint64_t everything = ~uint64_t{0};
constexpr uint64_t all_memory = (uint64_t{1} << 54U) - 1;

// Page n belongs to entry n; page 0 is the one below the TOR entry.
alignas(4096) uint32_t pages[entries][1024];

uint64_t word_of(unsigned page) { return address_of(pages[page]) >> 2U; }
constexpr uint64_t span(uint64_t bytes) { return bytes / 8 - 1; }

/// Entry 0 is off and gives the TOR entry its lower end; 7 opens the rest to S-mode.
constexpr uint64_t configurations[entries] = {
    off,          lock | tor | r,         lock | na4,           lock | napot | r | x,
    lock | napot, lock | off | r | w | x, lock | napot | r | w, napot | r | w | x};

uint64_t address_of_entry(unsigned entry) {
    if (entry == 0) return word_of(1);
    if (entry == 1) return word_of(1) + 0x300; // no power of two
    if (entry == 2) return word_of(2);
    if (entry == 4) return word_of(4) | span(8);
    return entry == 7 ? all_memory : word_of(entry) | span(page_size);
}

template <unsigned... N> void write_addresses() {
    (csr::write<csr::Pmpaddr0 + N>(address_of_entry(N)), ...);
}

void program() {
    write_addresses<0, 1, 2, 3, 4, 5, 6, 7>();
    uint64_t value = 0;
    for (unsigned entry = 0; entry < entries; ++entry)
        value |= configurations[entry] << (8 * entry);
    csr::write<csr::Pmpcfg0>(value);
    asm volatile("sfence.vma" ::: "memory");
}

/// What pmpcfg0 holds after each way of changing one byte.
void attack_configuration(unsigned entry) {
    unsigned const shift = 8 * entry;
    uint64_t const byte = uint64_t{0xff} << shift;
    say("locks: pmpcfg of entry ", Dec{entry}, ':');
    csr::write<csr::Pmpcfg0>(csr::read<csr::Pmpcfg0>() & ~byte);
    say(' ', Hex{csr::read<csr::Pmpcfg0>()});
    csr::write<csr::Pmpcfg0>((csr::read<csr::Pmpcfg0>() & ~byte) | uint64_t{0x1f} << shift);
    say(' ', Hex{csr::read<csr::Pmpcfg0>()});
    csr::clear<csr::Pmpcfg0>(lock << shift);
    say(' ', Hex{csr::read<csr::Pmpcfg0>()});
    csr::set<csr::Pmpcfg0>((r | w | x) << shift);
    say(' ', Hex{csr::read<csr::Pmpcfg0>()}, '\n');
}

/// How the address differs from what was programmed, after each way of changing it.
template <unsigned N> void attack_address() {
    constexpr unsigned number = csr::Pmpaddr0 + N;
    uint64_t const old = csr::read<number>();
    say("locks: pmpaddr of entry ", Dec{N}, ": ", Hex{old ^ address_of_entry(N)});
    csr::write<number>(old ^ 0x5555);
    say(' ', Hex{csr::read<number>() ^ old});
    csr::write<number>(old);
    csr::set<number>(0xfff);
    say(' ', Hex{(csr::read<number>() ^ old) != 0});
    csr::write<number>(old);
    csr::clear<number>(all_memory);
    say(' ', Hex{(csr::read<number>() ^ old) != 0}, '\n');
    csr::write<number>(old);
}

template <unsigned... N> void attack_addresses() { (attack_address<N>(), ...); }

/// The cause of a trap, or 0 if the code came back.
uint64_t cause_of(Run const& run) {
    return run.epc == address_of(&run_from_m_ecall) ? 0 : run.cause;
}

void access(char const* name, Priv mode, uint64_t address, uint64_t bits) {
    uint64_t const ret = 0x00008067;
    Run const loaded = run(mode, load, {.a0 = address, .a2 = bits});
    Run const stored = run(mode, store, {.a0 = address, .a1 = ret, .a2 = bits});
    say(' ', name, ' ', Dec{cause_of(loaded)}, '/', Dec{cause_of(stored)});
    if (bits != 0) return;
    Run const fetched = run(mode, at<Stub>(address));
    say('/', Dec{cause_of(fetched)});
}

/// Load, store and fetch in M-mode and S-mode, and M-mode's loads and stores with S-mode's rights.
void access_all(char const* where, unsigned page, uint64_t offset) {
    constexpr uint64_t as_supervisor = status_mprv | 1U << status_mpp_shift;
    uint64_t const address = address_of(pages[page]) + offset;
    say("locks: page ", Dec{page}, ' ', where, ':');
    access("M", Priv::Machine, address, 0);
    access("S", Priv::Supervisor, address, 0);
    access("MPRV", Priv::Machine, address, as_supervisor);
    say('\n');
}

void access_pages() {
    for (unsigned page = 0; page < entries; ++page) {
        access_all("first", page, 0);
        access_all("second", page, 4);
        access_all("third", page, 8);
        access_all("last", page, page_size - 4);
    }
}

/// All at once; locked ones stay as they are.
void attack_at_once() {
    csr::write<csr::Pmpcfg0>(0);
    say("locks: all zero: ", Hex{csr::read<csr::Pmpcfg0>()});
    csr::set<csr::Pmpcfg0>(0x1f1f1f1f1f1f1f1f);
    say(" all open: ", Hex{csr::read<csr::Pmpcfg0>()});
    csr::write<csr::Pmpcfg0>(configurations[7] << 56U);
    say(" as before: ", Hex{csr::read<csr::Pmpcfg0>()}, '\n');
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    say("locks: start\n");
    csr::write<csr::Medeleg>(0);
    for (auto& page : pages)
        for (uint32_t& word : page) word = 0x00008067; // ret
    asm volatile("fence.i" ::: "memory");
    program();
    for (unsigned entry = 1; entry < entries - 1; ++entry) attack_configuration(entry);
    attack_addresses<0, 1, 2, 3, 4, 5, 6, 7>();
    attack_at_once();
    access_pages();
    csr::set<csr::Pmpcfg0>(lock << 56U | lock);
    csr::write<csr::Pmpcfg0>(0);
    say("locks: every entry locked: ", Hex{csr::read<csr::Pmpcfg0>()}, '\n');
    attack_address<7>();
    access_pages();
    say("locks: waiting\n");
    while (*at<uint64_t volatile>(mailbox) == 0) {
    }
    say("locks: end\n");
    finish();
}
