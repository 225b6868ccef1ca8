// SPDX-License-Identifier: Apache-2.0
#include "monitor/devices.hpp"

#include "base/wipe.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/harts.hpp"

#include <algorithm>

namespace plinth::monitor {
namespace {

using namespace arch;

/// Makes another hart look at its virtual interrupts.
void wake(HartState& h, HartState& target) {
    if (target.online.load() != 0) h.hart.send_ipi(target.hart.id());
}

/// One access to a naturally aligned half or whole of a 64-bit register that holds `word`: what is
/// loaded goes to rd, what the register holds after a store is returned.
[[gnu::always_inline]] inline u64 access(HartState& h, Insn insn, u64 word) {
    auto const shift = 8 * (h.trap.tval & 4U);
    auto const whole = insn.width() == 8;
    if (insn.loads()) {
        complete(h, insn, whole ? word : word >> shift);
        return word;
    }
    auto const value = h.regs.guest.get(insn.rs2());
    return whole ? value : merge(word, value << shift, 0xffff'ffffULL << shift);
}

void access_mtimecmp(HartState& h, Insn insn, HartState& target) {
    auto const word = access(h, insn, target.vmtimecmp.load(std::memory_order_relaxed));
    if (insn.loads()) return;
    if (&target == &h) return set_timer(h, word);
    target.vmtimecmp.store(word, std::memory_order_relaxed); // send_ipi() fences
    wake(h, target);
}

void access_msip(HartState& h, Insn insn, HartState& target) {
    if (insn.loads()) return complete(h, insn, target.vmsip.load());
    target.vmsip.store(h.regs.guest.get(insn.rs2()) & 1U);
    if (&target != &h) wake(h, target);
}

/// Accesses of 4 or 8 bytes, naturally aligned, to msip (4 bytes), mtimecmp and mtime are there.
/// What is written to mtime is ignored: time belongs to everyone.
Next emulate_clint(HartState& h, Insn insn) {
    auto const offset = h.trap.tval - board::clint.base().raw;
    auto const timer = offset >= clint_mtimecmp;
    auto const index = timer ? (offset - clint_mtimecmp) / 8 : offset / 4;
    auto const width = insn.width();
    if (width < 4 || (offset & (width - 1)) != 0 || (!timer && width != 4)) return reflect();
    if (index < h.monitor->boot.harts) {
        auto& target = h.monitor->harts[index];
        timer ? access_mtimecmp(h, insn, target) : access_msip(h, insn, target);
    } else if (timer && index == (clint_mtime - clint_mtimecmp) / 8) {
        (void)access(h, insn, h.hart.time());
    } else {
        return reflect();
    }
    h.prepared = true;
    interrupts_changed(h);
    return skip(insn.length);
}

Next emulate_reset(HartState& h, Insn insn) {
    auto const bits = 8U * insn.width();
    auto const value = h.regs.guest.get(insn.rs2()) & (~0ULL >> (64U - bits));
    if (insn.loads() || !board::is_reset_command(h.trap.tval, insn.width(), value)) {
        complete(h, insn, 0); // for a store, nothing
        return skip(insn.length);
    }
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
    if (!owned) return plan_fault(h);
    auto const bits = fetch(h);
    if (!fetched(bits)) return reflect(h, Cause::FetchAccess, h.regs.guest.pc);
    return emulate_device(h, decode(static_cast<u32>(bits)));
}

} // namespace plinth::monitor
