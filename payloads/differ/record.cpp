// SPDX-License-Identifier: Apache-2.0
#include "record.hpp"

#include "csr.hpp"
#include "machine.hpp"

namespace differ {

uint32_t successes[known_count][6];
uint32_t trap_counts[handlers][trapped_modes][64];
Watch watches[watched_kinds];
uint64_t locked_faults;
uint64_t last_register[32];
uint64_t last_cause;

namespace {

/// A program that traps or runs in circles more than this is stopped.
constexpr unsigned max_traps = 80, max_slots = 160;
/// In handlers' answers.
constexpr uint64_t over = 0, jump = 1, back = 2;
constexpr uint64_t interrupt = uint64_t{1} << 63U;
constexpr uint64_t mprv = 1U << 17U; ///< of mstatus

Record records[max_records];
unsigned recorded;
Outcome result;
Slot const* slots;
unsigned steps;
unsigned slots_done;
bool stopped;
Random choices{0};

uint64_t physical(uint64_t pc) { return pc & 0xffffffff; }
uint64_t code_at(unsigned slot) {
    return reinterpret_cast<uint64_t>(code) + uint64_t{slot} * slot_size;
}

/// The slot that was left when gp held `next`.
unsigned slot_before(uint64_t next) {
    auto const n = (physical(next) - physical(code_at(0))) / slot_size;
    return n == 0 || n > steps + 1 ? 0 : static_cast<unsigned>(n - 1);
}

/// For a given `hash` a bijection of `x`: one register that differs always shows.
constexpr uint64_t add_to(uint64_t hash, uint64_t x) {
    return ((hash << 7U | hash >> 57U) ^ x) * 0x9e3779b97f4a7c15ULL;
}

uint64_t hash_registers(uint64_t const* x) {
    uint64_t hash = 0;
    for (unsigned n = 1; n < 32; ++n)
        if (n != reg::gp && n != reg::tp && n != reg::t5) hash = add_to(hash, x[n]);
    return mix(hash);
}

void keep_registers(uint64_t const* x) {
    for (unsigned n = 0; n < 32; ++n) last_register[n] = x[n];
}

/// Counts the CSR instructions of a slot up to the offset `words`.
void count_successes(Slot const& slot, unsigned words) {
    for (unsigned n = 0; n < slot.ops; ++n)
        if (slot.op[n].after <= words) ++successes[slot.op[n].index][slot.op[n].form];
    for (unsigned n = 0; n < slot.watched; ++n)
        if (slot.watch[n].after <= words)
            ++watches[static_cast<unsigned>(slot.watch[n].what)].passed;
}

/// Counts the watched instruction before the offset `after` of a slot, if it is one, as trapped.
void count_watched(Slot const& slot, unsigned after, uint64_t mode, uint64_t cause) {
    constexpr uint64_t illegal = 2, virtual_instruction = 22, fetches = 0x101003;
    if (cause >= 64 || (fetches >> cause & 1U) != 0) return;
    auto const is_illegal = cause == illegal || cause == virtual_instruction;
    for (unsigned n = 0; n < slot.watched; ++n) {
        if (slot.watch[n].after != after) continue;
        auto& watch = watches[static_cast<unsigned>(slot.watch[n].what)];
        ++(is_illegal ? watch.illegal : watch.denied)[mode];
    }
}

void count_trapped(uint64_t gp, uint64_t epc, uint64_t mode, uint64_t cause) {
    if (slots == nullptr) return;
    auto const n = slot_before(gp);
    auto const at = physical(epc) - physical(code_at(n));
    if (at >= slot_size) return;
    auto const words = static_cast<unsigned>(at / 4);
    result.executed += words + 1;
    count_successes(slots[n], words);
    count_watched(slots[n], words + 1, mode, cause);
}

void count_cause(unsigned handler, uint64_t mode, uint64_t cause) {
    if (slots == nullptr) return;
    auto const number = (cause & 31U) + (cause >> 63U) * 32;
    ++trap_counts[handler][mode][number];
}

} // namespace

void begin(Slot const* new_slots, unsigned new_steps, uint64_t seed) {
    slots = new_slots;
    steps = new_steps;
    slots_done = 0;
    stopped = false;
    recorded = 0;
    result = {};
    choices = Random{seed};
}

void note(char const* what, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    result.hash = mix(add_to(add_to(add_to(add_to(result.hash, a), b), c), d));
    if (recorded < max_records) records[recorded++] = {what, a, b, c, d};
}

Outcome const& outcome() { return result; }
unsigned record_count() { return recorded; }
Record const& record(unsigned n) { return records[n]; }

/// The word of the program that is at `epc`; 0: none.
uint32_t word_at(uint64_t epc) {
    auto const at = physical(epc) - physical(code_at(0));
    return slots == nullptr || stopped || at >= sizeof(code) || at % 4 != 0 ? 0 : code[at / 4];
}

/// HLV, HLVX or HSV.
bool is_hypervisor_access(uint32_t word) { return (word & 0xf000707fU) == 0x60004073; }

/// An atomic that reaches no memory is a store fault; QEMU 7.2 calls it a load fault where it does
/// the load and the store one after the other.
uint64_t atomic_fault(uint64_t cause, uint64_t epc) {
    auto const word = word_at(epc);
    constexpr unsigned lr = 2;
    if ((word & 0x7fU) != 0x2f || word >> 27U == lr) return cause;
    hide_cause(3, cause);
    return 7;
}

/// Of several interrupts of M-mode that were due the highest number counts, whichever came: QEMU
/// 7.2 takes the lowest number, the specification has another order (3.1.9).
uint64_t one_cause(uint64_t cause, uint64_t epc, uint64_t* x) {
    using namespace payload::csr;
    if (cause == 5 || cause == 7) {
        auto const fault = atomic_fault(cause, epc);
        if (fault != cause) write<Mcause>(fault);
        return fault;
    }
    if ((cause & interrupt) == 0 || slots == nullptr || stopped) return cause;
    auto const due = read<Mip>() & read<Mie>() & ~read<Mideleg>();
    if ((due & (due - 1)) == 0) return cause;
    note("due", due, due >> (cause & 63U) & 1U, x[reg::tp] == 64 || x[reg::tp] == (cause & 63U));
    hide_cause(2, cause);
    clear<Mie>(due);
    auto const last = interrupt | (63U - static_cast<unsigned>(__builtin_clzll(due)));
    if (x[reg::tp] != 64) x[reg::tp] = last & 63U;
    write<Mcause>(last);
    return last;
}

/// After a trap that may be about a guest's address, from VS-mode, VU-mode, with MPRV or at HLV and
/// HSV: QEMU 7.2 says GVA where the trap has no address, leaves it set at later traps and does not
/// say it for M-mode's own accesses.
uint64_t without_gva(uint64_t status) {
    constexpr uint64_t gva = uint64_t{1} << 38U;
    hide_cause(4, status);
    payload::csr::clear<payload::csr::Mstatus>(gva);
    return status & ~gva;
}

bool in_locked(uint64_t address) {
    return address >= locked_base && address < locked_base + 4096 * locked_pages;
}

/// In HS-mode: hstatus.SPV.
uint64_t came_from_guest() {
    return has_hypervisor ? payload::csr::read<csr::Hstatus>() >> 7U & 1U : 0;
}

extern "C" {

/// At the end of a slot, in any mode. 1: the program is over.
uint64_t differ_slot_done(uint64_t const* x) {
    auto const n = slot_before(x[reg::gp]);
    keep_registers(x);
    note("slot", n, hash_registers(x));
    if (slots != nullptr && n < steps) {
        result.executed += slots[n].words;
        count_successes(slots[n], slots[n].words);
    }
    result.ended = n >= steps && !stopped;
    if (n >= steps || ++slots_done > max_slots) stopped = true;
    return stopped ? 1 : 0;
}

/// A trap into M-mode. `x`: its registers, x[4] what says how the vector was entered.
uint64_t differ_m_trap(uint64_t* x) {
    using namespace payload::csr;
    auto const epc = read<Mepc>();
    auto const cause = one_cause(read<Mcause>(), epc, x);
    auto const status = read<Mstatus>();
    keep_registers(x);
    last_cause = cause;
    if (stopped) return over;
    auto const from = status >> 11U & 3U;
    auto const virt = has_hypervisor ? status >> 39U & 1U : 0;
    auto const own = from == 3 && is_hypervisor_access(word_at(epc));
    auto const guest = virt != 0 || (has_hypervisor && ((status & mprv) != 0 || own));
    auto const tval = read<Mtval>();
    note("M-trap", cause, epc, tval, guest ? without_gva(status) : status);
    note("M-more", x[reg::tp], hash_registers(x), physical(x[reg::gp]));
    constexpr uint64_t accesses = 0xf0b0f2;
    // One of four is enough: above the monitor every register read here is another trap.
    if (has_hypervisor && (cause & interrupt) == 0 && (accesses >> (cause & 63U) & 1U) != 0 &&
        choices.chance(25))
        note("M-hyper", read<differ::csr::Mtinst>(), read<differ::csr::Mtval2>());
    auto const mode = from == 3 ? 3 : from + 4 * virt;
    count_cause(0, mode, cause);
    count_trapped(x[reg::gp], epc, mode, cause);
    if (from == 3 && (status & mprv) == 0 && (cause == 5 || cause == 7) && in_locked(tval))
        ++locked_faults;
    if ((status & mprv) != 0) clear<Mstatus>(mprv);
    if ((cause & interrupt) != 0) clear<Mie>(uint64_t{1} << (cause & 63U));
    if (++result.traps > max_traps) stopped = true;
    if (stopped || slots == nullptr) return over;
    if (choices.chance(60)) {
        x[reg::tp] = physical(x[reg::gp]);
        return jump;
    }
    write<Mepc>(from == 0 ? x[reg::gp] : physical(x[reg::gp]));
    return back;
}

/// A trap into S-mode.
uint64_t differ_s_trap(uint64_t* x) {
    using namespace payload::csr;
    auto const epc = read<Sepc>();
    auto cause = read<Scause>();
    if (cause == 5 || cause == 7) {
        cause = atomic_fault(cause, epc);
        write<Scause>(cause);
    }
    auto const status = read<Sstatus>();
    keep_registers(x);
    auto const from = status >> 8U & 1U;
    if (stopped) return over;
    note("S-trap", cause, epc, read<Stval>(), status);
    note("S-more", x[reg::tp], hash_registers(x), physical(x[reg::gp]));
    ++result.s_traps;
    constexpr uint64_t vs_direct = 65;
    auto const in_guest = x[reg::tp] == vs_direct;
    auto const mode = from + 4 * (in_guest ? 1 : came_from_guest());
    count_cause(in_guest ? 2 : 1, mode, cause);
    // Of QEMU 7.2 VS-mode gets 1 for 2: see GUEST_CAUSES in differ.py.
    count_trapped(x[reg::gp], epc, mode, in_guest && cause == 1 ? 2 : cause);
    if ((cause & interrupt) != 0) {
        auto const bit = uint64_t{1} << (cause & 63U);
        constexpr uint64_t hypervisor = 0x1444;
        if ((bit & hypervisor) != 0)
            clear<differ::csr::Hie>(bit);
        else
            clear<Sie>(bit);
    }
    if (++result.traps > max_traps) stopped = true;
    if (stopped || slots == nullptr) return over;
    if (choices.chance(50)) {
        x[reg::tp] = physical(x[reg::gp]);
        return jump;
    }
    write<Sepc>(from == 0 ? x[reg::gp] : physical(x[reg::gp]));
    return back;
}
}

} // namespace differ
