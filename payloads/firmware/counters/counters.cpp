// SPDX-License-Identifier: Apache-2.0
// A firmware that programs every event counter for cycles, and for instructions, and looks from M,
// S and U-mode whether one counts. It prints what there is: the bare machine and virtual M-mode
// differ.
#include "firmware.hpp"

#include <initializer_list>

namespace {

using namespace payload;

constexpr unsigned first = 3, last = 31;
constexpr unsigned Scounteren = 0x106, Mcountinhibit = 0x320, Mhpmevent = 0x320;
constexpr unsigned Mhpmcounter = 0xb00, Hpmcounter = 0xc00;
constexpr uint64_t everything = ~uint64_t{0};

alignas(8) uint32_t code[3]; // one CSR instruction, then li a7, 0 and ret

/// csrrw a1, number, a0 (`write`) or csrrs a1, number, x0 in a mode; false if it traps.
bool access(Priv mode, unsigned number, bool write, uint64_t value, uint64_t& old) {
    constexpr uint32_t a0 = 10, a1 = 11;
    uint32_t const form = write ? 1U << 12U | a0 << 15U : 2U << 12U;
    code[0] = number << 20U | form | a1 << 7U | 0x73U;
    code[1] = 0x00000893;
    code[2] = 0x00008067;
    asm volatile("fence.i" ::: "memory");
    Run const r = run(mode, at<Stub>(address_of(code)), {.a0 = value});
    old = r.a1;
    return r.epc == address_of(&run_from_m_ecall);
}

/// What one mode finds.
struct View {
    char name;
    Priv mode;
    unsigned base;
    unsigned there = 0;    ///< counters that can be read
    unsigned counting = 0; ///< those that ever read other than zero
};

/// Reads twice; going into the mode and back takes instructions enough.
void look(View& view, unsigned n) {
    uint64_t before = 0, after = 0;
    if (!access(view.mode, view.base + n, false, 0, before)) return;
    bool const again = access(view.mode, view.base + n, false, 0, after);
    view.there += again ? 1 : 0;
    view.counting += before != 0 || after != 0 ? 1 : 0;
}

/// Programs counter n for the event and lets each mode look; how many of event and counter hold
/// something.
unsigned try_counter(unsigned n, uint64_t event, View (&views)[3]) {
    uint64_t held_event = 0, held_count = 0, old = 0;
    access(Priv::Machine, Mhpmevent + n, true, event, old);
    for (View& view : views) look(view, n);
    bool const has_event = access(Priv::Machine, Mhpmevent + n, true, 0, held_event);
    access(Priv::Machine, Mhpmcounter + n, true, 0x123456789, old);
    bool const has_count = access(Priv::Machine, Mhpmcounter + n, true, 0, held_count);
    return (has_event && held_event != 0 ? 1 : 0) + (has_count && held_count != 0 ? 1 : 0);
}

void try_event(char const* name, uint64_t event) {
    View views[] = {{'M', Priv::Machine, Mhpmcounter},
                    {'S', Priv::Supervisor, Hpmcounter},
                    {'U', Priv::User, Hpmcounter}};
    unsigned holding = 0;
    for (unsigned n = first; n <= last; ++n) holding += try_counter(n, event, views);
    say("counters: ", name, ':');
    for (View const& view : views)
        say(' ', view.name, " reads ", Dec{view.there}, " nonzero ", Dec{view.counting});
    say(", registers that hold something: ", Dec{holding}, '\n');
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    say("counters: start\n");
    csr::write<csr::Medeleg>(0);
    open_pmp();
    csr::write<csr::Mcounteren>(everything);
    csr::write<Scounteren>(everything);
    csr::write<Mcountinhibit>(0);
    try_event("cycles", 1);
    try_event("instructions", 2);
    say("counters: end\n");
    finish();
}
