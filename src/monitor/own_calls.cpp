// SPDX-License-Identifier: Apache-2.0
#include "monitor/own_calls.hpp"

#include "config.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/harts.hpp"

namespace plinth::monitor {
namespace {

Next answer(HartState& h, u64 error, u64 value = 0) {
    h.regs.guest.set(reg::a0, error);
    h.regs.guest.set(reg::a1, value);
    return skip();
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

} // namespace plinth::monitor
