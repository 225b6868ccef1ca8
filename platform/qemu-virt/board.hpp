// SPDX-License-Identifier: Apache-2.0
// QEMU's `virt` machine (7.2 and 10.0).
#pragma once

#include "arch/mmio.hpp"
#include "base/phys.hpp"

#include <array>

namespace plinth::board {

inline constexpr char name[] = "QEMU virt";
inline constexpr unsigned max_harts = 8;
inline constexpr u64 timebase = 10'000'000;                        ///< mtime ticks a second
inline constexpr unsigned page_table_levels = 5, pmp_entries = 16; ///< Sv57; of each hart

inline constexpr PhysRange monitor = PhysRange::constant(0x8000'0000, 0x10'0000);
inline constexpr char monitor_node[] = "plinth@80000000"; ///< below /reserved-memory
inline constexpr PhysRange boot_page = PhysRange::constant(0x800f'f000, 0x1000);
inline constexpr PhysRange firmware = PhysRange::constant(0x8010'0000, 0x10'0000);
/// Where the copy of fw_dynamic_info goes: the last page of the firmware's MiB.
inline constexpr PhysRange firmware_info = PhysRange::constant(0x801f'f000, 0x1000);
inline constexpr PhysRange clint = PhysRange::constant(0x200'0000, 0x1'0000);
inline constexpr PhysRange finisher = PhysRange::constant(0x10'0000, 0x1000);
/// Its DMA writes anywhere.
inline constexpr PhysRange fw_cfg = PhysRange::constant(0x1010'0000, 0x1000);
/// Denied to everyone below the monitor.
inline constexpr std::array owned_devices{clint, finisher, fw_cfg};
/// Stores of the firmware to these may reset the machine: emulated, after everything is wiped.
inline constexpr std::array reset_devices{finisher};
/// Device-tree nodes with one of these compatible strings name devices that nobody below may use.
inline constexpr std::array<char const*, 1> hidden_nodes{"qemu,fw-cfg-mmio"};
/// … describe how the firmware, and only it, resets the machine for the host (invariant 14).
inline constexpr std::array<char const*, 2> reset_nodes{"syscon-poweroff", "syscon-reboot"};

/// The 16550, which firmware and host use, too; nothing here waits without a bound.
struct Uart {
    static constexpr u64 base = 0x1000'0000;
    static constexpr u8 thr_empty = 0x20, divisor_latch = 0x80;
    static bool ready() { return (arch::mmio_read<u8>(base + 5) & thr_empty) != 0; }
    /// Not while the divisor latch is open: the byte would set the speed.
    static bool usable() { return (arch::mmio_read<u8>(base + 3) & divisor_latch) == 0; }
    static void send(char c) { arch::mmio_write(base, static_cast<u8>(c)); }
};

/// Whether a store of `width` bytes of `value` to a reset device ends or resets the machine.
constexpr bool is_reset_command(u64 address, unsigned width, u64 value) {
    auto const command = value & 0xffffU;
    return address == finisher.base().raw && (width == 2 || width == 4) &&
           (command == 0x3333 || command == 0x5555 || command == 0x7777);
}
/// Sends a reset command. Returns if the device takes its time.
inline void reset(u64 value) { arch::mmio_write(finisher.base().raw, static_cast<u32>(value)); }

} // namespace plinth::board
