// SPDX-License-Identifier: Apache-2.0
// StarFive VisionFive 2 (JH7110). Not run on a board yet.
#pragma once

#include "arch/mmio.hpp"
#include "base/phys.hpp"

#include <array>

namespace plinth::board {

inline constexpr char name[] = "StarFive VisionFive 2";
inline constexpr unsigned max_harts = 8;
inline constexpr u64 timebase = 4'000'000;                        ///< mtime ticks a second
inline constexpr unsigned page_table_levels = 3, pmp_entries = 8; ///< Sv39; of each hart

inline constexpr PhysRange monitor = PhysRange::constant(0x4000'0000, 0x10'0000);
inline constexpr char monitor_node[] = "plinth@40000000"; ///< below /reserved-memory
inline constexpr PhysRange boot_page = PhysRange::constant(0x400f'f000, 0x1000);
inline constexpr PhysRange firmware = PhysRange::constant(0x4010'0000, 0x10'0000);
/// Where the copy of fw_dynamic_info goes: the last page of the firmware's MiB.
inline constexpr PhysRange firmware_info = PhysRange::constant(0x401f'f000, 0x1000);
inline constexpr PhysRange clint = PhysRange::constant(0x200'0000, 0x1'0000);
/// Denied to everyone below the monitor.
inline constexpr std::array owned_devices{clint};
/// No device of this board resets it by a store that the monitor could guard (threat model).
inline constexpr std::array<PhysRange, 0> reset_devices{};
/// Device-tree nodes with one of these compatible strings name devices that nobody below may use.
inline constexpr std::array<char const*, 0> hidden_nodes{};
/// … describe how the firmware, and only it, resets the machine for the host (invariant 14).
inline constexpr std::array<char const*, 0> reset_nodes{};

/// The 8250, registers at stride 4, set up by SPL, which firmware and host use, too; nothing here
/// waits without a bound.
struct Uart {
    static constexpr u64 base = 0x1000'0000;
    static constexpr u8 thr_empty = 0x20, divisor_latch = 0x80;
    static bool ready() { return (arch::mmio_read<u32>(base + 20) & thr_empty) != 0; }
    /// Not while the divisor latch is open: the byte would set the speed.
    static bool usable() { return (arch::mmio_read<u32>(base + 12) & divisor_latch) == 0; }
    static void send(char c) { arch::mmio_write(base, static_cast<u32>(static_cast<u8>(c))); }
};

constexpr bool is_reset_command(u64, unsigned, u64) { return false; }
inline void reset(u64) {}

} // namespace plinth::board
