// SPDX-License-Identifier: Apache-2.0
// What the monitor reads from the device tree, and the little that it changes in it.
#pragma once

#include "base/phys.hpp"
#include "board.hpp"

#include <array>
#include <optional>
#include <span>

namespace plinth::monitor {

/// A flattened device tree at a fixed place, with room behind it to grow.
class DeviceTree {
  public:
    static constexpr std::size_t growth = 2048;      ///< bytes that the edits may take, at most
    static constexpr std::size_t max_size = 2 << 20; ///< bytes; larger ones are not believed

    /// Checks header and structure of the blob that `memory` begins with. Error Malformed, also for
    /// versions of the format other than 17, which libfdt is built for.
    static Result<DeviceTree> open(std::span<u8> memory);

    /// The blob as it is now.
    std::span<u8 const> bytes() const;

    /// Banks of /memory nodes, as many as fit. Error Malformed when there is none.
    Result<std::array<std::optional<PhysRange>, 4>> ram() const;
    /// One more than the highest hart id in /cpus, at least 1.
    unsigned harts() const;
    /// /chosen/linux,initrd-start … end, if there is one.
    std::optional<PhysRange> initrd() const;
    /// The value of /chosen/rng-seed, where it lies until edit(); empty without one.
    std::span<u8> seed() const;

    /// Makes it the firmware's tree, which may grow to `room`, which begins where it does. Removes
    /// the nodes that nobody below may use. Adds a no-map node for the monitor under
    /// /reserved-memory. Replaces the board's reset nodes by one below /plinth, which has no
    /// compatible string: firmware, which looks at the whole tree, finds it; operating systems make
    /// no device of it. Errors: Malformed (more than the one CLINT that is denied and emulated),
    /// NoResource (no room).
    Result<void> edit(std::span<u8> room);

  private:
    explicit DeviceTree(u8* fdt) : fdt_{fdt} {}
    u8* fdt_;
};

} // namespace plinth::monitor
