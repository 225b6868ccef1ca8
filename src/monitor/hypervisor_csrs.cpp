// SPDX-License-Identifier: Apache-2.0
// The virtual M-mode's views of hypervisor registers that do not simply stay in the hart.
#include "monitor/virtual_csrs.hpp"
#include "monitor/virtual_trap.hpp"

namespace plinth::monitor {

using namespace arch;

/// hip and vsip see the same mip, vsie the same mie; VS-level bits stand one place lower there and
/// only where hideleg passes them on (9.4.3, 9.2.7).
static u64 passed_on(HartState& h) { return h.hart.read<csr::Hideleg>() & vs_sources; }

u64 read_hip(HartState& h, CsrNumber) { return virtual_mip(h) & irq::vs_bits; }
void write_hip(HartState& h, CsrNumber, u64 asked, u64 mask) {
    h.v.hvip = merge(h.v.hvip, asked, mask & irq::bit(irq::Vssi));
}
u64 read_vsip(HartState& h, CsrNumber) { return (virtual_mip(h) & passed_on(h)) >> 1U; }
void write_vsip(HartState& h, CsrNumber number, u64 asked, u64 mask) {
    write_hip(h, number, asked << 1U, (mask << 1U) & passed_on(h));
}
u64 read_vsie(HartState& h, CsrNumber) { return (h.v.mie & passed_on(h)) >> 1U; }
void write_vsie(HartState& h, CsrNumber, u64 asked, u64) {
    h.v.mie = merge(h.v.mie, asked << 1U, passed_on(h));
}
u64 read_hie(HartState& h, CsrNumber) { return h.v.mie & irq::vs_bits; }
void write_hie(HartState& h, CsrNumber, u64 asked, u64) {
    h.v.mie = merge(h.v.mie, asked, irq::vs_bits);
}
/// hstatus is the host's with HU taken out while the firmware runs.
void write_hstatus(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Hstatus>(asked);
    h.v.hstatus = h.hart.read<csr::Hstatus>();
    h.hart.clear<csr::Hstatus>(hstatus::Hu::mask);
}
void write_hgeie(HartState& h, CsrNumber, u64 asked, u64) {
    h.hart.write<csr::Hgeie>(asked);
    h.v.hgeie = h.hart.read<csr::Hgeie>();
    h.hart.write<csr::Hgeie>(0);
}

} // namespace plinth::monitor
