// SPDX-License-Identifier: Apache-2.0
#include "monitor/short_path.hpp"

#include "monitor/devices.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/virtual_csrs.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

using arch::Insn;

/// x3, x8, x9, x18 to x27.
constexpr bool preserved(unsigned reg) { return (0x0ffc'0308U >> reg & 1U) != 0; }

/// Most accesses to devices are not compressed: those are not looked at twice.
Insn device_access(u32 bits) {
    auto const opcode = bits & 0x7fU;
    if (opcode == 0x23 && (bits & 0x4000U) == 0) return {bits, Insn::Kind::Store};
    return arch::decode(bits);
}

/// The instruction at pc, 0 if it cannot be read any more. Then mcause is as it was.
u32 instruction(HartState& h, u64 cause) {
    auto const bits = h.hart.fetch(h.regs.guest.pc);
    if (fetched(bits)) return static_cast<u32>(bits);
    h.hart.write<csr::Mcause>(cause);
    return 0;
}

Next execute(HartState& h, u64 cause, u32& bits) {
    if (cause == arch::raw(Cause::IllegalInstruction)) {
        bits = instruction(h, cause);
        auto const insn = arch::CsrInsn{bits};
        return insn.valid() ? emulate_csr(h, insn) : resume();
    }
    h.trap.cause = cause;
    h.trap.tval = h.hart.read<csr::Mtval>();
    if (!board::clint.contains({h.trap.tval})) return resume();
    bits = instruction(h, cause);
    return emulate_device(h, device_access(bits));
}

} // namespace

Short short_path(HartState& h) {
    if (h.loaded->hides_code) return Short::No;
    take_dirty(h);
    u32 bits = 0;
    auto const next = execute(h, h.hart.read<csr::Mcause>(), bits);
    if (next.kind() != Next::Kind::Skip) return Short::No;
    h.regs.guest.pc += next.length();
    if (!h.prepared) {
        if (mstatus::Mie::get(h.v.mstatus) != 0) return Short::Turn; // something may be pending
        prepare_entry(h);
        return Short::ResumePrepared;
    }
    auto const plain = arch::is_full_length(bits) && !preserved((bits >> 7U) & 31U);
    return plain ? Short::Resume : Short::ResumeAll;
}

} // namespace plinth::monitor
