// SPDX-License-Identifier: Apache-2.0
#include "host.hpp"

#include "csr.hpp"
#include "keystone.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

namespace host {

using namespace payload;

namespace {

constexpr uint64_t unit = 8U << 20U; // EPM and UTM lie in the first such unit behind the image

/// Whether the boot arguments gave a nonce; without one it is all zeros.
void read_nonce(char const* bootargs, uint8_t* nonce) {
    char const* const text = find_argument(bootargs, "plinth.nonce=");
    if (text == nullptr) {
        memset(nonce, 0, keystone::nonce_size);
        say("host: no plinth.nonce given, using zeros\n");
        return;
    }
    if (!parse_hex(text, nonce, keystone::nonce_size)) {
        fail("plinth.nonce is not 64 hexadecimal digits");
    }
}

/// What the monitor says that it measured when it booted (the second of its own calls).
void say_measurements() {
    constexpr uint64_t own_extension = 0x08504c4e, boot_measurements = 1;
    static uint8_t digests[3][64];
    auto const r = sbi::call(own_extension, boot_measurements, address_of(&digests));
    if (r.error != 0) fail("the monitor does not say what it measured");
    constexpr char const names[3][9] = {"monitor", "firmware", "tree"};
    for (unsigned i = 0; i < 3; ++i) {
        say("host: measured ", names[i], ' ');
        for (uint8_t const byte : digests[i]) say(HexByte{byte});
        say('\n');
    }
}

} // namespace

void fail(char const* reason) {
    say("host: FAIL: ", reason, '\n');
    sbi::shut_down();
}

} // namespace host

extern "C" {
extern uint8_t const image_end[]; // payload.ld
/// Argument page of create, reached through an alias.
alignas(4096) uint8_t argument_page[4096];
}

/// The host's program, on the boot hart.
extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace host;
    say("host: hello from S-mode on hart ", Dec{hart}, '\n');
    Machine machine;
    if (!read_machine(tree, machine)) fail("the device tree is not usable");
    uint8_t nonce[keystone::nonce_size];
    read_nonce(machine.bootargs, nonce);

    uint64_t const epm = round_up(address_of(image_end), unit);
    uint64_t const utm = epm + epm_size;
    if (machine.ram_base + machine.ram_size < epm + unit) fail("too little memory");
    build_tables(machine, epm, address_of(argument_page), first_moving_page());
    enable_paging();
    say("host: Sv39 on, ", Dec{machine.ram_size >> 20U}, " MiB of memory\n");

    say("host: ", Dec{start_harts(machine, hart)}, " harts\n");
    if (sbi::has_extension(keystone::extension)) {
        say_measurements();
        run_enclave(epm, utm, nonce);
        say("host: done\n");
    } else {
        say("host: no enclave support\n");
    }
    sbi::shut_down();
}
