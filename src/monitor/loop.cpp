// SPDX-License-Identifier: Apache-2.0
#include "monitor/loop.hpp"

#include "base/check.hpp"
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"
#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"

namespace plinth::monitor {
namespace {

Next handle(HartState& h, Trap const& trap) {
    if (trap.is_interrupt()) {
        if (trap.code() == irq::Msi) h.hart.clear_ipi();
        serve(h);
        if (h.world != World::Enclave) return resume();
        // Enclaves are no hypervisors: one that used V is not resumed.
        return leave(trap.from_virtual() ? enclave::Code::Unknown : enclave::Code::Interrupted);
    }
    switch (h.world) {
    case World::Firmware: return handle_firmware(h, trap);
    case World::Host: return handle_host(h, trap);
    case World::Enclave: return handle_enclave(h, trap);
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

void apply(HartState& h, Next const& next) {
    if (next.replan) h.plans_stale = true;
    switch (next.kind) {
    case Next::Kind::Resume: return;
    case Next::Kind::Skip: h.regs.guest.pc += next.length; return;
    case Next::Kind::Reflect:
        if (h.world == World::Enclave) return trap_to_enclave(h, next.trap);
        return deliver_to_firmware(h, next.trap);
    case Next::Kind::Host: return firmware_to_host(h);
    case Next::Kind::Enclave: return host_to_enclave(h, *next.enclave);
    case Next::Kind::Leave: return leave_enclave(h, next.answer);
    case Next::Kind::Stop: h.hart.park();
    }
}

/// What is pending comes before the world goes on: an enclave is left, vM is interrupted.
void deliver_pending(HartState& h) {
    h.now = h.hart.time();
    if (h.world == World::Enclave && enclave_must_stop(h))
        leave_enclave(h, {enclave::Code::Interrupted, 0});
    if (h.world == World::Enclave) return;
    if (auto const number = deliverable_interrupt(h))
        deliver_to_firmware(h, {.cause = arch::interrupt_flag | *number});
}

} // namespace

void go_online(HartState& h) {
    forget_worlds(h);
    reset_virtual_hart(h);
    recompute_plans(h);
    h.online.store(1);
    h.acknowledged.store(h.monitor->generation.load());
    h.plans_stale = true;
}

void turn(HartState& h) {
    serve(h);
    warn_if_incomplete(h);
    deliver_pending(h);
    prepare_entry(h);
    auto const trap = h.hart.enter(h.regs.guest);
    take_over(h, trap);
    apply(h, handle(h, trap));
}

void run(HartState& h) {
    for (;;) turn(h);
}

} // namespace plinth::monitor
