// SPDX-License-Identifier: Apache-2.0
// An operating system that believes its device tree: it touches every page of what the memory node
// names, and asks for enclaves there.
#include "canary_enclave.hpp"
#include "fdt.hpp"
#include "liar.hpp"

extern "C" {
extern uint8_t const image_start[], image_end[]; // payload.ld
}

namespace liar {

using namespace payload;

namespace {

constexpr uint64_t ram = 0x80000000, monitor_size = 0x100000; // QEMU virt
constexpr uint64_t epm = 0x84000000;
constexpr uint64_t load_fault = 5, store_fault = 7;
constexpr int64_t taken = 100006, malformed = 100008;

struct Sweep {
    uint64_t pages = 0;
    uint64_t faults = 0;
    uint64_t wrong = 0;
};

/// Everything but the monitor, what is no memory, and an enclave.
bool is_open(uint64_t page, uint64_t real_size, bool enclave_lives) {
    if (page < ram + monitor_size || page >= ram + real_size) return false;
    return !enclave_lives || page < epm || page >= epm + canary_epm_size;
}

Run access(void (*code)(), uint64_t address, uint64_t value) {
    Run r{};
    r.pc = address_of(code);
    r.a0 = address;
    r.a1 = value;
    r.status = csr::read<csr::Sstatus>() | status_spp;
    run_from_s(&r);
    return r;
}

bool is_as_expected(Run const& r, bool open, uint64_t fault, uint64_t address) {
    if (open) return r.cause == cause_none;
    return r.cause == fault && r.tval == address;
}

void touch(uint64_t page, bool open, Sweep& sweep) {
    Run const loaded = access(os_load, page, 0);
    bool right = is_as_expected(loaded, open, load_fault, page);
    bool const own = page >= address_of(image_start) && page < address_of(image_end);
    if (!own) {
        uint64_t const value = loaded.cause == cause_none ? loaded.a1 : ~uint64_t{0};
        right = is_as_expected(access(os_store, page, value), open, store_fault, page) && right;
    }
    ++sweep.pages;
    if (loaded.cause != cause_none) ++sweep.faults;
    if (right) return;
    if (++sweep.wrong <= 4) say("liar: wrong at ", Hex{page}, ", cause ", Hex{loaded.cause}, '\n');
}

uint64_t use_all(Machine const& machine, uint64_t real_size, bool enclave_lives) {
    Sweep sweep;
    uint64_t const end = machine.ram_base + machine.ram_size;
    for (uint64_t page = machine.ram_base; page < end; page += page_size)
        touch(page, is_open(page, real_size, enclave_lives), sweep);
    say("liar: OS uses ", Hex{machine.ram_base}, " size ", Hex{machine.ram_size}, ": ",
        Dec{sweep.pages}, " pages, ", Dec{sweep.faults}, " fault\n");
    return sweep.wrong;
}

/// Enclaves where the tree says that there is memory: not in the monitor, not beyond RAM.
uint64_t refused(uint64_t place, int64_t expected) {
    keystone::CreateArgs const args{place, canary_epm_size, epm, page_size, place, place, place, 0};
    auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
    if (r.error == expected) return 0;
    say("liar: an enclave at ", Hex{place}, " answers ", Dec{static_cast<uint64_t>(r.error)}, '\n');
    return 1;
}

} // namespace

} // namespace liar

extern "C" uint64_t os_main(uint64_t tree, uint64_t real_size) {
    using namespace liar;
    Machine machine;
    if (!read_machine(tree, machine)) return 1;
    uint64_t wrong = use_all(machine, real_size, false);
    wrong += refused(ram, taken) + refused(ram + monitor_size - canary_epm_size, taken);
    wrong += refused(ram + real_size, malformed) + refused(ram - canary_epm_size, malformed);
    auto const enclave = start_canary_enclave(epm);
    if (enclave.error != keystone::edge_call) {
        say("liar: the enclave answers ", Dec{static_cast<uint64_t>(enclave.error)}, '\n');
        return wrong + 1;
    }
    wrong += use_all(machine, real_size, true);
    auto const destroyed = sbi::call(keystone::extension, keystone::destroy, enclave.value);
    return wrong + (destroyed.error == 0 ? 0 : 1);
}
