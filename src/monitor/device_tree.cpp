// SPDX-License-Identifier: Apache-2.0
#include "monitor/device_tree.hpp"

#include <algorithm>
#include <bit>
#include <string.h>

namespace plinth::monitor {
namespace {

/// Tokens of the structure block (5.4.1).
enum : u32 { BeginNode = 1, EndNode, Property, Nop, End = 9 };
/// The properties that are asked for.
enum : u32 { Compatible, DeviceType, Reg, Ranges, AddressCells, SizeCells, Start, Stop, Seed };
constexpr std::array<char const*, 9> wanted{
    "compatible",         "device_type",      "reg",     "ranges", "#address-cells", "#size-cells",
    "linux,initrd-start", "linux,initrd-end", "rng-seed"};

u32 get(u8 const* at) { return u32{at[0]} << 24U | at[1] << 16U | at[2] << 8U | at[3]; }
void put(u8* at, u32 word) {
    for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<u8>(word >> (24 - 8 * i));
}
/// One cell or two.
u64 number(std::span<u8 const> cells) {
    u64 value = 0;
    for (auto const byte : cells) value = value << 8U | byte;
    return value;
}
constexpr u32 aligned(std::size_t at) { return static_cast<u32>(at + 3) & ~3U; }

char const* text(u8 const* at) { return std::bit_cast<char const*>(at); }
/// Whether that is the name, perhaps with a unit address, which readers of paths do not need.
bool same(char const* text, char const* name) {
    for (; *name != '\0'; ++text, ++name)
        if (*text != *name) return false;
    return *text == '\0' || *text == '@';
}
/// Calls `each` with the strings of a list.
void for_strings(std::span<u8 const> list, auto each) {
    if (list.empty() || list.back() != 0) return;
    for (auto const* at = text(list.data()); at <= text(&list.back()); at += strlen(at) + 1)
        each(at);
}
bool is(std::span<u8 const> value, char const* name) {
    return !value.empty() && value.back() == 0 && same(text(value.data()), name);
}

/// Names of added properties, for the strings block.
constexpr char names[] = "no-map\0reg\0ranges\0#address-cells\0#size-cells";
/// The mark of an offset among them, which is counted from where they are put.
consteval u32 operator""_name(unsigned long long offset) {
    return 0xff00'0000U + static_cast<u32>(offset);
}
consteval u32 word(char const* t) {
    return static_cast<u32>(t[0]) << 24U | static_cast<u32>(t[1]) << 16U |
           static_cast<u32>(t[2]) << 8U | static_cast<u32>(t[3]);
}
consteval u32 operator""_w(char const* t, std::size_t) { return word(t); }

constexpr u32 id0 = word(board::monitor_node), id1 = word(board::monitor_node + 4),
              id2 = word(board::monitor_node + 8), id3 = word(board::monitor_node + 12);
constexpr u32 base1 = board::monitor.base().raw >> 32U, base0 = board::monitor.base().raw & ~0U,
              size0 = board::monitor.size();
/// The monitor's node; around it, from 0 to 16 and from 32 on, /reserved-memory.
constexpr u32 reservation[] = {BeginNode, "rese"_w, "rved"_w,  "-mem"_w, "ory"_w, Property, 0,
                               11_name,   Property, 4,         18_name,  2,       Property, 4,
                               33_name,   2,        BeginNode, id0,      id1,     id2,      id3,
                               Property,  0,        0_name,    Property, 16,      7_name,   base1,
                               base0,     0,        size0,     EndNode,  EndNode, Nop};
static_assert(base0 < 0_name && size0 < 0_name);

} // namespace

/// Where read() is, and what it read of the node there.
struct DeviceTree::Node {
    u32 start{0};             ///< of its first token
    unsigned depth{0};        ///< 1: the root
    char const* top{nullptr}; ///< name of the node of depth 2 that this is or lies in
    bool open{false};         ///< properties may follow
    std::array<std::span<u8>, wanted.size() + 1> values{}; ///< the last: of other properties
};

Result<DeviceTree> DeviceTree::open(std::span<u8> memory) {
    if (memory.size() < 4 * HeaderWords || std::bit_cast<std::uintptr_t>(memory.data()) % 8 != 0)
        return Err::Malformed;
    DeviceTree tree{memory.data()};
    auto& header = tree.header_;
    for (u32 i = 0; i < HeaderWords; ++i) header[i] = get(&memory[4 * i]);
    auto const structure = header[Structure];
    u64 const structure_end = u64{structure} + header[StructureSize];
    u64 const strings_end = u64{header[Strings]} + header[StringsSize];
    if (header[Magic] != 0xd00dfeed || header[Version] != 17 || header[Total] > memory.size() ||
        header[Reservations] < 4 * HeaderWords || header[Reservations] > structure ||
        structure % 4 != 0 || structure_end % 4 != 0 || structure_end > header[Strings] ||
        header[StringsSize] == 0 || strings_end > header[Total] || memory[strings_end - 1] != 0)
        return Err::Malformed;
    TRY(tree.read(structure, static_cast<u32>(structure_end)));
    return tree;
}

Result<void> DeviceTree::read(u32 at, u32 const limit) {
    Node node{};
    unsigned inside = 0; // depth of the node to be edited
    std::size_t count = 0;
    while (limit - at >= 4) {
        auto const start = at;
        auto const token = get(fdt_ + at);
        at += 4;
        if (token == Property) at = read_property(node, at, limit);
        if (token == Property || token == Nop) continue;
        auto const kind = node.open ? see(node) : Kind::None;
        if (kind != Kind::None && inside == 0 && count < edits_.size()) {
            inside = node.depth;
            edits_[count++] = {kind, node.start, 0};
        }
        node.open = false;
        if (token == BeginNode && root_end_ == 0) {
            auto const* name = text(fdt_ + at);
            auto const length = strnlen(name, limit - at);
            if (length == limit - at) break;
            at = aligned(at + length + 1);
            node = {start, node.depth + 1, node.depth == 1 ? name : node.top, true};
        } else if (token == EndNode && node.depth != 0) {
            if (node.depth == 1) root_end_ = start;
            if (node.depth == 2 && same(node.top, "reserved-memory") && reserved_end_ == 0)
                reserved_end_ = start;
            if (node.depth == inside) edits_[count - 1].behind = at;
            if (node.depth == inside) inside = 0;
            --node.depth;
        } else {
            auto const whole = token == End && node.depth == 0 && root_end_ != 0;
            auto const good = whole && two_cells_ && clints_ <= 1 && count < edits_.size();
            return good ? Result<void>{} : Err::Malformed;
        }
    }
    return Err::Malformed;
}

/// A property behind its token; returns where it ends, `limit` if it is none.
u32 DeviceTree::read_property(Node& node, u32 at, u32 limit) {
    if (!node.open || limit - at < 8) return limit;
    auto const length = get(fdt_ + at);
    auto const name = get(fdt_ + at + 4);
    at += 8;
    if (length > limit - at || name >= header_[StringsSize]) return limit;
    std::size_t which = 0;
    while (which < wanted.size() && !same(text(fdt_ + header_[Strings] + name), wanted[which]))
        ++which;
    auto& value = node.values[which];
    if (value.data() == nullptr) value = {fdt_ + at, length};
    return aligned(at + length);
}

/// Takes what is wanted from a node. What is to be done to it.
DeviceTree::Kind DeviceTree::see(Node const& node) {
    auto const& v = node.values;
    auto const top = [&](char const* name) { return node.depth == 2 && same(node.top, name); };
    if (node.depth == 1 || top("reserved-memory"))
        two_cells_ = two_cells_ && number(v[AddressCells]) == 2 && number(v[SizeCells]) == 2 &&
                     (node.depth == 1 || v[Ranges].data() != nullptr);
    if (node.depth == 2 && is(v[DeviceType], "memory"))
        for (auto reg = v[Reg]; reg.size() >= 16; reg = reg.subspan(16)) {
            auto const bank = PhysRange::make({number(reg.first(8))}, number(reg.subspan(8, 8)));
            auto* const place = std::ranges::find(ram, std::optional<PhysRange>{});
            if (bank && place != ram.end()) *place = *bank;
        }
    if (top("chosen")) {
        if (seed.empty() && !v[Seed].empty()) seed = v[Seed];
        auto const size = number(v[Stop]) - number(v[Start]);
        auto const range = PhysRange::make({number(v[Start])}, size);
        if (!initrd && range && !v[Start].empty() && !v[Stop].empty()) initrd = *range;
    }
    if (node.depth == 3 && same(node.top, "cpus") && is(v[DeviceType], "cpu") &&
        number(v[Reg]) < 4096)
        harts = std::max(harts, number(v[Reg]) + 1);
    auto kind = Kind::None;
    for_strings(v[Compatible], [&](char const* name) {
        if (same(name, "sifive,clint0")) ++clints_;
        for (auto const* each : board::hidden_nodes)
            if (same(name, each)) kind = Kind::Hide;
        for (auto const* each : board::reset_nodes)
            if (same(name, each) && kind != Kind::Hide) kind = Kind::Wrap;
    });
    return node.depth > 1 ? kind : Kind::None;
}

/// Puts in an even number of words, so that what lies behind keeps its alignment.
void DeviceTree::insert(u32 at, std::span<u32 const> words) {
    auto const size = static_cast<u32>(words.size_bytes());
    memmove(fdt_ + at + size, fdt_ + at, end() - at);
    header_[StructureSize] += size;
    header_[Strings] += size;
    root_end_ += size;
    if (reserved_end_ >= at) reserved_end_ += size;
    for (auto const word : words) {
        put(fdt_ + at, word >= 0_name ? header_[StringsSize] + word - 0_name : word);
        at += 4;
    }
}

Result<void> DeviceTree::edit(std::span<u8> room) {
    constexpr auto most =
        sizeof names + sizeof reservation + 32 * std::tuple_size_v<decltype(edits_)>;
    static_assert(most <= growth);
    if (room.size() < end() + most) return Err::NoResource;
    for (auto i = edits_.size(); i-- > 0;) { // from behind: what comes before stays where it is
        auto const& edit = edits_[i];
        if (edit.kind == Kind::Hide)
            for (auto at = edit.first; at < edit.behind; at += 4) put(fdt_ + at, Nop);
        if (edit.kind != Kind::Wrap) continue;
        insert(edit.behind, std::array<u32, 2>{EndNode, Nop}); // into a node of no kind
        auto const digit = static_cast<u32>(i) << 16U;
        insert(edit.first,
               std::array<u32, 6>{Nop, BeginNode, "plin"_w, "th-r"_w, "eset"_w, "-0\0"_w + digit});
    }
    std::span<u32 const> const whole{reservation};
    reserved_end_ == 0 ? insert(root_end_, whole) : insert(reserved_end_, whole.subspan(16, 16));
    memcpy(fdt_ + end(), names, sizeof names);
    header_[StringsSize] += sizeof names;
    header_[Total] = end();
    for (u32 i = 0; i < HeaderWords; ++i) put(fdt_ + 4 * i, header_[i]);
    return {};
}

} // namespace plinth::monitor
