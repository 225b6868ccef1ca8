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

/// Makes another hart look at its virtual interrupts.
void wake(HartState& h, HartState& target) {
    if (target.online.load() != 0) h.hart.send_ipi(target.hart.id());
}

/// One access to a 64-bit register: what was loaded goes to rd, what is stored is returned.
u64 access(HartState& h, Insn insn, u64 word) {
    auto const offset = h.trap.tval;
    auto const width = insn.width();
    if (insn.stores()) return with_part(word, offset, width, h.regs.guest.get(insn.rs2()));
    complete(h, insn, part(word, offset, width));
    return word;
}

void access_mtimecmp(HartState& h, Insn insn, HartState& target) {
    auto const old = target.vmtimecmp.load(std::memory_order_relaxed);
    auto const word = access(h, insn, old);
    if (insn.loads()) return;
    target.vmtimecmp.store(word, std::memory_order_relaxed); // send_ipi() fences
    if (&target != &h) return wake(h, target);
    h.now = h.hart.time();
    program_deadline(h);
}

void access_msip(HartState& h, Insn insn, HartState& target) {
    if (insn.loads()) return complete(h, insn, target.vmsip.load());
    target.vmsip.store(h.regs.guest.get(insn.rs2()) & 1U);
    if (&target != &h) wake(h, target);
}

/// Accesses of 4 or 8 bytes, naturally aligned, to msip (4 bytes), mtimecmp and mtime are there;
/// what is written to mtime is ignored: time belongs to everyone.
Next emulate_clint(HartState& h, Insn insn) {
    auto const offset = h.trap.tval - board::clint.base().raw;
    auto const width = insn.width();
    auto const index = offset % clint_mtimecmp / (offset < clint_mtimecmp ? 4 : 8);
    auto const there = index < h.monitor->boot.harts;
    auto& target = h.monitor->harts[there ? index : 0];
    if (width < 4 || (offset & (width - 1)) != 0) return reflect();
    if (offset < clint_mtimecmp && there && width == 4)
        access_msip(h, insn, target);
    else if (offset / clint_mtimecmp == 1 && there)
        access_mtimecmp(h, insn, target);
    else if (offset - clint_mtime < 8)
        (void)access(h, insn, h.hart.time());
    else
        return reflect();
    h.prepared = mstatus::Mie::get(h.v.mstatus) == 0; // else what is pending may have changed
    return skip(insn.length);
}

Next emulate_reset(HartState& h, Insn insn) {
    if (insn.kind == Insn::Kind::Load) {
        complete(h, insn, 0);
        return skip(insn.length);
    }
    auto const value = h.regs.guest.get(insn.rs2());
    if (!board::is_reset_command(h.trap.tval, insn.width(), value)) return skip(insn.length);
    wipe_everything(h);
    board::reset(value);
    return Next::of(Next::Kind::Stop);
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

Next emulate_device(HartState& h, Insn insn) {
    auto const address = PhysAddr{h.trap.tval};
    auto const wanted = h.trap.is(Cause::LoadAccess) ? Insn::Kind::Load : Insn::Kind::Store;
    // Another hart may have rewritten the instruction: what was fetched must fit the trap.
    if (insn.kind != wanted || insn.address(h.regs.guest) != address.raw) return reflect();
    if (board::clint.contains(address)) return emulate_clint(h, insn);
    for (auto const& device : board::reset_devices)
        if (device.contains(address)) return emulate_reset(h, insn);
    return reflect();
}

Next firmware_access_fault(HartState& h) {
    auto const owned = std::ranges::any_of(
        board::owned_devices, [&h](PhysRange device) { return device.contains({h.trap.tval}); });
    if (!owned) return reflect();
    auto const bits = fetch(h);
    if (!fetched(bits)) return reflect(h, Cause::FetchAccess, h.regs.guest.pc);
    return emulate_device(h, decode(static_cast<u32>(bits)));
}

} // namespace plinth::monitor
