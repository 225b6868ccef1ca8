// SPDX-License-Identifier: Apache-2.0
#include "monitor/virtual_csrs.hpp"

#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"

#include <utility>

namespace plinth::monitor {
namespace {

using namespace arch;

// Which hart has what.

constexpr u32 always = 0, with_s = need::letter('S'), with_h = need::letter('H');

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

u64 legalize_status(u64 old, u64 asked, u64 writable, u32 lacking) {
    auto const next = merge(old, asked, writable);
    auto const mpp = mstatus::Mpp::get(next);
    auto const held = mpp == 2 || (mpp == 1 && (lacking & with_s) != 0);
    return held ? merge(next, old, mstatus::Mpp::mask) : next; // WARL: keeps what was there
}

/// SD summarises FS and VS (3.1.6.6); it is computed, not stored.
u64 with_sd(u64 status) {
    auto const dirty = mstatus::Fs::get(status) == 3 || mstatus::Vs::get(status) == 3;
    return mstatus::Sd::set(status, dirty ? 1 : 0);
}
u64 read_mstatus(HartState& h, CsrNumber) {
    take_dirty(h);
    return with_sd(h.v.mstatus);
}
/// What an entry to the firmware depends on: interrupts, the plan and the registers there are.
constexpr auto entry_status =
    mstatus::Mie::mask | mstatus::Mprv::mask | mstatus::Fs::mask | mstatus::Vs::mask;
void set_status(HartState& h, u64 asked) {
    take_dirty(h);
    auto const old = std::exchange(
        h.v.mstatus, legalize_status(h.v.mstatus, asked, h.status_writable, h.lacking));
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
/// The bits that software may set and clear. SEIP goes to the hart's own latch by csrs and csrc, so
/// that what the interrupt controller drives is never written back.
void write_mip_bits(HartState& h, u64 asked, u64 mask) {
    h.hart.set<csr::Mip>(asked & mask);
    h.hart.clear<csr::Mip>(~asked & mask);
}
void write_mip(HartState& h, CsrNumber, u64 asked, u64 mask) {
    if ((h.lacking & with_h) == 0)
        h.v.hvip = merge(h.v.hvip, asked, mask & irq::bit(irq::Vssi)); // as hip
    write_mip_bits(h, asked, mask & supervisor_bits(h.hart.features()));
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
u64 legalize_hvip(u64, u64 asked, Features const&) { return asked & vs_sources; }

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
    // What these bits ask for is switched between worlds; what others ask for is not.
    h.hart.write<csr::Menvcfg>(asked &
                               (envcfg::Fiom::mask | envcfg::Cbie::mask | envcfg::Cbcfe::mask |
                                envcfg::Cbze::mask | envcfg::Adue::mask | envcfg::Pbmte::mask |
                                envcfg::Stce::mask));
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

constexpr u64 all_locked = 0x8080'8080'8080'8080;

/// The plans are computed again when they are next loaded; M's own only where it is bound.
void vpmp_changed(HartState& h) {
    h.host_stale = true;
    auto const cfg = packed_cfg(h.v.pmp.cfg, 0) | packed_cfg(h.v.pmp.cfg, 8);
    h.firmware_stale |= (cfg & all_locked) != 0;
    if (h.firmware_stale) unprepare(h);
}
u64 read_pmpcfg(HartState& h, CsrNumber number) {
    auto const first = (number - csr::Pmpcfg0) * 4U;
    return first < virtual_pmp_entries ? packed_cfg(h.v.pmp.cfg, first) : 0;
}
void write_pmpcfg(HartState& h, CsrNumber number, u64 asked, u64) {
    auto const first = (number - csr::Pmpcfg0) * 4U;
    for (unsigned i = 0; i < 8 && first + i < virtual_pmp_entries; ++i) {
        auto& cfg = h.v.pmp.cfg[first + i];
        if ((cfg & pmpcfg::locked) != 0) continue;
        auto const next = legalize_pmpcfg(static_cast<u8>(asked >> (8 * i)));
        auto const na4 = (next & pmpcfg::a_mask) == pmpcfg::na4;
        cfg = na4 && h.v.pmp.grain != 0 ? static_cast<u8>(merge(next, cfg, pmpcfg::a_mask)) : next;
    }
    vpmp_changed(h);
}
u64 read_pmpaddr(HartState& h, CsrNumber number) {
    auto const index = static_cast<unsigned>(number - csr::Pmpaddr0);
    return index < virtual_pmp_entries ? h.v.pmp.address(index) : 0;
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
    auto const operand = insn.operand(h.regs.guest);
    auto const reads = insn.operation() != Operation::Write || insn.rd() != 0;
    u64 const old = reads ? read() : 0;
    h.prepared = true;
    if (insn.operation() == Operation::Write)
        write(operand, ~0ULL);
    else if (insn.rs1() != 0)
        write(insn.operation() == Operation::Set ? old | operand : old & ~operand, operand);
    h.regs.guest.set(insn.rd(), old);
    return skip();
}

/// A register that functions read and write; without a write it is read-only. Entries to the
/// firmware depend on such registers while it can be interrupted; a write may know better.
template <Read Get, Write Put> Next access_computed(HartState& h, CsrInsn insn) {
    if constexpr (Put == nullptr)
        if (insn.writes()) return illegal(h, static_cast<u32>(insn.bits));
    return perform(
        h, insn, [&] { return Get(h, insn.csr()); },
        [&](u64 asked, u64 mask) {
            interrupts_changed(h);
            if constexpr (Put != nullptr) Put(h, insn.csr(), asked, mask);
        });
}
template <Read Get, Write Put = nullptr>
constexpr CsrRow computed(CsrNumber first, CsrNumber last, char const* name, u32 needs = always) {
    return {first, last, needs, name, access_computed<Get, Put>};
}
template <Read Get, Write Put = nullptr>
constexpr CsrRow computed(CsrNumber number, char const* name, u32 needs = always) {
    return computed<Get, Put>(number, number, name, needs);
}

/// A register that stays in the hart.
template <CsrNumber N> constexpr CsrRow physical(char const* name, u32 needs = always) {
    return computed<read_physical<N>, csr_read_only(N) ? nullptr : write_physical<N>>(N, name,
                                                                                      needs);
}

/// A register in VirtCsrs.
u64 unrestricted(u64, u64 asked, Features const&) { return asked; }
template <u64 VirtCsrs::* Where, Legalize Legal> Next access_slot(HartState& h, CsrInsn insn) {
    constexpr auto interrupts =
        Where == &VirtCsrs::mie || Where == &VirtCsrs::mideleg || Where == &VirtCsrs::hvip;
    auto& word = h.v.*Where;
    return perform(
        h, insn, [&] { return word; },
        [&](u64 asked, u64) {
            word = Legal(word, asked, h.hart.features());
            if (interrupts) interrupts_changed(h);
        });
}
template <u64 VirtCsrs::* Where, Legalize Legal = unrestricted>
constexpr CsrRow slot(CsrNumber number, char const* name, u32 needs = always) {
    return {number, number, needs, name, access_slot<Where, Legal>};
}

// clang-format off
constexpr CsrRow rows[] = {
    computed<read_zero>(0, 0, "none", need::impossible),
    computed<read_sstatus, write_sstatus>(csr::Sstatus, "sstatus", with_s),
    computed<read_sie, write_sie>(csr::Sie, "sie", with_s),
    physical<csr::Stvec>("stvec", with_s),
    physical<csr::Scounteren>("scounteren", with_s),
    physical<csr::Senvcfg>("senvcfg", with_s | need::envcfg),
    physical<csr::Sscratch>("sscratch", with_s),
    physical<csr::Sepc>("sepc", with_s),
    physical<csr::Scause>("scause", with_s),
    physical<csr::Stval>("stval", with_s),
    computed<read_sip, write_sip>(csr::Sip, "sip", with_s),
    physical<csr::Stimecmp>("stimecmp", need::sstc),
    computed<read_slot<&VirtCsrs::satp>, write_satp>(csr::Satp, "satp", with_s),
    physical<csr::Vsstatus>("vsstatus", with_h),
    computed<read_vsie, write_vsie>(csr::Vsie, "vsie", with_h),
    physical<csr::Vstvec>("vstvec", with_h),
    physical<csr::Vsscratch>("vsscratch", with_h),
    physical<csr::Vsepc>("vsepc", with_h),
    physical<csr::Vscause>("vscause", with_h),
    physical<csr::Vstval>("vstval", with_h),
    computed<read_vsip, write_vsip>(csr::Vsip, "vsip", with_h),
    physical<csr::Vstimecmp>("vstimecmp", with_h | need::sstc),
    physical<csr::Vsatp>("vsatp", with_h),
    computed<read_mstatus, write_mstatus>(csr::Mstatus, "mstatus"),
    computed<read_physical<csr::Misa>, ignore_write>(csr::Misa, "misa"),
    slot<&VirtCsrs::medeleg, legalize_medeleg>(csr::Medeleg, "medeleg", with_s),
    slot<&VirtCsrs::mideleg, legalize_mideleg>(csr::Mideleg, "mideleg", with_s),
    slot<&VirtCsrs::mie, legalize_mie>(csr::Mie, "mie"),
    slot<&VirtCsrs::mtvec, legalize_mtvec>(csr::Mtvec, "mtvec"),
    computed<read_slot<&VirtCsrs::mcounteren>, write_mcounteren>(csr::Mcounteren, "mcounteren", need::letter('U')),
    computed<read_slot<&VirtCsrs::menvcfg>, write_menvcfg>(csr::Menvcfg, "menvcfg", need::envcfg),
    computed<read_physical<csr::Mcountinhibit>, write_mcountinhibit>(csr::Mcountinhibit, "mcountinhibit", need::countinhibit),
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
    physical<csr::Henvcfg>("henvcfg", with_h | need::envcfg),
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
    physical<csr::Scountovf>("scountovf", need::scountovf),
    physical<csr::Hgeip>("hgeip", with_h),
    physical<csr::Mvendorid>("mvendorid"),
    physical<csr::Marchid>("marchid"),
    physical<csr::Mimpid>("mimpid"),
    computed<read_mhartid>(csr::Mhartid, "mhartid"),
    computed<read_zero>(csr::Mconfigptr, "mconfigptr", need::envcfg),
};
// clang-format on

/// The row of each CSR number. On RV64 odd-numbered pmpcfg registers do not exist (3.7.1).
constexpr auto row_index = [] {
    static_assert(std::size(rows) < 256);
    std::array<u8, 4096> index{};
    for (u8 i = 1; i < std::size(rows); ++i)
        for (unsigned number = rows[i].first; number <= rows[i].last; ++number)
            if (index[number] != 0)
                __builtin_unreachable(); // two rows: does not compile
            else if (rows[i].first != csr::Pmpcfg0 || number % 2 == 0)
                index[number] = i;
    return index;
}();

} // namespace

u8 legalize_pmpcfg(u8 asked) {
    auto const reserved = (asked & (pmpcfg::r | pmpcfg::w)) == pmpcfg::w;
    return static_cast<u8>(asked & ~(0x60U | (reserved ? pmpcfg::w : 0U)));
}

u32 need::lacking(Features const& f) {
    return ~(static_cast<u32>(f.misa & 0x3ff'ffffU) | (f.envcfg ? envcfg : 0) |
             (f.sstc ? sstc : 0) | (f.countinhibit ? countinhibit : 0) |
             (f.scountovf ? scountovf : 0));
}

u64 mstatus_writable(Features const& f) {
    auto bits = mstatus::Mie::mask | mstatus::Mpie::mask | mstatus::Mpp::mask |
                mstatus::Mprv::mask | mstatus::Tw::mask;
    if (f.has('F')) bits |= mstatus::Fs::mask;
    if (f.vlenb != 0) bits |= mstatus::Vs::mask;
    if (f.has('S'))
        bits |= mstatus::Sie::mask | mstatus::Spie::mask | mstatus::Spp::mask | mstatus::Sum::mask |
                mstatus::Mxr::mask | mstatus::Tvm::mask | mstatus::Tsr::mask;
    if (f.has('H')) bits |= mstatus::Mpv::mask | mstatus::Gva::mask;
    return bits;
}

u64 legalize_mstatus(u64 old, u64 asked, Features const& f) {
    return legalize_status(old, asked, mstatus_writable(f), need::lacking(f));
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

CsrRow const* find_csr(CsrNumber number, Features const& features) {
    auto const& row = rows[row_index[number % row_index.size()]];
    return (row.needs & need::lacking(features)) == 0 ? &row : nullptr;
}

Next emulate_csr(HartState& h, CsrInsn insn) {
    auto const& row = rows[row_index[insn.csr()]];
    return (row.needs & h.lacking) == 0 ? row.access(h, insn)
                                        : illegal(h, static_cast<u32>(insn.bits));
}

} // namespace plinth::monitor
