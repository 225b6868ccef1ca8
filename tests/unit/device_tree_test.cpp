// SPDX-License-Identifier: Apache-2.0
/// The device tree and the boot hart's preparations, on trees built with libfdt; and on broken
/// ones.
#include "attest/report.hpp"
#include "bench.hpp"
#include "monitor/boot.hpp"
#include "monitor/device_tree.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <gtest/gtest.h>
#include <libfdt.h>
#include <map>
#include <random>
#include <string>

namespace plinth::monitor {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Wished {
    unsigned harts{2};
    std::size_t seed{32};
    std::uint64_t ram{16 << 20};
    bool memory{true}, reserved{false};
    std::uint64_t initrd{0};
};

/// Writes a tree with libfdt's sequential functions.
class TreeWriter {
  public:
    TreeWriter() {
        fdt_create(blob_.data(), static_cast<int>(blob_.size()));
        fdt_finish_reservemap(blob_.data());
        begin("");
        cells(2, 2);
    }
    Bytes finish() {
        end();
        EXPECT_EQ(fdt_finish(blob_.data()), 0);
        blob_.resize(fdt_totalsize(blob_.data()));
        return blob_;
    }
    void begin(std::string const& name) { fdt_begin_node(blob_.data(), name.c_str()); }
    void end() { fdt_end_node(blob_.data()); }
    void bytes(char const* name, void const* data, std::size_t size) {
        fdt_property(blob_.data(), name, data, static_cast<int>(size));
    }
    void text(char const* name, std::string const& value) {
        bytes(name, value.c_str(), value.size() + 1);
    }
    void word(char const* name, std::uint32_t value) {
        fdt_property_u32(blob_.data(), name, value);
    }
    void words(char const* name, std::initializer_list<std::uint64_t> values) {
        std::vector<fdt64_t> big_endian;
        for (auto const value : values) big_endian.push_back(cpu_to_fdt64(value));
        bytes(name, big_endian.data(), 8 * big_endian.size());
    }
    void cells(std::uint32_t address, std::uint32_t size) {
        word("#address-cells", address);
        word("#size-cells", size);
    }

  private:
    Bytes blob_ = Bytes(65536);
};

void write_chosen(TreeWriter& out, Wished const& wished) {
    out.begin("chosen");
    Bytes const seed(wished.seed, 0x5a);
    if (wished.seed != 0) out.bytes("rng-seed", seed.data(), seed.size());
    if (wished.initrd != 0) {
        out.words("linux,initrd-start", {wished.initrd});
        out.words("linux,initrd-end", {wished.initrd + 0x1000});
    }
    out.end();
}

void write_cpus(TreeWriter& out, Wished const& wished) {
    out.begin("cpus");
    out.cells(1, 0);
    for (unsigned i = 0; i < wished.harts; ++i) {
        out.begin("cpu@" + std::to_string(i));
        out.text("device_type", "cpu");
        out.word("reg", i);
        out.end();
    }
    out.end();
}

void write_devices(TreeWriter& out) {
    out.begin("soc");
    out.begin("test@100000");
    out.bytes("compatible", "sifive,test1\0sifive,test0\0syscon", 33);
    out.word("phandle", 7);
    out.end();
    out.begin("fw-cfg@10100000");
    out.text("compatible", "qemu,fw-cfg-mmio");
    out.end();
    out.end();
    for (std::string const kind : {"poweroff", "reboot"}) {
        out.begin(kind);
        out.text("compatible", "syscon-" + kind);
        out.word("regmap", 7);
        out.word("value", kind == "reboot" ? 0x7777 : 0x5555);
        out.end();
    }
}

/// A tree like the one that QEMU makes.
Bytes tree(Wished const& wished = {}) {
    TreeWriter out;
    if (wished.memory) {
        out.begin("memory@80000000");
        out.text("device_type", "memory");
        out.words("reg", {0x8000'0000, wished.ram});
        out.end();
    }
    if (wished.reserved) {
        out.begin("reserved-memory");
        out.cells(2, 2);
        out.bytes("ranges", nullptr, 0);
        out.end();
    }
    write_cpus(out, wished);
    write_devices(out);
    write_chosen(out, wished); // behind nodes that are removed
    return out.finish();
}

/// With room to grow.
Bytes roomy(Bytes blob) {
    blob.resize(blob.size() + DeviceTree::growth);
    return blob;
}

bool has_node(Bytes const& blob, char const* compatible) {
    return fdt_node_offset_by_compatible(blob.data(), -1, compatible) >= 0;
}

TEST(DeviceTree, TellsRamHartsAndInitrd) {
    auto blob = tree({.harts = 4, .initrd = 0x8080'0000});
    auto const parsed = DeviceTree::open(blob);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->harts, 4U);
    EXPECT_EQ(parsed->ram[0], *PhysRange::make({0x8000'0000}, 16 << 20));
    EXPECT_FALSE(parsed->ram[1]);
    EXPECT_EQ(parsed->initrd, *PhysRange::make({0x8080'0000}, 0x1000));
    auto other = tree();
    EXPECT_FALSE(DeviceTree::open(other)->initrd);
    auto without = tree({.memory = false});
    EXPECT_FALSE(DeviceTree::open(without)->ram[0]);
}

TEST(DeviceTree, TheSeedIsFoundWhereItLies) {
    auto blob = tree();
    auto const parsed = *DeviceTree::open(blob);
    EXPECT_EQ(parsed.seed.size(), 32U);
    EXPECT_EQ(std::ranges::count(parsed.seed, 0x5a), 32);
    std::ranges::fill(parsed.seed, std::uint8_t{0});
    Bytes const run(32, 0x5a);
    EXPECT_TRUE(std::ranges::search(blob, run).empty());
    auto none = tree({.seed = 0});
    EXPECT_TRUE(DeviceTree::open(none)->seed.empty());
}

TEST(DeviceTree, OfTwoPropertiesOfOneNameTheFirstCounts) {
    TreeWriter out;
    out.begin("chosen");
    out.text("rng-seed", "first");
    out.text("rng-seed", "second");
    out.end();
    auto blob = out.finish();
    EXPECT_EQ(DeviceTree::open(blob)->seed.size(), 6U); // as for libfdt
}

TEST(DeviceTree, HalfAnInitrdIsNoneAndImpossibleHartsDoNotCount) {
    for (auto const* only : {"linux,initrd-start", "linux,initrd-end"}) {
        TreeWriter out;
        out.begin("chosen");
        out.words(only, {0x8080'0000});
        out.end();
        out.begin("cpus");
        for (auto const id : {2U, 4096U, 0xffff'ffffU}) {
            out.begin("cpu@" + std::to_string(id));
            out.text("device_type", "cpu");
            out.word("reg", id);
            out.end();
        }
        out.end();
        auto blob = out.finish();
        auto const opened = DeviceTree::open(blob);
        ASSERT_TRUE(static_cast<bool>(opened));
        EXPECT_FALSE(opened->initrd) << only;
        EXPECT_EQ(opened->harts, 3U);
    }
}

TEST(DeviceTree, NodesAreFoundAsReadersOfPathsFindThem) {
    TreeWriter out;
    for (unsigned const serial : {0U, 1U}) { // of two the first counts
        out.begin("reserved-memory@" + std::to_string(serial));
        out.cells(2, 2);
        out.bytes("ranges", nullptr, 0);
        out.end();
        out.begin("chosen@" + std::to_string(serial));
        Bytes const seed(8 + serial, 1);
        out.bytes("rng-seed", seed.data(), seed.size());
        out.words("linux,initrd-start", {0x8080'0000 + 0x1000 * serial});
        out.words("linux,initrd-end", {0x8080'1000 + 0x1000 * serial});
        out.end();
    }
    out.begin("chosen-not");
    out.bytes("rng-seed", "no", 3);
    out.end();
    auto blob = roomy(out.finish());
    auto opened = DeviceTree::open(blob);
    ASSERT_TRUE(static_cast<bool>(opened));
    EXPECT_EQ(opened->seed.size(), 8U);
    EXPECT_EQ(opened->initrd->base().raw, 0x8080'0000U);
    ASSERT_TRUE(opened->edit(blob));
    EXPECT_GE(fdt_path_offset(blob.data(), "/reserved-memory/plinth@80000000"), 0);
    EXPECT_GE(fdt_path_offset(blob.data(), "/reserved-memory@0/plinth@80000000"), 0);
}

TEST(DeviceTree, AReservedMemoryWithoutRangesWouldBeIgnoredAndIsRefused) {
    TreeWriter out;
    out.begin("reserved-memory");
    out.cells(2, 2);
    out.end();
    auto blob = out.finish();
    EXPECT_EQ(DeviceTree::open(blob).error(), Err::Malformed);
}

TEST(DeviceTree, WhatIsHiddenIsHiddenWhateverElseItIs) {
    for (auto const* both :
         {"qemu,fw-cfg-mmio\0syscon-reboot", "syscon-reboot\0qemu,fw-cfg-mmio"}) {
        TreeWriter out;
        out.begin("device");
        out.bytes("compatible", both, 31);
        out.end();
        auto blob = roomy(out.finish());
        ASSERT_TRUE(DeviceTree::open(blob)->edit(blob));
        EXPECT_FALSE(has_node(blob, "qemu,fw-cfg-mmio"));
        EXPECT_FALSE(has_node(blob, "syscon-reboot"));
    }
}

TEST(DeviceTree, TheRootIsNeverHidden) {
    TreeWriter out;
    out.text("compatible", "qemu,fw-cfg-mmio");
    auto blob = roomy(out.finish());
    ASSERT_TRUE(DeviceTree::open(blob)->edit(blob));
    EXPECT_GE(fdt_path_offset(blob.data(), "/reserved-memory/plinth@80000000"), 0);
}

TEST(DeviceTree, ReservesTheMonitorUnderANewOrAnExistingNode) {
    for (auto const existing : {false, true}) {
        auto blob = roomy(tree({.reserved = existing}));
        auto parsed = *DeviceTree::open(blob);
        ASSERT_TRUE(parsed.edit(blob));
        auto const node = fdt_path_offset(blob.data(), "/reserved-memory/plinth@80000000");
        ASSERT_GE(node, 0);
        EXPECT_NE(fdt_getprop(blob.data(), node, "no-map", nullptr), nullptr);
        int length = 0;
        auto const* reg =
            static_cast<fdt64_t const*>(fdt_getprop(blob.data(), node, "reg", &length));
        ASSERT_EQ(length, 16);
        EXPECT_EQ(fdt64_ld(reg), 0x8000'0000U);
        EXPECT_EQ(fdt64_ld(reg + 1), 0x10'0000U);
        EXPECT_EQ(fdt_check_full(blob.data(), blob.size()), 0);
        EXPECT_LT(fdt_totalsize(blob.data()), blob.size()); // no larger than it must be
    }
}

TEST(DeviceTree, WithoutRoomItIsAnError) {
    auto const size = tree().size();
    int successes = 0;
    for (std::size_t more = 0; more < 800; more += 4) {
        auto blob = tree();
        blob.resize(size + more);
        auto parsed = *DeviceTree::open(blob);
        auto const added = parsed.edit(blob);
        ASSERT_TRUE(added || added.error() == Err::NoResource) << more;
        successes += added ? 1 : 0;
    }
    EXPECT_GT(successes, 0);
    EXPECT_LT(successes, 200);
}

TEST(DeviceTree, WhatTheHostMustNotUseIsTakenOut) {
    auto blob = roomy(tree());
    auto parsed = *DeviceTree::open(blob);
    ASSERT_TRUE(has_node(blob, "qemu,fw-cfg-mmio"));
    ASSERT_TRUE(has_node(blob, "syscon-poweroff"));
    ASSERT_TRUE(parsed.edit(blob));
    EXPECT_FALSE(has_node(blob, "qemu,fw-cfg-mmio"));
    // They exist once, for the firmware, where no operating system looks for devices.
    for (auto const* kind : {"syscon-poweroff", "syscon-reboot"}) {
        auto const node = fdt_node_offset_by_compatible(blob.data(), -1, kind);
        ASSERT_GE(node, 0);
        auto const parent = fdt_parent_offset(blob.data(), node);
        EXPECT_EQ(fdt_parent_offset(blob.data(), parent), 0);
        EXPECT_EQ(fdt_first_property_offset(blob.data(), parent), -FDT_ERR_NOTFOUND);
        EXPECT_LT(fdt_node_offset_by_compatible(blob.data(), node, kind), 0);
    }
    EXPECT_EQ(fdt_check_full(blob.data(), blob.size()), 0);
}

TEST(DeviceTree, HiddenNodesGoWithTheirChildrenWhereverTheyAre) {
    TreeWriter out;
    out.begin("a");
    out.text("compatible", "qemu,fw-cfg-mmio");
    out.begin("b");
    out.text("compatible", "syscon-reboot");
    out.end();
    out.end();
    out.begin("c");
    out.begin("d");
    out.bytes("compatible", "x\0qemu,fw-cfg-mmio", 19);
    out.end();
    out.begin("e");
    out.end();
    out.end();
    auto blob = roomy(out.finish());
    ASSERT_TRUE(DeviceTree::open(blob)->edit(blob));
    for (auto const* path : {"/a", "/a/b", "/c/d"})
        EXPECT_EQ(fdt_path_offset(blob.data(), path), -FDT_ERR_NOTFOUND) << path;
    EXPECT_GE(fdt_path_offset(blob.data(), "/c/e"), 0);
}

TEST(DeviceTree, ASecondClintIsMalformed) {
    for (unsigned const clints : {1U, 2U}) {
        TreeWriter out;
        for (unsigned i = 0; i < clints; ++i) {
            out.begin("clint@" + std::to_string(i));
            out.text("compatible", "sifive,clint0");
            out.end();
        }
        auto blob = roomy(out.finish());
        EXPECT_EQ(static_cast<bool>(DeviceTree::open(blob)), clints == 1);
    }
}

TEST(DeviceTree, AddressesAndSizesOfOtherThanTwoCellsAreMalformed) {
    for (unsigned const address : {1U, 2U, 3U})
        for (unsigned const size : {1U, 2U})
            for (auto const* where : {"reserved-memory", "soc"}) {
                TreeWriter out;
                out.begin(where);
                out.cells(address, size);
                out.bytes("ranges", nullptr, 0);
                out.end();
                auto blob = out.finish();
                auto const two = (address == 2 && size == 2) || *where == 's';
                EXPECT_EQ(static_cast<bool>(DeviceTree::open(blob)), two);
            }
    auto blob = tree();
    ASSERT_EQ(fdt_setprop_inplace_u32(blob.data(), 0, "#size-cells", 1), 0);
    EXPECT_EQ(DeviceTree::open(blob).error(), Err::Malformed);
}

TEST(DeviceTree, MoreNodesThanCanBeEditedAreMalformed) {
    for (unsigned const nodes : {7U, 8U, 9U}) {
        TreeWriter out;
        for (unsigned i = 0; i < nodes; ++i) {
            out.begin("reset" + std::to_string(i));
            out.text("compatible", "syscon-reboot");
            out.end();
        }
        auto blob = roomy(out.finish());
        auto opened = DeviceTree::open(blob);
        ASSERT_EQ(static_cast<bool>(opened), nodes < 8);
        if (!opened) continue;
        ASSERT_TRUE(opened->edit(blob));
        EXPECT_EQ(fdt_check_full(blob.data(), blob.size()), 0);
        EXPECT_GE(fdt_path_offset(blob.data(), "/plinth-reset-6/reset6"), 0);
    }
}

std::uint32_t load(Bytes const& blob, std::size_t at) {
    fdt32_t word = 0;
    std::memcpy(&word, &blob[at], sizeof word);
    return fdt32_to_cpu(word);
}
void store(Bytes& blob, std::size_t at, std::uint32_t value) {
    auto const word = cpu_to_fdt32(value);
    std::memcpy(&blob[at], &word, sizeof word);
}

/// Header words that lie: a block outside the blob, out of its order or not aligned.
TEST(DeviceTree, X04_BlocksOutOfTheirPlaceAreMalformed) {
    auto const whole = tree();
    auto const word = [&](unsigned i) { return load(whole, 4 * i); };
    auto const structure = word(2), strings = word(3), size = word(1);
    struct Lie {
        unsigned field;
        std::uint32_t value;
    };
    for (auto const lie :
         {Lie{0, 0}, Lie{1, size + 1}, Lie{2, structure + 2}, Lie{2, structure - 20},
          Lie{2, strings}, Lie{2, 0xffff'fffc}, Lie{3, strings - 4}, Lie{3, strings + 1},
          Lie{3, 0xffff'ffff}, Lie{4, 36}, Lie{4, structure + 4}, Lie{4, strings}, Lie{8, 0},
          Lie{8, word(8) - 1}, Lie{8, word(8) + 1}, Lie{9, word(9) - 4}, Lie{9, word(9) - 2},
          Lie{9, 0xffff'fffc}}) {
        auto blob = whole;
        store(blob, 4 * lie.field, lie.value);
        EXPECT_FALSE(DeviceTree::open(blob)) << lie.field << ' ' << lie.value;
    }
    auto blob = whole;
    EXPECT_TRUE(DeviceTree::open(blob));
}

using Words = std::vector<std::uint32_t>;

/// Whether a tree of these structure words opens. What lies `behind` them begins the strings block.
bool opens(Words const& words, Words const& behind = {}) {
    Bytes blob(64);
    auto const append = [&](std::uint32_t word) {
        blob.resize(blob.size() + 4);
        store(blob, blob.size() - 4, word);
    };
    std::ranges::for_each(words, append);
    auto const at = static_cast<std::uint32_t>(blob.size());
    std::ranges::for_each(behind, append);
    constexpr char names[] = "#address-cells\0#size-cells";
    blob.insert(blob.end(), names, names + sizeof names);
    auto const size = static_cast<std::uint32_t>(blob.size());
    Words const header{0xd00d'feed, size, 64, at, 48, 17, 16, 0, size - at, at - 64};
    for (std::size_t i = 0; i < header.size(); ++i) store(blob, 4 * i, header[i]);
    return static_cast<bool>(DeviceTree::open(blob));
}

/// Structure blocks that libfdt would not write, token by token.
TEST(DeviceTree, X04_StructuresThatAreNoneAreMalformed) {
    Words const cells{3, 4, 0, 2, 3, 4, 15, 2};
    auto const in_root = [&](Words const& inner) {
        Words all{1, 0};
        all.insert(all.end(), cells.begin(), cells.end());
        all.insert(all.end(), inner.begin(), inner.end());
        return all;
    };
    EXPECT_TRUE(opens(in_root({2, 9})));
    EXPECT_TRUE(opens(in_root({4, 1, 'a' << 24, 4, 2, 4, 2, 4, 9})));
    EXPECT_FALSE(opens(in_root({2})));                      // no end
    EXPECT_FALSE(opens(in_root({9})));                      // root open
    EXPECT_FALSE(opens(in_root({2, 2, 9})));                // one end too many
    EXPECT_FALSE(opens(in_root({2, 1, 0, 2, 9})));          // two roots
    EXPECT_FALSE(opens(in_root({5, 2, 9})));                // no such token
    EXPECT_FALSE(opens(in_root({1, 0, 2, 3, 0, 0, 2, 9}))); // property behind a node
    EXPECT_FALSE(opens(in_root({3, 0, 27, 2, 9})));         // name outside
    EXPECT_FALSE(opens(in_root({3, 13, 0, 0, 2, 9})));      // longer than the block
    EXPECT_FALSE(opens(in_root({3, 0xffff'fffc, 0, 0, 2, 9})));
    EXPECT_FALSE(opens(in_root({1, 0x61616161, 0x02020202}))); // name without end
    Words const name_without_end{1, 0, 3, 4, 16, 2, 3, 4, 31, 2, 1, 0x61616161};
    EXPECT_FALSE(opens(name_without_end, {0x61616161, 2, 2, 9})); // even if tokens follow
    EXPECT_FALSE(opens({3, 0, 0, 1, 0, 2, 9}));                   // property outside the root
    EXPECT_FALSE(opens({9}));
}

/// The paths of all nodes with their properties.
using Contents = std::map<std::string, std::map<std::string, Bytes>>;

Contents contents(Bytes const& blob) {
    Contents out;
    std::vector<std::string> path;
    int depth = 0;
    for (int node = 0; node >= 0; node = fdt_next_node(blob.data(), node, &depth)) {
        if (depth < 0) break;
        path.resize(static_cast<std::size_t>(depth));
        path.emplace_back(fdt_get_name(blob.data(), node, nullptr));
        std::string name;
        for (auto const& part : path) name += part + "/";
        EXPECT_FALSE(out.contains(name)) << name;
        auto& properties = out[name];
        int property = 0;
        fdt_for_each_property_offset(property, blob.data(), node) {
            char const* called = nullptr;
            int length = 0;
            auto const* value = static_cast<std::uint8_t const*>(
                fdt_getprop_by_offset(blob.data(), property, &called, &length));
            properties[called] = Bytes(value, value + length);
        }
    }
    return out;
}

/// Builds a random tree below the node that is open; adds what it must become to `wanted`.
class RandomTree {
  public:
    RandomTree(TreeWriter& out, Contents& wanted, unsigned seed)
        : out_{out}, wanted_{wanted}, random_{seed} {}
    void nodes(std::string const& path, int depth, bool hidden) {
        for (auto count = random_() % 4 + (depth == 0 ? 1U : 0U); count > 0; --count) {
            auto const name = "n" + std::to_string(++serial_);
            out_.begin(name);
            auto const kind = static_cast<unsigned>(edits_ < 7 ? random_() % 9 : 9);
            auto inner = path + name + "/";
            if (kind == 1 && !hidden && !wrapped_)
                inner = path + "plinth-reset-" + std::to_string(edits_) + "/" + name + "/";
            auto const gone = hidden || (kind == 0 && !wrapped_);
            auto const edits = (kind == 0 || kind == 1) && !hidden && !wrapped_;
            edits_ += edits ? 1U : 0U;
            if (kind == 1 && edits)
                wanted_[path + "plinth-reset-" + std::to_string(edits_ - 1) + "/"];
            properties(inner, gone, kind);
            auto const was = wrapped_;
            wrapped_ = wrapped_ || (kind == 1 && edits);
            if (depth < 4) nodes(inner, depth + 1, gone);
            wrapped_ = was;
            out_.end();
        }
    }

  private:
    void properties(std::string const& path, bool gone, unsigned kind) {
        std::map<std::string, Bytes> all;
        if (kind == 0) all["compatible"] = text("something", "qemu,fw-cfg-mmio");
        if (kind == 1) all["compatible"] = text("syscon-reboot", "more");
        if (kind == 2) all["compatible"] = text("qemu,fw-cfg-mmi", "yscon-reboot");
        for (auto count = random_() % 4; count > 0; --count) {
            Bytes value(random_() % 23);
            for (auto& byte : value) byte = static_cast<std::uint8_t>(random_());
            all["p" + std::to_string(random_() % 50)] = value;
        }
        for (auto const& [name, value] : all) out_.bytes(name.c_str(), value.data(), value.size());
        if (!gone) wanted_[path] = all;
    }
    static Bytes text(std::string const& first, std::string const& second) {
        Bytes out(first.begin(), first.end());
        out.push_back(0);
        out.insert(out.end(), second.begin(), second.end());
        out.push_back(0);
        return out;
    }
    TreeWriter& out_;
    Contents& wanted_;
    std::mt19937 random_;
    unsigned serial_{0}, edits_{0};
    bool wrapped_{false};
};

/// What libfdt reads in a tree after the edits is what it read before, but for them.
TEST(DeviceTree, EditsChangeNothingElseInRandomTrees) {
    for (unsigned seed = 0; seed < 3000; ++seed) {
        TreeWriter out;
        Contents wanted;
        auto const reserve = [&] {
            out.begin("reserved-memory");
            out.cells(2, 2);
            out.bytes("ranges", nullptr, 0);
            out.end();
        };
        if (seed % 3 == 1) reserve();
        RandomTree{out, wanted, seed}.nodes("/", 0, false);
        if (seed % 3 == 2) reserve();
        auto const before = out.finish();
        auto const was = contents(before);
        wanted["/"] = was.at("/");
        Bytes const two{0, 0, 0, 2};
        auto& parent = wanted["/reserved-memory/"];
        parent = {{"#address-cells", two}, {"#size-cells", two}, {"ranges", {}}};
        wanted["/reserved-memory/plinth@80000000/"] = {
            {"no-map", {}}, {"reg", {0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0}}};
        auto blob = roomy(before);
        auto tree = DeviceTree::open(blob);
        ASSERT_TRUE(static_cast<bool>(tree)) << seed;
        ASSERT_TRUE(tree->edit(blob)) << seed;
        ASSERT_EQ(fdt_check_full(blob.data(), blob.size()), 0) << seed;
        ASSERT_EQ(contents(blob), wanted) << seed;
        ASSERT_EQ(tree->bytes().size(), fdt_totalsize(blob.data()));
    }
}

/// Everything the monitor does with a tree that it accepted.
void use(Bytes blob) {
    auto opened = DeviceTree::open(blob);
    if (!opened) {
        EXPECT_EQ(opened.error(), Err::Malformed);
        return;
    }
    (void)opened->harts;
    (void)opened->initrd;
    std::ranges::fill(opened->seed, std::uint8_t{0});
    (void)attest::sha3_512({opened->bytes()});
    (void)opened->edit(blob);
}

TEST(DeviceTree, VersionsOtherThan17AreMalformed) {
    for (auto const version : {0U, 2U, 16U, 17U, 18U, 0xffff'ffffU}) {
        auto blob = tree();
        fdt_set_version(blob.data(), version);
        EXPECT_EQ(static_cast<bool>(DeviceTree::open(blob)), version == 17) << version;
    }
}

TEST(DeviceTree, X04_EveryTruncationIsMalformed) {
    auto const whole = tree();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        auto const opened = DeviceTree::open(cut);
        ASSERT_FALSE(opened) << size;
        ASSERT_EQ(opened.error(), Err::Malformed);
    }
}

/// Under the sanitizers: no changed byte makes the monitor leave the blob.
TEST(DeviceTree, X04_ChangedBytesAreMalformedOrHarmless) {
    auto const whole = tree({.reserved = true});
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (auto const value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
            auto changed = roomy(whole);
            if (changed[at] == value) continue;
            changed[at] = static_cast<std::uint8_t>(value);
            use(std::move(changed));
        }
}

TEST(DeviceTree, X04_GarbageIsMalformedOrHarmless) {
    std::mt19937 random{4};
    auto const whole = roomy(tree());
    for (int round = 0; round < 4000; ++round) {
        auto changed = whole;
        for (auto count = 1 + random() % 6; count > 0; --count)
            changed[random() % changed.size()] = static_cast<std::uint8_t>(random());
        use(std::move(changed));
        Bytes noise(8 * (1 + random() % 40));
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(random());
        noise[0] = 0xd0, noise[1] = 0x0d, noise[2] = 0xfe, noise[3] = 0xed;
        use(std::move(noise));
    }
}

// --- prepare ------------------------------------------------------------------------------------

class Prepare : public testing::Test {
  protected:
    static constexpr std::uint64_t fdt = 0x8090'0000;

    Prepare() {
        bench.monitor->boot = {};
        put(tree());
        image.resize(4096, 0x42);
        std::ranges::fill(std::span{image}.subspan(64, 8), std::uint8_t{0});
    }
    void put(Bytes const& blob) { std::ranges::copy(blob, bench.bytes(fdt, blob.size()).begin()); }
    /// A boot page for a device that asserts itself.
    void put_boot_page(std::uint64_t firmware_length) {
        auto const page = bench.bytes(board::boot_page.base().raw, 4096);
        std::memcpy(page.data(), "PLINTHBP", 8);
        page[8] = 1;
        page[12] = static_cast<std::uint8_t>(attest::RootKind::SelfAsserted);
        std::memcpy(&page[16], &firmware_length, 8);
        std::fill_n(&page[24], 32, std::uint8_t{0x33});
    }
    HandOver given() const { return {.fdt = fdt, .image = image, .boot_word = 64}; }
    Result<void> run() { return prepare(bench.hart(), given()); }

    fake::Bench bench{{.entropy = false, .keys = false}};
    Bytes image{};
};

TEST_F(Prepare, MeasuresDerivesSeedsAndEdits) {
    put_boot_page(0x1234);
    image[64] = 3; // the boot word was written; the hash is the file's
    std::ranges::fill(bench.bytes(board::firmware.base().raw, 0x1234), std::uint8_t{0x99});
    ASSERT_TRUE(run());
    auto const& boot = bench.monitor->boot;
    image[64] = 0;
    EXPECT_EQ(boot.monitor_hash, attest::sha3_512({image}));
    EXPECT_EQ(boot.firmware_hash, attest::sha3_512({Bytes(0x1234, 0x99)}));
    EXPECT_EQ(boot.harts, 2U);
    EXPECT_EQ(boot.ram[0], *PhysRange::make({0x8000'0000}, 16 << 20));
    EXPECT_TRUE(bench.monitor->identity.seize().provisioned());
    EXPECT_TRUE(bench.monitor->drbg.seize().seeded());
    EXPECT_TRUE(attest::all_zero(bench.bytes(board::boot_page.base().raw, 4096)));
    EXPECT_TRUE(std::ranges::search(bench.machine.ram, Bytes(32, 0x5a)).empty()); // the seed
    EXPECT_TRUE(std::ranges::search(bench.machine.ram, Bytes(32, 0x33)).empty()); // the secret
    auto blob = bench.bytes(fdt, 8192);
    auto const tree_now = *DeviceTree::open(blob);
    EXPECT_GE(fdt_path_offset(blob.data(), "/reserved-memory/plinth@80000000"), 0);
    EXPECT_EQ(tree_now.seed.size(), 32U);
    EXPECT_EQ(fdt_check_full(blob.data(), blob.size()), 0);
    EXPECT_FALSE(attest::all_zero(tree_now.seed)); // the host gets one of its own
    print_banner(bench.hart());
    EXPECT_NE(board::outside.uart.find("self-asserted"), std::string::npos);
}

/// fw_dynamic_info: copied to where the firmware finds it, older versions completed; what is none
/// is not passed on.
TEST_F(Prepare, TheFirmwaresInformationIsCopiedAndCompleted) {
    constexpr std::uint64_t at = 0x8091'0000, magic = 0x4942'534f;
    auto const words = [&](std::initializer_list<std::uint64_t> values) {
        auto address = at;
        for (auto const value : values) bench.poke(address, value), address += 8;
    };
    auto const passed_on = [&](std::uint64_t from) {
        bench.monitor->boot = {};
        std::ranges::fill(bench.bytes(board::firmware_info.base().raw, 48), std::uint8_t{0});
        put(tree());
        auto hand_over = given();
        hand_over.fw_dynamic = from;
        EXPECT_TRUE(prepare(bench.hart(), hand_over));
        return bench.monitor->boot.fw_dynamic;
    };
    auto const copied = [&](unsigned index) {
        return bench.peek(board::firmware_info.base().raw + 8ULL * index);
    };
    words({magic, 2, 0x8020'0000, 1, 7, 3});
    EXPECT_EQ(passed_on(at), board::firmware_info.base().raw);
    for (unsigned i = 0; i < 6; ++i) EXPECT_EQ(copied(i), bench.peek(at + 8ULL * i));
    words({magic, 1, 0x8020'0000, 1, 7, 3}); // before version 2 there was no boot hart
    EXPECT_EQ(passed_on(at), board::firmware_info.base().raw);
    EXPECT_EQ(copied(2), 0x8020'0000U);
    EXPECT_EQ(copied(5), ~0ULL);
    EXPECT_EQ(passed_on(0), 0U);
    EXPECT_EQ(passed_on(at + 4), 0U);
    EXPECT_EQ(passed_on(~0ULL - 7), 0U);
    words({magic + 1});
    EXPECT_EQ(passed_on(at), 0U);
    EXPECT_EQ(copied(0), 0U);
}

/// The next stage where the tree would grow to: refused rather than overwritten.
TEST_F(Prepare, ATreeThatWouldGrowOverTheNextStageIsRefused) {
    constexpr std::uint64_t at = 0x8091'0000;
    auto const end = fdt + tree().size() + DeviceTree::growth;
    for (std::uint64_t const next : {fdt, end - 1, end}) {
        bench.poke(at, 0x4942'534f);
        bench.poke(at + 8, 2);
        bench.poke(at + 16, next);
        put(tree());
        auto hand_over = given();
        hand_over.fw_dynamic = at;
        EXPECT_EQ(static_cast<bool>(prepare(bench.hart(), hand_over)), next == end);
    }
}

TEST_F(Prepare, TheTreesHashDoesNotDependOnItsSeed) {
    ASSERT_TRUE(run());
    auto const hash = bench.monitor->boot.tree_hash;
    auto other = tree();
    auto const seed = std::ranges::search(other, Bytes(32, 0x5a));
    std::ranges::fill(seed, std::uint8_t{0x11});
    put(other);
    ASSERT_TRUE(run());
    EXPECT_EQ(bench.monitor->boot.tree_hash, hash);
}

TEST_F(Prepare, WithoutBootPageAndSeedNothingIsAttestedAndNothingCreated) {
    put(tree({.seed = 0}));
    ASSERT_TRUE(run());
    EXPECT_EQ(bench.monitor->boot.firmware_length, 0U);
    EXPECT_FALSE(bench.monitor->identity.seize().provisioned());
    EXPECT_FALSE(bench.monitor->drbg.seize().seeded());
    print_banner(bench.hart());
    EXPECT_NE(board::outside.uart.find("unmeasured"), std::string::npos);
    EXPECT_NE(board::outside.uart.find("enclaves are refused"), std::string::npos);
}

TEST_F(Prepare, X04_ATreeWhoseSizeLiesIsRefusedBeforeItIsRead) {
    for (std::uint32_t const size : {0U, 7U, 39U, 0x20'0001U, 0x7fff'ffffU, 0xffff'ffffU}) {
        put(tree());
        fdt_set_totalsize(bench.bytes(fdt, 64).data(), size);
        auto const prepared = run();
        ASSERT_FALSE(prepared) << size;
    }
}

TEST_F(Prepare, F36_ATreeInTheMonitorsOrFirmwaresMemoryOrOutsideRamIsRefused) {
    auto const blob = tree();
    for (std::uint64_t const at :
         {0x8008'0000U, 0x8018'0000U, 0x800f'f000U, 0x80ff'e000U + 0x1800U}) {
        std::ranges::copy(blob, bench.bytes(at, blob.size()).begin());
        auto hand_over = given();
        hand_over.fdt = at;
        EXPECT_FALSE(prepare(bench.hart(), hand_over)) << std::hex << at;
    }
    put(tree({.initrd = fdt + 0x1000}));
    EXPECT_FALSE(run());
}

/// One bit of the firmware is another firmware on the same device with the same monitor.
TEST_F(Prepare, F37_OneBitOfTheFirmwareChangesWhatIsReportedOfItAndNothingElse) {
    constexpr std::uint64_t length = 0x1234, own = 0x0850'4c4e, to = 0x8095'0000;
    struct Seen {
        std::string banner;
        Bytes call, report;
    };
    auto const boot = [&](std::optional<std::uint64_t> changed) {
        auto const firmware = bench.bytes(board::firmware.base().raw, length + 1);
        std::ranges::fill(firmware, std::uint8_t{0x99});
        if (changed) firmware[*changed] ^= 0x20;
        bench.monitor->boot = {};
        put(tree());
        put_boot_page(length);
        EXPECT_TRUE(run());
        board::outside.uart.clear();
        print_banner(bench.hart());
        EXPECT_EQ(bench.call(own, 1, {to}).error, 0U);
        auto const words = bench.bytes(to, 192);
        attest::Report report;
        EXPECT_TRUE(bench.monitor->identity.seize().sign_enclave(report, {}, {}));
        auto const bytes = std::bit_cast<std::array<std::uint8_t, sizeof report>>(report);
        return Seen{
            board::outside.uart, {words.begin(), words.end()}, {bytes.begin(), bytes.end()}};
    };
    bench.to_host();
    auto const original = boot({});
    EXPECT_EQ(original.banner, boot(length).banner); // behind its end
    for (std::uint64_t const at : {std::uint64_t{0}, length / 2, length - 1}) {
        auto const other = boot(at);
        EXPECT_NE(other.banner, original.banner) << at;
        auto const line = other.banner.find("  firmware  ");
        EXPECT_EQ(other.banner.substr(0, line), original.banner.substr(0, line));
        for (unsigned i = 0; i < 3; ++i) // monitor, firmware, tree
            EXPECT_EQ(
                std::equal(&other.call[64 * i], &other.call[64 * i] + 64, &original.call[64 * i]),
                i != 1);
        EXPECT_EQ(other.report, original.report);
    }
}

TEST_F(Prepare, ABadBootPageIsRefusedAndStillWiped) {
    for (std::uint64_t const length :
         {std::uint64_t{0}, std::uint64_t{0xff001}, ~std::uint64_t{0}}) {
        put(tree());
        put_boot_page(length);
        auto const prepared = run();
        ASSERT_FALSE(prepared) << length;
        EXPECT_EQ(prepared.error(), Err::Malformed);
        EXPECT_TRUE(attest::all_zero(bench.bytes(board::boot_page.base().raw, 4096)));
    }
}

} // namespace
} // namespace plinth::monitor
