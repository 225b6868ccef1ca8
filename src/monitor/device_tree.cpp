// SPDX-License-Identifier: Apache-2.0
#include "monitor/device_tree.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <libfdt.h>

namespace plinth::monitor {
namespace {

/// `count` big-endian cells at `cells` as one number.
u64 number(fdt32_t const* cells, int count) {
    u64 value = 0;
    for (int i = 0; i < count; ++i) value = (value << 32U) | fdt32_to_cpu(cells[i]);
    return value;
}

/// A property of one or two cells; none if it has another length.
std::optional<u64> number_property(void const* fdt, int node, char const* name) {
    int length = 0;
    auto const* cells = static_cast<fdt32_t const*>(fdt_getprop(fdt, node, name, &length));
    if (cells == nullptr || (length != 4 && length != 8)) return std::nullopt;
    return number(cells, length / 4);
}

bool is_kind(void const* fdt, int node, char const* kind) {
    int length = 0;
    auto const* type = static_cast<char const*>(fdt_getprop(fdt, node, "device_type", &length));
    auto const size = std::strlen(kind) + 1;
    return type != nullptr && static_cast<std::size_t>(length) == size &&
           std::memcmp(type, kind, size) == 0;
}

} // namespace

Result<DeviceTree> DeviceTree::open(std::span<u8> memory) {
    if (memory.size() < sizeof(fdt_header) || std::bit_cast<std::uintptr_t>(memory.data()) % 8 != 0)
        return Err::Malformed;
    if (fdt_check_full(memory.data(), memory.size()) != 0) return Err::Malformed;
    return DeviceTree{memory};
}

std::size_t DeviceTree::size() const { return fdt_totalsize(memory_.data()); }

Result<std::array<std::optional<PhysRange>, 4>> DeviceTree::ram() const {
    auto const* fdt = memory_.data();
    auto const address_cells = fdt_address_cells(fdt, 0);
    auto const size_cells = fdt_size_cells(fdt, 0);
    if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2)
        return Err::Malformed;
    auto const stride = address_cells + size_cells;
    std::array<std::optional<PhysRange>, 4> banks{};
    std::size_t count = 0;
    int node = 0;
    fdt_for_each_subnode(node, fdt, 0) {
        if (!is_kind(fdt, node, "memory")) continue;
        int length = 0;
        auto const* reg = static_cast<fdt32_t const*>(fdt_getprop(fdt, node, "reg", &length));
        for (int cells = length / 4; reg != nullptr && cells >= stride;
             cells -= stride, reg += stride) {
            auto const bank = PhysRange::make({number(reg, address_cells)},
                                              number(reg + address_cells, size_cells));
            if (bank && count < banks.size()) banks[count++] = *bank;
        }
    }
    if (count == 0) return Err::Malformed;
    return banks;
}

unsigned DeviceTree::harts() const {
    auto const* fdt = memory_.data();
    u64 harts = 1;
    int node = 0;
    fdt_for_each_subnode(node, fdt, fdt_path_offset(fdt, "/cpus")) {
        auto const id = number_property(fdt, node, "reg");
        if (is_kind(fdt, node, "cpu") && id && *id < 4096) harts = std::max(harts, *id + 1);
    }
    return static_cast<unsigned>(harts);
}

unsigned DeviceTree::count(char const* name) const {
    unsigned count = 0;
    for (int node = -1; (node = fdt_node_offset_by_compatible(memory_.data(), node, name)) >= 0;)
        ++count;
    return count;
}

std::optional<PhysRange> DeviceTree::initrd() const {
    auto const* fdt = memory_.data();
    auto const chosen = fdt_path_offset(fdt, "/chosen");
    if (chosen < 0) return std::nullopt;
    auto const start = number_property(fdt, chosen, "linux,initrd-start");
    auto const end = number_property(fdt, chosen, "linux,initrd-end");
    if (!start || !end || *end <= *start) return std::nullopt;
    return *PhysRange::make({*start}, *end - *start);
}

std::span<u8> DeviceTree::seed() const {
    auto* fdt = memory_.data();
    auto const chosen = fdt_path_offset(fdt, "/chosen");
    int length = 0;
    auto* bytes = chosen < 0 ? nullptr : fdt_getprop_w(fdt, chosen, "rng-seed", &length);
    if (bytes == nullptr) return {};
    return {static_cast<u8*>(bytes), static_cast<std::size_t>(length)};
}

std::size_t DeviceTree::take_seed(std::span<u8> out) {
    auto const bytes = seed();
    auto const count = std::min(bytes.size(), out.size());
    std::copy_n(bytes.begin(), count, out.begin());
    std::ranges::fill(bytes, u8{0});
    return count;
}

void DeviceTree::replace_seed(std::span<u8 const> bytes) {
    auto const place = seed();
    std::copy_n(bytes.begin(), std::min(place.size(), bytes.size()), place.begin());
}

Result<void> DeviceTree::reserve(PhysRange range) {
    auto* fdt = memory_.data();
    auto parent = fdt_path_offset(fdt, "/reserved-memory");
    if (parent < 0) {
        parent = fdt_add_subnode(fdt, 0, "reserved-memory");
        if (parent < 0 || fdt_setprop_empty(fdt, parent, "ranges") != 0 ||
            fdt_setprop_u32(fdt, parent, "#address-cells", 2) != 0 ||
            fdt_setprop_u32(fdt, parent, "#size-cells", 2) != 0)
            return Err::NoResource;
    }
    if (fdt_address_cells(fdt, parent) != 2 || fdt_size_cells(fdt, parent) != 2)
        return Err::Malformed;
    char name[] = "plinth@0000000000000000";
    for (unsigned i = 0; i < 16; ++i)
        name[sizeof name - 2 - i] = "0123456789abcdef"[(range.base().raw >> (4 * i)) & 15U];
    auto const node = fdt_add_subnode(fdt, parent, name);
    fdt64_t const reg[] = {cpu_to_fdt64(range.base().raw), cpu_to_fdt64(range.size())};
    if (node < 0 || fdt_setprop(fdt, node, "reg", reg, sizeof reg) != 0 ||
        fdt_setprop_empty(fdt, node, "no-map") != 0)
        return Err::NoResource;
    return {};
}

void DeviceTree::remove(std::span<char const* const> names) {
    auto* fdt = memory_.data();
    for (auto const* name : names)
        for (int node = fdt_node_offset_by_compatible(fdt, -1, name); node >= 0;
             node = fdt_node_offset_by_compatible(fdt, -1, name))
            if (fdt_del_node(fdt, node) != 0) return;
}

Result<void> DeviceTree::add_reset(board::Reset const& reset) {
    auto* fdt = memory_.data();
    remove({&reset.compatible, 1});
    auto const device = fdt_node_offset_by_compatible(fdt, -1, reset.device);
    auto const phandle = device < 0 ? 0 : fdt_get_phandle(fdt, device);
    if (phandle == 0) return {}; // a machine without it
    auto parent = fdt_path_offset(fdt, "/plinth");
    if (parent < 0) parent = fdt_add_subnode(fdt, 0, "plinth");
    auto const length = static_cast<int>(std::strlen(reset.compatible) + 1);
    auto const node = parent < 0 ? parent : fdt_add_subnode(fdt, parent, reset.compatible);
    if (node < 0 || fdt_setprop(fdt, node, "compatible", reset.compatible, length) != 0 ||
        fdt_setprop_u32(fdt, node, "regmap", phandle) != 0 ||
        fdt_setprop_u32(fdt, node, "offset", 0) != 0 ||
        fdt_setprop_u32(fdt, node, "value", reset.value) != 0)
        return Err::NoResource;
    return {};
}

Result<void> DeviceTree::expand() {
    auto const size = static_cast<int>(memory_.size());
    if (fdt_open_into(memory_.data(), memory_.data(), size) != 0) return Err::NoResource;
    return {};
}

void DeviceTree::pack() { (void)fdt_pack(memory_.data()); }

} // namespace plinth::monitor
