// SPDX-License-Identifier: Apache-2.0
#include "monitor/virtual_csrs.hpp"

#include "monitor/virtual_trap.hpp"

#include <bit>
#include <utility>

namespace plinth::monitor {
namespace {

using namespace arch;

// Which hart has what.

constexpr Needs always{}, with_s{"S"}, with_h{"H"}, with_u{"U"}, with_envcfg{"", &Features::envcfg},
    with_sstc{"", &Features::sstc};

/// What may be written to mideleg and mie below M (3.1.9; LCOFI: Sscofpmf).
u64 supervisor_bits(Features const& f) {
    return (f.has('S') ? irq::s_bits : 0) | (f.scountovf ? irq::bit(irq::Lcofi) : 0);
}
u64 virtual_supervisor_bits(Features const& f) { return f.has('H') ? irq::vs_bits : 0; }

// Registers that stay in the hart.

template <CsrNumber N> u64 read_physical(HartState& h, CsrNumber) { return h.hart.read<N>(); }
template <CsrNumber N> void write_physical(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<N>(asked);
}
template <auto Slot> u64 read_slot(HartState& h, CsrNumber) { return h.v.*Slot; }

u64 read_zero(HartState&, CsrNumber) { return 0; }
void ignore_write(HartState&, CsrNumber, u64, u64) {}
u64 read_time(HartState& h, CsrNumber) { return h.hart.time(); }

// Status.

/// Which mstatus bits a write can change on this hart (3.1.6; FS and VS only with the extension).
u64 mstatus_writable(Features const& f) {
    auto bits = mstatus::Mie::mask | mstatus::Mpie::mask | mstatus::Mpp::mask | mstatus::Mprv::mask;
    if (f.has('F')) bits |= mstatus::Fs::mask;
    if (f.vlenb != 0) bits |= mstatus::Vs::mask;
    if (f.has('S'))
        bits |= mstatus::Sie::mask | mstatus::Spie::mask | mstatus::Spp::mask | mstatus::Sum::mask |
                mstatus::Mxr::mask | mstatus::Tvm::mask | mstatus::Tw::mask | mstatus::Tsr::mask;
    if (f.has('H')) bits |= mstatus::Mpv::mask | mstatus::Gva::mask;
    return bits;
}

/// SD summarises FS and VS (3.1.6.6); it is computed, not stored.
u64 with_sd(u64 status) {
    auto const dirty = mstatus::Fs::get(status) == 3 || mstatus::Vs::get(status) == 3;
    return mstatus::Sd::set(status, dirty ? 1 : 0);
}
u64 read_mstatus(HartState& h, CsrNumber) { return with_sd(h.v.mstatus); }
/// What an entry to the firmware depends on: the plan, interrupts and what S-mode would see.
constexpr auto entry_status = mstatus::s_writable | mstatus::Mie::mask | mstatus::Mprv::mask;
void set_status(HartState& h, u64 asked) {
    auto const old =
        std::exchange(h.v.mstatus, legalize_mstatus(h.v.mstatus, asked, h.hart.features()));
    h.prepared = ((old ^ h.v.mstatus) & entry_status) == 0 && mstatus::Mprv::get(old) == 0;
}
void write_mstatus(HartState& h, CsrNumber, u64 asked, u64) { set_status(h, asked); }
u64 read_sstatus(HartState& h, CsrNumber number) {
    return read_mstatus(h, number) & mstatus::s_visible;
}
void write_sstatus(HartState& h, CsrNumber, u64 asked, u64) {
    set_status(h, merge(h.v.mstatus, asked, mstatus::s_writable));
}

// Interrupts: one mie and one mip, of which sie and sip are views (3.1.9, 4.1.3).

u64 legalize_mie(u64, u64 asked, Features const& f) {
    auto const vs = virtual_supervisor_bits(f);
    return asked & (irq::m_bits | supervisor_bits(f) | vs);
}
/// Every non-reserved exception but ecall from M can be delegated (3.1.8).
u64 legalize_medeleg(u64, u64 asked, Features const& f) {
    constexpr u64 base = 0xb3ff;     // 0 … 9, 12, 13, 15
    constexpr u64 hyper = 0xf0'0400; // 10, 20 … 23
    return asked & (base | (f.has('H') ? hyper : 0));
}

u64 read_mip(HartState& h, CsrNumber) {
    h.now = h.hart.time();
    return virtual_mip(h);
}
/// hip and vsip see the same mip, vsie the same mie; VS-level bits stand one place lower there and
/// only where hideleg passes them on (9.4.3, 9.2.7).
constexpr auto vs_sources = irq::bit(irq::Vssi) | irq::bit(irq::Vsti) | irq::bit(irq::Vsei);
u64 passed_on(HartState& h) { return h.hart.read<csr::Hideleg>() & vs_sources; }
u64 read_hip(HartState& h, CsrNumber) { return virtual_mip(h) & irq::vs_bits; }
void write_hip(HartState& h, CsrNumber, u64 asked, u64 mask) {
    h.v.hvip = merge(h.v.hvip, asked, mask & irq::bit(irq::Vssi));
}
u64 read_vsip(HartState& h, CsrNumber) { return (virtual_mip(h) & passed_on(h)) >> 1U; }
void write_vsip(HartState& h, CsrNumber number, u64 asked, u64 mask) {
    write_hip(h, number, asked << 1U, (mask << 1U) & passed_on(h));
}
u64 read_vsie(HartState& h, CsrNumber) { return (h.v.mie & passed_on(h)) >> 1U; }
void write_vsie(HartState& h, CsrNumber, u64 asked, u64) {
    h.v.mie = merge(h.v.mie, asked << 1U, passed_on(h));
}
/// The bits that software may set and clear. SEIP goes to the hart's own latch by csrs and csrc, so
/// that what the interrupt controller drives is never written back.
void write_mip_bits(HartState& h, u64 asked, u64 mask) {
    if (u64 const ones = asked & mask; ones != 0) h.hart.set<csr::Mip>(ones);
    if (u64 const zeros = ~asked & mask; zeros != 0) h.hart.clear<csr::Mip>(zeros);
}
void write_mip(HartState& h, CsrNumber, u64 asked, u64 mask) {
    auto const& f = h.hart.features();
    if (f.has('H')) write_hip(h, csr::Hip, asked, mask);
    write_mip_bits(h, asked, mask & supervisor_bits(f));
}
u64 read_sie(HartState& h, CsrNumber) { return h.v.mie & h.v.mideleg & ~irq::vs_bits; }
void write_sie(HartState& h, CsrNumber, u64 asked, u64) {
    auto const bits = h.v.mideleg & supervisor_bits(h.hart.features());
    h.v.mie = merge(h.v.mie, asked, bits);
}
u64 read_sip(HartState& h, CsrNumber) { return virtual_mip(h) & h.v.mideleg & ~irq::vs_bits; }
void write_sip(HartState& h, CsrNumber, u64 asked, u64 mask) {
    auto const writable = irq::bit(irq::Ssi) | irq::bit(irq::Lcofi);
    write_mip_bits(h, asked, mask & h.v.mideleg & writable);
}
u64 read_hie(HartState& h, CsrNumber) { return h.v.mie & irq::vs_bits; }
void write_hie(HartState& h, CsrNumber, u64 asked, u64) {
    h.v.mie = merge(h.v.mie, asked, irq::vs_bits);
}
u64 legalize_hvip(u64, u64 asked, Features const&) { return asked & vs_sources; }
/// hstatus is the host's with HU taken out while the firmware runs.
void write_hstatus(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Hstatus>(asked);
    h.v.hstatus = h.hart.read<csr::Hstatus>();
    h.hart.clear<csr::Hstatus>(hstatus::Hu::mask);
}
void write_hgeie(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Hgeie>(asked);
    h.v.hgeie = h.hart.read<csr::Hgeie>();
    h.hart.write<csr::Hgeie>(0);
}

// Registers that the hart itself legalizes.

void write_satp(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Satp>(h.v.satp);
    h.hart.write<csr::Satp>(asked); // an unsupported mode changes nothing (4.1.11)
    h.v.satp = h.hart.read<csr::Satp>();
    h.hart.write<csr::Satp>(0);
}
void write_menvcfg(HartState& h, CsrNumber, u64 asked, u64) {
    // Invalidating a line would bring back what a wipe has overwritten: it is done as a flush
    // (F-26).
    if (envcfg::Cbie::get(asked) == 3) asked = envcfg::Cbie::set(asked, 1);
    h.hart.write<csr::Menvcfg>(asked);
    h.v.menvcfg = h.hart.read<csr::Menvcfg>();
}
void write_mcounteren(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Mcounteren>(asked);
    h.v.mcounteren = h.hart.read<csr::Mcounteren>();
}
void write_mcountinhibit(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Mcountinhibit>(asked & 5U);
}

// PMP (3.7.1).

u64 read_pmpcfg(HartState& h, CsrNumber number) {
    auto const first = (number - csr::Pmpcfg0) * 4U;
    u64 word = 0;
    for (unsigned i = 0; i < 8 && first + i < virtual_pmp_entries; ++i)
        word |= u64{h.v.pmp.cfg[first + i]} << (8 * i);
    return word;
}
constexpr u64 all_locked = 0x8080'8080'8080'8080;
static_assert(virtual_pmp_entries == 8);

/// The plans are computed again when they are next loaded; M's own only where it is bound.
void vpmp_changed(HartState& h) {
    h.host_stale = true;
    h.firmware_stale |= (std::bit_cast<u64>(h.v.pmp.cfg) & all_locked) != 0;
    h.prepared = h.prepared && !h.firmware_stale;
}
void write_pmpcfg(HartState& h, CsrNumber number, u64 asked, u64) {
    auto const first = (number - csr::Pmpcfg0) * 4U;
    for (unsigned i = 0; i < 8 && first + i < virtual_pmp_entries; ++i) {
        auto& cfg = h.v.pmp.cfg[first + i];
        if ((cfg & pmpcfg::locked) != 0) continue;
        cfg = legalize_pmpcfg(static_cast<u8>(asked >> (8 * i)));
    }
    vpmp_changed(h);
}
u64 read_pmpaddr(HartState& h, CsrNumber number) {
    auto const index = static_cast<unsigned>(number - csr::Pmpaddr0);
    return index < virtual_pmp_entries ? h.v.pmp.addr[index] : 0;
}
/// A locked entry keeps its address, and so does the one below a locked TOR entry.
void write_pmpaddr(HartState& h, CsrNumber number, u64 asked, u64) {
    auto const index = static_cast<unsigned>(number - csr::Pmpaddr0);
    if (index >= virtual_pmp_entries || (h.v.pmp.cfg[index] & pmpcfg::locked) != 0) return;
    if (index + 1 < virtual_pmp_entries) {
        auto const above = h.v.pmp.cfg[index + 1];
        if ((above & pmpcfg::locked) != 0 && (above & pmpcfg::a_mask) == pmpcfg::tor) return;
    }
    h.v.pmp.addr[index] = asked & pmpaddr_mask;
    vpmp_changed(h);
}

u64 read_mhartid(HartState& h, CsrNumber) { return h.hart.id(); }

// The table.

using Read = u64 (*)(HartState&, CsrNumber);
/// `mask`: the bits that the instruction addresses; the others keep their value.
using Write = void (*)(HartState&, CsrNumber, u64 asked, u64 mask);
using Legalize = u64 (*)(u64 old, u64 asked, Features const&);

/// The instruction, but for what is special about a register.
template <typename ReadNow, typename WriteNow>
[[gnu::always_inline]] inline Next perform(HartState& h, CsrInsn insn, ReadNow read,
                                           WriteNow write) {
    using Operation = CsrInsn::Operation;
    u64 const old = read();
    h.prepared = true;
    if (insn.writes()) {
        auto const operand = insn.operand(h.regs.guest);
        if (insn.operation() == Operation::Write)
            write(operand, ~0ULL);
        else
            write(insn.operation() == Operation::Set ? old | operand : old & ~operand, operand);
    }
    h.regs.guest.set(insn.rd(), old);
    return skip();
}

/// A register that functions read and write; without a write it is read-only. Entries to the
/// firmware depend on such registers while it can be interrupted; a write may know better.
template <Read Get, Write Put> Next access_computed(HartState& h, CsrInsn insn) {
    if constexpr (Put == nullptr)
        if (insn.writes()) return illegal(h, insn.bits);
    return perform(
        h, insn, [&] { return Get(h, insn.csr()); },
        [&](u64 asked, u64 mask) {
            h.prepared = mstatus::Mie::get(h.v.mstatus) == 0;
            if constexpr (Put != nullptr) Put(h, insn.csr(), asked, mask);
        });
}
template <Read Get, Write Put = nullptr>
constexpr CsrRow computed(CsrNumber first, CsrNumber last, char const* name, Needs needs = always) {
    return {first, last, needs.letters, needs.flag, name, access_computed<Get, Put>};
}
template <Read Get, Write Put = nullptr>
constexpr CsrRow computed(CsrNumber number, char const* name, Needs needs = always) {
    return computed<Get, Put>(number, number, name, needs);
}

/// A register that stays in the hart.
template <CsrNumber N> constexpr CsrRow physical(char const* name, Needs needs = always) {
    return computed<read_physical<N>, csr_read_only(N) ? nullptr : write_physical<N>>(N, name,
                                                                                      needs);
}

/// A register in VirtCsrs.
u64 unrestricted(u64, u64 asked, Features const&) { return asked; }
template <u64 VirtCsrs::* Where, Legalize Legal> Next access_slot(HartState& h, CsrInsn insn) {
    auto& word = h.v.*Where;
    return perform(
        h, insn, [&] { return word; },
        [&](u64 asked, u64) {
            word = Legal(word, asked, h.hart.features());
            if constexpr (Where == &VirtCsrs::mie || Where == &VirtCsrs::mideleg ||
                          Where == &VirtCsrs::hvip)
                h.prepared = mstatus::Mie::get(h.v.mstatus) == 0;
        });
}
template <u64 VirtCsrs::* Where, Legalize Legal = unrestricted>
constexpr CsrRow slot(CsrNumber number, char const* name, Needs needs = always) {
    return {number, number, needs.letters, needs.flag, name, access_slot<Where, Legal>};
}

// clang-format off
constexpr CsrRow rows[] = {
    computed<read_sstatus, write_sstatus>(csr::Sstatus, "sstatus", with_s),
    computed<read_sie, write_sie>(csr::Sie, "sie", with_s),
    physical<csr::Stvec>("stvec", with_s),
    physical<csr::Scounteren>("scounteren", with_s),
    physical<csr::Senvcfg>("senvcfg", {"S", &Features::envcfg}),
    physical<csr::Sscratch>("sscratch", with_s),
    physical<csr::Sepc>("sepc", with_s),
    physical<csr::Scause>("scause", with_s),
    physical<csr::Stval>("stval", with_s),
    computed<read_sip, write_sip>(csr::Sip, "sip", with_s),
    physical<csr::Stimecmp>("stimecmp", with_sstc),
    computed<read_slot<&VirtCsrs::satp>, write_satp>(csr::Satp, "satp", with_s),
    physical<csr::Vsstatus>("vsstatus", with_h),
    computed<read_vsie, write_vsie>(csr::Vsie, "vsie", with_h),
    physical<csr::Vstvec>("vstvec", with_h),
    physical<csr::Vsscratch>("vsscratch", with_h),
    physical<csr::Vsepc>("vsepc", with_h),
    physical<csr::Vscause>("vscause", with_h),
    physical<csr::Vstval>("vstval", with_h),
    computed<read_vsip, write_vsip>(csr::Vsip, "vsip", with_h),
    physical<csr::Vstimecmp>("vstimecmp", {"H", &Features::sstc}),
    physical<csr::Vsatp>("vsatp", with_h),
    computed<read_mstatus, write_mstatus>(csr::Mstatus, "mstatus"),
    computed<read_physical<csr::Misa>, ignore_write>(csr::Misa, "misa"),
    slot<&VirtCsrs::medeleg, legalize_medeleg>(csr::Medeleg, "medeleg", with_s),
    slot<&VirtCsrs::mideleg, legalize_mideleg>(csr::Mideleg, "mideleg", with_s),
    slot<&VirtCsrs::mie, legalize_mie>(csr::Mie, "mie"),
    slot<&VirtCsrs::mtvec, legalize_mtvec>(csr::Mtvec, "mtvec"),
    computed<read_slot<&VirtCsrs::mcounteren>, write_mcounteren>(csr::Mcounteren, "mcounteren", with_u),
    computed<read_slot<&VirtCsrs::menvcfg>, write_menvcfg>(csr::Menvcfg, "menvcfg", with_envcfg),
    computed<read_physical<csr::Mcountinhibit>, write_mcountinhibit>(csr::Mcountinhibit, "mcountinhibit", {"", &Features::countinhibit}),
    computed<read_zero, ignore_write>(csr::Mhpmevent3, csr::Mhpmevent31, "mhpmevent"),
    slot<&VirtCsrs::mscratch>(csr::Mscratch, "mscratch"),
    slot<&VirtCsrs::mepc, legalize_mepc>(csr::Mepc, "mepc"),
    slot<&VirtCsrs::mcause>(csr::Mcause, "mcause"),
    slot<&VirtCsrs::mtval>(csr::Mtval, "mtval"),
    computed<read_mip, write_mip>(csr::Mip, "mip"),
    slot<&VirtCsrs::mtinst>(csr::Mtinst, "mtinst", with_h),
    slot<&VirtCsrs::mtval2>(csr::Mtval2, "mtval2", with_h),
    computed<read_pmpcfg, write_pmpcfg>(csr::Pmpcfg0, csr::Pmpcfg15, "pmpcfg"),
    computed<read_pmpaddr, write_pmpaddr>(csr::Pmpaddr0, csr::Pmpaddr63, "pmpaddr"),
    computed<read_slot<&VirtCsrs::hstatus>, write_hstatus>(csr::Hstatus, "hstatus", with_h),
    physical<csr::Hedeleg>("hedeleg", with_h),
    physical<csr::Hideleg>("hideleg", with_h),
    computed<read_hie, write_hie>(csr::Hie, "hie", with_h),
    physical<csr::Htimedelta>("htimedelta", with_h),
    physical<csr::Hcounteren>("hcounteren", with_h),
    computed<read_slot<&VirtCsrs::hgeie>, write_hgeie>(csr::Hgeie, "hgeie", with_h),
    physical<csr::Henvcfg>("henvcfg", {"H", &Features::envcfg}),
    physical<csr::Htval>("htval", with_h),
    computed<read_hip, write_hip>(csr::Hip, "hip", with_h),
    slot<&VirtCsrs::hvip, legalize_hvip>(csr::Hvip, "hvip", with_h),
    physical<csr::Htinst>("htinst", with_h),
    physical<csr::Hgatp>("hgatp", with_h),
    physical<csr::Mcycle>("mcycle"),
    physical<csr::Minstret>("minstret"),
    computed<read_zero, ignore_write>(csr::Mhpmcounter3, csr::Mhpmcounter31, "mhpmcounter"),
    computed<read_physical<csr::Mcycle>>(csr::Cycle, "cycle"),
    computed<read_time>(csr::Time, "time"),
    computed<read_physical<csr::Minstret>>(csr::Instret, "instret"),
    computed<read_zero>(csr::Hpmcounter3, csr::Hpmcounter31, "hpmcounter"),
    physical<csr::Scountovf>("scountovf", {"", &Features::scountovf}),
    physical<csr::Hgeip>("hgeip", with_h),
    physical<csr::Mvendorid>("mvendorid"),
    physical<csr::Marchid>("marchid"),
    physical<csr::Mimpid>("mimpid"),
    computed<read_mhartid>(csr::Mhartid, "mhartid"),
    computed<read_zero>(csr::Mconfigptr, "mconfigptr", with_envcfg),
};
// clang-format on

/// By CSR number: 1 + the index of its row, 0 if it has none. On RV64 odd-numbered pmpcfg registers
/// do not exist (3.7.1).
constexpr auto row_index = [] {
    static_assert(std::size(rows) < 256);
    std::array<u8, 4096> index{};
    for (u8 i = 0; i < std::size(rows); ++i)
        for (unsigned number = rows[i].first; number <= rows[i].last; ++number)
            if (index[number] != 0)
                __builtin_unreachable(); // two rows: does not compile
            else if (rows[i].first != csr::Pmpcfg0 || number % 2 == 0)
                index[number] = i + 1;
    return index;
}();

} // namespace

u64 legalize_mstatus(u64 old, u64 asked, Features const& f) {
    auto next = merge(old, asked, mstatus_writable(f));
    auto const mpp = mstatus::Mpp::get(next);
    if (mpp == 2 || (mpp == 1 && !f.has('S')))
        next = mstatus::Mpp::set(next, mstatus::Mpp::get(old)); // WARL: keeps what was there
    return next;
}

u64 legalize_mideleg(u64, u64 asked, Features const& f) {
    return (asked & supervisor_bits(f)) | virtual_supervisor_bits(f);
}

u64 legalize_mtvec(u64 old, u64 asked, Features const&) {
    return (asked & 2U) != 0 ? (asked & ~3ULL) | (old & 3U)
                             : asked; // modes 2 and 3 are reserved (3.1.7)
}

u64 legalize_mepc(u64, u64 asked, Features const& f) {
    return asked & (f.has('C') ? ~1ULL : ~3ULL); // IALIGN (3.1.14)
}

u8 legalize_pmpcfg(u8 asked) {
    auto const reserved = (asked & (pmpcfg::r | pmpcfg::w)) == pmpcfg::w;
    return static_cast<u8>(asked & ~(0x60U | (reserved ? pmpcfg::w : 0U)));
}

CsrRow const* find_csr(CsrNumber number, Features const& features) {
    auto const index = row_index[number % row_index.size()];
    if (index == 0) return nullptr;
    auto const& row = rows[index - 1];
    return row.exists(features) ? &row : nullptr;
}

Next emulate_csr(HartState& h, CsrInsn insn) {
    auto const* row = find_csr(insn.csr(), h.hart.features());
    return row != nullptr ? row->access(h, insn) : illegal(h, insn.bits);
}

} // namespace plinth::monitor
