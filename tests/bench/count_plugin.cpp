// SPDX-License-Identifier: Apache-2.0
// A plugin for QEMU that counts executed instructions by address range. Arguments: plan=FILE with
// lines "range FIRST LAST", "mark ADDRESS" and "measure FIRST END" in hexadecimal, out=FILE. It
// writes a line "mark ADDRESS INSTRUCTIONS" when the instruction at a mark is reached; at the end
// "range FIRST COUNT" for each range, "total COUNT", and for each measure, in the order in which
// they were reached first, "measured TIMES" followed by "part FIRST COUNT": the instructions of
// each range from the measure's first instruction to its end, all times together. The last part is
// what lies in no range. For machines with one hart.
//
// QEMU has no header installed; what is declared here is version 1 of its plugin interface, which
// QEMU 7.2 speaks.
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
using Id = std::uint64_t;
using UserCallback = void (*)(Id, void*);
using TranslateCallback = void (*)(Id, qemu_plugin_tb*);
using ExecuteCallback = void (*)(unsigned, void*);
void qemu_plugin_register_vcpu_tb_trans_cb(Id, TranslateCallback);
void qemu_plugin_register_atexit_cb(Id, UserCallback, void*);
std::size_t qemu_plugin_tb_n_insns(qemu_plugin_tb const*);
qemu_plugin_insn* qemu_plugin_tb_get_insn(qemu_plugin_tb const*, std::size_t);
std::uint64_t qemu_plugin_insn_vaddr(qemu_plugin_insn const*);
void qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_insn*, ExecuteCallback, int, void*);
void qemu_plugin_register_vcpu_insn_exec_inline(qemu_plugin_insn*, int, void*, std::uint64_t);

extern int const qemu_plugin_version;
int const qemu_plugin_version = 1;
int qemu_plugin_install(Id, qemu_info_t const*, int, char**);
}

namespace {

constexpr int no_registers = 0;
constexpr int add_u64 = 0;

struct Range {
    std::uint64_t first;
    std::uint64_t last;
    std::uint64_t count;
};

// QEMU holds pointers into these, and calls `ended` when the destructors of this library have run:
// they are never destroyed, and not changed after installation.
auto& ranges = *new std::vector<Range>;
auto& marks = *new std::set<std::uint64_t>;
auto& out = *new std::ofstream;
std::uint64_t elsewhere;

/// Counts between two addresses.
struct Measure {
    std::uint64_t first;
    std::uint64_t end;
    std::vector<std::uint64_t> before; // empty while not between the two
    std::vector<std::uint64_t> sums;
    std::uint64_t times;
};
auto& measures = *new std::list<Measure>; // first reached, first in `order`
auto& order = *new std::vector<Measure const*>;

std::uint64_t total() {
    std::uint64_t sum = elsewhere;
    for (auto const& range : ranges) sum += range.count;
    return sum;
}

std::uint64_t* counter_of(std::uint64_t address) {
    for (auto& range : ranges)
        if (address >= range.first && address <= range.last) return &range.count;
    return &elsewhere;
}

void reached(unsigned, void* mark) {
    auto const address = *static_cast<std::uint64_t const*>(mark);
    out << "mark " << std::hex << address << std::dec << ' ' << total() << '\n';
}

std::vector<std::uint64_t> all_counts() {
    std::vector<std::uint64_t> counts;
    for (auto const& range : ranges) counts.push_back(range.count);
    counts.push_back(elsewhere);
    return counts;
}

void measure_begins(unsigned, void* data) {
    auto& measure = *static_cast<Measure*>(data);
    if (measure.sums.empty()) order.push_back(&measure);
    measure.before = all_counts();
    measure.sums.resize(measure.before.size());
}

void measure_ends(unsigned, void* data) {
    auto& measure = *static_cast<Measure*>(data);
    if (measure.before.empty()) return;
    auto const now = all_counts();
    for (std::size_t i = 0; i < now.size(); ++i) measure.sums[i] += now[i] - measure.before[i];
    measure.before.clear();
    ++measure.times;
}

void watch(qemu_plugin_insn* instruction, std::uint64_t address) {
    auto const call = [&](ExecuteCallback callback, void* data) {
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, no_registers, data);
    };
    if (auto const mark = marks.find(address); mark != marks.end())
        call(reached, const_cast<std::uint64_t*>(&*mark));
    for (auto& measure : measures) {
        if (measure.first == address) call(measure_begins, &measure);
        if (measure.end == address) call(measure_ends, &measure);
    }
}

void translated(Id, qemu_plugin_tb* block) {
    for (std::size_t i = 0; i < qemu_plugin_tb_n_insns(block); ++i) {
        auto* const instruction = qemu_plugin_tb_get_insn(block, i);
        auto const address = qemu_plugin_insn_vaddr(instruction);
        watch(instruction, address);
        qemu_plugin_register_vcpu_insn_exec_inline(instruction, add_u64, counter_of(address), 1);
    }
}

void ended(Id, void*) {
    for (auto const& range : ranges)
        out << "range " << std::hex << range.first << std::dec << ' ' << range.count << '\n';
    out << "total " << total() << '\n';
    for (auto const* const measure : order) {
        out << "measured " << measure->times << '\n';
        for (std::size_t i = 0; i < measure->sums.size(); ++i) {
            auto const first = i < ranges.size() ? ranges[i].first : ~std::uint64_t{0};
            if (measure->sums[i] == 0) continue;
            out << "part " << std::hex << first << std::dec << ' ' << measure->sums[i] << '\n';
        }
    }
    out.flush();
}

bool read_plan(std::string const& path) {
    std::ifstream plan{path};
    std::string word;
    while (plan >> word) {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        if (word == "mark" && plan >> std::hex >> first) {
            marks.insert(first);
        } else if (word == "measure" && plan >> std::hex >> first >> last) {
            measures.push_back({first, last, {}, {}, 0});
        } else if (word == "range" && plan >> std::hex >> first >> last) {
            ranges.push_back({first, last, 0});
        } else {
            return false;
        }
    }
    return plan.eof();
}

} // namespace

int qemu_plugin_install(Id id, qemu_info_t const*, int argc, char** argv) {
    constexpr std::string_view plan_key = "plan=";
    constexpr std::string_view out_key = "out=";
    for (int i = 0; i < argc; ++i) {
        std::string_view const argument{argv[i]};
        if (argument.starts_with(plan_key)) {
            if (!read_plan(std::string{argument.substr(plan_key.size())})) return 1;
        } else if (argument.starts_with(out_key)) {
            out.open(std::string{argument.substr(out_key.size())});
        }
    }
    if (!out) return 1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, nullptr);
    return 0;
}
