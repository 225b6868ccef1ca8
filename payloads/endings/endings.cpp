// SPDX-License-Identifier: Apache-2.0
// A host that leaves an enclave alive and ends as the boot argument plinth.end= says:
//   shutdown, reboot  through the SBI, while another hart, if there is one, runs the enclave
//   create-shutdown,  the same, while another hart creates an enclave: it begins, and the machine
//   create-reboot     ends, when somebody outside writes 1 and then 2 to a word
//   wait              sleeps, so that the machine can be looked at from outside
//   calls             calls the monitor for ever and counts; the other harts only count
//   timers            the same, but sets a timer that never expires, each time another one
//   attest            the enclave asks for a report and exits with the answer
#include "canary_enclave.hpp"
#include "csr.hpp"
#include "fdt.hpp"
#include "lock.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

extern "C" {
extern uint8_t const image_end[]; // payload.ld
void secondary_start();           // start_s.S
}

namespace endings {

using namespace payload;

namespace {

constexpr uint64_t own_extension = 0x08504c4e;
constexpr uint64_t unit = 8U << 20U;
constexpr uint64_t stack_size = 4096;
constexpr uint64_t enclave_counts = 1;
constexpr uint64_t enclave_attests = 2;

enum class Work : uint64_t { Sleep, Count, RunEnclave, Create };

alignas(16) uint8_t stacks[max_harts][stack_size];
alignas(64) uint64_t counters[max_harts];
Work work = Work::Sleep; // of the other harts, set before they start
uint64_t enclave_id;
Signal started;
uint32_t taken;       // the enclave runs on one hart
uint64_t volatile go; // written from outside

[[noreturn]] void fail(char const* what, uint64_t number) {
    say("endings: FAIL ", what, ' ', Dec{number}, '\n');
    sbi::shut_down();
}

uint64_t volatile* utm_words() {
    return at<uint64_t volatile>(round_up(address_of(image_end), unit) + canary_epm_size);
}

[[noreturn]] void sleep() {
    for (;;) asm volatile("wfi");
}

/// What comes before each step of a hart that counts.
enum class Before { Nothing, Call, Timer };

/// Counts in the hart's counter for ever.
[[noreturn]] void count(uint64_t hart, Before before) {
    for (uint64_t far = ~uint64_t{0};; --far) {
        if (before == Before::Call) sbi::call(own_extension, 0);
        if (before == Before::Timer) sbi::set_timer(far);
        __atomic_fetch_add(&counters[hart], 1, __ATOMIC_RELAXED);
    }
}

void start_enclave() {
    uint64_t const epm = round_up(address_of(image_end), unit);
    auto const r = start_canary_enclave(epm);
    if (r.error != keystone::edge_call) fail("enclave", static_cast<uint64_t>(r.error));
    enclave_id = r.value;
    say("endings: enclave in ", Hex{epm}, " size ", Hex{canary_epm_size}, '\n');
}

void start_others(Machine const& machine, uint64_t boot_hart) {
    for (unsigned i = 0; i < machine.hart_count; ++i) {
        uint64_t const hart = machine.harts[i];
        if (hart == boot_hart) continue;
        uint64_t const before = started.get();
        auto const r =
            sbi::start_hart(hart, address_of(secondary_start), address_of(&stacks[i]) + stack_size);
        if (r.error != 0) fail("hart_start", static_cast<uint64_t>(r.error));
        started.wait_for(before + 1);
    }
}

/// Ends the machine, on two or more harts while the enclave runs.
[[noreturn]] void reset(Machine const& machine, uint64_t hart, uint64_t type) {
    auto* const words = utm_words();
    words[0] = enclave_counts;
    words[1] = 0;
    work = Work::RunEnclave;
    start_others(machine, hart);
    while (machine.hart_count > 1 && words[1] == 0) {
    }
    say("endings: resetting\n");
    sbi::call(sbi::ext_srst, 0, type, 0);
    fail("the reset call returned", 0);
}

constexpr uint64_t big_epm_size = 4U << 20U;

/// Fills memory with four words that no image holds, and keeps none of them in a register
/// (tests/qemu/stage.py computes them, too).
void fill_with_canary(uint64_t from, uint64_t end) {
    uint64_t value = 2, multiplier = 6364136223846793005, increment = 1442695040888963407;
    uint64_t count = 0;
    asm volatile("1: li %[count], 4\n"
                 "   li %[value], 2\n"
                 "2: mul %[value], %[value], %[multiplier]\n"
                 "   add %[value], %[value], %[increment]\n"
                 "   sd %[value], 0(%[at])\n"
                 "   addi %[at], %[at], 8\n"
                 "   addi %[count], %[count], -1\n"
                 "   bnez %[count], 2b\n"
                 "   bltu %[at], %[end], 1b\n"
                 "   li %[value], 0\n"
                 : [value] "+&r"(value), [count] "+&r"(count), [at] "+&r"(from)
                 : [end] "r"(end), [multiplier] "r"(multiplier), [increment] "r"(increment)
                 : "memory");
}

/// Creates an enclave that is measured for seconds: every page of it.
void create_big_enclave() {
    uint64_t const epm = round_up(address_of(image_end), unit) + unit;
    uint64_t const end = epm + big_epm_size;
    fill_with_canary(epm, end);
    keystone::CreateArgs const args{epm, big_epm_size, end, page_size, epm, epm, end, 0};
    go = 0;
    say("endings: creating in ", Hex{epm}, " size ", Hex{big_epm_size}, ", go at ",
        Hex{address_of(const_cast<uint64_t const*>(&go))}, '\n');
    while (go == 0) {
    }
    auto const r = sbi::call(keystone::extension, keystone::create, address_of(&args));
    fail("create returned", static_cast<uint64_t>(r.error));
}

/// Ends the machine while another hart is within create.
[[noreturn]] void reset_during_create(Machine const& machine, uint64_t hart, uint64_t type) {
    work = Work::Create;
    start_others(machine, hart);
    while (go != 2) {
    }
    sbi::call(sbi::ext_srst, 0, type, 0);
    fail("the reset call returned", 0);
}

void attest() {
    utm_words()[0] = enclave_attests;
    auto const r = resume_enclave(enclave_id);
    if (r.error != 0) fail("resume", static_cast<uint64_t>(r.error));
    say("endings: attest answered ", Dec{r.value}, '\n');
}

bool is(char const* argument, char const* word) {
    uint64_t const size = strlen(word);
    return argument != nullptr && memcmp(argument, word, size) == 0 &&
           (argument[size] == '\0' || argument[size] == ' ');
}

} // namespace

} // namespace endings

extern "C" void secondary_main(uint64_t hart) {
    using namespace endings;
    started.add(1);
    if (work == Work::Count) count(hart, Before::Nothing);
    bool const first = __atomic_exchange_n(&taken, 1U, __ATOMIC_RELAXED) == 0;
    if (work == Work::RunEnclave && first) resume_enclave(enclave_id);
    if (work == Work::Create && first) create_big_enclave();
    sleep();
}

/// The program.
extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace endings;
    Machine machine;
    if (!read_machine(tree, machine)) fail("the device tree is not usable", 0);
    char const* const end = find_argument(machine.bootargs, "plinth.end=");
    say("endings: tree at ", Hex{tree}, '\n');
    start_enclave();
    constexpr uint64_t type_shutdown = 0;
    constexpr uint64_t type_cold_reboot = 1;
    if (is(end, "shutdown")) reset(machine, hart, type_shutdown);
    if (is(end, "reboot")) reset(machine, hart, type_cold_reboot);
    if (is(end, "create-shutdown")) reset_during_create(machine, hart, type_shutdown);
    if (is(end, "create-reboot")) reset_during_create(machine, hart, type_cold_reboot);
    if (is(end, "wait")) {
        say("endings: waiting\n");
        sleep();
    }
    if (is(end, "calls") || is(end, "timers")) {
        work = Work::Count;
        start_others(machine, hart);
        say("endings: calling, counters at ", Hex{address_of(counters)}, '\n');
        count(hart, is(end, "calls") ? Before::Call : Before::Timer);
    }
    if (!is(end, "attest")) fail("plinth.end is missing", 0);
    attest();
    sbi::shut_down();
}
