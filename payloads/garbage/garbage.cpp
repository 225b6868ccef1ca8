// SPDX-License-Identifier: Apache-2.0
// The program: instructions, calls and jumps, once and three times as many. Harts other than the
// first one trap for ever into a vector that cannot be fetched.
#include "garbage.hpp"

#include "fdt.hpp"
#include "keystone.hpp"
#include "lock.hpp"

#include <initializer_list>

namespace garbage {

using namespace payload;

namespace {

constexpr uint32_t opcode_system = 0x73;
constexpr uint64_t cause_fetch_access = 1;
constexpr uint64_t cause_ecall_s = 9, cause_ecall_m = 11;
Signal lost; // harts that trap for ever

/// Registers that vM has and QEMU's bare machine has not, or the other way round: the reviewed list
/// of tests/qemu/differ_allowed.py, the debug registers, and vstimecmp, which QEMU 7.2 has without
/// H. They are left out when the two are compared.
bool differs(unsigned number) {
    struct Range {
        unsigned first, last;
    };
    for (Range const r :
         {Range{0x7a0, 0x7a4}, Range{0x3a4, 0x3ae}, Range{0x3c0, 0x3ef}, Range{0xb13, 0xb1f},
          Range{0xc13, 0xc1f}, Range{0x7b0, 0x7b3}, Range{0x24d, 0x24d}}) {
        if (number >= r.first && number <= r.last) return true;
    }
    return false;
}

/// Privileged instructions that chance would not find.
uint32_t exact(Random& random) {
    constexpr uint32_t words[] = {
        0x30200073, // mret
        0x10200073, // sret
        0x10500073, // wfi
        0x00000073, // ecall
        0x00100073, // ebreak
        0x12000073, // sfence.vma
        0x16000073, // sinval.vma
        0x18000073, // sfence.w.inval
        0x22000073, // hfence.vvma
        0x62000073, // hfence.gvma
        0x7b200073, // dret
        0x70200073, // mnret
        0x00200073, // uret
    };
    return words[random.below(sizeof words / sizeof words[0])];
}

uint32_t any_instruction(Random& random) {
    constexpr uint32_t opcodes[] = {opcode_system, opcode_system, opcode_system, opcode_system,
                                    0x0b,          0x2b,          0x5b,          0x7b};
    for (;;) {
        if (random.below(32) == 0) return exact(random);
        auto const word = static_cast<uint32_t>(random.next() >> 32U & ~uint64_t{0x7f});
        uint32_t const opcode = opcodes[random.below(sizeof opcodes / sizeof opcodes[0])];
        bool const csr = opcode == opcode_system && (word >> 12U & 3U) != 0;
        if (!csr || given().compare == 0 || !differs(word >> 20U)) return word | opcode;
    }
}

/// Random registers; no vPMP gets locked, which would bind this program, too.
Registers any_registers(Random& random, uint32_t instruction) {
    constexpr uint64_t locks = 0x8080808080808080;
    Registers registers{};
    for (uint64_t& x : registers.x) x = any_word(random);
    if (given().compare != 0) {
        // csrrs and csrrc of zero write (2.1); QEMU 7.2 lets them, in a register that is read-only.
        for (uint64_t& x : registers.x) x |= 1U;
        registers.x[17] = 1; // an ecall of M-mode is no call of the monitor
    }
    if ((instruction & 0x7fU) == opcode_system && instruction >> 24U == 0x3a) {
        registers.x[instruction >> 15U & 31U] &= ~locks;
    }
    return registers;
}

void say_tally(char const* what, Tally const& tally) {
    say("garbage: ", what, " done ", Dec{tally.done}, " illegal ", Dec{tally.illegal}, " others ",
        Dec{tally.others}, " hash ", Hex{tally.hash}, '\n');
}

/// Random instructions in M-mode.
void execute(Random& random, uint64_t count) {
    Tally tally;
    for (uint64_t i = 0; i < count; ++i) {
        uint32_t const word = any_instruction(random);
        Outcome const seen = attempt(word, any_registers(random, word), false);
        bool const here = seen.cause == 2 && seen.epc == address_of(&garbage_slot);
        if (here) expect(seen.tval == word, "mtval of", word, seen);
        tally.add(seen);
        if (!here) restore();
    }
    say_tally("instructions", tally);
}

/// Random calls. Whatever is none of the monitor's comes to this program.
void make_calls(Random& random, uint64_t count, bool lower) {
    Tally tally;
    for (uint64_t i = 0; i < count; ++i) {
        Registers registers{};
        for (uint64_t& x : registers.x) x = any_word(random);
        uint64_t const extension = registers.x[17];
        bool const keystone = extension == keystone::extension;
        bool const own = lower && (extension == 0x08504c4e || extension == 0x10);
        Outcome const seen = attempt(opcode_system, registers, lower);
        // An answered call goes on behind the ecall, in S-mode up to an instruction of M-mode.
        bool const answered = seen.cause == completed ||
                              (lower && seen.cause == 2 && seen.epc > address_of(&garbage_slot));
        bool const trapped = seen.cause == (lower ? cause_ecall_s : cause_ecall_m) &&
                             seen.epc == address_of(&garbage_slot) && seen.tval == 0;
        bool const may_be_answered = given().monitor != 0 && (keystone || own);
        expect(trapped || (answered && may_be_answered), "call", extension, seen);
        tally.add(seen);
    }
    restore();
    say_tally(lower ? "calls of S" : "calls of M", tally);
}

/// Returns to nowhere: a fetch fault there, in the mode that was asked for, with MPP as stacked.
void jump_around() {
    constexpr uint64_t everywhere[] = {0x2000000,          0x200bff8,          0x18000000,
                                       uint64_t{1} << 38U, uint64_t{1} << 55U, uint64_t{1} << 63U,
                                       ~uint64_t{0} - 3};
    // Owned by the monitor; and odd ones, of which QEMU 7.2 keeps bit 0 where 3.1.14 says zero.
    constexpr uint64_t monitored[] = {0x80000000, 0x80000001,   0x80080002,  0x800ff000, 0x800ffffe,
                                      epm,        epm + 0x1ffe, epm + 1,     0x100000,   0x10100000,
                                      0x200bff9,  0x18000001,   ~uint64_t{0}};
    uint64_t count = 0;
    auto const go = [&](uint64_t target, Priv mode) {
        Outcome const seen = jump(target, mode);
        uint64_t const pc = target & ~uint64_t{1};
        uint64_t const mpp = csr::read<csr::Mstatus>() >> status_mpp_shift & 3U;
        expect(seen.cause == cause_fetch_access && seen.epc == pc && seen.tval == pc &&
                   mpp == static_cast<uint64_t>(mode),
               "jump to", target, seen);
        restore();
        count += 1;
    };
    for (Priv const mode : {Priv::User, Priv::Supervisor, Priv::Machine}) {
        for (uint64_t const target : everywhere) go(target, mode);
        if (given().monitor == 0) continue;
        for (uint64_t const target : monitored) go(target, mode);
    }
    say("garbage: jumps ", Dec{count}, '\n');
}

/// An enclave, so that there is memory that nobody may execute.
void create_enclave() {
    keystone::CreateArgs const args{epm,          0x2000,       epm + 0x2000, 0x1000,
                                    epm + 0x1000, epm + 0x1000, epm + 0x1000, 0};
    Registers registers{};
    registers.x[10] = address_of(&args);
    registers.x[16] = keystone::create;
    registers.x[17] = keystone::extension;
    Outcome const seen = attempt(opcode_system, registers, true);
    expect(seen.cause == 2 && seen.epc > address_of(&garbage_slot), "create", 0, seen);
    // It went through if the memory is closed now.
    Outcome const fetch = jump(epm, Priv::Machine);
    expect(fetch.cause == cause_fetch_access, "no enclave at", epm, fetch);
    restore();
}

void part(Random& random, uint64_t times) {
    execute(random, given().instructions * times);
    make_calls(random, given().calls * times, false);
    make_calls(random, given().calls * times, true);
    jump_around();
    take_delegated_events();
    if (given().monitor == 0) return;
    access_with_fp();
    walk_owned_tables();
}

/// Tells the script that it may look, and waits until it has.
void show(uint64_t stage) {
    auto* const answer = at<uint64_t volatile>(mailbox);
    say("garbage: stage ", Dec{stage}, " lost ", Dec{lost.get()}, '\n');
    while (given().monitor != 0 && *answer != stage) {
    }
}

} // namespace

} // namespace garbage

/// A trap whose vector cannot be fetched traps again, for ever, on a bare machine as here.
extern "C" void secondary_main(uint64_t hart) {
    using namespace garbage;
    constexpr uint64_t vectors[] = {0x80000000, 0x2000000,          0x100000, uint64_t{1} << 62U,
                                    0x800ffffc, uint64_t{1} << 38U, 0};
    lost.add(1);
    csr::write<csr::Mtvec>(vectors[hart - 1]);
    asm volatile("ebreak");
    say("garbage: FAIL came back\n");
}

extern "C" void firmware_main(uint64_t tree) {
    using namespace garbage;
    Machine machine;
    if (given().magic != parameters_magic || !read_machine(tree, machine)) {
        say("garbage: FAIL no parameters or no device tree\n");
        finish();
    }
    restore();
    Random random(given().seed);
    for (uint64_t id = 1; id < machine.hart_count; ++id) {
        *at<uint32_t volatile>(0x2000000 + 4 * id) = 1;
    }
    lost.wait_for(machine.hart_count - 1);
    write_page_table(epm);
    if (given().monitor != 0) create_enclave();
    show(1);
    part(random, 1);
    show(2);
    part(random, 3);
    show(3);
    say("garbage: alive, ", Dec{failures()}, " failures\n");
    finish();
}
