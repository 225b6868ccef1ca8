// SPDX-License-Identifier: Apache-2.0
// Traps of a running enclave. Interrupts and what it cannot handle return the hart to the host.
#include "arch/decode.hpp"
#include "monitor/enclave_calls.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"

namespace plinth::monitor {
namespace {

using arch::Insn;

/// time, cycle and instret where the hart lacks them or traps on them; everything else is the
/// runtime's.
Next illegal_instruction(HartState& h, Trap const& trap) {
    auto const bits = fetch(h);
    auto const insn = bits ? arch::decode(*bits) : Insn{};
    if (!insn.is_csr() || insn.csr_writes()) return reflect(trap);
    switch (insn.csr) {
    case csr::Time: h.regs.guest.set(insn.rd, h.hart.time()); return skip();
    case csr::Cycle: h.regs.guest.set(insn.rd, h.hart.read<csr::Mcycle>()); return skip();
    case csr::Instret: h.regs.guest.set(insn.rd, h.hart.read<csr::Minstret>()); return skip();
    }
    return reflect(trap);
}

} // namespace

Next handle_enclave(HartState& h, Trap const& trap) {
    if (trap.from_virtual()) return leave(enclave::Code::Unknown); // enclaves are no hypervisors
    if (trap.is(Cause::EcallS)) return sbi_from_enclave(h);
    auto const stvec = h.hart.read<csr::Stvec>();
    auto const lost =
        stvec == 0 || (trap.is(Cause::FetchAccess) && h.regs.guest.pc == (stvec & ~3ULL));
    if (lost) return leave(enclave::Code::Unknown);
    if (trap.is(Cause::IllegalInstruction)) return illegal_instruction(h, trap);
    if (trap.is(Cause::LoadMisaligned) || trap.is(Cause::StoreMisaligned))
        return emulate_misaligned(h, trap);
    return reflect(trap);
}

} // namespace plinth::monitor
