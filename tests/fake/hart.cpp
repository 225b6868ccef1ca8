// SPDX-License-Identifier: Apache-2.0
// The fake hart's registers, interrupts, memory and scripted guests.
#include "arch/hart.hpp"
#include "board.hpp"
#include "reference/pmp_reference.hpp"

#include <cstring>
#include <sstream>
#include <thread>
#include <utility>

namespace plinth::arch {
namespace {

[[noreturn]] void violation(std::string const& what, std::uint64_t number) {
    std::ostringstream text;
    text << what << " 0x" << std::hex << number;
    throw fake::Violation{text.str()};
}

constexpr std::uint64_t seip = irq::bit(irq::Sei), stip = irq::bit(irq::Sti);
constexpr std::uint64_t hvip_bits = irq::bit(irq::Vssi) | irq::bit(irq::Vsti) | irq::bit(irq::Vsei);

} // namespace

void Hart::attach(fake::Machine& machine, unsigned id, Features const& features) {
    machine_ = &machine;
    id_ = id;
    features_ = features;
    machine.mtimecmp[id] = ~0ULL;
    csrs_ = {};
    there_.reset();
    loaded_ = {};
    populate();
}

/// The registers that a hart with these features has, as far as the monitor may touch them. What is
/// missing here is missing in the machine: mstatus and the trap registers are `enter`'s own
/// business, PMP registers load_pmp's.
void Hart::populate() {
    auto const add = [this](std::initializer_list<CsrNumber> numbers) {
        for (auto const number : numbers) there_.set(number);
    };
    auto const& f = features_;
    add({csr::Misa, csr::Mstatus, csr::Mcause, csr::Mtval, csr::Mie, csr::Mip, csr::Mcycle,
         csr::Minstret, csr::Mvendorid, csr::Marchid, csr::Mimpid, csr::Mhartid});
    if (f.has('U')) add({csr::Mcounteren});
    if (f.has('S'))
        add({csr::Medeleg, csr::Mideleg, csr::Stvec, csr::Scounteren, csr::Sscratch, csr::Sepc,
             csr::Scause, csr::Stval, csr::Satp});
    if (f.envcfg) add({csr::Menvcfg});
    if (f.envcfg && f.has('S')) add({csr::Senvcfg});
    if (f.envcfg && f.has('H')) add({csr::Henvcfg});
    if (f.sstc) add({csr::Stimecmp});
    if (f.sstc && f.has('H')) add({csr::Vstimecmp});
    if (f.countinhibit) add({csr::Mcountinhibit});
    if (f.scountovf) add({csr::Scountovf});
    if (f.has('H'))
        add({csr::Mtval2,   csr::Mtinst,     csr::Hstatus,    csr::Hedeleg,   csr::Hideleg,
             csr::Hie,      csr::Htimedelta, csr::Hcounteren, csr::Hgeie,     csr::Htval,
             csr::Hip,      csr::Hvip,       csr::Htinst,     csr::Hgatp,     csr::Hgeip,
             csr::Vsstatus, csr::Vsie,       csr::Vstvec,     csr::Vsscratch, csr::Vsepc,
             csr::Vscause,  csr::Vstval,     csr::Vsip,       csr::Vsatp});
    csrs_[csr::Misa] = f.misa;
    csrs_[csr::Mhartid] = id_;
    csrs_[csr::Marchid] = 42;
    csrs_[csr::Stimecmp] = ~0ULL;
    csrs_[csr::Mideleg] = legal(csr::Mideleg, 0);
}

void Hart::require_csr(CsrNumber number) const {
    if (machine_ == nullptr) violation("the hart is not attached, CSR", number);
    if (!there_.test(number)) violation("this hart has no CSR", number);
}

/// mip as software state, the lines, the CLINT, stimecmp and hvip make it up (3.1.9, 9.4.3, Sstc).
std::uint64_t Hart::mip() const {
    auto value = csrs_[csr::Mip] | machine_->lines[id_];
    if (machine_->msip[id_] != 0) value |= irq::bit(irq::Msi);
    if (machine_->mtime >= machine_->mtimecmp[id_]) value |= irq::bit(irq::Mti);
    if (features_.sstc && envcfg::Stce::get(csrs_[csr::Menvcfg]) != 0) {
        value &= ~stip;
        if (machine_->mtime >= csrs_[csr::Stimecmp]) value |= stip;
    }
    return value | (csrs_[csr::Hvip] & hvip_bits);
}

std::uint64_t Hart::read_csr(CsrNumber number) const {
    require_csr(number);
    auto const vs = irq::vs_bits & ~irq::bit(irq::Sgei);
    switch (number) {
    case csr::Mip: return mip();
    case csr::Mstatus: return status;
    case csr::Hip: return mip() & irq::vs_bits;
    case csr::Hie: return csrs_[csr::Mie] & irq::vs_bits;
    case csr::Vsip: return (mip() & csrs_[csr::Hideleg] & vs) >> 1U;
    case csr::Vsie: return (csrs_[csr::Mie] & csrs_[csr::Hideleg] & vs) >> 1U;
    }
    return csrs_[number];
}

/// What the register holds after `value` was written: the choices of this one machine.
std::uint64_t Hart::legal(CsrNumber number, std::uint64_t value) const {
    auto const& f = features_;
    auto const hyper = [&f](std::uint64_t bits) { return f.has('H') ? bits : 0; };
    auto const lcofi = f.scountovf ? irq::bit(irq::Lcofi) : 0;
    switch (number) {
    case csr::Medeleg: return value & (0xb3ff | hyper(0xf0'0400));
    case csr::Mideleg: return (value & (irq::s_bits | lcofi)) | hyper(irq::vs_bits);
    case csr::Mie: return value & (irq::m_bits | irq::s_bits | lcofi | hyper(irq::vs_bits));
    case csr::Mcounteren:
    case csr::Scounteren:
    case csr::Hcounteren: return value & 0xffff'ffff;
    case csr::Mcountinhibit: return value & 0xffff'fffd;
    case csr::Satp: {
        auto const mode = value >> 60U;
        return mode == 0 || mode == 8 || mode == 9 || (mode == 10 && sv57) ? value : csrs_[number];
    }
    case csr::Menvcfg:
    case csr::Henvcfg: {
        // henvcfg.STCE is read-only zero while menvcfg.STCE is zero (Sstc).
        auto const timer =
            f.sstc && (number == csr::Menvcfg || envcfg::Stce::get(csrs_[csr::Menvcfg]) != 0);
        auto const kept = value & (0xf1 | (timer ? envcfg::Stce::mask : 0));
        return envcfg::Cbie::get(kept) == 2
                   ? envcfg::Cbie::set(kept, envcfg::Cbie::get(csrs_[number]))
                   : kept;
    }
    case csr::Senvcfg: return value & 0xf1;
    case csr::Stvec:
    case csr::Vstvec: return value & ~2ULL;
    case csr::Sepc:
    case csr::Vsepc: return value & ~1ULL;
    case csr::Hvip: return value & hvip_bits;
    case csr::Hgeie: return value & ~1ULL;
    case csr::Hedeleg: return value & 0xb1ff;
    case csr::Hideleg: return value & hvip_bits;
    }
    return value;
}

void Hart::write_csr(CsrNumber number, std::uint64_t value) {
    require_csr(number);
    if (csr_read_only(number)) violation("write to the read-only CSR", number);
    auto const vssi = irq::bit(irq::Vssi);
    auto const vs = irq::vs_bits & ~irq::bit(irq::Sgei);
    switch (number) {
    case csr::Mip: {
        auto const stce = features_.sstc && envcfg::Stce::get(csrs_[csr::Menvcfg]) != 0;
        auto const s = features_.has('S') ? irq::bit(irq::Ssi) | seip | (stce ? 0 : stip) : 0;
        auto const lcofi = features_.scountovf ? irq::bit(irq::Lcofi) : 0;
        csrs_[csr::Mip] = merge(csrs_[csr::Mip], value, s | lcofi);
        if (features_.has('H')) csrs_[csr::Hvip] = merge(csrs_[csr::Hvip], value, vssi);
        return;
    }
    case csr::Hip: csrs_[csr::Hvip] = merge(csrs_[csr::Hvip], value, vssi); return;
    case csr::Vsip:
        csrs_[csr::Hvip] = merge(csrs_[csr::Hvip], value << 1U, vssi & csrs_[csr::Hideleg]);
        return;
    case csr::Hie: csrs_[csr::Mie] = merge(csrs_[csr::Mie], value, irq::vs_bits); return;
    case csr::Vsie:
        csrs_[csr::Mie] = merge(csrs_[csr::Mie], value << 1U, vs & csrs_[csr::Hideleg]);
        return;
    }
    if (number == csr::Mstatus) status = value;
    csrs_[number] = legal(number, value);
}

/// csrs and csrc of mip work on the software bits: a line is never latched (3.1.9).
void Hart::set_csr(CsrNumber number, std::uint64_t bits) {
    auto const old = number == csr::Mip ? csrs_[csr::Mip] | csrs_[csr::Hvip] : read_csr(number);
    write_csr(number, old | bits);
}
void Hart::clear_csr(CsrNumber number, std::uint64_t bits) {
    auto const old = number == csr::Mip ? csrs_[csr::Mip] | csrs_[csr::Hvip] : read_csr(number);
    write_csr(number, old & ~bits);
}

Trap Hart::enter(GuestContext& guest) {
    trace.push_back(Event::Enter);
    if (before_entry) before_entry(guest);
    status = guest.mstatus;
    constexpr unsigned order[] = {irq::Mei, irq::Msi, irq::Mti,  irq::Sei,
                                  irq::Ssi, irq::Sti, irq::Lcofi};
    auto const mideleg = features_.has('S') ? csrs_[csr::Mideleg] : 0;
    auto const pending = mip() & csrs_[csr::Mie] & ~mideleg;
    for (auto const number : order)
        if ((pending & irq::bit(number)) != 0)
            return {.cause = interrupt_flag | number, .mstatus = status};
    if (script.empty()) throw fake::ScriptEnded{"the guest's script has ended"};
    auto const step = std::move(script.front());
    script.pop_front();
    auto trap = step(*this, guest);
    trap.mstatus = status;
    if (trap.is(Cause::IllegalInstruction)) put_instruction(guest.pc, trap.tval);
    return trap;
}

/// What the script says trapped also lies in memory, where the monitor reads it.
void Hart::put_instruction(std::uint64_t pc, std::uint64_t bits) {
    auto const offset = pc - fake::Machine::ram_base;
    for (unsigned i = 0; bits != 0 && i < 4 && offset + i < machine_->ram.size(); ++i)
        machine_->ram[offset + i] = static_cast<std::uint8_t>(bits >> (8 * i));
}

void Hart::load_pmp(PmpImage const& image) {
    if (image == loaded_) return;
    loaded_ = image;
    fenced_ = false;
    trace.push_back(Event::PmpWrite);
    fence_all();
}

void Hart::fence_all() {
    trace.push_back(Event::FenceAll);
    fenced_ = true;
}

// --- memory ------------------------------------------------------------------------------------

std::span<std::uint8_t> Hart::bytes(PhysRange range) const {
    if (before_bytes) before_bytes(range);
    auto const offset = range.base().raw - fake::Machine::ram_base;
    auto const size = machine_->ram.size();
    if (range.base().raw < fake::Machine::ram_base || range.size() > size ||
        offset > size - range.size())
        violation("the monitor touched memory outside RAM at", range.base().raw);
    return {&machine_->ram[offset], range.size()};
}

/// One virtual address with the rights in `how`: in one stage, or with MPV in two. Then SUM is that
/// of vsstatus, MXR of mstatus counts in both stages and of vsstatus in the first; for the second
/// everybody is U-mode (9.2.1, 9.5).
bool Hart::translate(std::uint64_t address, std::uint64_t how, bool store, std::uint64_t& physical,
                     GuestAccess& fault) const {
    if (mstatus::Mpv::get(how) == 0) {
        auto const satp = features_.has('S') ? csrs_[csr::Satp] : 0;
        return translate_stage(satp, address, how, store, physical, fault);
    }
    auto const vsstatus = csrs_[csr::Vsstatus];
    auto const first = merge(how, vsstatus, mstatus::Sum::mask) | (vsstatus & mstatus::Mxr::mask);
    std::uint64_t guest = 0;
    if (!translate_stage(csrs_[csr::Vsatp], address, first, store, guest, fault)) return false;
    auto const second = mstatus::Mpp::set(how, 0);
    if (translate_stage(csrs_[csr::Hgatp], guest, second, store, physical, fault)) return true;
    auto const page_fault = guest_faults_lose_their_cause;
    if (!page_fault) fault.cause = raw(store ? Cause::StoreGuestPage : Cause::LoadGuestPage);
    fault.tval = address;
    fault.value = guest >> 2U;
    return false;
}

bool Hart::translate_stage(std::uint64_t satp, std::uint64_t address, std::uint64_t how, bool store,
                           std::uint64_t& physical, GuestAccess& fault) const {
    physical = address;
    auto const mode = mstatus::Mpp::get(how);
    if (mode == 3 || satp >> 60U == 0) return true;
    auto const refuse = [&](Cause cause) {
        fault = {.cause = raw(cause), .tval = address};
        return false;
    };
    auto const map = translations.find(satp);
    if (map == translations.end()) return refuse(store ? Cause::StorePage : Cause::LoadPage);
    auto const found = map->second.find(address & ~0xfffULL);
    if (found == map->second.end()) return refuse(store ? Cause::StorePage : Cause::LoadPage);
    auto const& page = found->second;
    if (page.table != 0 && !protection_allows(page.table, 8, 1, false))
        return refuse(store ? Cause::StoreAccess : Cause::LoadAccess);
    auto const readable = page.r || (page.x && mstatus::Mxr::get(how) != 0);
    auto const level = page.user ? mode == 0 || mstatus::Sum::get(how) != 0 : mode == 1;
    if (!level || !(store ? page.w : readable))
        return refuse(store ? Cause::StorePage : Cause::LoadPage);
    physical = page.frame | (address & 0xfffU);
    return true;
}

bool Hart::protection_allows(std::uint64_t physical, unsigned width, std::uint64_t mode,
                             bool store) const {
    auto const count = features_.pmp_entries;
    return reference::pmp_allows({loaded_.cfg.data(), count}, {loaded_.addr.data(), count},
                                 static_cast<reference::Mode>(mode), physical, width,
                                 store ? reference::Kind::Write : reference::Kind::Read);
}

/// The byte that a guest access reaches once PMP let it through; null where no RAM is. What is the
/// monitor's must not get here.
std::uint8_t* Hart::guest_byte(std::uint64_t physical) const {
    for (auto const& device : board::owned_devices)
        if (device.contains(PhysAddr{physical})) violation("a guest reached a device at", physical);
    if (board::monitor.contains(PhysAddr{physical}))
        violation("a guest reached the monitor at", physical);
    auto const offset = physical - fake::Machine::ram_base;
    return offset < machine_->ram.size() ? &machine_->ram[offset] : nullptr;
}

namespace {

/// Loads or stores bytes that may lie apart.
GuestAccess transfer(std::span<std::uint8_t* const> bytes, bool store, std::uint64_t value) {
    GuestAccess out{.ok = true};
    for (unsigned i = 0; i < bytes.size(); ++i) {
        if (store)
            *bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
        else
            out.value |= std::uint64_t{*bytes[i]} << (8 * i);
    }
    return out;
}

} // namespace

GuestAccess Hart::access(std::uint64_t address, unsigned width, std::uint64_t how, bool store,
                         std::uint64_t value) {
    if (!fenced_) violation("an access with a guest's rights before the fence, at", address);
    if (mstatus::Mprv::get(how) != 0) violation("MPRV in the rights of an access at", address);
    auto const fault = [&](std::uint64_t at) {
        return GuestAccess{.cause = raw(store ? Cause::StoreAccess : Cause::LoadAccess),
                           .tval = at};
    };
    GuestAccess out;
    if (walks_tables && !has_map(how)) {
        std::array<std::uint8_t*, 8> bytes{};
        out = reach(address, width, how, store ? Use::Store : Use::Load, bytes);
        if (out.ok) return transfer({bytes.data(), width}, store, value);
        csrs_[csr::Mtval2] = std::exchange(out.value, 0);
        return out;
    }
    std::array<std::uint64_t, 8> where{};
    for (unsigned i = 0; i < width; ++i)
        if (!translate(address + i, how, store, where[i], out)) {
            csrs_[csr::Mtval2] = std::exchange(out.value, 0);
            return out;
        }
    auto const mode = mstatus::Mpp::get(how);
    for (unsigned i = 0, run = 0; i < width; i += run) {
        for (run = 1; i + run < width && where[i + run] == where[i] + run;) ++run;
        if (!protection_allows(where[i], run, mode, store)) return fault(address);
    }
    std::array<std::uint8_t*, 8> bytes{}; // all of them first: no access is done in part
    for (unsigned i = 0; i < width; ++i)
        if ((bytes[i] = guest_byte(where[i])) == nullptr) return fault(address);
    return transfer({bytes.data(), width}, store, value);
}

std::uint64_t Hart::fetch(std::uint64_t pc) {
    auto const low = guest_load(pc, 2, status | mstatus::Mxr::mask);
    if (!low.ok || (low.value & 3U) != 3) return low.ok ? low.value : ~0ULL;
    auto const high = guest_load(pc + 2, 2, status | mstatus::Mxr::mask);
    return high.ok ? low.value | high.value << 16U : ~0ULL;
}

GuestAccess Hart::guest_load(std::uint64_t address, unsigned width, std::uint64_t how) {
    return access(address, width, how, false, 0);
}
GuestAccess Hart::guest_store(std::uint64_t address, unsigned width, std::uint64_t how,
                              std::uint64_t value) {
    return access(address, width, how, true, value);
}

GuestAccess Hart::guest_swap(std::uint64_t address, unsigned width, std::uint64_t how,
                             std::uint64_t expected, std::uint64_t value) {
    auto out = access(address, width, how, false, 0);
    if (!out.ok) return out;
    out.value = sign_extend(out.value, 8 * width);
    out.cause = 1;
    if (out.value != expected || (loses_reservation && loses_reservation())) return out;
    auto const stored = access(address, width, how, true, value);
    if (!stored.ok) return stored;
    out.cause = 0;
    return out;
}

// --- time, interrupts, the end -----------------------------------------------------------------

std::uint64_t Hart::time() const { return machine_->mtime.fetch_add(machine_->ticks_per_read); }
void Hart::set_deadline(std::uint64_t deadline) { machine_->mtimecmp[id_] = deadline; }

void Hart::send_ipi(unsigned hart) {
    if (hart >= fake::max_harts) violation("an IPI to hart", hart);
    machine_->msip[hart] = 1;
    if (machine_->on_ipi) machine_->on_ipi(hart);
}
void Hart::clear_ipi() { machine_->msip[id_] = 0; }

/// Time passes as far as it must; a sleep that nothing can end is a lost interrupt.
void Hart::wait_for_interrupt() {
    while ((mip() & csrs_[csr::Mie]) == 0) {
        if (machine_->threads) {
            std::this_thread::yield();
            continue;
        }
        auto const deadline = machine_->mtimecmp[id_].load();
        if (deadline == ~0ULL || machine_->mtime >= deadline)
            violation("sleeps for ever: hart", id_);
        machine_->mtime = std::max(machine_->mtime.load(), deadline);
    }
}

void Hart::park() {
    csrs_[csr::Mie] = 0;
    throw fake::Parked{"hart " + std::to_string(id_) + " is parked"};
}

void Hart::save(FpState& out) const {
    if (!features_.has('D')) violation("no floating point on hart", id_);
    out = fp;
}
void Hart::load(FpState const& in) {
    if (!features_.has('D')) violation("no floating point on hart", id_);
    fp = in;
}
void Hart::save(VectorState& out) const {
    if (features_.vlenb == 0) violation("no vector registers on hart", id_);
    out = vector;
}
void Hart::load(VectorState const& in) {
    if (features_.vlenb == 0) violation("no vector registers on hart", id_);
    vector = in;
}

} // namespace plinth::arch
