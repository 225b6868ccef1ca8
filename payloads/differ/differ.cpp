// SPDX-License-Identifier: Apache-2.0
// Runs random M-mode programs and prints what they did, for tests/qemu/differ.py to compare
// between the bare machine and the virtual one. The lines:
//   s CSR VALUE        reading every CSR number once (those that trap are left out)
//   w CSR VALUE READ   what a register reads after a write that programs do not make
//   p N HASH EXECUTED TRAPS ENDED
//   c, l, r            code, log and state of a program, when a full log is asked for
//   a RULE TIMES HASH  how often a rule hid something, and what
//   k CSR n n n n n n  successes per form; t HANDLER MODE CAUSE n   traps
//   i KIND n n… n…     watched instructions: passed; by mode illegal, denied
//   m n                accesses of M-mode that a locked vPMP denied
#include "machine.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "record.hpp"

namespace differ {

extern "C" {
alignas(4096) uint32_t code[(max_steps + 1) * slot_words];
}

namespace {

using payload::Dec;
using payload::Hex;
using payload::say;

Slot slots[max_steps];
int16_t rules[4096];
int cause_rules[8];
struct Hidden {
    uint64_t times;
    uint64_t hash;
} hidden[max_rules];
Cell cells[max_cells];
unsigned cells_used;
constexpr uint64_t not_executed = 0x6e6f74206578656d;

void close_slot(Emitter& out) { out.close(reinterpret_cast<uint64_t>(&differ_slot_end)); }

void write_end(unsigned n) {
    Emitter out{code + n * slot_words};
    out.la(reg::gp, out.pc() + slot_size);
    close_slot(out);
}

void hide_value(int rule, uint64_t value) {
    ++hidden[rule].times;
    hidden[rule].hash = mix(hidden[rule].hash ^ (value & params.rule[rule].hidden));
}

/// Runs one instruction as a program of one step; true if it did not trap. x5 is its result.
template <typename F> bool run_alone(F emit) {
    Emitter out{code};
    out.la(reg::gp, out.pc() + slot_size);
    emit(out);
    close_slot(out);
    write_end(1);
    asm volatile("fence.i" ::: "memory");
    begin(nullptr, 1, 0);
    differ_enter(reinterpret_cast<uint64_t>(code));
    return outcome().ended;
}

bool can_read(unsigned number) {
    return run_alone([=](Emitter& out) { out.csr_read(5, number); });
}

/// Every CSR number, read once.
void sweep() {
    for (unsigned number = 0; number < 4096; ++number) {
        if (can_read(number))
            say("s ", Hex{number}, ' ', Hex{last_register[5]}, '\n');
        else if (last_cause != 2)
            say("s ", Hex{number}, " cause ", Hex{last_cause}, '\n');
    }
}

/// Writes that programs do not make, each alone.
void special_writes() {
    constexpr struct {
        unsigned number;
        uint64_t value;
    } writes[] = {
        {csr::Mstatus, 0x1000},
        {csr::Mstatus, uint64_t{1} << 32U},
        {csr::Mstatus, ~uint64_t{0} & ~uint64_t{0x300021888}},
        {csr::Medeleg, ~uint64_t{0}},
        {csr::Mideleg, ~uint64_t{0}},
        {csr::Menvcfg, ~uint64_t{0}},
        {csr::Misa, 0},
        {csr::Mcounteren, ~uint64_t{0}},
        {csr::Mcountinhibit, ~uint64_t{0}},
        {0x323, ~uint64_t{0}},
        {0xb03, ~uint64_t{0}},
        {csr::Pmpcfg0, 0x1f0000000200001f},
        {csr::Pmpaddr0 + 3, ~uint64_t{0}},
        {csr::Hvip, 0x40},
        {csr::Henvcfg, ~uint64_t{0}},
        {csr::Senvcfg, ~uint64_t{0}},
    };
    for (auto const& [number, value] : writes) {
        expect_any_change();
        reset_state(0);
        auto const ok = run_alone([number = number, value = value](Emitter& out) {
            out.csr_read(7, number);
            out.li(6, value);
            out.csr_write(number, 6);
            out.csr_read(5, number);
            out.csr_write(number, 7);
        });
        say("w ", Hex{number}, ' ', Hex{value}, ' ');
        if (ok)
            say(Hex{last_register[5]}, '\n');
        else
            say("trap\n");
    }
}

void read_rules() {
    for (auto& rule : rules) rule = -1;
    for (unsigned n = 0; n < params.rules; ++n)
        if (params.rule[n].kind >= 2)
            cause_rules[params.rule[n].kind & 7U] = static_cast<int>(n);
        else
            rules[params.rule[n].csr & 4095U] = static_cast<int16_t>(n);
}

/// Writes the program; returns how many steps it has.
unsigned generate(Job const& job, uint64_t seed) {
    cells_used = 0;
    auto const steps = min_steps + Random{seed}.below(max_steps - min_steps + 1);
    for (unsigned n = 0; n < steps; ++n) {
        slots[n] = {};
        Generator generator{Random{seed + n + 1}, Emitter{code + n * slot_words}, slots[n],
                            (job.steps & job_locks) != 0};
        if ((job.steps >> n & 1U) != 0)
            generator.step(n, params.classes);
        else
            generator.out.la(reg::gp, generator.out.pc() + slot_size);
        close_slot(generator.out);
    }
    write_end(steps);
    asm volatile("fence.i" ::: "memory");
    return steps;
}

void note_registers(uint64_t program) {
    note("csr", csr::Mstatus, read_status());
    for (unsigned n = 0; n < known_count; ++n) {
        if (!is_worth_reading(n, program)) continue;
        auto const number = known_csr(n);
        auto value = read_known(n);
        if (auto const rule = rule_of(number); rule >= 0) {
            hide_value(rule, value);
            value &= ~params.rule[rule].hidden;
        }
        note("csr", number, value);
    }
    if (auto const* const fp = read_fp(); fp != nullptr)
        for (unsigned n = 0; n < 32; ++n) note("fp", n, fp[n]);
    uint64_t const* vectors = nullptr;
    uint64_t hash = 0;
    for (unsigned n = 0, count = read_vectors(vectors); n < count; ++n) {
        hash = mix(hash ^ vectors[n]);
        if ((params.flags & flag_full_log) != 0) note("vector word", n, vectors[n]);
    }
    note("vectors", hash);
}

void note_memory() {
    uint64_t memory = 0;
    for (unsigned n = 0; n < memory_words(); ++n) {
        auto const word = memory_word(n);
        memory = mix(memory ^ word);
        if ((params.flags & flag_full_log) != 0) note("word", n, word);
    }
    note("memory", memory);
    for (unsigned n = 0; n < cells_used; ++n)
        if (cells[n].raw != not_executed) hide_value(cells[n].rule, cells[n].raw);
}

void print_code(unsigned steps) {
    for (unsigned n = 0; n < steps; ++n) {
        say("c ", Dec{n}, ' ', Dec{slots[n].kind});
        for (unsigned w = 0; w < slots[n].words; ++w) say(' ', Hex{code[n * slot_words + w]});
        say('\n');
    }
}

void print_log() {
    for (unsigned n = 0; n < record_count(); ++n) {
        auto const& r = record(n);
        say("l ", r.what, ' ', Hex{r.a}, ' ', Hex{r.b}, ' ', Hex{r.c}, ' ', Hex{r.d}, '\n');
    }
}

/// Programs of a boot follow each other with the registers that one changed put back; alone, as
/// jobs, each starts with all of them written and ends with all of them read.
void run_program(Job const& job) {
    auto const seed = mix(params.seed ^ mix(job.program + 1));
    auto const steps = generate(job, seed);
    if (params.jobs != 0) expect_any_change();
    reset_state(seed);
    for (unsigned n = 0; n < steps; ++n) expect_change_by(slots[n], code + n * slot_words);
    begin(slots, steps, seed);
    differ_enter(reinterpret_cast<uint64_t>(code));
    asm volatile("csrw mie, zero\n csrci mstatus, 8" ::: "memory");
    auto const ended = outcome();
    if (ended.s_traps != 0) expect_change_by_supervisor_trap();
    if (params.jobs != 0) expect_any_change();
    note_registers(job.program);
    note_memory();
    if ((params.flags & flag_full_log) != 0) {
        print_code(steps);
        print_log();
    }
    say("p ", Dec{job.program}, ' ', Hex{outcome().hash}, ' ', Dec{ended.executed}, ' ',
        Dec{ended.traps}, ' ', ended.ended ? '1' : '0', '\n');
}

void print_coverage() {
    for (unsigned n = 0; n < params.rules; ++n)
        say("a ", Dec{n}, ' ', Dec{hidden[n].times}, ' ', Hex{hidden[n].hash}, '\n');
    for (unsigned n = 0; n < known_count; ++n) {
        if (!present[n]) continue;
        say("k ", Hex{known_csr(n)});
        for (auto const times : successes[n]) say(' ', Dec{times});
        say('\n');
    }
    for (unsigned kind = 0; kind < watched_kinds; ++kind) {
        say("i ", Dec{kind}, ' ', Dec{watches[kind].passed});
        for (auto const times : watches[kind].illegal) say(' ', Dec{times});
        for (auto const times : watches[kind].denied) say(' ', Dec{times});
        say('\n');
    }
    say("m ", Dec{locked_faults}, '\n');
    for (unsigned handler = 0; handler < handlers; ++handler)
        for (unsigned mode = 0; mode < trapped_modes; ++mode)
            for (unsigned cause = 0; cause < 64; ++cause)
                if (auto const times = trap_counts[handler][mode][cause]; times != 0)
                    say("t ", Dec{handler}, ' ', Dec{mode}, ' ', Dec{cause}, ' ', Dec{times}, '\n');
}

[[noreturn]] void finish() {
    *payload::at<uint32_t volatile>(0x100000) = 0x5555;
    for (;;) asm volatile("wfi");
}

} // namespace

int rule_of(unsigned number) { return rules[number & 4095U]; }

bool is_unused(unsigned number) {
    auto const rule = rule_of(number);
    return rule >= 0 && params.rule[rule].kind == 1;
}

void hide_cause(uint32_t kind, uint64_t cause) { hide_value(cause_rules[kind], cause); }

Cell* take_cell(int rule) {
    if (cells_used == max_cells) return nullptr;
    auto& cell = cells[cells_used++];
    cell = {not_executed, ~params.rule[rule].hidden, static_cast<uint16_t>(rule)};
    return &cell;
}

} // namespace differ

extern "C" [[noreturn]] void differ_main() {
    using namespace differ;
    asm volatile("csrw mtvec, %0\n csrs mstatus, %1" ::"r"(&differ_m_direct), "r"(0x2200));
    read_rules();
    say("differ: start\n");
    for (unsigned n = 0; n < known_count; ++n)
        present[n] = !is_unused(known_csr(n)) && can_read(known_csr(n));
    has_double = can_read(csr::Misa) && (last_register[5] >> 3U & 1U) != 0;
    has_vector = present[known_index(csr::Vlenb)];
    has_hypervisor = present[known_index(csr::Mtinst)];
    build_tables();
    build_state_code();
    if ((params.flags & flag_no_sweep) == 0) {
        reset_state(0);
        sweep();
        special_writes();
    }
    auto const jobs = params.jobs;
    auto const count = jobs != 0 ? jobs : params.count;
    for (uint64_t n = 0; n < count; ++n) {
        Job job{params.first + n, ~job_locks};
        if (n + params.locking >= count) job.steps |= job_locks;
        if (jobs != 0) job = {params.job[n].program, params.job[n].steps};
        run_program(job);
    }
    print_coverage();
    say("differ: end\n");
    finish();
}
