// SPDX-License-Identifier: Apache-2.0
#include "monitor/short_path.hpp"

#include "monitor/devices.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/virtual_csrs.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

using arch::Insn;

constexpr u64 mret = 0x30200073;

/// Whether a register field from bit `low` on names x3, x8, x9 or x18 to x27.
constexpr u64 preserved(u64 bits, unsigned low) {
    return 0x0ffc'0308U >> (static_cast<u32>(bits) >> low & 31U) & 1U;
}

/// What could not be read is looked at by the run loop, as it trapped.
[[gnu::cold, gnu::noinline]] u64 unreadable(HartState& h, Cause cause) {
    h.hart.write<csr::Mcause>(arch::raw(cause));
    h.hart.write<csr::Mtval>(h.trap.tval); // not looked at if the instruction was illegal
    return 0;
}
/// The instruction at pc, 0 if it cannot be read any more.
u64 instruction(HartState& h, Cause cause) {
    auto const bits = h.hart.fetch(h.regs.guest.pc);
    return fetched(bits) ? bits : unreadable(h, cause);
}

/// How the firmware goes on behind an instruction of that length.
template <bool All> [[gnu::always_inline]] inline Short go_on(HartState& h, u64 length) {
    h.regs.guest.pc += length;
    if (h.prepared) return All ? Short::ResumeAll : Short::Resume;
    if (mstatus::Mie::get(h.v.mstatus) != 0) return Short::Turn; // something may be pending
    prepare_entry(h);
    return Short::ResumePrepared;
}

/// ld from or sd to this hart's own mtimecmp, ld from mtime.
template <bool Store> [[gnu::always_inline]] inline bool own_timer(HartState& h, u64 bits) {
    if ((bits & 0x707fU) != (Store ? 0x3023U : 0x3003U)) return false;
    auto const insn = Insn{static_cast<u32>(bits), Store ? Insn::Kind::Store : Insn::Kind::Load};
    if (insn.address(h.regs.guest) != h.trap.tval) return false; // rewritten meanwhile
    auto const compared =
        h.trap.tval == board::clint.base().raw + clint_mtimecmp + 8ULL * h.hart.id();
    if (Store) {
        if (compared) set_timer(h, h.regs.guest.get(insn.rs2()));
        return compared;
    }
    if (compared)
        h.regs.guest.set(insn.rd(), h.vmtimecmp.load(std::memory_order_relaxed));
    else if (h.trap.tval == board::clint.base().raw + clint_mtime)
        h.regs.guest.set(insn.rd(), h.hart.time());
    else
        return false;
    return true;
}

template <bool All, bool Store> [[gnu::noinline]] Short access_clint(HartState& h) {
    constexpr auto cause = Store ? Cause::StoreAccess : Cause::LoadAccess;
    h.trap.cause = arch::raw(cause);
    h.trap.tval = h.hart.read<csr::Mtval>();
    if (!board::clint.contains({h.trap.tval})) return Short::No;
    auto const bits = instruction(h, cause);
    auto const used = preserved(bits, 15) | (Store ? preserved(bits, 20) : preserved(bits, 7));
    if (!All && (!arch::is_full_length(bits) || used != 0)) return Short::Save;
    if (own_timer<Store>(h, bits)) return go_on<All>(h, 4);
    auto const next = emulate_device(h, arch::decode(static_cast<u32>(bits)));
    return next.kind() == Next::Kind::Skip ? go_on<All>(h, next.length()) : Short::No;
}

[[gnu::noinline]] Short return_from_m(HartState& h) {
    unprepare(h);
    if (emulate_mret(h).kind() == Next::Kind::Host) firmware_to_host(h);
    return Short::Turn;
}

template <bool All> [[gnu::noinline]] Short access_csr(HartState& h) {
    auto const insn = arch::CsrInsn{instruction(h, Cause::IllegalInstruction)};
    if (!insn.valid()) return insn.bits == mret ? return_from_m(h) : Short::No;
    if (!All && (preserved(insn.bits, 7) | preserved(insn.bits, 15)) != 0) return Short::Save;
    return emulate_csr(h, insn).word == skip().word ? go_on<All>(h, 4) : Short::No;
}

/// Only chooses: what follows needs registers saved, and what leaves here does not.
template <bool All> [[gnu::always_inline]] inline Short short_path(HartState& h) {
    if (h.hides_code) return Short::No;
    auto const cause = static_cast<Cause>(h.hart.read<csr::Mcause>());
    if (cause == Cause::IllegalInstruction) return access_csr<All>(h);
    return cause == Cause::LoadAccess ? access_clint<All, false>(h) : access_clint<All, true>(h);
}

} // namespace

extern "C" Short plinth_short_path(HartState& h) { return short_path<false>(h); }
extern "C" Short plinth_short_path_all(HartState& h) { return short_path<true>(h); }

} // namespace plinth::monitor
