// SPDX-License-Identifier: Apache-2.0
// The run loop: enter, handle, apply.
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"
#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

/// Takes from the trap and the hart what the world below M may have changed.
void take_over(HartState& h) {
    h.prepared = false;
    h.regs.guest.mstatus = h.trap.mstatus;
    switch (h.world) {
    case World::Firmware: take_dirty(h); return;
    case World::Host:
        h.v.mstatus = merge(h.v.mstatus, h.trap.mstatus, mstatus::s_writable);
        h.v.mie = merge(h.v.mie, h.hart.read<csr::Mie>(), irq::below_m);
        break;
    case World::Enclave:
        h.enclave->supervisor.sstatus = h.trap.mstatus & mstatus::s_writable;
        break;
    }
    h.regs.priv = h.trap.from();
    h.regs.virt = h.trap.from_virtual();
}

Next handle(HartState& h) {
    if (h.trap.is_interrupt()) {
        if (h.trap.code() == irq::Msi) h.hart.clear_ipi();
        serve(h);
        h.now = h.hart.time();
        program_deadline(h);
        if (h.world != World::Enclave) return resume();
        // Enclaves are no hypervisors: one that used V is not resumed.
        return leave(h,
                     h.trap.from_virtual() ? enclave::Code::Unknown : enclave::Code::Interrupted);
    }
    switch (h.world) {
    case World::Firmware: return handle_firmware(h);
    case World::Host: return handle_host(h);
    case World::Enclave: return handle_enclave(h);
    }
    return resume();
}

/// Delivers an exception or interrupt to vM, entering the firmware if the host ran.
void deliver_to_firmware(HartState& h, Trap const& trap) {
    trap_to_firmware(h, trap);
    if (h.world == World::Host) host_to_firmware(h);
}

/// The host's call, at which its registers were saved, returns; the enclave is resumable or ended.
void leave_enclave(HartState& h, enclave::Answer answer) {
    auto& enclave = *h.enclave;
    enclave_to_host(h, answer);
    h.regs.guest.pc += 4;
    auto const resumable =
        answer.code == enclave::Code::Interrupted || answer.code == enclave::Code::EdgeCall;
    auto registry = lock(h, h.monitor->registry);
    SM_CHECK(enclave.move(resumable ? enclave::State::Stopped : enclave::State::Ended));
}

void apply(HartState& h, Next next) {
    if (next.kind() == Next::Kind::Skip) [[likely]] {
        h.regs.guest.pc += next.length();
        return;
    }
    switch (next.kind()) {
    case Next::Kind::Resume:
    case Next::Kind::Skip: return;
    case Next::Kind::Reflect:
        if (h.world == World::Enclave)
            return trap_to_supervisor(h, h.trap, h.enclave->supervisor.sstatus);
        return deliver_to_firmware(h, h.trap);
    case Next::Kind::Own: return trap_to_host(h, h.trap);
    case Next::Kind::Host: return firmware_to_host(h);
    case Next::Kind::Enclave: return host_to_enclave(h);
    case Next::Kind::Leave: return leave_enclave(h, h.answer);
    case Next::Kind::Stop: h.hart.park();
    }
}

/// What is pending comes before the world goes on: an enclave is left, vM is interrupted.
void deliver_pending(HartState& h) {
    if (h.world == World::Enclave) {
        if (!enclave_must_stop(h)) return;
        leave_enclave(h, {enclave::Code::Interrupted, 0});
    }
    if (auto const number = deliverable_interrupt(h))
        deliver_to_firmware(h, {.cause = arch::interrupt_flag | *number});
}

} // namespace

void go_online(HartState& h) {
    forget_worlds(h);
    reset_virtual_hart(h);
    forget_plans(h);
    h.online.store(1);
    obey(h); // what was asked before this hart was online (invariant 6)
    program_deadline(h);
}

void run(HartState& h) {
    do {
        serve(h);
        if (!h.prepared) {
            deliver_pending(h);
            prepare_entry(h);
        }
        if (!h.hart.enter(h.regs.guest, h.trap)) continue;
        take_over(h);
        apply(h, handle(h));
    } while (h.hart.goes_on());
}

} // namespace plinth::monitor
