// SPDX-License-Identifier: Apache-2.0
// All 4,096 CSR numbers: six instructions, with x0 (or 0) and with a register that holds 1 (or 1),
// in M, S and U-mode; and with FP and vector state off those numbers for which that can matter.
#include "sweep.hpp"

#include <initializer_list>

namespace sweep {

using namespace payload;

namespace {

constexpr unsigned numbers = 4096;
constexpr unsigned forms = 6; // csrrw, csrrs, csrrc and their immediate forms
constexpr unsigned cases = forms * 2;
constexpr unsigned words_of_case = 4; // set the destination, the instruction, put back, store
constexpr unsigned words_before = 3;
constexpr unsigned words = words_before + words_of_case * cases + 1;
constexpr uint32_t mark = 0x5a5;
constexpr uint64_t states_on = 3U << 13U | 3U << 9U; // FS and VS: dirty
constexpr uint64_t counters = 7;
constexpr unsigned Scounteren = 0x106, Menvcfg = 0x30a;

alignas(4) uint32_t code[words];
uint8_t trapped[words];
uint64_t values[cases];

constexpr uint32_t instruction(unsigned number, unsigned funct3, unsigned rs1, unsigned rd) {
    return number << 20U | rs1 << 15U | funct3 << 12U | rd << 7U | 0x73U;
}

/// The case's instruction; odd ones have an operand.
constexpr uint32_t instruction_of(unsigned number, unsigned which) {
    constexpr unsigned a1 = 11, a2 = 12;
    unsigned const form = which / 2;
    unsigned const funct3 = form < 3 ? 1 + form : 2 + form;
    unsigned const operand = form < 3 ? a2 : 1;
    return instruction(number, funct3, which % 2 == 0 ? 0 : operand, a1);
}

/// s0 holds what the register held before; each case puts it back. (It is written once before that:
/// QEMU 7.2 fills in hstatus.VSXL at the first write.)
void write_code(unsigned number) {
    constexpr unsigned s0 = 8, s1 = 9, a1 = 11;
    uint32_t* next = code;
    *next++ = instruction(number, 2, 0, s0);
    *next++ = instruction(number, 1, s0, 0);
    *next++ = instruction(number, 2, 0, s0);
    for (unsigned which = 0; which < cases; ++which) {
        uint32_t const offset = 8 * which;
        *next++ = mark << 20U | a1 << 7U | 0x13U;
        *next++ = instruction_of(number, which);
        *next++ = instruction(number, 1, s0, 0);
        *next++ = (offset >> 5U) << 25U | a1 << 20U | s1 << 15U | 3U << 12U | (offset & 31U) << 7U |
                  0x23U; // sd a1, offset(s1)
    }
    *next = 0x00000073;
    asm volatile("fence.i" ::: "memory");
}

/// cycle, time, instret and the machine's counters go on by themselves.
bool moves(unsigned number) { return (number & ~0x3fU) == 0xb00 || (number & ~0x3fU) == 0xc00; }

bool is_illegal(unsigned which) { return trapped[words_before + words_of_case * which + 1] != 0; }

/// '.': executed, 'x': illegal, '!': something else is wrong.
char verdict(unsigned number, unsigned which, uint64_t before) {
    if (is_illegal(which)) return values[which] == mark ? 'x' : '!';
    return values[which] == before || moves(number) ? '.' : '!';
}

/// What the register held, as the first case that did not trap read it.
uint64_t content() {
    for (unsigned which = 0; which < cases; ++which)
        if (!is_illegal(which)) return values[which];
    return 0;
}

/// One number in one mode; a line unless every case is illegal.
uint64_t try_number(char const* mode, unsigned number, uint64_t status) {
    memset(trapped, 0, sizeof trapped);
    memset(values, 0, sizeof values);
    write_code(number);
    Findings found{0, 0, trapped, address_of(code)};
    try_instructions(&found, status, values);
    uint64_t const before = content();
    char text[cases + 1] = {};
    bool plain = found.wrong == 0;
    for (unsigned which = 0; which < cases; ++which) {
        text[which] = verdict(number, which, before);
        plain = plain && text[which] == 'x';
    }
    if (!plain) say(mode, Hex{number}, ' ', text, found.wrong == 0 ? "\n" : " WRONG TRAP\n");
    return found.traps;
}

/// Registers of FP and vector state.
bool has_state(unsigned number) { return number < 0x100 || (number & ~0xfU) == 0xc20; }

void try_mode(char const* name, Priv mode, uint64_t states) {
    constexpr uint64_t controlled = status_mie | status_mpie | status_mpp | status_mprv |
                                    status_tvm | status_tw | status_tsr | states_on;
    uint64_t const others = csr::read<csr::Mstatus>() & ~controlled;
    uint64_t const status = others | states | static_cast<uint64_t>(mode) << status_mpp_shift;
    uint64_t tried = 0, traps = 0;
    for (unsigned number = 0; number < numbers; ++number) {
        if (states == 0 && !has_state(number)) continue;
        traps += try_number(name, number, status);
        tried += cases;
    }
    say("sweep: ", name, Dec{tried}, " cases, ", traps == 0 ? "no traps" : "traps", '\n');
}

} // namespace

void try_csrs(Parameters const& given) {
    csr::write<csr::Medeleg>(0);
    csr::write<csr::Mideleg>(0);
    csr::write<csr::Mcounteren>(counters);
    csr::write<Scounteren>(counters);
    if (given.has_deadline != 0) csr::write<Menvcfg>(uint64_t{1} << 63U);
    try_mode("M on ", Priv::Machine, states_on);
    try_mode("M off ", Priv::Machine, 0);
    try_mode("S on ", Priv::Supervisor, states_on);
    try_mode("S off ", Priv::Supervisor, 0);
    try_mode("U on ", Priv::User, states_on);
    try_mode("U off ", Priv::User, 0);
}

} // namespace sweep
