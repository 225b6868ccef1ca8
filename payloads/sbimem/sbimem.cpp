// SPDX-License-Identifier: Apache-2.0
// A host that makes the SBI calls that its boot argument lists, each as seven words in
// hexadecimal: extension, function, five arguments. Two extensions are no calls: 0 creates an
// enclave that keeps a canary, 1 waits until something was typed. A second hart watches: a call may
// cost the caller its firmware, not anyone else.
#include "canary_enclave.hpp"
#include "fdt.hpp"
#include "lock.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

extern "C" void secondary_start(); // start_s.S

namespace sbimem {

using namespace payload;

namespace {

constexpr uint64_t epm = 0x84000000;
constexpr uint64_t patience = 5000000; // ticks: half a second
constexpr unsigned words = 7;

alignas(16) uint8_t stack[4096];
Signal begun; // calls that were begun
Signal ended; // calls that returned
Signal seen;  // calls that the watcher has spoken about

uint64_t now() {
    uint64_t time;
    asm volatile("rdtime %0" : "=r"(time));
    return time;
}

[[noreturn]] void fail(char const* what, uint64_t number) {
    say("sbimem: FAIL ", what, ' ', Dec{number}, '\n');
    for (;;) asm volatile("wfi");
}

void create_enclave() {
    auto const r = start_canary_enclave(epm);
    if (r.error != keystone::edge_call) fail("enclave", static_cast<uint64_t>(r.error));
    say("sbimem: enclave\n");
}

/// The next seven words of the argument; false at its end.
bool next_call(char const*& text, uint64_t (&out)[words]) {
    uint8_t bytes[8 * words];
    char digits[16 * words + 1] = {};
    for (unsigned i = 0; i < 16 * words; ++i) {
        if (text[i] == '\0' || text[i] == ' ') return false;
        digits[i] = text[i];
    }
    if (!parse_hex(digits, bytes, sizeof bytes)) fail("the argument is not hexadecimal", 0);
    for (unsigned i = 0; i < words; ++i) {
        out[i] = 0;
        for (unsigned k = 0; k < 8; ++k) out[i] = out[i] << 8U | bytes[8 * i + k];
    }
    text += 16 * words;
    return true;
}

sbi::Result make_call(uint64_t const (&call)[words]) {
    register uint64_t a0 asm("a0") = call[2];
    register uint64_t a1 asm("a1") = call[3];
    register uint64_t a2 asm("a2") = call[4];
    register uint64_t a3 asm("a3") = call[5];
    register uint64_t a4 asm("a4") = call[6];
    register uint64_t a6 asm("a6") = call[1];
    register uint64_t a7 asm("a7") = call[0];
    asm volatile("ecall"
                 : "+r"(a0), "+r"(a1)
                 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                 : "memory");
    return {static_cast<int64_t>(a0), a1};
}

/// Waits until the 16550 holds 14 bytes: that is when, with this trigger level, it has an interrupt
/// to identify, which nobody takes.
void wait_for_input() {
    constexpr uint64_t uart = 0x10000000; // QEMU virt
    constexpr unsigned received = 4;
    auto* const enable = at<uint8_t volatile>(uart + 1);
    auto* const fifo = at<uint8_t volatile>(uart + 2);
    *enable = 1;
    *fifo = 0xc1;
    say("sbimem: type\n");
    while ((*fifo & 0x7U) != received) {
    }
    *enable = 0;
}

void make_calls(char const* text) {
    uint64_t call[words];
    while (next_call(text, call)) {
        if (call[0] == 0) {
            create_enclave();
            continue;
        }
        if (call[0] == 1) {
            wait_for_input();
            continue;
        }
        uint64_t const number = begun.get() + 1;
        begun.set(number);
        auto const r = make_call(call);
        say("sbimem: answer ", Hex{static_cast<uint64_t>(r.error)}, ' ', Hex{r.value}, '\n');
        ended.set(number);
        seen.wait_for(number);
    }
    say("sbimem: end\n");
}

} // namespace

} // namespace sbimem

/// Watches the other hart: each call returns in time, or never. The firmware must still answer
/// here.
extern "C" void secondary_main(uint64_t) {
    using namespace sbimem;
    for (uint64_t number = 1;; ++number) {
        while (begun.get() < number) {
        }
        uint64_t const start = now();
        while (ended.get() < number && now() - start < patience) {
        }
        if (sbi::call(sbi::ext_base, 0).error != 0) fail("the base extension", 0);
        bool const back = ended.get() >= number;
        say("sbimem: call ", Dec{number}, back ? " returned\n" : " lost its hart\n");
        seen.set(number);
    }
}

extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace sbimem;
    Machine machine;
    if (!read_machine(tree, machine) || machine.hart_count != 2) fail("two harts are needed", 0);
    char const* const calls = find_argument(machine.bootargs, "plinth.calls=");
    if (calls == nullptr) fail("plinth.calls is missing", 0);
    for (unsigned i = 0; i < 2; ++i) {
        if (machine.harts[i] == hart) continue;
        auto const r = sbi::start_hart(machine.harts[i], address_of(secondary_start),
                                       address_of(stack) + sizeof stack);
        if (r.error != 0) fail("hart_start", static_cast<uint64_t>(r.error));
    }
    make_calls(calls);
}
