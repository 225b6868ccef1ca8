// SPDX-License-Identifier: Apache-2.0
/// The fake board: the addresses of QEMU's `virt`, a UART and a reset device that remember.
#pragma once

#include "arch/pmp.hpp"
#include "base/phys.hpp"

#include <array>
#include <mutex>
#include <string>
#include <vector>

namespace plinth::board {

inline constexpr char name[] = "fake board";
inline constexpr unsigned max_harts = 8;
inline constexpr std::uint64_t timebase = 10'000'000;              ///< mtime ticks a second
inline constexpr unsigned page_table_levels = 5, pmp_entries = 16; ///< Sv57; of each hart

inline constexpr PhysRange monitor = PhysRange::constant(0x8000'0000, 0x10'0000);
inline constexpr char monitor_node[] = "plinth@80000000";
inline constexpr PhysRange boot_page = PhysRange::constant(0x800f'f000, 0x1000);
inline constexpr PhysRange firmware = PhysRange::constant(0x8010'0000, 0x10'0000);
inline constexpr PhysRange firmware_info = PhysRange::constant(0x801f'f000, 0x1000);
inline constexpr PhysRange clint = PhysRange::constant(0x200'0000, 0x1'0000);
inline constexpr PhysRange finisher = PhysRange::constant(0x10'0000, 0x1000);
inline constexpr PhysRange fw_cfg = PhysRange::constant(0x1010'0000, 0x1000);
inline constexpr std::array owned_devices{clint, finisher, fw_cfg};
inline constexpr std::array reset_devices{finisher};
inline constexpr std::array<char const*, 1> hidden_nodes{"qemu,fw-cfg-mmio"};
inline constexpr std::array<char const*, 2> reset_nodes{"syscon-poweroff", "syscon-reboot"};

/// What left the machine. The board's functions are free functions, so it is one for the process.
struct Outside {
    std::mutex lock;
    std::string uart;
    bool divisor_latch{false};
    bool stuck{false}; ///< the UART never becomes ready
    std::vector<std::uint64_t> resets;
};
inline Outside outside;

struct Uart {
    static constexpr std::uint64_t base = 0x1000'0000;
    static bool ready() { return !outside.stuck; }
    static bool usable() { return !outside.divisor_latch; }
    static void send(char c) {
        std::lock_guard const hold{outside.lock};
        outside.uart += c;
    }
};

constexpr bool is_reset_command(std::uint64_t address, unsigned width, std::uint64_t value) {
    auto const command = value & 0xffffU;
    return address == finisher.base().raw && (width == 2 || width == 4) &&
           (command == 0x3333 || command == 0x5555 || command == 0x7777);
}
inline void reset(std::uint64_t value) {
    std::lock_guard const hold{outside.lock};
    outside.resets.push_back(value);
}

} // namespace plinth::board
