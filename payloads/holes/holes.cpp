// SPDX-License-Identifier: Apache-2.0
// Between firmware and Linux: creates enclaves of one page, scattered over the upper half of the
// memory, takes these pages out of the memory that the device tree names, and starts the kernel
// that lies at its usual place, as the firmware would have. With plinth.enclaves=no it creates none
// and takes the pages out all the same: then Linux does what it does with them. (As many nodes of
// /reserved-memory with no-map would be more runs of memory than Linux 6.12 can note before it has
// mapped any: 128.)
#include "holes.hpp"
#include "fdt.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

namespace holes {

using namespace payload;

namespace {

constexpr uint64_t kernel = 0x80200000;
constexpr uint64_t top_kept = uint64_t{4} << 20U; ///< of the memory: the firmware's tree lies there
constexpr uint32_t begin_node = 1, end_node = 2, property = 3, end_token = 9;

alignas(4096) uint8_t shared_pages[max_holes][page_size];
alignas(4096) uint8_t new_tree[65536];

[[noreturn]] void fail(char const* reason) {
    say("holes: FAIL: ", reason, '\n');
    sbi::shut_down();
}

uint32_t big32(uint64_t address) { return __builtin_bswap32(*at<uint32_t>(address)); }

/// Writes a device tree from its begin to its end.
class Writer {
  public:
    explicit Writer(uint8_t* to)
        : next_(address_of(to)), last_(address_of(new_tree) + sizeof new_tree) {}
    uint64_t place() const { return next_; }
    void word(uint32_t value) { put(value, 4); }
    void words(uint64_t value) { put(value, 8); }
    void bytes(void const* from, uint64_t size) {
        if (size > last_ - next_) fail("the device tree is too large");
        memcpy(at<void>(next_), from, size);
        next_ += size;
    }

  private:
    void put(uint64_t value, unsigned size) {
        uint8_t out[8];
        for (unsigned i = 0; i < size; ++i)
            out[i] = static_cast<uint8_t>(value >> (8 * (size - 1 - i)));
        bytes(out, size);
    }
    uint64_t next_;
    uint64_t last_;
};

/// Property "reg" of the one memory node: the address of its token; 0 if there is no such.
uint64_t memory_property(uint64_t tree) {
    uint64_t const strings = tree + big32(tree + 12);
    bool inside = false;
    for (uint64_t token = tree + big32(tree + 8); big32(token) != end_token;) {
        uint32_t const kind = big32(token);
        if (kind == begin_node) inside = memcmp(at<void>(token + 4), "memory@", 7) == 0;
        if (inside && kind == property && big32(token + 4) == 16 &&
            memcmp(at<void>(strings + big32(token + 8)), "reg", 4) == 0)
            return token;
        if (kind == begin_node) token += round_up(strlen(at<char>(token + 4)) + 1, 4);
        if (kind == property) token += 8 + round_up(big32(token + 4), 4);
        token += 4;
    }
    return 0;
}

/// The memory between the holes, as a property whose name is at `name` of the strings. Two cells
/// for an address and two for a size are what this machine has.
void write_memory(Writer& out, Machine const& machine, HoleArea const& area, unsigned count,
                  uint32_t name) {
    out.word(property);
    out.word(16 * (count + 1));
    out.word(name);
    uint64_t next = machine.ram_base;
    for (unsigned i = 0; i < count; ++i) {
        uint64_t const hole = hole_address(area, i, count);
        out.words(next);
        out.words(hole - next);
        next = hole + page_size;
    }
    out.words(next);
    out.words(machine.ram_base + machine.ram_size - next);
}

/// Copies the tree with the memory between the holes instead of all memory.
void rewrite(uint64_t tree, Machine const& machine, HoleArea const& area, unsigned count) {
    uint64_t const structure = tree + big32(tree + 8), strings = tree + big32(tree + 12);
    uint64_t const behind = structure + big32(tree + 36);
    uint64_t const cut = memory_property(tree);
    if (cut == 0 || structure > strings) fail("the device tree has another shape");
    Writer out{new_tree};
    out.bytes(at<void>(tree), cut - tree);
    write_memory(out, machine, area, count, big32(cut + 8));
    out.bytes(at<void>(cut + 12 + 16), behind - (cut + 12 + 16));
    auto const new_strings = static_cast<uint32_t>(out.place() - address_of(new_tree));
    out.bytes(at<void>(strings), big32(tree + 32));
    Writer sizes{new_tree + 4};
    sizes.word(static_cast<uint32_t>(out.place() - address_of(new_tree)));
    Writer offset{new_tree + 12};
    offset.word(new_strings);
    Writer last{new_tree + 36};
    last.word(big32(tree + 36) + 16 * count);
}

} // namespace

} // namespace holes

extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace holes;
    Machine machine;
    if (!read_machine(tree, machine)) fail("no device tree");
    unsigned const count = number_argument(machine.bootargs, "plinth.holes=");
    if (count > max_holes) fail("too many holes");
    uint64_t const half = machine.ram_size / 2;
    HoleArea const area{machine.ram_base + half, (half - top_kept) / page_size,
                        address_of(&shared_pages)};
    bool const without = find_argument(machine.bootargs, "plinth.enclaves=no") != nullptr;
    unsigned const enclaves = without ? 0 : count;
    auto const answer = create_holes(area, enclaves);
    if (answer != 0) say("holes: answer ", Dec{static_cast<uint64_t>(answer)}, '\n');
    if (answer != 0) fail("an enclave is refused");
    rewrite(tree, machine, area, count);
    say("holes: ", Dec{enclaves}, " enclaves, ", Dec{count}, " pages less\n");
    tree = address_of(&new_tree);
    register uint64_t a0 asm("a0") = hart;
    register uint64_t a1 asm("a1") = tree;
    asm volatile("fence.i\n\tjr %2" ::"r"(a0), "r"(a1), "r"(kernel) : "memory");
    __builtin_unreachable();
}
