// SPDX-License-Identifier: Apache-2.0
#include "monitor/virtual_csrs.hpp"

#include "monitor/virtual_trap.hpp"

namespace plinth::monitor {
namespace {

using namespace arch;

// Which hart has what.

template <char Letter> bool has(Features const& f) { return f.has(Letter); }
bool has_envcfg(Features const& f) { return f.envcfg; }
bool has_s_envcfg(Features const& f) { return f.envcfg && f.has('S'); }
bool has_h_envcfg(Features const& f) { return f.envcfg && f.has('H'); }
bool has_sstc(Features const& f) { return f.sstc; }
bool has_vstimecmp(Features const& f) { return f.sstc && f.has('H'); }
bool has_countinhibit(Features const& f) { return f.countinhibit; }
bool has_scountovf(Features const& f) { return f.scountovf; }

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
template <CsrNumber N>
constexpr CsrRow physical(char const* name, CsrRow::Exists exists,
                          CsrRow::Write write = csr_read_only(N) ? nullptr : write_physical<N>) {
    return {N, N, name, read_physical<N>, write, exists};
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
void write_mstatus(HartState& h, CsrNumber, u64 asked, u64) {
    h.v.mstatus = legalize_mstatus(h.v.mstatus, asked, h.hart.features());
}
u64 read_sstatus(HartState& h, CsrNumber) { return with_sd(h.v.mstatus) & mstatus::s_visible; }
void write_sstatus(HartState& h, CsrNumber, u64 asked, u64) {
    auto const& f = h.hart.features();
    h.v.mstatus = legalize_mstatus(h.v.mstatus, merge(h.v.mstatus, asked, mstatus::s_writable), f);
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
void write_pmpcfg(HartState& h, CsrNumber number, u64 asked, u64) {
    auto const first = (number - csr::Pmpcfg0) * 4U;
    for (unsigned i = 0; i < 8 && first + i < virtual_pmp_entries; ++i) {
        auto& cfg = h.v.pmp.cfg[first + i];
        if ((cfg & pmpcfg::locked) != 0) continue;
        cfg = legalize_pmpcfg(static_cast<u8>(asked >> (8 * i)));
    }
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
}

u64 read_mhartid(HartState& h, CsrNumber) { return h.hart.id(); }

// The table.

constexpr u64 any = ~0ULL;
constexpr auto with_s = has<'S'>;
constexpr auto with_h = has<'H'>;

/// A register in VirtCsrs.
constexpr CsrRow slot(CsrNumber number, char const* name, u64 VirtCsrs::* where,
                      CsrRow::Legalize legalize = nullptr, CsrRow::Exists exists = nullptr) {
    return {number, number, name, nullptr, nullptr, exists, {}, where, legalize};
}
/// A register that functions read and write.
constexpr CsrRow computed(CsrNumber number, char const* name, CsrRow::Read read,
                          CsrRow::Write write = nullptr, CsrRow::Exists exists = nullptr) {
    return {number, number, name, read, write, exists};
}

// clang-format off
constexpr CsrRow rows[] = {
    computed(csr::Sstatus, "sstatus", read_sstatus, write_sstatus, with_s),
    computed(csr::Sie, "sie", read_sie, write_sie, with_s),
    physical<csr::Stvec>("stvec", with_s),
    physical<csr::Scounteren>("scounteren", with_s),
    physical<csr::Senvcfg>("senvcfg", has_s_envcfg),
    physical<csr::Sscratch>("sscratch", with_s),
    physical<csr::Sepc>("sepc", with_s),
    physical<csr::Scause>("scause", with_s),
    physical<csr::Stval>("stval", with_s),
    computed(csr::Sip, "sip", read_sip, write_sip, with_s),
    physical<csr::Stimecmp>("stimecmp", has_sstc),
    computed(csr::Satp, "satp", read_slot<&VirtCsrs::satp>, write_satp, with_s),
    physical<csr::Vsstatus>("vsstatus", with_h),
    computed(csr::Vsie, "vsie", read_vsie, write_vsie, with_h),
    physical<csr::Vstvec>("vstvec", with_h),
    physical<csr::Vsscratch>("vsscratch", with_h),
    physical<csr::Vsepc>("vsepc", with_h),
    physical<csr::Vscause>("vscause", with_h),
    physical<csr::Vstval>("vstval", with_h),
    computed(csr::Vsip, "vsip", read_vsip, write_vsip, with_h),
    physical<csr::Vstimecmp>("vstimecmp", has_vstimecmp),
    physical<csr::Vsatp>("vsatp", with_h),
    {csr::Mstatus, csr::Mstatus, "mstatus", read_mstatus, write_mstatus, nullptr, {.replan = true}},
    physical<csr::Misa>("misa", nullptr, ignore_write),
    slot(csr::Medeleg, "medeleg", &VirtCsrs::medeleg, legalize_medeleg, with_s),
    slot(csr::Mideleg, "mideleg", &VirtCsrs::mideleg, legalize_mideleg, with_s),
    slot(csr::Mie, "mie", &VirtCsrs::mie, legalize_mie),
    slot(csr::Mtvec, "mtvec", &VirtCsrs::mtvec, legalize_mtvec),
    computed(csr::Mcounteren, "mcounteren", read_slot<&VirtCsrs::mcounteren>, write_mcounteren, has<'U'>),
    computed(csr::Menvcfg, "menvcfg", read_slot<&VirtCsrs::menvcfg>, write_menvcfg, has_envcfg),
    physical<csr::Mcountinhibit>("mcountinhibit", has_countinhibit, write_mcountinhibit),
    {csr::Mhpmevent3, csr::Mhpmevent31, "mhpmevent", read_zero, ignore_write},
    slot(csr::Mscratch, "mscratch", &VirtCsrs::mscratch),
    slot(csr::Mepc, "mepc", &VirtCsrs::mepc, legalize_mepc),
    slot(csr::Mcause, "mcause", &VirtCsrs::mcause),
    slot(csr::Mtval, "mtval", &VirtCsrs::mtval),
    computed(csr::Mip, "mip", read_mip, write_mip),
    slot(csr::Mtinst, "mtinst", &VirtCsrs::mtinst, nullptr, with_h),
    slot(csr::Mtval2, "mtval2", &VirtCsrs::mtval2, nullptr, with_h),
    {csr::Pmpcfg0, csr::Pmpcfg15, "pmpcfg", read_pmpcfg, write_pmpcfg, nullptr, {.replan = true}},
    {csr::Pmpaddr0, csr::Pmpaddr63, "pmpaddr", read_pmpaddr, write_pmpaddr, nullptr, {.replan = true}},
    computed(csr::Hstatus, "hstatus", read_slot<&VirtCsrs::hstatus>, write_hstatus, with_h),
    physical<csr::Hedeleg>("hedeleg", with_h),
    physical<csr::Hideleg>("hideleg", with_h),
    computed(csr::Hie, "hie", read_hie, write_hie, with_h),
    physical<csr::Htimedelta>("htimedelta", with_h),
    physical<csr::Hcounteren>("hcounteren", with_h),
    computed(csr::Hgeie, "hgeie", read_slot<&VirtCsrs::hgeie>, write_hgeie, with_h),
    physical<csr::Henvcfg>("henvcfg", has_h_envcfg),
    physical<csr::Htval>("htval", with_h),
    computed(csr::Hip, "hip", read_hip, write_hip, with_h),
    slot(csr::Hvip, "hvip", &VirtCsrs::hvip, legalize_hvip, with_h),
    physical<csr::Htinst>("htinst", with_h),
    physical<csr::Hgatp>("hgatp", with_h),
    physical<csr::Mcycle>("mcycle", nullptr),
    physical<csr::Minstret>("minstret", nullptr),
    {csr::Mhpmcounter3, csr::Mhpmcounter31, "mhpmcounter", read_zero, ignore_write},
    computed(csr::Cycle, "cycle", read_physical<csr::Mcycle>),
    computed(csr::Time, "time", read_time),
    computed(csr::Instret, "instret", read_physical<csr::Minstret>),
    {csr::Hpmcounter3, csr::Hpmcounter31, "hpmcounter", read_zero},
    physical<csr::Scountovf>("scountovf", has_scountovf),
    physical<csr::Hgeip>("hgeip", with_h),
    physical<csr::Mvendorid>("mvendorid", nullptr),
    physical<csr::Marchid>("marchid", nullptr),
    physical<csr::Mimpid>("mimpid", nullptr),
    computed(csr::Mhartid, "mhartid", read_mhartid),
    computed(csr::Mconfigptr, "mconfigptr", read_zero, nullptr, has_envcfg),
};
// clang-format on

constexpr bool sorted_and_disjoint() {
    for (std::size_t i = 0; i < std::size(rows); ++i)
        if (rows[i].last < rows[i].first || (i > 0 && rows[i].first <= rows[i - 1].last))
            return false;
    return true;
}
static_assert(sorted_and_disjoint());

constexpr bool every_row_has_storage() {
    for (auto const& row : rows)
        if (row.slot == nullptr &&
            (row.read == nullptr || (row.write == nullptr && !csr_read_only(row.first))))
            return false;
    return true;
}
static_assert(every_row_has_storage());

/// On RV64 odd-numbered pmpcfg registers do not exist (3.7.1).
bool is_odd_pmpcfg(CsrNumber number) {
    return number >= csr::Pmpcfg0 && number <= csr::Pmpcfg15 && number % 2 == 1;
}

void write_row(HartState& h, CsrRow const& row, Insn const& insn, u64 old) {
    auto const operand = insn.operand(h.regs.guest);
    auto const mask = insn.kind == Insn::Kind::CsrWrite ? any : operand;
    auto const asked = merge(old, insn.kind == Insn::Kind::CsrClear ? 0 : operand, mask);
    if (row.write != nullptr) return row.write(h, insn.csr, asked, mask);
    auto& slot = h.v.*row.slot;
    slot = row.legalize != nullptr ? row.legalize(slot, asked, h.hart.features()) : asked;
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
    std::size_t low = 0;
    std::size_t high = std::size(rows);
    while (low < high) {
        auto const middle = (low + high) / 2;
        if (rows[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == std::size(rows) || number < rows[low].first || is_odd_pmpcfg(number)) return nullptr;
    auto const& row = rows[low];
    return row.exists == nullptr || row.exists(features) ? &row : nullptr;
}

Result<CsrAccess> access_csr(HartState& h, Insn const& insn) {
    auto const* row = find_csr(insn.csr, h.hart.features());
    if (row == nullptr) return Err::BadArgument;
    if (insn.csr_writes() && csr_read_only(insn.csr)) return Err::BadArgument;
    auto const old = row->read != nullptr ? row->read(h, insn.csr) : h.v.*row->slot;
    if (insn.csr_writes()) write_row(h, *row, insn, old);
    return CsrAccess{old, insn.csr_writes() ? row->effects : Effects{}};
}

} // namespace plinth::monitor
