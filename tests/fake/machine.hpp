// SPDX-License-Identifier: Apache-2.0
/// What the fake harts of one process share: memory, time and the CLINT. And how the fake says no.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <vector>

namespace plinth::fake {

/// The monitor or a scripted guest did what no test allows. Uncaught, it fails the test.
class Violation : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// A hart was parked for good.
class Parked : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// The script has no further step.
class ScriptEnded : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
/// An SM_CHECK failed.
class MonitorFailure : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline constexpr unsigned max_harts = 8;

/// RAM from 0x80000000, mtime, and for each hart msip, mtimecmp and the external interrupt lines.
struct Machine {
    static constexpr std::uint64_t ram_base = 0x8000'0000;

    explicit Machine(std::uint64_t ram_size) : ram(ram_size) {}

    std::vector<std::uint8_t> ram;
    std::atomic<std::uint64_t> mtime{1000};
    /// Ticks by which every reading of the time moves it on.
    std::atomic<std::uint64_t> ticks_per_read{0};
    std::array<std::atomic<std::uint32_t>, max_harts> msip{};
    std::array<std::atomic<std::uint64_t>, max_harts> mtimecmp{};
    /// Lines of the interrupt controller, in the places of mip: MEIP (bit 11), SEIP (bit 9).
    std::array<std::atomic<std::uint64_t>, max_harts> lines{};
    /// Called after an IPI was sent to a hart: the test may let that hart act.
    std::function<void(unsigned hart)> on_ipi{};
    /// Harts run on threads of their own: a sleeping one waits for them instead of for the time.
    bool threads{false};
};

} // namespace plinth::fake
