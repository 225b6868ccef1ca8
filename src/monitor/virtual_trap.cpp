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

void trap_to_enclave(HartState& h, Trap const& trap) {
    auto& status = h.enclave->supervisor.sstatus;
    status = mstatus::Spp::set(status, h.regs.priv == Priv::S ? 1 : 0);
    status = mstatus::Spie::set(status, mstatus::Sie::get(status));
    status = mstatus::Sie::set(status, 0);
    h.hart.write<csr::Sepc>(h.regs.guest.pc);
    h.hart.write<csr::Scause>(trap.cause);
    h.hart.write<csr::Stval>(trap.tval);
    h.regs.guest.pc = vector_target(h.hart.read<csr::Stvec>(), trap.cause);
    h.regs.priv = Priv::S;
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
