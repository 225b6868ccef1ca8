// SPDX-License-Identifier: Apache-2.0
// Traps of the firmware, which believes that it is in M-mode.
#include "monitor/devices.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"
#include "monitor/virtual_csrs.hpp"
#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

using arch::Insn;

Next return_to(HartState& h, Return const& where, u64 pc) {
    h.v.mstatus = where.status;
    h.regs.guest.pc = pc;
    if (where.priv == Priv::M) return resume();
    h.regs.priv = where.priv;
    h.regs.virt = where.virt;
    return Next::of(Next::Kind::Host);
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

/// Privileged instructions of vM, hypervisor loads and stores the last. Anything unknown is illegal
/// there, too.
[[gnu::noinline]] Next emulate_privileged(HartState& h, u32 bits) {
    auto const insn = arch::decode(bits);
    auto const& f = h.hart.features();
    switch (insn.kind) {
    case Insn::Kind::Mret: return emulate_mret(h);
    case Insn::Kind::Sret: return f.has('S') ? emulate_sret(h) : illegal(h, bits);
    case Insn::Kind::Wfi: wait_for_virtual_interrupt(h); return skip();
    case Insn::Kind::Fence: return f.has('S') ? emulate_fence(h) : illegal(h, bits);
    case Insn::Kind::HFence: return f.has('H') ? emulate_fence(h) : illegal(h, bits);
    case Insn::Kind::Inval: return f.svinval ? emulate_fence(h) : illegal(h, bits);
    case Insn::Kind::HInval: return f.svinval && f.has('H') ? emulate_fence(h) : illegal(h, bits);
    default: return emulate_hyper(h, bits);
    }
}

[[gnu::noinline]] Next emulate(HartState& h) {
    // Not from mtval, which may be zero (3.1.16) and on QEMU 10.0 is stale for mret.
    auto const word = fetch(h);
    if (!fetched(word)) return reflect(h, Cause::FetchAccess, h.regs.guest.pc);
    auto const bits = static_cast<u32>(word);
    if (auto const csr = arch::CsrInsn{bits}; csr.valid()) return emulate_csr(h, csr);
    return emulate_privileged(h, bits);
}

/// Keystone calls are for the host; every other ecall is the firmware's own business.
Next firmware_ecall(HartState& h) {
    if (h.regs.guest.get(reg::a7) != enclave::keystone_extension)
        return reflect(h, Cause::EcallM, 0);
    return answer(h, static_cast<u64>(enclave::Code::Prohibited));
}

} // namespace

Next emulate_mret(HartState& h) { return return_to(h, mret(h.v.mstatus), h.v.mepc); }

Next handle_firmware(HartState& h) {
    if (h.trap.is(Cause::EcallU)) return firmware_ecall(h);
    if (h.trap.is(Cause::IllegalInstruction)) return emulate(h);
    if (h.trap.is(Cause::LoadAccess) || h.trap.is(Cause::StoreAccess))
        return mprv_in_force(h) ? emulate_mprv(h) : firmware_access_fault(h);
    return h.trap.is(Cause::FetchAccess) ? plan_fault(h) : reflect();
}

} // namespace plinth::monitor
