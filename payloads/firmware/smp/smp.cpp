// SPDX-License-Identifier: Apache-2.0
// Test firmware for two or more harts: hart 0 wakes the others through the CLINT, all add to shared
// counters by atomic instructions, and each answers with an interrupt to hart 0.
#include "fdt.hpp"
#include "firmware.hpp"
#include "lock.hpp"

namespace {

using namespace payload;

constexpr uint64_t clint = 0x2000000; // QEMU virt
constexpr uint64_t rounds = 1000;

struct Shared {
    uint64_t by_amo;
    uint32_t by_lr_sc;
    uint64_t under_lock; // not atomic by itself
    SpinLock lock;
    Signal go;
    Signal harts_done;
    Signal added[max_harts];
    Signal own_id[max_harts];
};
Shared shared;

void set_msip(uint64_t hart, bool raised) {
    *at<uint32_t volatile>(clint + 4 * hart) = raised ? 1 : 0;
}

/// Waits by wfi until the own software interrupt is pending, and lowers it.
void take_software_interrupt(uint64_t hart) {
    csr::write<csr::Mie>(bit_msi);
    while ((csr::read<csr::Mip>() & bit_msi) == 0) asm volatile("wfi");
    set_msip(hart, false);
    csr::write<csr::Mie>(0);
}

void add_with_lr_sc(uint32_t* counter) {
    uint32_t value;
    uint32_t failed;
    do {
        asm volatile("lr.w %0, (%2)\n\taddi %0, %0, 1\n\tsc.w %1, %0, (%2)"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(counter)
                     : "memory");
    } while (failed != 0);
}

/// Every hart's share of the work.
void add_up(uint64_t hart) {
    for (uint64_t i = 0; i < rounds; ++i) {
        asm volatile("amoadd.d zero, %0, (%1)" ::"r"(uint64_t{1}), "r"(&shared.by_amo) : "memory");
        add_with_lr_sc(&shared.by_lr_sc);
        SpinLock::Guard const guard(shared.lock);
        *const_cast<uint64_t volatile*>(&shared.under_lock) = shared.under_lock + 1;
        shared.added[hart].add(1);
    }
    shared.own_id[hart].set(csr::read<csr::Mhartid>());
    shared.harts_done.add(1);
}

/// Wakes the harts one after the other; each answers with an interrupt.
void wake(Machine const& machine) {
    for (uint64_t hart = 1; hart < machine.hart_count; ++hart) {
        set_msip(hart, true);
        take_software_interrupt(0);
        say("smp: hart ", Dec{hart}, " answered\n");
    }
}

} // namespace

extern "C" void secondary_main(uint64_t hart) {
    take_software_interrupt(hart);
    set_msip(0, true);
    shared.go.wait_for(1);
    add_up(hart);
    take_software_interrupt(hart); // sleeps for ever
}

extern "C" void firmware_main(uint64_t tree) {
    Machine machine;
    say("smp: start\n");
    if (!read_machine(tree, machine)) say("smp: the device tree is not usable\n");
    wake(machine);
    shared.go.set(1);
    add_up(0);
    shared.harts_done.wait_for(machine.hart_count);
    for (uint64_t hart = 0; hart < machine.hart_count; ++hart) {
        say("smp: hart ", Dec{hart}, " says mhartid ", Dec{shared.own_id[hart].get()}, ", added ",
            Dec{shared.added[hart].get()}, '\n');
    }
    say("smp: totals: amo ", Dec{shared.by_amo}, " lr/sc ", Dec{shared.by_lr_sc}, " lock ",
        Dec{shared.under_lock}, '\n');
    say("smp: end\n");
    finish();
}
