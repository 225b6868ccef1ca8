// SPDX-License-Identifier: Apache-2.0
// Traps of a running enclave. Interrupts and what it cannot handle return the hart to the host.
#include "arch/decode.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"

namespace plinth::monitor {
namespace {

/// time, cycle and instret where the hart lacks them or traps on them; everything else is the
/// runtime's.
Next illegal_instruction(HartState& h) {
    auto const bits = fetch(h);
    auto const insn = arch::CsrInsn{fetched(bits) ? static_cast<u32>(bits) : 0};
    if (!insn.valid() || insn.writes()) return reflect();
    switch (insn.csr()) {
    case csr::Time: h.regs.guest.set(insn.rd(), h.hart.time()); return skip();
    case csr::Cycle: h.regs.guest.set(insn.rd(), h.hart.read<csr::Mcycle>()); return skip();
    case csr::Instret: h.regs.guest.set(insn.rd(), h.hart.read<csr::Minstret>()); return skip();
    }
    return reflect();
}

} // namespace

Next handle_enclave(HartState& h) {
    if (h.trap.from_virtual())
        return leave(h, enclave::Code::Unknown); // enclaves are no hypervisors
    if (h.trap.is(Cause::EcallS)) return sbi_from_enclave(h);
    auto const stvec = h.hart.read<csr::Stvec>();
    auto const lost =
        stvec == 0 || (h.trap.is(Cause::FetchAccess) && h.regs.guest.pc == (stvec & ~3ULL));
    if (lost) return leave(h, enclave::Code::Unknown);
    if (h.trap.is(Cause::IllegalInstruction)) return illegal_instruction(h);
    if (h.trap.is(Cause::LoadMisaligned) || h.trap.is(Cause::StoreMisaligned))
        return emulate_misaligned(h);
    return reflect();
}

} // namespace plinth::monitor
