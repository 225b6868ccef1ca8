// SPDX-License-Identifier: Apache-2.0
#include "monitor/worlds.hpp"

#include "base/wipe.hpp"
#include "monitor/harts.hpp"
#include "monitor/virtual_csrs.hpp"
#include "monitor/virtual_trap.hpp"

#include <algorithm>

namespace plinth::monitor {
namespace {

using namespace arch;

/// Exceptions that an enclave's runtime handles itself: misaligned fetch, breakpoint, ecall from U,
/// page faults. Everything else comes to the monitor.
constexpr u64 enclave_medeleg = 0xb109;

/// Where H is these read as one (9.4.2).
u64 fixed_mideleg(HartState const& h) { return h.hart.features().has('H') ? irq::vs_bits : 0; }

/// On a hart with S-mode.
void write_delegation(HartState& h, u64 exceptions, u64 interrupts) {
    h.hart.write<csr::Medeleg>(exceptions);
    h.hart.write<csr::Mideleg>(interrupts);
}

/// hvip, also where a hart ties its VSTIP to menvcfg.STCE as it does mip's (QEMU 7.2).
void write_hvip(HartState& h, u64 value) {
    auto const& f = h.hart.features();
    if (h.hart.read<csr::Hvip>() == value) return;
    if (f.sstc) h.hart.clear<csr::Menvcfg>(envcfg::Stce::mask);
    h.hart.write<csr::Hvip>(value);
    if (f.sstc) h.hart.write<csr::Menvcfg>(h.v.menvcfg);
}

/// Takes from the hart what would interrupt U-mode behind the monitor's back (invariant 10).
void park_hypervisor(HartState& h) {
    if (!h.hart.features().has('H')) return;
    h.v.hvip = h.hart.read<csr::Hvip>();
    h.v.hgeie = h.hart.read<csr::Hgeie>();
    h.v.hstatus = h.hart.read<csr::Hstatus>();
    write_hvip(h, 0);
    h.hart.write<csr::Hgeie>(0);
    h.hart.clear<csr::Hstatus>(hstatus::Hu::mask);
}

void unpark_hypervisor(HartState& h) {
    if (!h.hart.features().has('H')) return;
    write_hvip(h, h.v.hvip);
    h.hart.write<csr::Hgeie>(h.v.hgeie);
    h.hart.write<csr::Hstatus>(h.v.hstatus);
}

/// The host's own timer where the hart has Sstc and the host may use it; never otherwise.
u64 host_deadline(HartState& h) {
    auto const on = h.hart.features().sstc && envcfg::Stce::get(h.v.menvcfg) != 0 &&
                    (h.v.mie & irq::bit(irq::Sti)) != 0;
    return on ? h.hart.read<csr::Stimecmp>() : u64{~0ULL};
}

} // namespace

void delegate_host(HartState& h) { write_delegation(h, h.v.medeleg & h.delegable, h.v.mideleg); }

void program_deadline(HartState& h) {
    u64 deadline = ~0ULL;
    auto const consider = [&](u64 moment) {
        if (moment > h.now) deadline = std::min(deadline, moment);
    };
    consider(h.vmtimecmp.load(std::memory_order_relaxed));
    if (h.world == World::Enclave) {
        consider(h.enclave->deadline);
        consider(host_deadline(h));
    }
    if (deadline == h.programmed) return;
    h.programmed = deadline;
    h.hart.set_deadline(deadline);
}

namespace {

struct EntryCsrs {
    u64 mie, mstatus;
};
/// mie for the current world: the monitor's own two always; in vM what it would take now, none of
/// which is delegated there, so that it comes to the monitor; below M also what the host enabled
/// (invariants 9 and 12). Of sstatus vM needs the registers only: satp is 0, sstatus is emulated.
/// Where there is no S-mode TW brings its wfi here (3.1.6.5).
EntryCsrs entry_csrs(HartState& h) {
    constexpr u64 traps = mstatus::Tvm::mask | mstatus::Tw::mask | mstatus::Tsr::mask;
    constexpr auto fixed = mstatus::Uxl::set(mstatus::Sxl::set(mstatus::Mpie::mask, 2), 2);
    constexpr auto own = irq::bit(irq::Msi) | irq::bit(irq::Mti);
    constexpr auto not_vs = irq::bit(irq::Mei) | (irq::below_m & ~irq::vs_bits);
    auto const& status = h.v.mstatus;
    auto const priv = mstatus::Mpp::set(fixed, static_cast<u64>(h.regs.priv));
    switch (h.world) {
    case World::Firmware: {
        auto const taken = mstatus::Mie::get(status) == 0 ? 0 : h.v.mie & ~h.v.mideleg & not_vs;
        auto const wait = (h.lacking & need::letter('S')) != 0 ? mstatus::Tw::mask : 0;
        return {own | taken, fixed | wait | (status & (mstatus::Fs::mask | mstatus::Vs::mask))};
    }
    case World::Host:
        return {own | (h.v.mie & (irq::bit(irq::Mei) | irq::below_m)),
                mstatus::Mpv::set(priv, h.regs.virt ? 1 : 0) |
                    (status & (mstatus::s_writable | traps))};
    case World::Enclave: return {own | (h.v.mie & not_vs), priv | h.enclave->supervisor.sstatus};
    }
    return {own, fixed};
}

} // namespace

void firmware_to_host(HartState& h) {
    h.world = World::Host;
    h.reservation = {};
    if (!h.hart.features().has('S')) return;
    delegate_host(h);
    h.hart.write<csr::Satp>(h.v.satp);
    unpark_hypervisor(h);
}

void host_to_firmware(HartState& h) {
    h.world = World::Firmware;
    if (!h.hart.features().has('S')) return;
    write_delegation(h, 0, fixed_mideleg(h));
    h.v.satp = h.hart.read<csr::Satp>();
    h.hart.write<csr::Satp>(0);
    park_hypervisor(h);
}

void host_to_enclave(HartState& h) {
    auto& enclave = *h.enclave;
    auto const& f = h.hart.features();
    h.host_regs = h.regs;
    enclave::save(h.hart, h.host_supervisor);
    enclave::save(h.hart, h.host_hypervisor);
    if (f.envcfg) h.hart.write<csr::Menvcfg>(0);
    enclave::load(h.hart, enclave::HypervisorContext{});
    h.world = World::Enclave;
    h.regs = enclave.registers;
    write_delegation(h, enclave_medeleg, fixed_mideleg(h));
    enclave::load(h.hart, enclave.supervisor);
    h.hart.write<csr::Mcounteren>(7);
    h.enclave_plan.make(enclave_plan(*enclave.layout), f.pmp_entries);
    load_plan(h, h.enclave_plan);
    h.hart.fence_all();
    if (enclave.last_hart != h.hart.id()) h.hart.fence_code();
    enclave.last_hart = h.hart.id();
    program_deadline(h);
}

void enclave_to_host(HartState& h, enclave::Answer answer) {
    auto const& f = h.hart.features();
    h.enclave->registers = h.regs;
    if (h.enclave->deadline <= h.hart.time()) h.enclave->deadline = ~0ULL; // one shot
    enclave::save(h.hart, h.enclave->supervisor);
    h.enclave = nullptr;
    h.world = World::Host;
    h.regs = h.host_regs;
    enclave::load(h.hart, h.host_supervisor);
    h.hart.write<csr::Mcounteren>(h.v.mcounteren);
    if (f.has('H'))
        h.hart.write<csr::Hvip>(h.host_hypervisor.csrs[3]); // before STCE: see write_hvip
    static_assert(enclave::HypervisorCsrs::numbers[3] == csr::Hvip);
    if (f.envcfg) h.hart.write<csr::Menvcfg>(h.v.menvcfg);
    enclave::load(h.hart, h.host_hypervisor); // henvcfg after menvcfg, which limits it
    // The comparison starts anew where Sstc was off for the enclave.
    if (f.sstc && envcfg::Stce::get(h.v.menvcfg) != 0)
        h.hart.write<csr::Stimecmp>(h.hart.read<csr::Stimecmp>());
    delegate_host(h);
    load_current_plan(h);
    h.hart.fence_all();
    h.regs.guest.set(reg::a0, static_cast<u64>(answer.code));
    h.regs.guest.set(reg::a1, answer.value);
    program_deadline(h);
}

[[gnu::no_stack_protector]] void forget_worlds(HartState& h) {
    wipe_object(h.regs);
    wipe_stack_below(); // what was read for an enclave
    if (h.hart.features().envcfg) h.hart.write<csr::Menvcfg>(0);
    enclave::load(h.hart, enclave::SupervisorContext{});
    enclave::load(h.hart, enclave::HypervisorContext{});
}

bool enclave_must_stop(HartState& h) {
    h.now = h.hart.time();
    auto const enabled = h.v.mie & virtual_mip(h);
    if ((enabled & ~irq::vs_bits) != 0) return true;
    return h.enclave->deadline <= h.now || host_deadline(h) <= h.now;
}

void prepare_entry(HartState& h) {
    load_current_plan(h);
    auto const [mie, status] = entry_csrs(h);
    h.regs.guest.mstatus = status;
    h.prepared = true;
    h.hart.write<csr::Mie>(mie);
}

void wait_for_virtual_interrupt(HartState& h) {
    h.now = h.hart.time();
    if ((virtual_mip(h) & h.v.mie) != 0) return;
    program_deadline(h);
    h.hart.write<csr::Mie>(irq::bit(irq::Msi) | irq::bit(irq::Mti) |
                           (h.v.mie & (irq::bit(irq::Mei) | irq::below_m)));
    h.hart.wait_for_interrupt();
    h.hart.clear_ipi();
    serve(h);
    h.now = h.hart.time();
    program_deadline(h);
}

void reset_virtual_hart(HartState& h) {
    auto const& boot = h.monitor->boot;
    h.world = World::Firmware;
    h.lacking = need::lacking(h.hart.features());
    h.status_writable = mstatus_writable(h.hart.features());
    h.v = {};
    h.v.pmp.grain = h.hart.features().pmp_granule - 2;
    h.v.mstatus = mstatus::Uxl::set(mstatus::Sxl::set(0, h.hart.features().has('S') ? 2 : 0), 2);
    h.v.mideleg = fixed_mideleg(h);
    h.regs = {};
    h.regs.guest.pc = board::firmware.base().raw;
    h.regs.guest.set(reg::a0, h.hart.id());
    h.regs.guest.set(reg::a1, boot.fdt);
    h.regs.guest.set(reg::a2, boot.fw_dynamic);
    if (h.hart.features().has('S')) write_delegation(h, 0, fixed_mideleg(h));
}

} // namespace plinth::monitor
