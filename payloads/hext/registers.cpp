// SPDX-License-Identifier: Apache-2.0
#include "registers.hpp"

#include "csr.hpp"
#include "print.hpp"

namespace hext {

using namespace payload;

namespace {

constexpr unsigned Hstatus = 0x600;
constexpr unsigned Hideleg = 0x603;
constexpr unsigned Hie = 0x604;
constexpr unsigned Hvip = 0x645;

/// One register and a value that is distinct from that of the others. What of it the hart keeps is
/// read back.
struct Register {
    char const* name;
    uint64_t (*read)();
    void (*write)(uint64_t);
    uint64_t value;
};

template <unsigned N> constexpr Register reg(char const* name, uint64_t value) {
    return {name, csr::read<N>, csr::write<N>, value};
}

// hstatus: HU, SPVP, VTVM, VTW, VTSR. Modes of vsatp and hgatp stay Bare.
constexpr Register registers[] = {
    reg<Hstatus>("hstatus", 0x700300),
    reg<0x602>("hedeleg", 0xb1ff),
    reg<0x605>("htimedelta", 0x1234567800000605),
    reg<0x606>("hcounteren", 0x7),
    reg<0x607>("hgeie", 0xe),
    reg<0x60a>("henvcfg", 0xf1),
    reg<0x643>("htval", 0x643643643),
    reg<0x64a>("htinst", 0x64a64a),
    reg<0x680>("hgatp", 0x80684),
    reg<0x200>("vsstatus", 0x80122),
    reg<0x205>("vstvec", 0x80205204),
    reg<0x240>("vsscratch", 0x2402402402402402),
    reg<0x241>("vsepc", 0x80241240),
    reg<0x242>("vscause", 0xf),
    reg<0x243>("vstval", 0x2432432432432432),
    reg<0x24d>("vstimecmp", 0x7fffffffffff024d),
    reg<0x280>("vsatp", 0x80280),
    reg<Hideleg>("hideleg", 0),
};

/// Read, never written here: hie and hvip are armed, the rest are views or the host's own.
constexpr Register watched[] = {
    reg<Hie>("hie", 0),
    reg<Hvip>("hvip", 0),
    reg<0x644>("hip", 0),
    reg<0x204>("vsie", 0),
    reg<0x244>("vsip", 0),
    reg<csr::Stvec>("stvec", 0),
    reg<csr::Sscratch>("sscratch", 0),
    reg<csr::Satp>("satp", 0),
    reg<csr::Sstatus>("sstatus", 0),
};

constexpr unsigned register_count = sizeof(registers) / sizeof(registers[0]);
constexpr unsigned watched_count = sizeof(watched) / sizeof(watched[0]);
uint64_t expected[register_count];
uint64_t expected_watched[watched_count];

unsigned compare(char const* after, Register const& r, uint64_t value) {
    uint64_t const now = r.read();
    if (now == value) return 0;
    say("hext: ", r.name, " was ", Hex{value}, " is ", Hex{now}, " after ", after, '\n');
    return 1;
}

} // namespace

bool arm(uint64_t bits) {
    for (unsigned i = 0; i < register_count; ++i) registers[i].write(registers[i].value);
    csr::write<Hie>(bits);
    csr::write<Hvip>(bits);
    for (unsigned i = 0; i < register_count; ++i) expected[i] = registers[i].read();
    for (unsigned i = 0; i < watched_count; ++i) expected_watched[i] = watched[i].read();
    return csr::read<Hideleg>() == 0 && (csr::read<Hie>() & all_vs) == bits &&
           (csr::read<Hvip>() & all_vs) == bits;
}

void disarm() {
    csr::write<Hie>(0);
    csr::write<Hvip>(0);
}

unsigned changed_registers(char const* after) {
    unsigned changed = 0;
    for (unsigned i = 0; i < register_count; ++i) {
        changed += compare(after, registers[i], expected[i]);
    }
    for (unsigned i = 0; i < watched_count; ++i) {
        changed += compare(after, watched[i], expected_watched[i]);
    }
    return changed;
}

} // namespace hext
