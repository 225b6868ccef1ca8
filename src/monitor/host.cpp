// SPDX-License-Identifier: Apache-2.0
// Traps of the host: enclave calls and the monitor's own are answered here, everything else is the
// firmware's.
#include "config.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"

namespace plinth::monitor {
namespace {

constexpr u64 sbi_base = 0x10, sbi_probe_extension = 3;

/// SBI base extension, function 3, about an extension that the monitor itself answers.
bool probes_us(HartState const& h) {
    auto const& g = h.regs.guest;
    return g.get(reg::a7) == sbi_base && g.get(reg::a6) == sbi_probe_extension &&
           (g.get(reg::a0) == enclave::keystone_extension || g.get(reg::a0) == own_extension);
}

Next boot_measurements(HartState& h) {
    auto const& boot = h.monitor->boot;
    auto to = h.regs.guest.get(reg::a0);
    for (auto const* digest : {&boot.monitor_hash, &boot.firmware_hash, &boot.tree_hash}) {
        if (!copy_out(h, to, *digest)) return answer(h, sbi_invalid_address);
        to += digest->size();
    }
    return answer(h, 0);
}

Next enclaves_alive(HartState& h) {
    auto const alive = lock(h, h.monitor->registry)->alive();
    return answer(h, 0, alive | u64{enclave::max_enclaves} << 32U);
}

} // namespace

Next own_call(HartState& h) {
    switch (h.regs.guest.get(reg::a6)) {
    case 0: return answer(h, 0, config::version_number);
    case 1: return boot_measurements(h);
    case 2: return h.world == World::Host ? enclaves_alive(h) : answer(h, sbi_not_supported);
    }
    return answer(h, sbi_not_supported);
}

Next handle_host(HartState& h) {
    if (!h.trap.is(Cause::EcallS)) return reflect();
    auto const extension = h.regs.guest.get(reg::a7);
    if (extension == enclave::keystone_extension) return keystone_from_host(h);
    if (extension == own_extension) return own_call(h);
    return probes_us(h) ? answer(h, 0, 1) : reflect();
}

} // namespace plinth::monitor
