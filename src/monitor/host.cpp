// SPDX-License-Identifier: Apache-2.0
// Traps of the host: enclave calls are answered here, everything else is the firmware's.
#include "monitor/enclave_calls.hpp"
#include "monitor/handlers.hpp"
#include "monitor/own_calls.hpp"

namespace plinth::monitor {
namespace {

constexpr u64 sbi_base = 0x10, sbi_probe_extension = 3;

/// SBI base extension, function 3, about an extension that the monitor itself answers.
bool probes_us(HartState const& h) {
    auto const& g = h.regs.guest;
    return g.get(reg::a7) == sbi_base && g.get(reg::a6) == sbi_probe_extension &&
           (g.get(reg::a0) == enclave::keystone_extension || g.get(reg::a0) == own_extension);
}

} // namespace

Next handle_host(HartState& h) {
    if (!h.trap.is(Cause::EcallS)) return reflect();
    auto& guest = h.regs.guest;
    if (guest.get(reg::a7) == enclave::keystone_extension) return keystone_from_host(h);
    if (guest.get(reg::a7) == own_extension) return own_call(h);
    if (!probes_us(h)) return reflect();
    guest.set(reg::a0, 0);
    guest.set(reg::a1, 1);
    return skip();
}

} // namespace plinth::monitor
