// SPDX-License-Identifier: Apache-2.0
// Bring-up of each hart, and the end of a monitor that broke.
#include "monitor/boot.hpp"
#include "monitor/console.hpp"
#include "monitor/harts.hpp"
#include "monitor/short_path.hpp"
#include "monitor/worlds.hpp"

#include <bit>

namespace {

using namespace plinth;
using namespace plinth::monitor;

constinit Monitor machine{};

std::atomic<u32> failed{0};

HartState& bring_up(u64 id) {
    auto& h = machine.harts[id];
    h.monitor = &machine;
    arch::current = &h;
    if (h.hart.bring_up(static_cast<unsigned>(id))) return h;
    Console{h.hart} << "Plinth: hart " << id
                    << " cannot run below the monitor: it has no U-mode, fewer than 6 PMP entries, "
                       "regions over 4 KiB or a locked entry. It stops here.\n";
    h.hart.park();
}

[[noreturn]] void fail(char const* what, u64 cause, u64 pc) {
    auto& h = *static_cast<HartState*>(arch::current);
    if (failed.exchange(1) == 0) {
        begin_to_stop(h);
        machine.identity.seize().wipe();
        machine.drbg.seize().wipe();
        constexpr char const* worlds[] = {"firmware", "host", "enclave"};
        Console{h.hart} << "\nPlinth: FAILURE: " << what << ", cause " << Hex{cause} << ", pc "
                        << Hex{pc} << ", hart " << u64{h.hart.id()} << ", world "
                        << worlds[static_cast<unsigned>(h.world)] << "\n";
    }
    forget_worlds(h);
    h.parked.store(1);
    h.hart.park();
}

} // namespace

namespace plinth {

void monitor_failure(char const* what) {
    fail(what, 0, std::bit_cast<u64>(__builtin_return_address(0)));
}

} // namespace plinth

extern "C" {

extern u8 const plinth_image_start[], plinth_image_end[];
extern std::atomic<u32> plinth_boot_word; // see entry.S

std::uintptr_t __stack_chk_guard;

[[noreturn]] void __stack_chk_fail() { plinth::monitor_failure("stack overwritten"); }

/// See switch.S.
static_assert(offsetof(HartState, world) == 200 && static_cast<u8>(World::Firmware) == 0);
static_assert(static_cast<u64>(Short::Resume) == 1 &&
              static_cast<u64>(Short::ResumePrepared) == 2 && static_cast<u64>(Short::Save) == 3 &&
              static_cast<u64>(Short::Turn) == 4 && static_cast<u64>(Short::ResumeAll) == 5);

/// A trap while the monitor ran: never a guest's doing.
[[noreturn]] void plinth_monitor_trapped() {
    fail("trap in the monitor", arch::Hart::read<csr::Mcause>(), arch::Hart::read<csr::Mepc>());
}

/// Not to be protected: changes the guard.
[[gnu::no_stack_protector]] static void boot(HartState& h, u64 fdt, u64 fw_dynamic) {
    HandOver const given{
        .fdt = fdt,
        .fw_dynamic = fw_dynamic,
        .image = {plinth_image_start, plinth_image_end},
        .boot_word = static_cast<std::size_t>(std::bit_cast<u8 const*>(&plinth_boot_word) -
                                              plinth_image_start),
    };
    if (auto const ready = prepare(h, given); !ready) {
        Console{h.hart}
            << "Plinth: cannot boot: device tree, boot page or memory not as they must be ("
            << u64{static_cast<unsigned>(ready.error())} << ")\n";
        h.hart.park();
    }
    if (auto const guard = machine.drbg.seize().next()) __stack_chk_guard = *guard;
    print_banner(h);
    plinth_boot_word.fetch_or(2);
}

/// Every hart comes here from entry.S; with lot 0 the one that boots, the others when it has.
[[noreturn, gnu::no_stack_protector]] void plinth_start(u64 id, u64 fdt, u64 fw_dynamic, u64 lot) {
    static_assert(board::max_harts <= 8, "entry.S has room for this many");
    auto& h = bring_up(id);
    if (lot == 0) boot(h, fdt, fw_dynamic);
    go_online(h);
    run(h);
    h.hart.park();
}
}

namespace std {
/// Bounds checks of the library containers end here (-D_GLIBCXX_ASSERTIONS).
[[noreturn]] void __glibcxx_assert_fail(char const*, int, char const*, char const*) noexcept {
    plinth::monitor_failure("container bounds");
}
} // namespace std
