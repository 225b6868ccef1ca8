// SPDX-License-Identifier: Apache-2.0
#include "monitor/virtual_trap.hpp"

namespace plinth::monitor {

using namespace arch;

u64 stack_mstatus(u64 old, Priv priv, bool virt, bool gva) {
    constexpr auto replaced = mstatus::Mpie::mask | mstatus::Mie::mask | mstatus::Mpp::mask |
                              mstatus::Mpv::mask | mstatus::Gva::mask;
    return (old & ~replaced) | mstatus::Mpie::set(0, mstatus::Mie::get(old)) |
           mstatus::Mpp::set(0, static_cast<u64>(priv)) | mstatus::Mpv::set(0, virt ? 1 : 0) |
           mstatus::Gva::set(0, gva ? 1 : 0);
}

Return mret(u64 status) {
    auto const priv = static_cast<Priv>(mstatus::Mpp::get(status));
    auto const virt = mstatus::Mpv::get(status) != 0 && priv != Priv::M;
    status = mstatus::Mie::set(status, mstatus::Mpie::get(status));
    status = mstatus::Mpie::set(status, 1);
    status = mstatus::Mpp::set(status, 0);
    status = mstatus::Mpv::set(status, 0);
    if (priv != Priv::M) status = mstatus::Mprv::set(status, 0);
    return {status, priv, virt};
}

Return sret(u64 status, bool spv) {
    auto const priv = mstatus::Spp::get(status) != 0 ? Priv::S : Priv::U;
    status = mstatus::Sie::set(status, mstatus::Spie::get(status));
    status = mstatus::Spie::set(status, 1);
    status = mstatus::Spp::set(status, 0);
    return {mstatus::Mprv::set(status, 0), priv, spv};
}

u64 vector_target(u64 tvec, u64 cause) {
    auto const base = tvec & ~3ULL;
    auto const vectored = (tvec & 3U) == 1 && (cause & interrupt_flag) != 0;
    return vectored ? base + 4 * (cause & ~interrupt_flag) : base;
}

void trap_to_firmware(HartState& h, Trap const& trap) {
    auto const in_firmware = h.world == World::Firmware;
    // A firmware's own trap has a guest's address only if it came from an access with MPRV and MPV.
    auto const gva =
        in_firmware ? mstatus::Mpv::get(trap.mstatus) : mstatus::Gva::get(trap.mstatus);
    h.v.mstatus = stack_mstatus(h.v.mstatus, in_firmware ? Priv::M : h.regs.priv,
                                !in_firmware && h.regs.virt, gva != 0);
    h.v.mepc = h.regs.guest.pc;
    h.v.mcause = trap.cause;
    h.v.mtval = trap.tval;
    h.v.mtval2 = trap.tval2;
    h.v.mtinst = trap.tinst;
    h.regs.guest.pc = vector_target(h.v.mtvec, trap.cause);
}

namespace {

/// Stacking of a trap into S (4.1.1): SPP, SPIE ← SIE, SIE ← 0.
u64 stack_sstatus(u64 old, Priv priv) {
    old = mstatus::Spie::set(old, mstatus::Sie::get(old));
    return mstatus::Spp::set(mstatus::Sie::set(old, 0), priv == Priv::S ? 1 : 0);
}

template <CsrNumber Epc, CsrNumber Cause, CsrNumber Tval, CsrNumber Tvec>
void enter_handler(HartState& h, Trap const& trap) {
    h.hart.write<Epc>(h.regs.guest.pc);
    h.hart.write<Cause>(trap.cause);
    h.hart.write<Tval>(trap.tval);
    h.regs.guest.pc = vector_target(h.hart.read<Tvec>(), trap.cause);
    h.regs.priv = Priv::S;
}

} // namespace

void trap_to_supervisor(HartState& h, Trap const& trap, u64& status) {
    status = stack_sstatus(status, h.regs.priv);
    enter_handler<csr::Sepc, csr::Scause, csr::Stval, csr::Stvec>(h, trap);
}

void trap_to_host(HartState& h, Trap const& trap) {
    if (h.regs.virt && (h.hart.read<csr::Hedeleg>() >> trap.code() & 1U) != 0) {
        h.hart.write<csr::Vsstatus>(stack_sstatus(h.hart.read<csr::Vsstatus>(), h.regs.priv));
        return enter_handler<csr::Vsepc, csr::Vscause, csr::Vstval, csr::Vstvec>(h, trap);
    }
    if (h.hart.features().has('H')) {
        auto status = hstatus::Spv::set(h.hart.read<csr::Hstatus>(), h.regs.virt ? 1 : 0);
        status = hstatus::Gva::set(status, mstatus::Gva::get(trap.mstatus));
        if (h.regs.virt) status = hstatus::Spvp::set(status, static_cast<u64>(h.regs.priv));
        h.hart.write<csr::Hstatus>(status);
        h.hart.write<csr::Htval>(trap.tval2);
        h.hart.write<csr::Htinst>(trap.tinst);
    }
    h.regs.virt = false;
    trap_to_supervisor(h, trap, h.v.mstatus);
}

u64 virtual_mip(HartState& h) {
    auto const physical = h.hart.read<csr::Mip>() & ~(irq::bit(irq::Msi) | irq::bit(irq::Mti));
    auto const parked = h.world == World::Firmware ? h.v.hvip : 0;
    auto const timer = h.vmtimecmp.load() <= h.now;
    return physical | parked | (h.vmsip.load() != 0 ? irq::bit(irq::Msi) : 0) |
           (timer ? irq::bit(irq::Mti) : 0);
}

std::optional<unsigned> highest_interrupt(u64 pending) {
    constexpr unsigned order[] = {irq::Mei,  irq::Msi,  irq::Mti,  irq::Sei,  irq::Ssi,  irq::Sti,
                                  irq::Sgei, irq::Vsei, irq::Vssi, irq::Vsti, irq::Lcofi};
    if (pending == 0) return std::nullopt;
    for (auto const number : order)
        if ((pending & irq::bit(number)) != 0) return number;
    return std::nullopt;
}

} // namespace plinth::monitor
