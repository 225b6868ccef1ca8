// SPDX-License-Identifier: Apache-2.0
#include "monitor/virtual_csrs.hpp"

#include "monitor/virtual_trap.hpp"

#include <utility>

namespace plinth::monitor {
namespace {

using namespace arch;

// Which hart has what.

constexpr Needs always{}, with_s{"S"}, with_h{"H"}, with_u{"U"}, with_envcfg{"", &Features::envcfg},
    with_sstc{"", &Features::sstc};

/// What may be written to mideleg and mie below M (3.1.9; LCOFI: Sscofpmf).
u64 supervisor_bits(Features const& f) {
    return irq::s_bits | (f.scountovf ? irq::bit(irq::Lcofi) : 0);
}
u64 virtual_supervisor_bits(Features const& f) { return f.has('H') ? irq::vs_bits : 0; }

// Registers that stay in the hart.

template <CsrNumber N> u64 read_physical(HartState& h, CsrNumber) { return h.hart.read<N>(); }
template <CsrNumber N> void write_physical(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<N>(asked);
}
constexpr CsrRow row(CsrNumber first, CsrNumber last, char const* name, Needs needs,
                     CsrRow::Read read, CsrRow::Write write) {
    return {first, last, needs.letters, needs.flag, name, read, write};
}
template <CsrNumber N>
constexpr CsrRow physical(char const* name, Needs needs = always,
                          CsrRow::Write write = csr_read_only(N) ? nullptr : write_physical<N>) {
    auto made = row(N, N, name, needs, read_physical<N>, write);
    made.plain = true;
    return made;
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
u64 read_sstatus(HartState& h, CsrNumber) { return with_sd(h.v.mstatus) & mstatus::s_visible; }
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
/// The plans are computed again when they are next loaded; M's own only where it is bound.
void vpmp_changed(HartState& h) {
    h.host_stale = true;
    h.prepared = false;
    for (auto const cfg : h.v.pmp.cfg) h.firmware_stale |= (cfg & pmpcfg::locked) != 0;
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

constexpr u64 any = ~0ULL;

/// A register in VirtCsrs.
constexpr CsrRow slot(CsrNumber number, char const* name, u64 VirtCsrs::* where,
                      CsrRow::Legalize legalize = nullptr, Needs needs = always) {
    auto const plain =
        where != &VirtCsrs::mie && where != &VirtCsrs::mideleg && where != &VirtCsrs::hvip;
    return {number,  number,  needs.letters, needs.flag, name,
            nullptr, nullptr, where,         legalize,   plain};
}
/// A register that functions read and write.
constexpr CsrRow computed(CsrNumber number, char const* name, CsrRow::Read read,
                          CsrRow::Write write = nullptr, Needs needs = always) {
    return row(number, number, name, needs, read, write);
}

// clang-format off
constexpr CsrRow rows[] = {
    computed(csr::Sstatus, "sstatus", read_sstatus, write_sstatus, with_s),
    computed(csr::Sie, "sie", read_sie, write_sie, with_s),
    physical<csr::Stvec>("stvec", with_s),
    physical<csr::Scounteren>("scounteren", with_s),
    physical<csr::Senvcfg>("senvcfg", {"S", &Features::envcfg}),
    physical<csr::Sscratch>("sscratch", with_s),
    physical<csr::Sepc>("sepc", with_s),
    physical<csr::Scause>("scause", with_s),
    physical<csr::Stval>("stval", with_s),
    computed(csr::Sip, "sip", read_sip, write_sip, with_s),
    physical<csr::Stimecmp>("stimecmp", with_sstc),
    computed(csr::Satp, "satp", read_slot<&VirtCsrs::satp>, write_satp, with_s),
    physical<csr::Vsstatus>("vsstatus", with_h),
    computed(csr::Vsie, "vsie", read_vsie, write_vsie, with_h),
    physical<csr::Vstvec>("vstvec", with_h),
    physical<csr::Vsscratch>("vsscratch", with_h),
    physical<csr::Vsepc>("vsepc", with_h),
    physical<csr::Vscause>("vscause", with_h),
    physical<csr::Vstval>("vstval", with_h),
    computed(csr::Vsip, "vsip", read_vsip, write_vsip, with_h),
    physical<csr::Vstimecmp>("vstimecmp", {"H", &Features::sstc}),
    physical<csr::Vsatp>("vsatp", with_h),
    computed(csr::Mstatus, "mstatus", read_mstatus, write_mstatus),
    physical<csr::Misa>("misa", always, ignore_write),
    slot(csr::Medeleg, "medeleg", &VirtCsrs::medeleg, legalize_medeleg, with_s),
    slot(csr::Mideleg, "mideleg", &VirtCsrs::mideleg, legalize_mideleg, with_s),
    slot(csr::Mie, "mie", &VirtCsrs::mie, legalize_mie),
    slot(csr::Mtvec, "mtvec", &VirtCsrs::mtvec, legalize_mtvec),
    computed(csr::Mcounteren, "mcounteren", read_slot<&VirtCsrs::mcounteren>, write_mcounteren, with_u),
    computed(csr::Menvcfg, "menvcfg", read_slot<&VirtCsrs::menvcfg>, write_menvcfg, with_envcfg),
    physical<csr::Mcountinhibit>("mcountinhibit", {"", &Features::countinhibit}, write_mcountinhibit),
    row(csr::Mhpmevent3, csr::Mhpmevent31, "mhpmevent", always, read_zero, ignore_write),
    slot(csr::Mscratch, "mscratch", &VirtCsrs::mscratch),
    slot(csr::Mepc, "mepc", &VirtCsrs::mepc, legalize_mepc),
    slot(csr::Mcause, "mcause", &VirtCsrs::mcause),
    slot(csr::Mtval, "mtval", &VirtCsrs::mtval),
    computed(csr::Mip, "mip", read_mip, write_mip),
    slot(csr::Mtinst, "mtinst", &VirtCsrs::mtinst, nullptr, with_h),
    slot(csr::Mtval2, "mtval2", &VirtCsrs::mtval2, nullptr, with_h),
    row(csr::Pmpcfg0, csr::Pmpcfg15, "pmpcfg", always, read_pmpcfg, write_pmpcfg),
    row(csr::Pmpaddr0, csr::Pmpaddr63, "pmpaddr", always, read_pmpaddr, write_pmpaddr),
    computed(csr::Hstatus, "hstatus", read_slot<&VirtCsrs::hstatus>, write_hstatus, with_h),
    physical<csr::Hedeleg>("hedeleg", with_h),
    physical<csr::Hideleg>("hideleg", with_h),
    computed(csr::Hie, "hie", read_hie, write_hie, with_h),
    physical<csr::Htimedelta>("htimedelta", with_h),
    physical<csr::Hcounteren>("hcounteren", with_h),
    computed(csr::Hgeie, "hgeie", read_slot<&VirtCsrs::hgeie>, write_hgeie, with_h),
    physical<csr::Henvcfg>("henvcfg", {"H", &Features::envcfg}),
    physical<csr::Htval>("htval", with_h),
    computed(csr::Hip, "hip", read_hip, write_hip, with_h),
    slot(csr::Hvip, "hvip", &VirtCsrs::hvip, legalize_hvip, with_h),
    physical<csr::Htinst>("htinst", with_h),
    physical<csr::Hgatp>("hgatp", with_h),
    physical<csr::Mcycle>("mcycle"),
    physical<csr::Minstret>("minstret"),
    row(csr::Mhpmcounter3, csr::Mhpmcounter31, "mhpmcounter", always, read_zero, ignore_write),
    computed(csr::Cycle, "cycle", read_physical<csr::Mcycle>),
    computed(csr::Time, "time", read_time),
    computed(csr::Instret, "instret", read_physical<csr::Minstret>),
    row(csr::Hpmcounter3, csr::Hpmcounter31, "hpmcounter", always, read_zero, nullptr),
    physical<csr::Scountovf>("scountovf", {"", &Features::scountovf}),
    physical<csr::Hgeip>("hgeip", with_h),
    physical<csr::Mvendorid>("mvendorid"),
    physical<csr::Marchid>("marchid"),
    physical<csr::Mimpid>("mimpid"),
    computed(csr::Mhartid, "mhartid", read_mhartid),
    computed(csr::Mconfigptr, "mconfigptr", read_zero, nullptr, with_envcfg),
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

constexpr bool every_row_has_storage() {
    for (auto const& row : rows)
        if (row.slot == nullptr &&
            (row.read == nullptr || (row.write == nullptr && !csr_read_only(row.first))))
            return false;
    return true;
}
static_assert(every_row_has_storage());

[[gnu::noinline]] Next write_row(HartState& h, CsrRow const& row, CsrInsn insn) {
    using Operation = CsrInsn::Operation;
    auto const number = insn.csr();
    if (csr_read_only(number)) return illegal(h, insn.bits);
    auto const old = row.get(h, number);
    auto const operand = insn.operand(h.regs.guest);
    auto const mask = insn.operation() == Operation::Write ? any : operand;
    auto const asked = merge(old, insn.operation() == Operation::Clear ? 0 : operand, mask);
    h.regs.guest.set(insn.rd(), old);
    h.prepared = row.plain || mstatus::Mie::get(h.v.mstatus) == 0; // write() may know better
    if (row.slot == nullptr)
        row.write(h, number, asked, mask);
    else
        h.v.*row.slot =
            row.legalize != nullptr ? row.legalize(old, asked, h.hart.features()) : asked;
    return skip();
}

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
    auto const number = insn.csr();
    auto const* row = find_csr(number, h.hart.features());
    if (row == nullptr) return illegal(h, insn.bits);
    if (insn.writes()) return write_row(h, *row, insn);
    h.regs.guest.set(insn.rd(), row->get(h, number));
    h.prepared = true;
    return skip();
}

} // namespace plinth::monitor
