// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

namespace differ {

bool present[known_count];
bool has_double;

namespace {

constexpr uint64_t pte_v = 1, pte_r = 2, pte_w = 4, pte_x = 8, pte_u = 16, pte_a = 64, pte_d = 128;
constexpr unsigned edge_words = 8; ///< words at each end of a data page that programs work on
constexpr unsigned data_words = data_pages * 2 * edge_words;
constexpr unsigned table_words = table_sets * window_pages;
constexpr uint64_t clint = 0x2000000;

struct alignas(4096) Table {
    uint64_t entry[512];
};
Table roots[table_sets], windows[table_sets], leaves[table_sets], image_table, alias_table;
/// A G-stage table: its root has four pages (9.5.1).
struct alignas(16384) GuestRoot {
    uint64_t entry[2048];
};
GuestRoot guest_root;
Table guest_pages;

/// One routine for each CSR: csrw of its initial value, csrr; and for all FP and vector registers.
/// What the routines write is apart from them: QEMU is slow where a page has both.
constexpr unsigned write_words = 14, read_words = 4, fp_words = 40;
struct alignas(4096) Routines {
    uint32_t write[known_count * write_words];
    uint32_t read[known_count * read_words];
    uint32_t fp_reset[fp_words];
    uint32_t fp_dump[fp_words];
    uint32_t vector_reset[fp_words];
    uint32_t vector_dump[fp_words];
};
Routines routines;
/// The vector registers of QEMU 7.2 have up to 1024 bits.
struct alignas(4096) Dump {
    uint64_t fp[32];
    uint64_t vector[32 * 1024 / 64];
};
Dump dump;

/// Registers that may hold something else than their initial value.
bool changed[known_count];
bool fp_changed, vectors_changed, clint_changed;

uint64_t table_pte(Table const& table) {
    return reinterpret_cast<uint64_t>(&table) >> 12U << 10U | pte_v;
}

template <typename T> T volatile* place(uint64_t address) {
    return reinterpret_cast<T volatile*>(address);
}

/// The n-th word that programs work on.
uint64_t volatile& data_word(unsigned n) {
    auto const page = n / (2 * edge_words);
    auto const word = n % (2 * edge_words);
    auto const offset = word < edge_words ? 8 * word : 4096 - 8 * (2 * edge_words - word);
    return *place<uint64_t>(data_base + 4096 * page + offset);
}

uint64_t random_pte(Random& random) {
    auto flags = (random.next() & 0x3fe) | pte_v;
    if (random.chance(60)) flags |= pte_a | pte_r;
    if ((flags & (pte_r | pte_w)) == pte_w && random.chance(80)) flags |= pte_r;
    if (random.chance(8)) flags &= ~pte_v;
    if (random.chance(3)) flags |= uint64_t{1} << (54 + random.below(10));
    auto page = (data_base >> 12U) + random.below(data_pages);
    if (random.chance(4)) page = 0x108000; // nothing there
    return flags | page << 10U;
}

void reset_memory(Random& random) {
    for (unsigned n = 0; n < data_words; ++n) data_word(n) = random.next();
    for (auto& leaf : leaves)
        for (unsigned n = 0; n < window_pages; ++n) leaf.entry[n] = random_pte(random);
    // 2 MiB of data as a guest sees them: the same, with random rights.
    guest_pages.entry[1] = data_base >> 12U << 10U | pte_v | pte_u | pte_r | pte_a | random.bit(2) |
                           random.bit(3) | random.bit(7);
    for (auto& table : windows) {
        auto big = data_base >> 12U << 10U | (random.next() & 0xfe) | pte_v | pte_r;
        if (random.chance(10)) big |= 1U << 12U; // misaligned superpage
        table.entry[1] = big;
    }
}

/// FS initial: the FP registers are used; likewise VS.
uint64_t open_status() { return has_vector ? 0x2200 : 0x2000; }

/// What each register holds when a program starts; not zero where zero would be in the way.
uint64_t initial(unsigned number) {
    switch (number) {
    case csr::Mstatus: return open_status();
    case csr::Mtvec: return reinterpret_cast<uint64_t>(&differ_m_direct);
    case csr::Stvec: return reinterpret_cast<uint64_t>(&differ_s_direct);
    case csr::Vstvec: return reinterpret_cast<uint64_t>(&differ_vs_direct);
    case csr::Stimecmp:
    case csr::Vstimecmp: return ~uint64_t{0};
    case csr::Pmpcfg0: return default_pmpcfg;
    case csr::Pmpaddr0: return image_entry_address;
    case csr::Pmpaddr7: return all_memory_address;
    }
    return 0;
}

constexpr uint32_t insn_ret = 0x00008067;

uint64_t call(uint32_t const* routine) {
    return reinterpret_cast<uint64_t (*)()>(reinterpret_cast<uint64_t>(routine))();
}

void write_initial(unsigned n) { call(routines.write + n * write_words); }
void write_initial_csr(unsigned number) {
    write_initial(static_cast<unsigned>(known_index(number)));
}

/// What a trap into M-mode changes; reset in an order of their own.
constexpr bool is_trap_state(unsigned number) {
    return number == csr::Mstatus || number == csr::Mie || number == csr::Mepc ||
           number == csr::Mcause || number == csr::Mtval || number == csr::Mip;
}

} // namespace

uint64_t table_satp(unsigned n) {
    return uint64_t{8} << 60U | reinterpret_cast<uint64_t>(&roots[n]) >> 12U;
}

uint64_t guest_hgatp() {
    return uint64_t{8} << 60U | reinterpret_cast<uint64_t>(&guest_root) >> 12U;
}

void build_tables() {
    constexpr uint64_t all = pte_v | pte_r | pte_w | pte_x | pte_a | pte_d;
    constexpr uint64_t image_page = uint64_t{0x80000000} >> 12U << 10U;
    guest_root.entry[2] = table_pte(guest_pages);
    guest_pages.entry[0] = image_page | all | pte_u;
    image_table.entry[0] = image_page | all;
    alias_table.entry[0] = image_page | all | pte_u;
    for (unsigned n = 0; n < table_sets; ++n) {
        roots[n].entry[2] = table_pte(image_table);
        roots[n].entry[4] = table_pte(windows[n]);
        roots[n].entry[6] = table_pte(alias_table);
        windows[n].entry[0] = table_pte(leaves[n]);
    }
}

/// All vector registers to zero; all into the dump.
void build_vector_code() {
    Emitter reset{routines.vector_reset, fp_words}, save{routines.vector_dump, fp_words};
    reset.csr_write(csr::Vstart, reg::zero);
    reset.word(0x003072d7); // vsetvli x5, x0, e8, m8, tu, mu
    save.csr_write(csr::Vstart, reg::zero);
    save.la(6, reinterpret_cast<uint64_t>(&dump.vector));
    save.csr_read(5, csr::Vlenb);
    save.slli(5, 5, 3);
    for (unsigned n = 0; n < 32; n += 8) {
        reset.word(0x5e003057U | n << 7U); // vmv.v.i vn, 0: eight registers
        save.word(0xe2830027U | n << 7U);  // vs8r.v vn, (x6)
        save.add(6, 6, 5);
    }
    reset.word(insn_ret);
    save.word(insn_ret);
}

/// Routines for each register; what must be known: `present`, has_double, has_vector.
void build_state_code() {
    for (unsigned n = 0; n < known_count; ++n) {
        auto const number = known_csr(n);
        Emitter write{routines.write + n * write_words, write_words};
        Emitter read{routines.read + n * read_words, read_words};
        if (present[n] && number >> 10U != 3) {
            write.li(5, initial(number));
            write.csr_write(number, 5);
        }
        write.word(insn_ret);
        read.csr_read(10, number);
        read.word(insn_ret);
        changed[n] = true;
    }
    Emitter reset{routines.fp_reset, fp_words}, save{routines.fp_dump, fp_words};
    save.la(6, reinterpret_cast<uint64_t>(&dump.fp));
    for (unsigned n = 0; n < 32 && has_double; ++n) {
        reset.word(0xf2000053U | n << 7U); // fmv.d.x fn, x0
        save.store(3, n, 6, static_cast<int>(8 * n), 0x27);
    }
    reset.word(insn_ret);
    save.word(insn_ret);
    build_vector_code();
    fp_changed = vectors_changed = clint_changed = true;
    asm volatile("fence.i" ::: "memory");
}

/// Views of mstatus, mie and mip.
constexpr bool is_view(unsigned number) {
    return number == csr::Sstatus || number == csr::Sie || number == csr::Sip;
}

void expect_change(unsigned number) {
    if (auto const index = known_index(number); index >= 0) changed[index] = true;
    if (number < csr::Fcsr) expect_change(csr::Fcsr);
    if (number == csr::Vxsat || number == csr::Vxrm) expect_change(csr::Vcsr);
    if (number == csr::Hip || number == csr::Vsip) expect_change(csr::Hvip);
    if (number >> 8U == 1) expect_change(number + 0x100); // in VS-mode
}

void expect_change_by(Slot const& slot, uint32_t const* words) {
    auto const kind = static_cast<Class>(slot.kind);
    if (kind == Class::Exotic || kind == Class::System || kind == Class::Vector) {
        fp_changed = true;
        expect_change(csr::Fcsr);
    }
    if (kind == Class::Vector) {
        vectors_changed = true;
        constexpr unsigned written[] = {csr::Vstart, csr::Vxsat, csr::Vl, csr::Vtype};
        for (auto const number : written) expect_change(number);
    }
    if (kind == Class::Clint) clint_changed = true;
    constexpr uint32_t opcode = 0x7f, system = 0x73, csr_form = 0x3000;
    for (unsigned n = 0; n < slot.words; ++n)
        if ((words[n] & opcode) == system && (words[n] & csr_form) != 0)
            expect_change(words[n] >> 20U);
}

void expect_change_by_supervisor_trap() {
    constexpr unsigned written[] = {csr::Sepc,    csr::Scause, csr::Stval,    csr::Hstatus,
                                    csr::Htval,   csr::Htinst, csr::Vsstatus, csr::Vsepc,
                                    csr::Vscause, csr::Vstval};
    for (auto const number : written) expect_change(number);
}

void expect_any_change() {
    for (auto& each : changed) each = true;
    fp_changed = vectors_changed = clint_changed = true;
}

void reset_state(uint64_t seed) {
    Random random{mix(seed) ^ 0x5eed};
    if (clint_changed) {
        for (uint64_t hart = 0; hart < 2; ++hart) {
            *place<uint32_t>(clint + 4 * hart) = 0;
            *place<uint64_t>(clint + 0x4000 + 8 * hart) = ~uint64_t{0};
        }
    }
    write_initial_csr(csr::Mie);
    write_initial_csr(csr::Mstatus); // opens fcsr and the FP registers
    for (unsigned n = 0; n < known_count; ++n) {
        auto const number = known_csr(n);
        if (changed[n] && present[n] && is_state(number) && !is_trap_state(number) &&
            !is_view(number))
            write_initial(n);
        changed[n] = false;
    }
    constexpr unsigned last[] = {csr::Mip, csr::Mepc, csr::Mcause, csr::Mtval};
    for (auto const number : last) write_initial_csr(number);
    if (fp_changed) {
        call(routines.fp_reset);
        write_initial_csr(csr::Mstatus); // FS initial again
    }
    if (has_vector && vectors_changed) {
        call(routines.vector_reset);
        write_initial_csr(csr::Mstatus);
    }
    fp_changed = vectors_changed = clint_changed = false;
    reset_memory(random);
    asm volatile("sfence.vma" ::: "memory");
}

bool is_worth_reading(unsigned n, uint64_t program) {
    auto const number = known_csr(n);
    if (!present[n] || !is_state(number)) return false;
    if (number == csr::Mstatus) return false; // noted first
    return changed[n] || is_trap_state(number) || (n + program) % 8 == 0;
}

uint64_t read_known(unsigned n) { return call(routines.read + n * read_words); }

uint64_t read_status() {
    auto const status = read_known(static_cast<unsigned>(known_index(csr::Mstatus)));
    asm volatile("csrs mstatus, %0" ::"r"(open_status()) : "memory");
    return status;
}

uint64_t const* read_fp() {
    if (!fp_changed) return nullptr;
    call(routines.fp_dump);
    return dump.fp;
}

unsigned read_vectors(uint64_t const*& words) {
    if (!vectors_changed || !has_vector) return 0;
    call(routines.vector_dump);
    words = dump.vector;
    return static_cast<unsigned>(4 * read_known(static_cast<unsigned>(known_index(csr::Vlenb))));
}

unsigned memory_words() { return data_words + table_words + table_sets; }

uint64_t memory_word(unsigned n) {
    if (n < data_words) return data_word(n);
    n -= data_words;
    if (n < table_words) return leaves[n / window_pages].entry[n % window_pages];
    return windows[n - table_words].entry[1];
}

} // namespace differ
