// SPDX-License-Identifier: Apache-2.0
// Traps of the firmware, which believes that it is in M-mode.
#include "monitor/devices.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/virtual_csrs.hpp"
#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

using arch::Insn;

Next illegal(Trap const& trap, u32 bits) { return reflect(trap, Cause::IllegalInstruction, bits); }

Next emulate_csr(HartState& h, Trap const& trap, Insn const& insn, u32 bits) {
    auto const access = access_csr(h, insn);
    if (!access) return illegal(trap, bits);
    h.regs.guest.set(insn.rd, access->old);
    auto next = skip();
    next.replan = access->effects.replan;
    return next;
}

Next return_to(HartState& h, Return const& where, u64 pc) {
    h.v.mstatus = where.status;
    h.regs.guest.pc = pc;
    if (where.priv == Priv::M) return resume();
    h.regs.priv = where.priv;
    h.regs.virt = where.virt;
    return {.kind = Next::Kind::Host};
}

Next emulate_sret(HartState& h) {
    auto const spv = h.hart.features().has('H') && arch::hstatus::Spv::get(h.v.hstatus) != 0;
    h.v.hstatus = arch::hstatus::Spv::set(h.v.hstatus, 0);
    return return_to(h, sret(h.v.mstatus, spv), h.hart.read<csr::Sepc>());
}

Next emulate_fence(HartState& h) {
    h.hart.fence_all();
    return skip();
}

/// Privileged instructions of vM. Anything unknown is illegal there, too.
Next emulate(HartState& h, Trap const& trap) {
    // Not from mtval, which may be zero (3.1.16) and on QEMU 10.0 is stale for mret.
    auto const fetched = fetch(h);
    if (!fetched) return reflect(trap, Cause::FetchAccess, h.regs.guest.pc);
    auto const bits = *fetched;
    auto const insn = arch::decode(bits);
    auto const& f = h.hart.features();
    switch (insn.kind) {
    case Insn::Kind::CsrWrite:
    case Insn::Kind::CsrSet:
    case Insn::Kind::CsrClear: return emulate_csr(h, trap, insn, bits);
    case Insn::Kind::Mret: return return_to(h, mret(h.v.mstatus), h.v.mepc);
    case Insn::Kind::Sret: return f.has('S') ? emulate_sret(h) : illegal(trap, bits);
    case Insn::Kind::Wfi: wait_for_virtual_interrupt(h); return skip();
    case Insn::Kind::Fence: return f.has('S') ? emulate_fence(h) : illegal(trap, bits);
    case Insn::Kind::HFence: return f.has('H') ? emulate_fence(h) : illegal(trap, bits);
    case Insn::Kind::Load:
    case Insn::Kind::Store:
    case Insn::Kind::LoadFp:
    case Insn::Kind::StoreFp:
    case Insn::Kind::LoadReserved:
    case Insn::Kind::StoreConditional:
    case Insn::Kind::Amo:
    case Insn::Kind::Unknown: break;
    }
    return illegal(trap, bits);
}

bool mprv_in_force(HartState const& h) {
    return mstatus::Mprv::get(h.v.mstatus) != 0 &&
           mstatus::Mpp::get(h.v.mstatus) != static_cast<u64>(Priv::M);
}

/// Keystone calls are for the host; every other ecall is the firmware's own business.
Next firmware_ecall(HartState& h, Trap const& trap) {
    if (h.regs.guest.get(reg::a7) != enclave::keystone_extension)
        return reflect(trap, Cause::EcallM, 0);
    h.regs.guest.set(reg::a0, static_cast<u64>(enclave::Code::Prohibited));
    h.regs.guest.set(reg::a1, 0);
    return skip();
}

} // namespace

Next handle_firmware(HartState& h, Trap const& trap) {
    if (trap.is(Cause::EcallU)) return firmware_ecall(h, trap);
    if (trap.is(Cause::IllegalInstruction)) return emulate(h, trap);
    if (trap.is(Cause::LoadAccess) || trap.is(Cause::StoreAccess))
        return mprv_in_force(h) ? emulate_mprv(h, trap) : firmware_access_fault(h, trap);
    return reflect(trap);
}

} // namespace plinth::monitor
