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

/// The subnode of that name, which is made if there is none; negative: an error of libfdt.
int subnode(void* fdt, int parent, char const* name) {
    auto const node = fdt_add_subnode(fdt, parent, name);
    return node == -FDT_ERR_EXISTS ? fdt_subnode_offset(fdt, parent, name) : node;
}

bool is_kind(void const* fdt, int node, char const* kind) {
    int length = 0;
    auto const* type = static_cast<char const*>(fdt_getprop(fdt, node, "device_type", &length));
    auto const size = std::strlen(kind) + 1;
    return type != nullptr && static_cast<std::size_t>(length) == size &&
           std::memcmp(type, kind, size) == 0;
}

/// Phandles of the boards' reset devices, 0: not in this machine.
using ResetDevices = std::array<u32, board::resets.size()>;

/// Removes hidden and reset nodes; finds what the latter are to refer to.
Result<ResetDevices> hide(void* fdt) {
    ResetDevices devices{};
    unsigned clints = 0;
    int node = 0;
    for (int last = 0; (node = fdt_next_node(fdt, last, nullptr)) >= 0;) {
        int length = 0;
        auto const* names = static_cast<char const*>(fdt_getprop(fdt, node, "compatible", &length));
        auto const is = [&](char const* name) {
            return names != nullptr && fdt_stringlist_contains(names, length, name) != 0;
        };
        if (is("sifive,clint0")) ++clints;
        auto hidden = std::ranges::any_of(board::hidden_nodes, is);
        for (std::size_t i = 0; i < board::resets.size(); ++i) {
            hidden = hidden || is(board::resets[i].compatible);
            if (is(board::resets[i].device)) devices[i] = fdt_get_phandle(fdt, node);
        }
        if (!hidden)
            last = node;
        else if (fdt_del_node(fdt, node) != 0)
            return Err::Malformed;
    }
    if (node != -FDT_ERR_NOTFOUND || clints > 1) return Err::Malformed;
    return devices;
}

Result<void> reserve(void* fdt, PhysRange range) {
    auto parent = fdt_add_subnode(fdt, 0, "reserved-memory");
    if (parent == -FDT_ERR_EXISTS)
        parent = fdt_path_offset(fdt, "/reserved-memory");
    else if (parent < 0 || fdt_setprop_empty(fdt, parent, "ranges") != 0 ||
             fdt_setprop_u32(fdt, parent, "#address-cells", 2) != 0 ||
             fdt_setprop_u32(fdt, parent, "#size-cells", 2) != 0)
        return Err::NoResource;
    char name[] = "plinth@0000000000000000";
    for (unsigned i = 0; i < 16; ++i)
        name[sizeof name - 2 - i] = "0123456789abcdef"[(range.base().raw >> (4 * i)) & 15U];
    auto const node = fdt_add_subnode(fdt, parent, name);
    if (node < 0 || fdt_setprop_empty(fdt, node, "no-map") != 0 ||
        fdt_appendprop_addrrange(fdt, parent, node, "reg", range.base().raw, range.size()) != 0)
        return Err::NoResource;
    return {};
}

Result<void> add_reset(void* fdt, board::Reset const& reset, u32 phandle) {
    auto const node = subnode(fdt, subnode(fdt, 0, "plinth"), reset.compatible);
    auto const length = static_cast<int>(std::strlen(reset.compatible) + 1);
    if (node < 0 || fdt_setprop(fdt, node, "compatible", reset.compatible, length) != 0 ||
        fdt_setprop_u32(fdt, node, "regmap", phandle) != 0 ||
        fdt_setprop_u32(fdt, node, "offset", 0) != 0 ||
        fdt_setprop_u32(fdt, node, "value", reset.value) != 0)
        return Err::NoResource;
    return {};
}

} // namespace

Result<DeviceTree> DeviceTree::open(std::span<u8> memory) {
    if (memory.size() < sizeof(fdt_header) || std::bit_cast<std::uintptr_t>(memory.data()) % 8 != 0)
        return Err::Malformed;
    if (fdt_version(memory.data()) != 17 || fdt_check_full(memory.data(), memory.size()) != 0)
        return Err::Malformed;
    return DeviceTree{memory.data()};
}

std::span<u8 const> DeviceTree::bytes() const { return {fdt_, fdt_totalsize(fdt_)}; }

Result<std::array<std::optional<PhysRange>, 4>> DeviceTree::ram() const {
    auto const address_cells = fdt_address_cells(fdt_, 0);
    auto const size_cells = fdt_size_cells(fdt_, 0);
    if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2)
        return Err::Malformed;
    auto const stride = address_cells + size_cells;
    std::array<std::optional<PhysRange>, 4> banks{};
    std::size_t count = 0;
    int node = 0;
    fdt_for_each_subnode(node, fdt_, 0) {
        if (!is_kind(fdt_, node, "memory")) continue;
        int length = 0;
        auto const* reg = static_cast<fdt32_t const*>(fdt_getprop(fdt_, node, "reg", &length));
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
    u64 harts = 1;
    int node = 0;
    fdt_for_each_subnode(node, fdt_, fdt_path_offset(fdt_, "/cpus")) {
        auto const id = number_property(fdt_, node, "reg");
        if (is_kind(fdt_, node, "cpu") && id && *id < 4096) harts = std::max(harts, *id + 1);
    }
    return static_cast<unsigned>(harts);
}

std::optional<PhysRange> DeviceTree::initrd() const {
    auto const chosen = fdt_path_offset(fdt_, "/chosen");
    auto const start = number_property(fdt_, chosen, "linux,initrd-start");
    auto const end = number_property(fdt_, chosen, "linux,initrd-end");
    if (!start || !end || *end <= *start) return std::nullopt;
    return *PhysRange::make({*start}, *end - *start);
}

std::span<u8> DeviceTree::seed() const {
    auto const chosen = fdt_path_offset(fdt_, "/chosen");
    int length = 0;
    auto* bytes = fdt_getprop_w(fdt_, chosen, "rng-seed", &length);
    if (bytes == nullptr) return {fdt_, 0}; // empty, but no null pointer
    return {static_cast<u8*>(bytes), static_cast<std::size_t>(length)};
}

Result<void> DeviceTree::edit(std::span<u8> room) {
    if (fdt_open_into(fdt_, fdt_, static_cast<int>(room.size())) != 0) return Err::NoResource;
    auto const reset_devices = TRY(hide(fdt_));
    TRY_VOID(reserve(fdt_, board::monitor));
    for (std::size_t i = 0; i < board::resets.size(); ++i)
        if (reset_devices[i] != 0) TRY_VOID(add_reset(fdt_, board::resets[i], reset_devices[i]));
    return fdt_pack(fdt_) == 0 ? Result<void>{} : Err::NoResource;
}

} // namespace plinth::monitor
