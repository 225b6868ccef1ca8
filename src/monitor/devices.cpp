// SPDX-License-Identifier: Apache-2.0
#include "monitor/devices.hpp"

#include "base/wipe.hpp"
#include "monitor/access.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/harts.hpp"
#include "monitor/worlds.hpp"

#include <algorithm>

namespace plinth::monitor {
namespace {

using namespace arch;

constexpr u64 clint_mtimecmp = 0x4000, clint_mtime = 0xbff8;

/// One naturally aligned half (4 bytes) or whole (8 bytes) of a 64-bit device register.
u64 part(u64 word, u64 offset, unsigned width) {
    return width == 8 ? word : (word >> (8 * (offset & 4U))) & 0xffff'ffffU;
}
u64 with_part(u64 word, u64 offset, unsigned width, u64 value) {
    if (width == 8) return value;
    auto const shift = 8 * (offset & 4U);
    return merge(word, value << shift, 0xffff'ffffULL << shift);
}

/// A register of the virtual CLINT.
struct ClintRegister {
    enum class Kind : u8 { None, Msip, Mtimecmp, Mtime } kind{Kind::None};
    unsigned hart{0};
};

/// The register at `offset`, if an access of `width` bytes may be made there: 4 or 8 bytes,
/// naturally aligned, and 4 for msip.
ClintRegister clint_register(u64 offset, unsigned width, unsigned harts) {
    using Kind = ClintRegister::Kind;
    if ((width != 4 && width != 8) || offset % width != 0) return {};
    if (offset / 4 < harts && width == 4) return {Kind::Msip, static_cast<unsigned>(offset / 4)};
    if (offset >= clint_mtimecmp && offset < clint_mtimecmp + 8ULL * harts)
        return {Kind::Mtimecmp, static_cast<unsigned>((offset - clint_mtimecmp) / 8)};
    if (offset >= clint_mtime && offset < clint_mtime + 8) return {Kind::Mtime, 0};
    return {};
}

u64 clint_load(HartState& h, ClintRegister at, u64 offset, unsigned width) {
    auto& target = h.monitor->harts[at.hart];
    switch (at.kind) {
    case ClintRegister::Kind::Msip: return target.vmsip.load();
    case ClintRegister::Kind::Mtimecmp: return part(target.vmtimecmp.load(), offset, width);
    case ClintRegister::Kind::Mtime: return part(h.hart.time(), offset, width);
    case ClintRegister::Kind::None: break;
    }
    return 0;
}

/// Writes to mtime are ignored: time belongs to everyone.
void clint_store(HartState& h, ClintRegister at, u64 offset, unsigned width, u64 value) {
    auto& target = h.monitor->harts[at.hart];
    switch (at.kind) {
    case ClintRegister::Kind::Msip: target.vmsip.store(value & 1U); break;
    case ClintRegister::Kind::Mtimecmp:
        target.vmtimecmp.store(with_part(target.vmtimecmp.load(), offset, width, value));
        break;
    case ClintRegister::Kind::Mtime:
    case ClintRegister::Kind::None: return;
    }
    if (&target != &h && target.online.load() != 0) h.hart.send_ipi(at.hart);
}

Next emulate_clint(HartState& h, Trap const& trap, Insn const& insn) {
    auto const offset = trap.tval - board::clint.base().raw;
    auto const at = clint_register(offset, insn.width, h.monitor->boot.harts);
    if (at.kind == ClintRegister::Kind::None) return reflect(trap);
    if (insn.kind == Insn::Kind::Load)
        complete(h, insn, clint_load(h, at, offset, insn.width));
    else
        clint_store(h, at, offset, insn.width, h.regs.guest.get(insn.rs2));
    return skip(insn.length);
}

Next emulate_reset(HartState& h, Trap const& trap, Insn const& insn) {
    if (insn.kind == Insn::Kind::Load) {
        complete(h, insn, 0);
        return skip(insn.length);
    }
    auto const value = h.regs.guest.get(insn.rs2);
    if (!board::is_reset_command(trap.tval, insn.width, value)) return skip(insn.length);
    wipe_everything(h);
    board::reset(value);
    return {.kind = Next::Kind::Stop};
}

} // namespace

void wipe_everything(HartState& h) {
    stop_others(h);
    for (auto& enclave : h.monitor->registry.seize().all()) {
        if (enclave.layout)
            wipe(h.hart.bytes(enclave.layout->epm).data(), enclave.layout->epm.size());
        wipe_object(enclave.supervisor);
        wipe_object(enclave.registers);
    }
    forget_worlds(h);
    h.monitor->identity.seize().wipe();
    h.monitor->drbg.seize().wipe();
}

Next firmware_access_fault(HartState& h, Trap const& trap) {
    auto const address = PhysAddr{trap.tval};
    auto const clint = board::clint.contains(address);
    auto const resets =
        std::ranges::any_of(board::reset_devices, [&](PhysRange r) { return r.contains(address); });
    if (!clint && !resets) return reflect(trap);
    auto const bits = fetch(h);
    if (!bits) return reflect(trap, Cause::FetchAccess, h.regs.guest.pc);
    auto const insn = decode(*bits);
    auto const wanted = trap.is(Cause::LoadAccess) ? Insn::Kind::Load : Insn::Kind::Store;
    // Another hart may have rewritten the instruction: what was fetched must fit the trap.
    if (insn.kind != wanted || h.regs.guest.get(insn.rs1) + insn.offset != trap.tval)
        return reflect(trap);
    return clint ? emulate_clint(h, trap, insn) : emulate_reset(h, trap, insn);
}

} // namespace plinth::monitor
