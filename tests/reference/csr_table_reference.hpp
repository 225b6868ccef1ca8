// SPDX-License-Identifier: Apache-2.0
/// Reference table of control and status registers: for each of the 4,096 numbers, does the
/// register exist on a hart with these features, who may access it, and does an access trap?
///
/// Typed from chapter 2 of the RISC-V privileged specification 1.12 and from the ratified
/// extensions named in the rows, by someone who has not seen src/. RV64 only. What a row calls a
/// section is one of the privileged specification 1.12, unless it names an extension.
#pragma once

#include "access.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace plinth::reference {

/// What a hart implements. Where the specification leaves a register's existence to the
/// implementation there is a switch of its own, so that existence is always a fact. Extensions not
/// listed here (Smcsrind, Smrnmi, Smdbltrp, Ssctr, Ssqosid, Zcmt, Zicfiss ...) count as absent.
struct Features {
    bool s = true;              ///< supervisor mode (implies u)
    bool u = true;              ///< user mode
    bool f = true;              ///< floating point: fflags, frm, fcsr
    bool v = false;             ///< vector
    bool h = false;             ///< hypervisor
    bool c = true;              ///< compressed instructions: IALIGN = 16
    bool v1_12 = true;          ///< version 1.12 of the machine level: mconfigptr and the envcfgs
    bool zicntr = true;         ///< cycle and instret; 1.12 has mcycle and minstret in any case
    bool time_csr = true;       ///< `time` is readable, not left to a trap handler (3.1.11)
    bool zihpm = true;          ///< hpmcounter3 ..., the unprivileged views
    unsigned hpm_counters = 29; ///< how many of mhpmcounter3..31 and mhpmevent3..31 there are
    bool countinhibit = true;   ///< mcountinhibit, which 3.1.12 makes optional
    bool sstc = false;
    bool sscofpmf = false;
    bool smcntrpmf = false;
    bool smstateen = false;
    bool aia = false;     ///< Smaia and Ssaia
    bool zkr = false;     ///< the seed CSR
    bool mseccfg = false; ///< optional in 3.1.19
    bool svpbmt = false;
    bool svadu = false;
    bool zicbom = false;
    bool zicboz = false;
    bool triggers = false;     ///< tselect, tdata1-3, tinfo, tcontrol
    bool contexts = false;     ///< mcontext, scontext, hcontext
    unsigned pmp_entries = 16; ///< entries that can hold anything; the CSRs come as 0, 16 or 64
    unsigned pmp_grain = 0;    ///< the specification's G
    unsigned geilen = 0;       ///< guest external interrupts
    unsigned va_bits = 39;     ///< widest virtual address of satp: 0 (Bare only), 39, 48 or 57
};

/// What must be there for a register to exist.
enum class Needs : std::uint8_t {
    Nothing,
    S,
    U,
    F,
    V,
    H,
    V112,
    V112U,
    V112S,
    V112H,
    Zicntr,
    TimeCsr,
    Zihpm,
    MachineHpm,
    Countinhibit,
    Sstc,
    SstcH,
    Sscofpmf,
    Smcntrpmf,
    Smstateen,
    SmstateenS,
    SmstateenH,
    Aia,
    AiaS,
    AiaH,
    Zkr,
    Mseccfg,
    Triggers,
    Contexts,
    ContextsS,
    ContextsH,
    PmpCfg,
    PmpAddr,
};

/// One row: the registers first..last. `number` is the index that the first one has in its name
/// (mhpmcounter3 at 0xB03), or -1 if the row is a single register.
struct CsrRow {
    std::uint16_t first;
    std::uint16_t last;
    std::string_view name;
    int number;
    Needs needs;
    std::string_view section;
};

// clang-format off
inline constexpr std::array csr_rows{
    CsrRow{0x001, 0x001, "fflags",        -1, Needs::F,            "2.2"},
    CsrRow{0x002, 0x002, "frm",           -1, Needs::F,            "2.2"},
    CsrRow{0x003, 0x003, "fcsr",          -1, Needs::F,            "2.2"},
    CsrRow{0x008, 0x008, "vstart",        -1, Needs::V,            "V"},
    CsrRow{0x009, 0x009, "vxsat",         -1, Needs::V,            "V"},
    CsrRow{0x00A, 0x00A, "vxrm",          -1, Needs::V,            "V"},
    CsrRow{0x00F, 0x00F, "vcsr",          -1, Needs::V,            "V"},
    CsrRow{0x015, 0x015, "seed",          -1, Needs::Zkr,          "Zkr"},
    CsrRow{0x100, 0x100, "sstatus",       -1, Needs::S,            "4.1.1"},
    CsrRow{0x104, 0x104, "sie",           -1, Needs::S,            "4.1.3"},
    CsrRow{0x105, 0x105, "stvec",         -1, Needs::S,            "4.1.2"},
    CsrRow{0x106, 0x106, "scounteren",    -1, Needs::S,            "4.1.5"},
    CsrRow{0x10A, 0x10A, "senvcfg",       -1, Needs::V112S,        "4.1.10"},
    CsrRow{0x10C, 0x10F, "sstateen",       0, Needs::SmstateenS,   "Smstateen"},
    CsrRow{0x140, 0x140, "sscratch",      -1, Needs::S,            "4.1.6"},
    CsrRow{0x141, 0x141, "sepc",          -1, Needs::S,            "4.1.7"},
    CsrRow{0x142, 0x142, "scause",        -1, Needs::S,            "4.1.8"},
    CsrRow{0x143, 0x143, "stval",         -1, Needs::S,            "4.1.9"},
    CsrRow{0x144, 0x144, "sip",           -1, Needs::S,            "4.1.3"},
    CsrRow{0x14D, 0x14D, "stimecmp",      -1, Needs::Sstc,         "Sstc"},
    CsrRow{0x150, 0x150, "siselect",      -1, Needs::AiaS,         "Ssaia"},
    CsrRow{0x151, 0x151, "sireg",         -1, Needs::AiaS,         "Ssaia"},
    CsrRow{0x15C, 0x15C, "stopei",        -1, Needs::AiaS,         "Ssaia"},
    CsrRow{0x180, 0x180, "satp",          -1, Needs::S,            "4.1.11"},
    CsrRow{0x200, 0x200, "vsstatus",      -1, Needs::H,            "8.2.11"},
    CsrRow{0x204, 0x204, "vsie",          -1, Needs::H,            "8.2.12"},
    CsrRow{0x205, 0x205, "vstvec",        -1, Needs::H,            "8.2.13"},
    CsrRow{0x240, 0x240, "vsscratch",     -1, Needs::H,            "8.2.14"},
    CsrRow{0x241, 0x241, "vsepc",         -1, Needs::H,            "8.2.15"},
    CsrRow{0x242, 0x242, "vscause",       -1, Needs::H,            "8.2.16"},
    CsrRow{0x243, 0x243, "vstval",        -1, Needs::H,            "8.2.17"},
    CsrRow{0x244, 0x244, "vsip",          -1, Needs::H,            "8.2.12"},
    CsrRow{0x24D, 0x24D, "vstimecmp",     -1, Needs::SstcH,        "Sstc"},
    CsrRow{0x250, 0x250, "vsiselect",     -1, Needs::AiaH,         "Ssaia"},
    CsrRow{0x251, 0x251, "vsireg",        -1, Needs::AiaH,         "Ssaia"},
    CsrRow{0x25C, 0x25C, "vstopei",       -1, Needs::AiaH,         "Ssaia"},
    CsrRow{0x280, 0x280, "vsatp",         -1, Needs::H,            "8.2.18"},
    CsrRow{0x300, 0x300, "mstatus",       -1, Needs::Nothing,      "3.1.6"},
    CsrRow{0x301, 0x301, "misa",          -1, Needs::Nothing,      "3.1.1"},
    CsrRow{0x302, 0x302, "medeleg",       -1, Needs::S,            "3.1.8"},
    CsrRow{0x303, 0x303, "mideleg",       -1, Needs::S,            "3.1.8"},
    CsrRow{0x304, 0x304, "mie",           -1, Needs::Nothing,      "3.1.9"},
    CsrRow{0x305, 0x305, "mtvec",         -1, Needs::Nothing,      "3.1.7"},
    CsrRow{0x306, 0x306, "mcounteren",    -1, Needs::U,            "3.1.11"},
    CsrRow{0x308, 0x308, "mvien",         -1, Needs::AiaS,         "Smaia"},
    CsrRow{0x309, 0x309, "mvip",          -1, Needs::AiaS,         "Smaia"},
    CsrRow{0x30A, 0x30A, "menvcfg",       -1, Needs::V112U,        "3.1.18"},
    CsrRow{0x30C, 0x30F, "mstateen",       0, Needs::Smstateen,    "Smstateen"},
    CsrRow{0x320, 0x320, "mcountinhibit", -1, Needs::Countinhibit, "3.1.12"},
    CsrRow{0x321, 0x321, "mcyclecfg",     -1, Needs::Smcntrpmf,    "Smcntrpmf"},
    CsrRow{0x322, 0x322, "minstretcfg",   -1, Needs::Smcntrpmf,    "Smcntrpmf"},
    CsrRow{0x323, 0x33F, "mhpmevent",      3, Needs::MachineHpm,   "3.1.10"},
    CsrRow{0x340, 0x340, "mscratch",      -1, Needs::Nothing,      "3.1.13"},
    CsrRow{0x341, 0x341, "mepc",          -1, Needs::Nothing,      "3.1.14"},
    CsrRow{0x342, 0x342, "mcause",        -1, Needs::Nothing,      "3.1.15"},
    CsrRow{0x343, 0x343, "mtval",         -1, Needs::Nothing,      "3.1.16"},
    CsrRow{0x344, 0x344, "mip",           -1, Needs::Nothing,      "3.1.9"},
    CsrRow{0x34A, 0x34A, "mtinst",        -1, Needs::H,            "8.4.5"},
    CsrRow{0x34B, 0x34B, "mtval2",        -1, Needs::H,            "8.4.4"},
    CsrRow{0x350, 0x350, "miselect",      -1, Needs::Aia,          "Smaia"},
    CsrRow{0x351, 0x351, "mireg",         -1, Needs::Aia,          "Smaia"},
    CsrRow{0x35C, 0x35C, "mtopei",        -1, Needs::Aia,          "Smaia"},
    CsrRow{0x3A0, 0x3AF, "pmpcfg",         0, Needs::PmpCfg,       "3.7.1"},
    CsrRow{0x3B0, 0x3EF, "pmpaddr",        0, Needs::PmpAddr,      "3.7.1"},
    CsrRow{0x5A8, 0x5A8, "scontext",      -1, Needs::ContextsS,    "2.2"},
    CsrRow{0x600, 0x600, "hstatus",       -1, Needs::H,            "8.2.1"},
    CsrRow{0x602, 0x602, "hedeleg",       -1, Needs::H,            "8.2.2"},
    CsrRow{0x603, 0x603, "hideleg",       -1, Needs::H,            "8.2.2"},
    CsrRow{0x604, 0x604, "hie",           -1, Needs::H,            "8.2.3"},
    CsrRow{0x605, 0x605, "htimedelta",    -1, Needs::H,            "8.2.7"},
    CsrRow{0x606, 0x606, "hcounteren",    -1, Needs::H,            "8.2.6"},
    CsrRow{0x607, 0x607, "hgeie",         -1, Needs::H,            "8.2.4"},
    CsrRow{0x608, 0x608, "hvien",         -1, Needs::AiaH,         "Ssaia"},
    CsrRow{0x609, 0x609, "hvictl",        -1, Needs::AiaH,         "Ssaia"},
    CsrRow{0x60A, 0x60A, "henvcfg",       -1, Needs::V112H,        "8.2.5"},
    CsrRow{0x60C, 0x60F, "hstateen",       0, Needs::SmstateenH,   "Smstateen"},
    CsrRow{0x643, 0x643, "htval",         -1, Needs::H,            "8.2.8"},
    CsrRow{0x644, 0x644, "hip",           -1, Needs::H,            "8.2.3"},
    CsrRow{0x645, 0x645, "hvip",          -1, Needs::H,            "8.2.3"},
    CsrRow{0x646, 0x647, "hviprio",        1, Needs::AiaH,         "Ssaia"},
    CsrRow{0x64A, 0x64A, "htinst",        -1, Needs::H,            "8.2.9"},
    CsrRow{0x680, 0x680, "hgatp",         -1, Needs::H,            "8.2.10"},
    CsrRow{0x6A8, 0x6A8, "hcontext",      -1, Needs::ContextsH,    "2.2"},
    CsrRow{0x747, 0x747, "mseccfg",       -1, Needs::Mseccfg,      "3.1.19"},
    CsrRow{0x7A0, 0x7A0, "tselect",       -1, Needs::Triggers,     "2.2"},
    CsrRow{0x7A1, 0x7A3, "tdata",          1, Needs::Triggers,     "2.2"},
    CsrRow{0x7A4, 0x7A4, "tinfo",         -1, Needs::Triggers,     "Sdtrig"},
    CsrRow{0x7A5, 0x7A5, "tcontrol",      -1, Needs::Triggers,     "Sdtrig"},
    CsrRow{0x7A8, 0x7A8, "mcontext",      -1, Needs::Contexts,     "2.2"},
    CsrRow{0xB00, 0xB00, "mcycle",        -1, Needs::Nothing,      "3.1.10"},
    CsrRow{0xB02, 0xB02, "minstret",      -1, Needs::Nothing,      "3.1.10"},
    CsrRow{0xB03, 0xB1F, "mhpmcounter",    3, Needs::MachineHpm,   "3.1.10"},
    CsrRow{0xC00, 0xC00, "cycle",         -1, Needs::Zicntr,       "2.2"},
    CsrRow{0xC01, 0xC01, "time",          -1, Needs::TimeCsr,      "3.1.11"},
    CsrRow{0xC02, 0xC02, "instret",       -1, Needs::Zicntr,       "2.2"},
    CsrRow{0xC03, 0xC1F, "hpmcounter",     3, Needs::Zihpm,        "2.2"},
    CsrRow{0xC20, 0xC20, "vl",            -1, Needs::V,            "V"},
    CsrRow{0xC21, 0xC21, "vtype",         -1, Needs::V,            "V"},
    CsrRow{0xC22, 0xC22, "vlenb",         -1, Needs::V,            "V"},
    CsrRow{0xDA0, 0xDA0, "scountovf",     -1, Needs::Sscofpmf,     "Sscofpmf"},
    CsrRow{0xDB0, 0xDB0, "stopi",         -1, Needs::AiaS,         "Ssaia"},
    CsrRow{0xE12, 0xE12, "hgeip",         -1, Needs::H,            "8.2.4"},
    CsrRow{0xEB0, 0xEB0, "vstopi",        -1, Needs::AiaH,         "Ssaia"},
    CsrRow{0xF11, 0xF11, "mvendorid",     -1, Needs::Nothing,      "3.1.2"},
    CsrRow{0xF12, 0xF12, "marchid",       -1, Needs::Nothing,      "3.1.3"},
    CsrRow{0xF13, 0xF13, "mimpid",        -1, Needs::Nothing,      "3.1.4"},
    CsrRow{0xF14, 0xF14, "mhartid",       -1, Needs::Nothing,      "3.1.5"},
    CsrRow{0xF15, 0xF15, "mconfigptr",    -1, Needs::V112,         "3.1.17"},
    CsrRow{0xFB0, 0xFB0, "mtopi",         -1, Needs::Aia,          "Smaia"},
};
// clang-format on

namespace detail {

constexpr bool csr_rows_ascend() {
    for (std::size_t i = 0; i < csr_rows.size(); ++i) {
        if (csr_rows[i].first > csr_rows[i].last) return false;
        if (i > 0 && csr_rows[i - 1].last >= csr_rows[i].first) return false;
    }
    return csr_rows.back().last <= 0xFFF;
}
static_assert(csr_rows_ascend(), "rows are in order and do not overlap");

/// "Implementations may implement zero, 16, or 64 PMP CSRs; the lowest-numbered PMP CSRs must be
/// implemented first" (3.7.1). Entries beyond those that hold anything are read-only zero.
constexpr unsigned pmp_csrs(unsigned entries) {
    if (entries == 0) return 0;
    return entries <= 16 ? 16 : 64;
}

/// `index` counts from the row's first register.
constexpr bool satisfied(Needs needs, Features const& hart, unsigned index) {
    switch (needs) {
    case Needs::Nothing: return true;
    case Needs::S: return hart.s;
    case Needs::U: return hart.u;
    case Needs::F: return hart.f;
    case Needs::V: return hart.v;
    case Needs::H: return hart.h;
    case Needs::V112: return hart.v1_12;
    case Needs::V112U: return hart.v1_12 && hart.u;
    case Needs::V112S: return hart.v1_12 && hart.s;
    case Needs::V112H: return hart.v1_12 && hart.h;
    case Needs::Zicntr: return hart.zicntr;
    case Needs::TimeCsr: return hart.zicntr && hart.time_csr;
    case Needs::Zihpm: return hart.zihpm && index < hart.hpm_counters;
    case Needs::MachineHpm: return index < hart.hpm_counters;
    case Needs::Countinhibit: return hart.countinhibit;
    case Needs::Mseccfg: return hart.mseccfg;
    case Needs::PmpCfg: return index % 2 == 0 && index * 4 < pmp_csrs(hart.pmp_entries);
    case Needs::PmpAddr: return index < pmp_csrs(hart.pmp_entries);
    case Needs::Sstc: return hart.sstc && hart.s;
    case Needs::SstcH: return hart.sstc && hart.h;
    case Needs::Sscofpmf: return hart.sscofpmf && hart.s;
    case Needs::Smcntrpmf: return hart.smcntrpmf;
    case Needs::Smstateen: return hart.smstateen;
    case Needs::SmstateenS: return hart.smstateen && hart.s;
    case Needs::SmstateenH: return hart.smstateen && hart.h;
    case Needs::Aia: return hart.aia;
    case Needs::AiaS: return hart.aia && hart.s;
    case Needs::AiaH: return hart.aia && hart.h;
    case Needs::Zkr: return hart.zkr;
    case Needs::Triggers: return hart.triggers;
    case Needs::Contexts: return hart.contexts;
    case Needs::ContextsS: return hart.contexts && hart.s;
    case Needs::ContextsH: return hart.contexts && hart.h;
    }
    return false;
}

} // namespace detail

/// The row of a register, or null if no specification known here gives it a name on RV64. The
/// debugger's registers 0x7B0-0x7BF are invisible to machine mode (2.1), so they have no row.
constexpr CsrRow const* csr_row(unsigned csr) {
    for (CsrRow const& row : csr_rows) {
        if (csr >= row.first && csr <= row.last) return &row;
    }
    return nullptr;
}

/// Whether the hart has this register. Odd pmpcfg registers do not exist on RV64 (3.7.1).
constexpr bool csr_exists(unsigned csr, Features const& hart) {
    CsrRow const* const row = csr_row(csr);
    return row != nullptr && detail::satisfied(row->needs, hart, csr - row->first);
}

/// Lowest privilege that may access the register, bits 9:8 (2.1): 0 user, 1 supervisor, 2
/// hypervisor (HS-mode), 3 machine.
constexpr unsigned csr_lowest_privilege(unsigned csr) { return (csr >> 8) & 3; }

/// Bits 11:10 all ones: a write raises an illegal-instruction exception (2.1).
constexpr bool csr_read_only(unsigned csr) { return ((csr >> 10) & 3) == 3; }

/// The six instructions of Zicsr.
enum class CsrOp : std::uint8_t { Rw, Rs, Rc, Rwi, Rsi, Rci };

/// Whether the instruction writes the CSR at all: the read-write forms always do, the others
/// unless rs1 is the register x0 (whatever a register's *value*) or the immediate is 0 (Zicsr).
constexpr bool csr_op_writes(CsrOp op, unsigned rs1_or_uimm) {
    return op == CsrOp::Rw || op == CsrOp::Rwi || rs1_or_uimm != 0;
}

/// State on which access to other registers depends.
struct CsrState {
    std::uint64_t mstatus = 0;
    std::uint64_t mcounteren = 0;
    std::uint64_t scounteren = 0;
    std::uint64_t menvcfg = 0;
    std::uint64_t mseccfg = 0;
    std::array<std::uint64_t, 4> mstateen{};
};

namespace detail {

constexpr bool bit(std::uint64_t value, unsigned n) { return ((value >> n) & 1) != 0; }

/// Off (0) in mstatus.FS (14:13) or VS (10:9) makes the state's registers illegal in every mode,
/// M included (3.1.6.6).
constexpr bool disabled_by_status(CsrRow const& row, std::uint64_t mstatus) {
    if (row.needs == Needs::F) return ((mstatus >> 13) & 3) == 0;
    if (row.needs == Needs::V) return ((mstatus >> 9) & 3) == 0;
    return false;
}

/// Counters: mcounteren for what is below M, scounteren too for U where there is S (3.1.11, 4.1.5).
constexpr bool counter_disabled(unsigned csr, Mode mode, Features const& hart,
                                CsrState const& state) {
    unsigned const n = csr & 0x1F;
    if (!bit(state.mcounteren, n)) return true;
    return mode == Mode::U && hart.s && !bit(state.scounteren, n);
}

/// mstateen: bit 63 guards sstateen and hstateen, bit 62 of mstateen0 the environment
/// configurations (Smstateen).
constexpr bool stateen_disabled(unsigned csr, Features const& hart, CsrState const& state) {
    if (!hart.smstateen) return false;
    bool const guarded_by_number = (csr >= 0x10C && csr <= 0x10F) || (csr >= 0x60C && csr <= 0x60F);
    if (guarded_by_number) return !bit(state.mstateen[csr & 3], 63);
    if (csr == 0x10A || csr == 0x60A) return !bit(state.mstateen[0], 62);
    return false;
}

/// What machine mode has taken away from lower modes; V = 0.
constexpr bool disabled_below_machine(unsigned csr, Mode mode, Features const& hart,
                                      CsrState const& state) {
    if (csr >= 0xC00 && csr <= 0xC1F) return counter_disabled(csr, mode, hart, state);
    if (csr == 0x015) return !bit(state.mseccfg, mode == Mode::S ? 9 : 8);
    if (csr == 0x180 || csr == 0x680) return bit(state.mstatus, 20);
    if (csr == 0x14D || csr == 0x24D) return !bit(state.menvcfg, 63) || !bit(state.mcounteren, 1);
    return stateen_disabled(csr, hart, state);
}

} // namespace detail

/// Does this instruction raise an illegal-instruction exception in `mode` (with V = 0)? The AIA's
/// own rules about mstateen and select registers are not modelled.
constexpr bool csr_access_traps(unsigned csr, CsrOp op, unsigned rs1_or_uimm, Mode mode,
                                Features const& hart, CsrState const& state) {
    if (!csr_exists(csr, hart)) return true;
    bool const writes = csr_op_writes(op, rs1_or_uimm);
    if (writes && csr_read_only(csr)) return true;
    if (csr == 0x015 && !writes) return true; // seed: a read-only access is illegal (Zkr)
    unsigned const reach = mode == Mode::M ? 3 : mode == Mode::S ? 2 : 0;
    if (csr_lowest_privilege(csr) > reach) return true;
    if (detail::disabled_by_status(*csr_row(csr), state.mstatus)) return true;
    return mode != Mode::M && detail::disabled_below_machine(csr, mode, hart, state);
}

} // namespace plinth::reference
