// SPDX-License-Identifier: Apache-2.0
// One attempt, and what has to be put right behind it.
#include "garbage.hpp"

#include "keystone.hpp"

namespace garbage {

using namespace payload;

namespace {

constexpr uint64_t mtimecmp = 0x2004000;
constexpr uint64_t xlen_64 = 0xa00000000; // UXL, SXL
constexpr uint32_t wfi = 0x10500073;

} // namespace

void Tally::add(Outcome const& outcome) {
    if (outcome.cause == completed) {
        done += 1;
    } else if (outcome.cause == 2) {
        illegal += 1;
    } else {
        others += 1;
    }
    hash = (hash ^ outcome.cause) * 0x100000001b3;
}

void restore() {
    csr::write<csr::Mtvec>(address_of(&garbage_vector));
    csr::write<csr::Mstatus>(xlen_64);
    csr::write<csr::Mie>(0);
    csr::write<csr::Mip>(0);
    *at<uint64_t volatile>(mtimecmp) = 0;
    csr::write<csr::Satp>(0);
    csr::write<csr::Medeleg>(0);
    csr::write<csr::Mideleg>(0);
    open_pmp();
    if ((csr::read<csr::Misa>() >> 7U & 1U) == 0) return; // no H
    csr::write<0x600>(0);                                 // hstatus
    csr::write<0x602>(0);                                 // hedeleg
    csr::write<0x603>(0);                                 // hideleg
    csr::write<0x645>(0);                                 // hvip
    csr::write<0x680>(0);                                 // hgatp
    csr::write<0x280>(0);                                 // vsatp
}

Outcome attempt(uint32_t instruction, Registers const& registers, bool lower) {
    *const_cast<uint32_t volatile*>(&garbage_slot) = instruction;
    asm volatile("fence.i" ::: "memory");
    csr::write<csr::Mepc>(address_of(&garbage_landing));
    csr::write<csr::Sepc>(address_of(&garbage_landing));
    // Sleep ends at once, by a timer that is always pending; it is never taken.
    csr::write<csr::Mie>(instruction == wfi ? bit_mti : 0);
    uint64_t const trapped = garbage_try(&registers, lower ? 1 : 0);
    if (trapped == 0) return {completed, 0, 0};
    return {csr::read<csr::Mcause>(), csr::read<csr::Mepc>(), csr::read<csr::Mtval>()};
}

uint64_t any_word(Random& random) {
    constexpr uint64_t places[] = {0,
                                   0x80000000,         // the monitor, or the bare firmware
                                   0x80080000,         //
                                   0x800ff000,         // its last page
                                   0x80100000 - 8,     // and byte
                                   0x82000000,         // free memory
                                   0x82010000 - 4,     //
                                   0x2000000,          // CLINT
                                   0x200bff8,          //
                                   0x100000,           // finisher
                                   0x10100000,         // fw_cfg
                                   0x18000000,         // nothing
                                   0x8fffffff,         // end of RAM
                                   uint64_t{1} << 38U, // first address that is not canonical
                                   uint64_t{1} << 55U,
                                   uint64_t{1} << 63U,
                                   ~uint64_t{0},
                                   keystone::extension,
                                   0x08504c4e, // the monitor's own
                                   0x10,       // base
                                   2001,
                                   3002};
    uint64_t const kind = random.below(8);
    if (kind < 4) return random.next();
    if (kind == 4) return random.next() >> random.below(64);
    uint64_t const word = places[random.below(sizeof places / sizeof places[0])];
    return kind == 5 ? word + random.below(4096) : word;
}

Outcome jump(uint64_t target, Priv mode, uint64_t interrupts) {
    Registers registers{};
    constexpr uint32_t mret = 0x30200073;
    csr::write<csr::Mstatus>(xlen_64 | status_mpie |
                             static_cast<uint64_t>(mode) << status_mpp_shift);
    *const_cast<uint32_t volatile*>(&garbage_slot) = mret;
    asm volatile("fence.i" ::: "memory");
    csr::write<csr::Mepc>(target);
    csr::write<csr::Mie>(interrupts);
    garbage_try(&registers, 0);
    return {csr::read<csr::Mcause>(), csr::read<csr::Mepc>(), csr::read<csr::Mtval>()};
}

} // namespace garbage
