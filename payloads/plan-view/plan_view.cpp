// SPDX-License-Identifier: Apache-2.0
// Prints what firmware and host may access on every hart, as the monitor says: before there is an
// enclave, and when there are three. Each hart asks for its own plans, one after the other.
#include "fdt.hpp"
#include "keystone.hpp"
#include "lock.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

extern "C" void secondary_start(); // start_s.S

namespace plan_view {

using namespace payload;

namespace {

constexpr uint64_t own_extension = 0x08504c4e, effective_plan = 3;
constexpr uint64_t stack_size = 4096;
constexpr unsigned records_at_once = 4;
constexpr char const* worlds[] = {"firmware", "host"};

/// Memory with the same rights throughout, as the monitor writes it.
struct Record {
    uint64_t base;
    uint64_t last;
    uint64_t rights; ///< R = 1, W = 2, X = 4

    bool continues_as(Record const& next) const {
        return rights == next.rights && last + 1 == next.base;
    }
};

Machine machine;
alignas(16) uint8_t stacks[max_harts][stack_size];
Signal turn; ///< which hart of the list asks; after the last one, what happens between two rounds

[[noreturn]] void fail(char const* reason) {
    say("plan-view: FAIL: ", reason, '\n');
    sbi::shut_down();
}

/// The part of a hart's plan of a world that begins with record number `first`.
sbi::Result ask(uint64_t hart, uint64_t world, Record* records, uint64_t first, uint64_t room) {
    register uint64_t a0 asm("a0") = hart;
    register uint64_t a1 asm("a1") = world;
    register uint64_t a2 asm("a2") = address_of(records);
    register uint64_t a3 asm("a3") = first;
    register uint64_t a4 asm("a4") = room;
    register uint64_t a6 asm("a6") = effective_plan;
    register uint64_t a7 asm("a7") = own_extension;
    asm volatile("ecall"
                 : "+r"(a0), "+r"(a1)
                 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                 : "memory");
    return {static_cast<int64_t>(a0), a1};
}

void say_address(uint64_t address) {
    say("0x");
    for (int shift = 56; shift >= 0; shift -= 8)
        say(HexByte{static_cast<uint8_t>(address >> shift)});
}

/// In the largest unit that it reaches, rounded down to tenths, the points above each other.
void say_size(uint64_t size) {
    constexpr char const* units[] = {" B  ", " KiB", " MiB", " GiB", " TiB"};
    uint64_t tenths = size * 10; // below 2^60
    unsigned unit = 0;
    for (; tenths >= 10240 && unit < 4; ++unit) tenths /= 1024;
    for (uint64_t limit = 10'000; limit > 1 && tenths / 10 < limit; limit /= 10) say(' ');
    say(Dec{tenths / 10}, '.', Dec{tenths % 10}, units[unit]);
}

void say_line(Record const& record) {
    say("  ");
    say_address(record.base);
    say('-');
    say_address(record.last);
    say(' ');
    say_size(record.last - record.base + 1);
    say("  ", (record.rights & 1U) != 0 ? 'r' : '-', (record.rights & 2U) != 0 ? 'w' : '-',
        (record.rights & 4U) != 0 ? 'x' : '-', '\n');
}

/// One table. Neighbours with the same rights are one line, whoever decides about them.
void say_plan(uint64_t hart, uint64_t world) {
    say("plan-view: hart ", Dec{hart}, ", ", worlds[world], '\n');
    Record records[records_at_once];
    Record line{};
    uint64_t next = 0; // where the next record must begin
    for (uint64_t first = 0;; first += records_at_once) {
        auto const answer = ask(hart, world, records, first, records_at_once);
        if (answer.error != 0 || answer.value > records_at_once) fail("the monitor does not say");
        for (uint64_t i = 0; i < answer.value; ++i) {
            Record const& record = records[i];
            if (record.base != next || record.last < record.base) fail("records with holes");
            next = record.last + 1;
            if (record.base != 0 && !line.continues_as(record)) say_line(line);
            line = {line.continues_as(record) ? line.base : record.base, record.last,
                    record.rights};
        }
        if (answer.value < records_at_once) break;
    }
    if (next != uint64_t{1} << 56U) fail("the records do not reach the end");
    say_line(line);
}

/// Waits for its turn, says the plans of this hart and gives the turn to the next one.
void say_plans_in_turn(unsigned index, unsigned round) {
    uint64_t const mine = uint64_t{round} * (machine.hart_count + 1) + index;
    turn.wait_for(mine);
    for (uint64_t world = 0; world < 2; ++world) say_plan(machine.harts[index], world);
    turn.set(mine + 1);
}

unsigned index_of(uint64_t hart) {
    unsigned index = 0;
    while (index < machine.hart_count && machine.harts[index] != hart) ++index;
    return index;
}

/// An enclave that is never entered, with one page of shared memory behind it.
void create_enclave(uint64_t epm, uint64_t size) {
    keystone::CreateArgs const args{epm, size, epm + size, page_size, epm, epm, epm + page_size, 0};
    auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
    if (r.error != 0) fail("an enclave is refused");
    say("plan-view: enclave in ", Hex{epm}, " size ", Hex{size}, '\n');
}

} // namespace

} // namespace plan_view

extern "C" void secondary_main(uint64_t hart) {
    using namespace plan_view;
    for (unsigned round = 0; round < 2; ++round) say_plans_in_turn(index_of(hart), round);
}

extern "C" void payload_main(uint64_t boot, uint64_t tree) {
    using namespace plan_view;
    if (!read_machine(tree, machine)) fail("no device tree");
    if (!sbi::has_extension(own_extension)) fail("no monitor");
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        if (machine.harts[i] == boot) continue;
        uint64_t const top = address_of(&stacks[i]) + stack_size;
        auto const entry = address_of(secondary_start);
        if (sbi::start_hart(machine.harts[i], entry, top).error != 0) fail("a hart does not start");
    }
    uint64_t const half = machine.ram_base + machine.ram_size / 2;
    say_plans_in_turn(index_of(boot), 0);
    turn.wait_for(machine.hart_count);
    create_enclave(half, 16 * page_size);
    create_enclave(half + (uint64_t{16} << 20U), page_size);
    create_enclave(half + (uint64_t{16} << 20U) + 2 * page_size, 3 * page_size);
    turn.set(machine.hart_count + 1);
    say_plans_in_turn(index_of(boot), 1);
    turn.wait_for(2 * machine.hart_count + 1);
    say("plan-view: done\n");
    sbi::shut_down();
}
