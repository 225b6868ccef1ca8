// SPDX-License-Identifier: Apache-2.0
// The firmware: opens all memory to its operating system, and tells it where memory is: without the
// reservation of the monitor, from the middle of the monitor on, the monitor alone, and more than
// there is.
#include "liar.hpp"

#include "fdt.hpp"

#include <initializer_list>

extern "C" void firmware_main(uint64_t tree) {
    using namespace liar;
    using namespace payload;
    constexpr uint64_t ram = 0x80000000, mebibyte = 0x100000; // QEMU virt; the monitor is the first
    constexpr uint64_t access_faults = 1U << 1U | 1U << 5U | 1U << 7U;
    struct Claim {
        uint64_t base, size;
    };
    Machine machine;
    bool good = read_machine(tree, machine) && remove_reservations(tree) == 1;
    uint64_t const size = machine.ram_size;
    csr::write<csr::Medeleg>(access_faults);
    open_pmp();
    for (Claim const claim : {Claim{ram, size}, Claim{ram + mebibyte / 2, size - mebibyte / 2},
                              Claim{ram, mebibyte}, Claim{ram, size + mebibyte}}) {
        good = claim_memory(tree, claim.base, claim.size) == 1 && good;
        Run const r = run(Priv::Supervisor, os_start, {.a0 = tree, .a1 = size});
        good = r.cause == 9 && r.a0 == 0 && good;
        if (r.cause != 9) say("liar: the OS ended with cause ", Hex{r.cause}, '\n');
    }
    say(good ? "liar: PASS\n" : "liar: FAIL\n");
    finish();
}
