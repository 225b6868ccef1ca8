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

    /// Checks header and structure. `memory` is the blob; its end is where it may grow to.
    /// Error Malformed.
    static Result<DeviceTree> open(std::span<u8> memory);

    /// Bytes that the tree takes now.
    std::size_t size() const;
    /// The blob as it is now.
    std::span<u8 const> bytes() const { return memory_.first(size()); }

    /// Banks of /memory nodes, as many as fit. Error Malformed when there is none.
    Result<std::array<std::optional<PhysRange>, 4>> ram() const;
    /// One more than the highest hart id in /cpus, at least 1.
    unsigned harts() const;
    /// Nodes that are compatible with `name`.
    unsigned count(char const* name) const;
    /// /chosen/linux,initrd-start … end, if there is one.
    std::optional<PhysRange> initrd() const;

    /// Copies /chosen/rng-seed out and zeroes it in the tree; the number of bytes copied.
    std::size_t take_seed(std::span<u8> out);
    /// Puts other bytes where the seed was.
    void replace_seed(std::span<u8 const> bytes);
    /// Adds a no-map node for `range` under /reserved-memory. Error NoResource: no room.
    Result<void> reserve(PhysRange range);
    /// Takes out nodes that are compatible with any of `names`.
    void remove(std::span<char const* const> names);
    /// Replaces the reset nodes of this kind by one below /plinth, which has no compatible string:
    /// firmware, which looks at the whole tree, finds it; operating systems make no device of it.
    /// Error NoResource: no room.
    Result<void> add_reset(board::Reset const& reset);
    /// Makes the tree as large as `memory` so that it can be edited; and as small as it can be
    /// again.
    Result<void> expand();
    void pack();

  private:
    explicit DeviceTree(std::span<u8> memory) : memory_{memory} {}
    std::span<u8> seed() const;
    std::span<u8> memory_;
};

} // namespace plinth::monitor
