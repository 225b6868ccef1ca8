// SPDX-License-Identifier: Apache-2.0
#include "monitor/short_path.hpp"

#include "monitor/devices.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/virtual_csrs.hpp"

namespace plinth::monitor {
namespace {

using arch::Insn;

/// x3, x8, x9, x18 to x27.
constexpr bool preserved(unsigned reg) { return (0x0ffc'0308U >> reg & 1U) != 0; }

constexpr auto became_dirty = mstatus::Fs::mask | mstatus::Vs::mask;

/// Most accesses to devices are not compressed: those are not looked at twice.
Insn device_access(u32 bits) {
    auto const opcode = bits & 0x7fU;
    if (opcode == 0x23 && (bits & 0x4000U) == 0) return {bits, Insn::Kind::Store};
    return arch::decode(bits);
}

Next execute(HartState& h, u64 bits) {
    if (!h.trap.is(Cause::IllegalInstruction))
        return emulate_device(h, device_access(static_cast<u32>(bits)));
    auto const csr = arch::CsrInsn{static_cast<u32>(bits)};
    return csr.valid() ? emulate_csr(h, csr) : resume();
}

} // namespace

Short short_path(HartState& h) {
    if (h.world != World::Firmware || h.loaded->hides_code ||
        ((h.hart.read<csr::Mstatus>() ^ h.regs.guest.mstatus) & became_dirty) != 0)
        return Short::No;
    h.trap.cause = h.hart.read<csr::Mcause>();
    h.trap.tval = h.hart.read<csr::Mtval>();
    auto const illegal = h.trap.is(Cause::IllegalInstruction);
    if (!illegal && !board::clint.contains({h.trap.tval})) return Short::No;
    auto const bits = h.hart.fetch(h.regs.guest.pc);
    if (!fetched(bits)) { // a trap of the monitor's own, which leaves no trace
        h.hart.write<csr::Mcause>(h.trap.cause);
        h.hart.write<csr::Mtval>(h.trap.tval);
        h.hart.write<csr::Mstatus>(h.regs.guest.mstatus);
        return Short::No;
    }
    auto const next = execute(h, bits);
    if (next.kind() != Next::Kind::Skip) return Short::No;
    h.regs.guest.pc += next.length();
    if (!h.prepared) return Short::Turn;
    auto const plain = arch::is_full_length(bits) && !preserved((bits >> 7U) & 31U);
    return plain ? Short::Resume : Short::ResumeAll;
}

} // namespace plinth::monitor
