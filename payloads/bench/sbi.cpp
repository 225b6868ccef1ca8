// SPDX-License-Identifier: Apache-2.0
// What calls and traps of S-mode cost that the firmware serves. The boot argument plinth.bench=
// says which rows: "calls", "nothing", or "rdtime" where the firmware does not let S-mode read
// `time` (then each rdtime is a trap). plinth.quick=yes makes fewer iterations.
#include "csr.hpp"
#include "fdt.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "samples.hpp"
#include "sv39.hpp"
#include "timed_call.hpp"

namespace bench {

using namespace payload;

void end() { sbi::shut_down(); }

namespace {

constexpr uint64_t far = uint64_t{1} << 60U;
constexpr uint64_t this_hart = 1; // mask of hart 0

/// One call per iteration, always successful; its value must be `value(i)`.
template <typename Make, typename Value>
void call_row(char const* name, Make make, Value value, uint64_t pending = 0) {
    row(name, [&](unsigned i) {
        Call const before = make(i);
        Call after = before;
        Timed const t = timed_call(after, pending);
        check_call(name, i, before, after);
        if (after.a1 != value(i, before)) fail(name, i, after.a1, value(i, before));
        return t.cost();
    });
}

/// The base extension's functions without argument answer the same each time, whatever lies in the
/// other registers; what they answer is printed and judged outside.
void base_row(char const* name, uint64_t function) {
    uint64_t const value = sbi::call(sbi::ext_base, function).value;
    auto const make = [&](unsigned i) {
        uint64_t const noise = varied(i);
        return Call{noise,     ~noise,    noise + 2, noise + 3,
                    noise + 4, noise + 5, function,  sbi::ext_base};
    };
    call_row(name, make, [&](unsigned, Call const&) { return value; });
    say("bench: value ", name, ' ', Hex{value}, '\n');
}

void probe_row() {
    static constexpr uint64_t ids[] = {sbi::ext_time,   0x0a000000, sbi::ext_ipi, 0x0aabbccd,
                                       sbi::ext_rfence, 0x0affffff, sbi::ext_hsm, 0x0a123456};
    auto const make = [](unsigned i) {
        return Call{.a0 = ids[i % 8], .a6 = 3, .a7 = sbi::ext_base};
    };
    call_row("sbi.base.probe", make,
             [](unsigned i, Call const&) { return i % 2 == 0 ? uint64_t{1} : 0; });
}

void set_timer_rows() {
    // Every tenth time a deadline that has passed is replaced: the interrupt must go away.
    row("sbi.set_timer.far", [](unsigned i) {
        uint64_t const past = i % 10 == 0 ? bit_sti : 0;
        if (past != 0) sbi::set_timer(0);
        check("sbi.set_timer.far before", i, csr::read<csr::Sip>() & bit_sti, past);
        Call const before{.a0 = far | varied(i) >> 8U, .a7 = sbi::ext_time};
        Call after = before;
        Timed const t = timed_call(after);
        check_call("sbi.set_timer.far", i, before, after);
        check("sbi.set_timer.far", i, csr::read<csr::Sip>() & bit_sti, 0);
        return t.cost();
    });
    row("sbi.set_timer.past", [](unsigned i) {
        sbi::set_timer(far);
        check("sbi.set_timer.past before", i, csr::read<csr::Sip>() & bit_sti, 0);
        uint64_t const now = csr::read<csr::Time>();
        Call const before{.a0 = now - varied(i) % now, .a7 = sbi::ext_time};
        Call after = before;
        Timed const t = timed_call(after, bit_sti);
        check_call("sbi.set_timer.past", i, before, after);
        return t.cost();
    });
    sbi::set_timer(far);
}

void send_ipi_row() {
    row("sbi.send_ipi.self", [](unsigned i) {
        csr::clear<csr::Sip>(bit_ssi);
        check("sbi.send_ipi.self before", i, csr::read<csr::Sip>() & bit_ssi, 0);
        bool const everyone = i % 16 == 15;
        Call const before{.a0 = everyone ? varied(i) : this_hart,
                          .a1 = everyone ? ~uint64_t{0} : 0,
                          .a2 = varied(i),
                          .a7 = sbi::ext_ipi};
        Call after = before;
        Timed const t = timed_call(after, bit_ssi);
        check_call("sbi.send_ipi.self", i, before, after);
        return t.cost();
    });
    csr::clear<csr::Sip>(bit_ssi);
}

/// Each time the code of a function is replaced before the call, and run after it.
void fence_i_row() {
    alignas(8) static uint32_t code[2];
    constexpr uint32_t li_a0 = 0x00000513;
    constexpr uint32_t ret = 0x00008067;
    row("sbi.fence_i.self", [](unsigned i) {
        auto* const words = const_cast<uint32_t volatile*>(code);
        words[0] = li_a0 | i << 20U;
        words[1] = ret;
        Call const before{.a0 = this_hart, .a2 = varied(i), .a7 = sbi::ext_rfence};
        Call after = before;
        Timed const t = timed_call(after);
        check_call("sbi.fence_i.self", i, before, after);
        check("sbi.fence_i.self", i, reinterpret_cast<uint64_t (*)()>(address_of(code))(), i);
        return t.cost();
    });
}

/// Each time a page is mapped to the other one of two places before the call, and read after it.
void sfence_row() {
    alignas(4096) static uint8_t tables[6 * page_size];
    alignas(4096) static uint64_t pages[2][page_size / 8];
    constexpr uint64_t alias = uint64_t{64} << 30U;
    constexpr uint64_t ram = uint64_t{2} << 30U;
    constexpr uint64_t read_write = sv39::read | sv39::write;
    sv39::Pool pool{address_of(tables), address_of(tables) + sizeof tables, 0};
    uint64_t const root = sv39::take_page(pool);
    sv39::map(pool, root, ram, ram, sv39::leaf_size(2), read_write | sv39::execute, 2);
    sv39::map(pool, root, alias, address_of(pages[1]), page_size, read_write, 0);
    csr::write<csr::Satp>(sv39::satp(root));
    asm volatile("sfence.vma" ::: "memory");
    row("sbi.sfence_vma.self", [&](unsigned i) {
        pages[i % 2][0] = varied(i);
        check("sbi.sfence_vma.self before", i, *at<uint64_t volatile>(alias),
              pages[(i + 1) % 2][0]);
        sv39::map(pool, root, alias, address_of(pages[i % 2]), page_size, read_write, 0);
        Call const before{this_hart, 0, alias, page_size, varied(i), 0, 1, sbi::ext_rfence};
        Call after = before;
        Timed const t = timed_call(after);
        check_call("sbi.sfence_vma.self", i, before, after);
        check("sbi.sfence_vma.self", i, *at<uint64_t volatile>(alias), varied(i));
        return t.cost();
    });
    csr::write<csr::Satp>(0);
    asm volatile("sfence.vma" ::: "memory");
}

/// What a read of CSR `N`, which does not exist, costs until the trap has arrived in S-mode.
template <unsigned N> uint64_t absent_csr(unsigned i) {
    constexpr uint64_t illegal_instruction = 2;
    Timed t{};
    uint64_t expected = 0;
    asm volatile("la %[end], 2f\n\tcsrw stvec, %[end]\n\tla %[pc], 1f\n\trdinstret %[begin]\n"
                 ".option push\n.option norvc\n1:\tcsrrs %[end], %[number], x0\n\t.option pop\n\t"
                 ".balign 4\n2:\trdinstret %[end]"
                 : [begin] "=&r"(t.begin), [end] "=&r"(t.end), [pc] "=&r"(expected)
                 : [number] "i"(N)
                 : "memory");
    uint32_t const instruction = *at<uint16_t>(expected) | *at<uint16_t>(expected + 2) << 16U;
    constexpr char const* name = "sbi.illegal_csr.redirected";
    check(name, i, csr::read<csr::Scause>(), illegal_instruction);
    check(name, i, csr::read<csr::Sepc>(), expected);
    check(name, i, csr::read<csr::Stval>(), instruction);
    check(name, i, csr::read<csr::Sstatus>() & status_spp, status_spp);
    return t.cost();
}

void illegal_csr_row() {
    constexpr unsigned kinds = 4;
    row("sbi.illegal_csr.redirected", [](unsigned i) {
        csr::write<csr::Scause>(0);
        csr::write<csr::Sepc>(0);
        if (i % kinds == 0) return absent_csr<0x5c0>(i);
        if (i % kinds == 1) return absent_csr<0x5d7>(i);
        return i % kinds == 2 ? absent_csr<0x9c3>(i) : absent_csr<0xcff>(i);
    });
}

/// Under -icount one instruction takes 1 ns and one tick of `time` 100 ns, so that instret says
/// what `time` must be.
void rdtime_row() {
    constexpr uint64_t instructions_per_tick = 100;
    row("sbi.rdtime", [](unsigned i) {
        Timed t{};
        asm volatile("rdinstret %0\n\trdtime %2\n\trdinstret %1"
                     : "=&r"(t.begin), "=&r"(t.end), "=&r"(t.value)::"memory");
        if (t.value < t.begin / instructions_per_tick || t.value > t.end / instructions_per_tick)
            fail("sbi.rdtime", i, t.value, t.begin / instructions_per_tick);
        for (uint64_t n = varied(i) % 64; n != 0; --n) asm volatile("nop");
        return t.cost();
    });
}

void call_rows() {
    base_row("sbi.base.spec_version", 0);
    base_row("sbi.base.impl_id", 1);
    base_row("sbi.base.impl_version", 2);
    probe_row();
    set_timer_rows();
    send_ipi_row();
    fence_i_row();
    sfence_row();
    illegal_csr_row();
}

bool is(char const* argument, char const* word) {
    return argument != nullptr && memcmp(argument, word, strlen(word)) == 0;
}

} // namespace

} // namespace bench

extern "C" void payload_main(uint64_t hart, uint64_t tree) {
    using namespace bench;
    say("bench: start\n");
    check("boot hart", 0, hart, 0);
    Machine machine;
    if (!read_machine(tree, machine)) fail("device tree", 0, 0, 0);
    char const* const which = find_argument(machine.bootargs, "plinth.bench=");
    char const* const quick = find_argument(machine.bootargs, "plinth.quick=");
    if (is(quick, "yes")) usual_iterations = 100;
    calibrate();
    if (is(which, "calls")) {
        call_rows();
    } else if (is(which, "rdtime")) {
        rdtime_row();
    } else if (!is(which, "nothing")) {
        fail("plinth.bench", 0, 0, 0);
    }
    say("bench: end\n");
    end();
}
