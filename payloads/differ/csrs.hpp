// SPDX-License-Identifier: Apache-2.0
// The CSRs that the programs use, and what a program must not do with them.
#pragma once

#include "emit.hpp"
#include "random.hpp"

namespace differ {

namespace csr {
inline constexpr unsigned Fcsr = 0x003, Vstart = 0x008, Vxsat = 0x009, Vxrm = 0x00a, Vcsr = 0x00f,
                          Sstatus = 0x100, Sie = 0x104, Stvec = 0x105, Scounteren = 0x106,
                          Senvcfg = 0x10a, Sscratch = 0x140, Sepc = 0x141, Scause = 0x142,
                          Stval = 0x143, Sip = 0x144, Stimecmp = 0x14d, Satp = 0x180,
                          Vsstatus = 0x200, Vsie = 0x204, Vstvec = 0x205, Vsscratch = 0x240,
                          Vsepc = 0x241, Vscause = 0x242, Vstval = 0x243, Vsip = 0x244,
                          Vstimecmp = 0x24d, Vsatp = 0x280, Mstatus = 0x300, Misa = 0x301,
                          Medeleg = 0x302, Mideleg = 0x303, Mie = 0x304, Mtvec = 0x305,
                          Mcounteren = 0x306, Menvcfg = 0x30a, Mcountinhibit = 0x320,
                          Mhpmevent3 = 0x323, Mscratch = 0x340, Mepc = 0x341, Mcause = 0x342,
                          Mtval = 0x343, Mip = 0x344, Mtinst = 0x34a, Mtval2 = 0x34b,
                          Pmpcfg0 = 0x3a0, Pmpcfg2 = 0x3a2, Pmpaddr0 = 0x3b0, Pmpaddr7 = 0x3b7,
                          Hstatus = 0x600, Hedeleg = 0x602, Hideleg = 0x603, Hie = 0x604,
                          Htimedelta = 0x605, Hcounteren = 0x606, Hgeie = 0x607, Henvcfg = 0x60a,
                          Htval = 0x643, Hip = 0x644, Hvip = 0x645, Htinst = 0x64a, Hgatp = 0x680,
                          Vl = 0xc20, Vtype = 0xc21, Vlenb = 0xc22, Hgeip = 0xe12, Mhartid = 0xf14;
}

/// A run of CSR numbers of the specification.
struct CsrRange {
    uint16_t first;
    uint16_t last;
    /// Part of the state that is reset before a program and compared behind it: not what is hidden
    /// entirely or never changes.
    bool in_state;
};

inline constexpr CsrRange known_csrs[] = {
    {0x001, 0x003, true},  {0x100, 0x100, true},  {0x104, 0x106, true},  {0x10a, 0x10a, true},
    {0x140, 0x144, true},  {0x14d, 0x14d, true},  {0x180, 0x180, true},  {0x200, 0x200, true},
    {0x204, 0x205, true},  {0x240, 0x244, true},  {0x24d, 0x24d, true},  {0x280, 0x280, true},
    {0x300, 0x306, true},  {0x30a, 0x30a, true},  {0x320, 0x320, true},  {0x323, 0x33f, false},
    {0x340, 0x344, true},  {0x34a, 0x34b, true},  {0x3a0, 0x3a0, true},  {0x3a2, 0x3a2, false},
    {0x3b0, 0x3b7, true},  {0x3b8, 0x3bf, false}, {0x600, 0x600, true},  {0x602, 0x607, true},
    {0x60a, 0x60a, true},  {0x643, 0x645, true},  {0x64a, 0x64a, true},  {0x680, 0x680, true},
    {0xb00, 0xb00, false}, {0xb02, 0xb1f, false}, {0xc00, 0xc1f, false}, {0xe12, 0xe12, true},
    {0xf11, 0xf15, false}, {0x008, 0x00a, true},  {0x00f, 0x00f, true},  {0xc20, 0xc22, true},
};
/// The last ranges: programs use them where the processor has V.
inline constexpr unsigned vector_csrs = 7;

constexpr unsigned count_known() {
    unsigned count = 0;
    for (auto const& range : known_csrs) count += range.last - range.first + 1U;
    return count;
}
inline constexpr unsigned known_count = count_known();

/// Number n of the known CSRs.
unsigned known_csr(unsigned n);
/// The position of a CSR among the known ones, or -1.
int known_index(unsigned number);
bool is_state(unsigned number);

/// A value of the kind that finds mistakes: corners, single bits, fields, noise.
uint64_t interesting(Random& random);

/// mtinst and mtval2 exist.
extern bool has_hypervisor;
/// The vector registers exist.
extern bool has_vector;

/// `value` without what programs must not do with this register: see NOT_GENERATED in
/// tests/qemu/differ_allowed.py, which gives the reason of each.
uint64_t restrict_operand(unsigned number, Form form, uint64_t value);
/// Whether restrict_operand changes anything for this register.
bool is_restricted(unsigned number);

} // namespace differ
