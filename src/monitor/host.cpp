// SPDX-License-Identifier: Apache-2.0
// Traps of the host: enclave calls and the monitor's own are answered here, everything else is the
// firmware's.
#include "config.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"

#include <algorithm>
#include <array>
#include <bit>

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

Next effective_plan(HartState& h) {
    auto const& g = h.regs.guest;
    auto const world = g.get(reg::a1), to = g.get(reg::a2), first = g.get(reg::a3);
    if (g.get(reg::a0) != h.hart.id() || world > 1) return answer(h, sbi_invalid_param);
    auto const& plan = (world == 0 ? firmware_lowered(h) : host_lowered(h)).plan();
    load_current_plan(h); // computing one of them anew unloads all
    u64 index = 0, written = 0;
    for (u64 base = 0; base <= arch::phys_last && written < g.get(reg::a4); ++index) {
        auto const [run, rights] = plan.window({base});
        std::array const record{base, std::min(run.last(), arch::phys_last),
                                u64{arch::pmpcfg::of(rights)}};
        base = record[1] + 1;
        if (index < first) continue;
        auto const bytes = std::bit_cast<std::array<u8, sizeof record>>(record);
        if (!copy_out(h, to + written++ * sizeof record, bytes))
            return answer(h, sbi_invalid_address);
    }
    return answer(h, 0, written);
}

} // namespace

Next own_call(HartState& h) {
    auto const function = h.regs.guest.get(reg::a6);
    auto const host = h.world == World::Host;
    if (function == 0) return answer(h, 0, config::version_number);
    if (function == 1) return boot_measurements(h);
    if (function == 2 && host) return enclaves_alive(h);
    if (function == 3 && host) return effective_plan(h);
    return answer(h, sbi_not_supported);
}

Next handle_host(HartState& h) {
    if (!h.trap.is(Cause::EcallS)) return arch::is_plan_fault(h.trap) ? plan_fault(h) : reflect();
    auto const extension = h.regs.guest.get(reg::a7);
    if (extension == enclave::keystone_extension) return keystone_from_host(h);
    if (extension == own_extension) return own_call(h);
    return probes_us(h) ? answer(h, 0, 1) : reflect();
}

} // namespace plinth::monitor
