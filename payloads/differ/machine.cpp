// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

namespace differ {

bool present[known_count];
bool has_double;
bool has_hypervisor;

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

StateDump dump;
alignas(64) uint32_t reset_code[1400];
alignas(64) uint32_t dump_code[700];

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
    for (auto& table : windows) {
        auto big = data_base >> 12U << 10U | (random.next() & 0xfe) | pte_v | pte_r;
        if (random.chance(10)) big |= 1U << 12U; // misaligned superpage
        table.entry[1] = big;
    }
}

/// What each register holds when a program starts; not zero where zero would be in the way.
uint64_t initial(unsigned number) {
    switch (number) {
    case csr::Mstatus: return 0x2000; // FS initial: the FP registers are used
    case csr::Mtvec: return reinterpret_cast<uint64_t>(&differ_m_direct);
    case csr::Stvec: return reinterpret_cast<uint64_t>(&differ_s_direct);
    case csr::Stimecmp:
    case csr::Vstimecmp: return ~uint64_t{0};
    case csr::Pmpcfg0: return default_pmpcfg;
    case csr::Pmpaddr0: return image_entry_address;
    case csr::Pmpaddr7: return all_memory_address;
    }
    return 0;
}

struct Writer {
    uint32_t* at;
    /// Appends what `emit` writes.
    template <typename F> void add(F emit) {
        Emitter out{at};
        emit(out);
        at += out.offset();
    }
};

void add_double_registers(Writer& reset, Writer& record) {
    record.add([](Emitter& out) { out.la(6, reinterpret_cast<uint64_t>(&dump.fp)); });
    for (unsigned n = 0; n < 32; ++n) {
        reset.add([=](Emitter& out) { out.word(0xf2000053U | n << 7U); }); // fmv.d.x fn, x0
        record.add([=](Emitter& out) { out.store(3, n, 6, static_cast<int>(8 * n), 0x27); });
    }
}

void call(uint32_t* routine) { reinterpret_cast<void (*)()>(routine)(); }

} // namespace

uint64_t table_satp(unsigned n) {
    return uint64_t{8} << 60U | reinterpret_cast<uint64_t>(&roots[n]) >> 12U;
}

void build_tables() {
    constexpr uint64_t all = pte_v | pte_r | pte_w | pte_x | pte_a | pte_d;
    constexpr uint64_t image_page = uint64_t{0x80000000} >> 12U << 10U;
    image_table.entry[0] = image_page | all;
    alias_table.entry[0] = image_page | all | pte_u;
    for (unsigned n = 0; n < table_sets; ++n) {
        roots[n].entry[2] = table_pte(image_table);
        roots[n].entry[4] = table_pte(windows[n]);
        roots[n].entry[6] = table_pte(alias_table);
        windows[n].entry[0] = table_pte(leaves[n]);
    }
}

/// Two routines without a frame: x5 to x7 only.
void build_state_code() {
    Writer reset{reset_code}, record{dump_code};
    auto const status = static_cast<int>(8 * known_index(csr::Mstatus));
    record.add([=](Emitter& out) { // mstatus first: then FS opens fcsr
        out.la(6, reinterpret_cast<uint64_t>(&dump));
        out.csr_read(5, csr::Mstatus);
        out.store(3, 5, 6, status);
        out.li(5, 0x2000);
        out.csr_set(csr::Mstatus, 5);
    });
    for (unsigned n = 0; n < known_count; ++n) {
        auto const number = known_csr(n);
        if (!present[n] || !is_state(number)) continue;
        if (number >> 10U != 3) {
            reset.add([=](Emitter& out) {
                out.li(5, initial(number));
                out.csr_write(number, 5);
            });
        }
        if (number == csr::Mstatus) continue;
        record.add([=](Emitter& out) {
            out.csr_read(5, number);
            out.store(3, 5, 6, static_cast<int>(8 * n));
        });
    }
    if (has_double) add_double_registers(reset, record);
    reset.add([](Emitter& out) { // FS initial again
        out.li(5, 0x6000);
        out.csr_clear(csr::Mstatus, 5);
        out.li(5, 0x2000);
        out.csr_set(csr::Mstatus, 5);
        out.word(0x00008067U);
    });
    record.add([](Emitter& out) { out.word(0x00008067U); });
    asm volatile("fence.i" ::: "memory");
}

void reset_state(uint64_t seed) {
    Random random{mix(seed) ^ 0x5eed};
    *place<uint32_t>(clint) = 0;
    *place<uint64_t>(clint + 0x4000) = ~uint64_t{0};
    asm volatile("csrw mie, zero\n csrw mstatus, %0" ::"r"(0x2000) : "memory");
    call(reset_code);
    asm volatile("csrw mip, zero" ::: "memory");
    reset_memory(random);
    asm volatile("sfence.vma" ::: "memory");
}

StateDump const& dump_state() {
    call(dump_code);
    return dump;
}

unsigned memory_words() { return data_words + table_words + table_sets; }

uint64_t memory_word(unsigned n) {
    if (n < data_words) return data_word(n);
    n -= data_words;
    if (n < table_words) return leaves[n / window_pages].entry[n % window_pages];
    return windows[n - table_words].entry[1];
}

} // namespace differ
