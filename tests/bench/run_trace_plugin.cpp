// SPDX-License-Identifier: Apache-2.0
// A plugin for QEMU that notes which runs of memory between holes S- and U-mode use. Arguments:
// holes=FILE with the address of each hole, a page, in hexadecimal and in ascending order;
// trace=FILE, counts=FILE. The trace has one byte for each use, without immediate repetitions: how
// many holes lie below, or one more than all holes for what is no memory; and 255 after each
// million executed instructions, those of M-mode too. At the end the counts are a line "total
// INSTRUCTIONS" and "holes USES", of the holes themselves. A use is a load, a store, or that a
// block of instructions is entered or goes on in another page; reads of page tables are not among
// them. For machines with one hart whose M-mode lies, alone, in the first 2 MiB of memory.
//
// QEMU has no header installed; what is declared here is version 1 of its plugin interface, which
// QEMU 7.2 speaks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;
struct qemu_info_t;
using Id = std::uint64_t;
using UserCallback = void (*)(Id, void*);
using TranslateCallback = void (*)(Id, qemu_plugin_tb*);
using ExecuteCallback = void (*)(unsigned, void*);
using MemoryCallback = void (*)(unsigned, std::uint32_t, std::uint64_t, void*);
void qemu_plugin_register_vcpu_tb_trans_cb(Id, TranslateCallback);
void qemu_plugin_register_atexit_cb(Id, UserCallback, void*);
std::size_t qemu_plugin_tb_n_insns(qemu_plugin_tb const*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(qemu_plugin_tb const*, std::size_t);
std::uint64_t qemu_plugin_insn_vaddr(qemu_plugin_insn const*);
void* qemu_plugin_insn_haddr(qemu_plugin_insn const*);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, ExecuteCallback, int, void*);
void qemu_plugin_register_vcpu_insn_exec_inline(qemu_plugin_insn*, int, void*, std::uint64_t);
void qemu_plugin_register_vcpu_mem_cb(qemu_plugin_insn*, MemoryCallback, int, int, void*);
qemu_plugin_hwaddr* qemu_plugin_get_hwaddr(std::uint32_t, std::uint64_t);
std::uint64_t qemu_plugin_hwaddr_phys_addr(qemu_plugin_hwaddr const*);
bool qemu_plugin_hwaddr_is_io(qemu_plugin_hwaddr const*);

extern int const qemu_plugin_version;
int const qemu_plugin_version = 1;
int qemu_plugin_install(Id, qemu_info_t const*, int, char**);
}

namespace {

constexpr int no_registers = 0;
constexpr int add_u64 = 0;
constexpr int loads_and_stores = 3;
constexpr std::uint64_t memory_base = 0x80000000;
constexpr std::uint64_t host_base = 0x80200000; // behind M-mode
constexpr std::uint64_t page_size = 4096;
constexpr std::uint64_t million = 1'000'000;
constexpr char mark = '\xff';
constexpr std::size_t most_holes = 253;

// QEMU calls `ended` when the destructors of this library have run: these are never destroyed.
auto& holes = *new std::vector<std::uint64_t>;
auto& trace = *new std::ofstream;
auto& counts = *new std::ofstream;
std::uint64_t total;
std::uint64_t next_mark = million;
std::uint64_t uses_of_holes;
std::uint64_t memory_in_qemu; // where QEMU has the first byte of memory
std::size_t last_run = most_holes + 1;

void note(std::size_t run) {
    if (run == last_run) return;
    last_run = run;
    trace.put(static_cast<char>(run));
}

void use(std::uint64_t physical) {
    auto const above = std::upper_bound(holes.begin(), holes.end(), physical);
    if (above != holes.begin() && physical - above[-1] < page_size) ++uses_of_holes;
    note(static_cast<std::size_t>(above - holes.begin()));
}

void entered(unsigned, void* physical) {
    for (; total >= next_mark; next_mark += million) trace.put(mark);
    use(reinterpret_cast<std::uint64_t>(physical));
}

void accessed(unsigned, std::uint32_t access, std::uint64_t address, void*) {
    auto const* const place = qemu_plugin_get_hwaddr(access, address);
    if (place == nullptr || qemu_plugin_hwaddr_is_io(place)) return note(holes.size() + 1);
    use(qemu_plugin_hwaddr_phys_addr(place));
}

/// QEMU finds a block of instructions by its physical address: it is the same at each execution.
std::uint64_t physical_address(qemu_plugin_insn const* instruction) {
    auto const in_qemu = reinterpret_cast<std::uint64_t>(qemu_plugin_insn_haddr(instruction));
    if (qemu_plugin_insn_vaddr(instruction) == memory_base && memory_in_qemu == 0)
        memory_in_qemu = in_qemu; // the first instruction behind the reset vector
    return memory_in_qemu == 0 ? 0 : in_qemu - memory_in_qemu + memory_base;
}

void translated(Id, qemu_plugin_tb* block) {
    std::uint64_t page = 0;
    for (std::size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
        auto* const instruction = qemu_plugin_tb_get_insn(block, i);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, add_u64, &total, 1);
        auto const physical = physical_address(instruction);
        if (physical < host_base) continue;
        if (physical / page_size != page)
            qemu_plugin_register_vcpu_insn_exec_cb(instruction, entered, no_registers,
                                                   reinterpret_cast<void*>(physical));
        page = physical / page_size;
        qemu_plugin_register_vcpu_mem_cb(instruction, accessed, no_registers, loads_and_stores,
                                         nullptr);
    }
}

void ended(Id, void*) {
    counts << "total " << total << "\nholes " << uses_of_holes << '\n';
    counts.flush();
    trace.flush();
}

bool read_holes(std::string const& path) {
    std::ifstream file{path};
    for (std::uint64_t hole = 0; file >> std::hex >> hole;) holes.push_back(hole);
    return file.eof() && !holes.empty() && holes.size() <= most_holes &&
           std::is_sorted(holes.begin(), holes.end());
}

} // namespace

int qemu_plugin_install(Id id, qemu_info_t const*, int argc, char** argv) {
    for (int i = 0; i < argc; ++i) {
        std::string_view const argument{argv[i]};
        auto const equals = argument.find('=');
        if (equals == std::string_view::npos) return 1;
        std::string const value{argument.substr(equals + 1)};
        if (argument.starts_with("holes=") && !read_holes(value)) return 1;
        if (argument.starts_with("trace=")) trace.open(value, std::ios::binary);
        if (argument.starts_with("counts=")) counts.open(value);
    }
    if (holes.empty() || !trace.is_open() || !counts.is_open()) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, nullptr);
    return 0;
}
