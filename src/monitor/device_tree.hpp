// SPDX-License-Identifier: Apache-2.0
// What the monitor reads from the device tree, and the little that it changes in it.
#pragma once

#include "base/phys.hpp"
#include "board.hpp"

#include <array>
#include <optional>
#include <span>

namespace plinth::monitor {

/// A flattened device tree (devicetree specification 5) at a fixed place, with room behind it to
/// grow. It is read once, from its first token to its last, and edited where it lies.
class DeviceTree {
  public:
    static constexpr std::size_t growth = 2048;      ///< bytes that the edits may take, at most
    static constexpr std::size_t max_size = 2 << 20; ///< bytes; larger ones are not believed

    /// Checks the blob that `memory` begins with and reads it. Error Malformed: also for versions
    /// other than 17, blocks in another order than that of section 5.1, addresses or sizes of other
    /// than two cells in the root or in /reserved-memory, no ranges there (kernels then ignore
    /// it), and more than the one CLINT that is denied and emulated. Of two properties or nodes of
    /// one name the first counts.
    static Result<DeviceTree> open(std::span<u8> memory);

    /// The blob as it is now.
    std::span<u8 const> bytes() const { return {fdt_, header_[Total]}; }

    std::array<std::optional<PhysRange>, 4> ram{}; ///< banks of /memory nodes, as many as fit
    u64 harts{1};                      ///< one more than the highest hart id in /cpus, at least 1
    std::optional<PhysRange> initrd{}; ///< /chosen/linux,initrd-start … end
    std::span<u8> seed; ///< the value of /chosen/rng-seed, where it lies until edit()

    /// Makes it the firmware's tree, which may grow to `room`, which begins where it does. Removes
    /// the nodes that nobody below may use. Adds a no-map node for the monitor under
    /// /reserved-memory. Puts each of the board's reset nodes into one which has no compatible
    /// string: firmware, which looks at the whole tree, finds it; operating systems make no device
    /// of it. A node in one that is removed or put away shares its fate. Error NoResource: no room.
    Result<void> edit(std::span<u8> room);

  private:
    struct Node;
    /// Words of the header (5.2).
    enum : u32 { Magic, Total, Structure, Strings, Reservations, Version };
    enum : u32 { StringsSize = 8, StructureSize, HeaderWords };
    enum class Kind : u8 { None, Hide, Wrap };
    /// A node from its first byte to the one behind it.
    struct Edit {
        Kind kind{};
        u32 first{0}, behind{0};
    };
    explicit DeviceTree(u8* fdt) : seed{fdt, 0}, fdt_{fdt} {}
    Result<void> read(u32 at, u32 limit);
    u32 read_property(Node& node, u32 at, u32 limit);
    Kind see(Node const& node);
    void insert(u32 at, std::span<u32 const> words);
    /// Where the strings, the last of the blocks, end.
    u32 end() const { return header_[Strings] + header_[StringsSize]; }

    u8* fdt_;
    std::array<u32, HeaderWords> header_{};
    u32 root_end_{0}, reserved_end_{0}; ///< end tokens of / and /reserved-memory; 0: none
    std::array<Edit, 8> edits_{};
    unsigned clints_{0};
    bool two_cells_{true};
};

} // namespace plinth::monitor
