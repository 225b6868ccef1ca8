// SPDX-License-Identifier: Apache-2.0
/// Two machines run the same firmware, one of them with the short path as the trap vector calls it.
/// At each entry everything that the world below depends on is the same.
#include "bench.hpp"
#include "monitor/short_path.hpp"
#include "monitor/worlds.hpp"

#include <gtest/gtest.h>
#include <map>
#include <random>
#include <sstream>

namespace plinth::monitor {
namespace {

using fake::Bench;
using Random = std::mt19937_64;

constexpr std::array preserved{3U, 8U, 9U, 18U, 19U, 20U, 21U, 22U, 23U, 24U, 25U, 26U, 27U};
constexpr std::uint64_t stale = 0x57a1e57a1e57a1e0;

/// The trap vector (arch/metal/switch.S): registers that functions preserve are in memory only when
/// they were saved.
class Vector {
  public:
    explicit Vector(HartState& h) : h_{h} {
        h.hart.vector_executes = [this](arch::Trap const& trap) { return take(trap); };
    }
    std::map<Short, unsigned> outcomes{}, clint{};

  private:
    bool take(arch::Trap const& trap) {
        using arch::Cause;
        if (h_.world != World::Firmware) return false;
        if (!trap.is(Cause::IllegalInstruction) && !trap.is(Cause::LoadAccess) &&
            !trap.is(Cause::StoreAccess))
            return false;
        h_.hart.write_csr(arch::csr::Mcause, trap.cause);
        h_.hart.write_csr(arch::csr::Mtval, trap.tval);
        auto outcome = call_with_some();
        if (outcome == Short::Save) {
            count(trap, outcome);
            outcome = plinth_short_path_all(h_);
            EXPECT_TRUE(outcome != Short::Save && outcome != Short::Resume);
        } else {
            EXPECT_NE(outcome, Short::ResumeAll);
        }
        count(trap, outcome);
        // mstatus of the hart stays as it is.
        if (outcome == Short::Resume || outcome == Short::ResumeAll)
            h_.regs.guest.mstatus = h_.hart.status;
        EXPECT_EQ(h_.hart.read_csr(arch::csr::Mcause), trap.cause);
        return outcome != Short::No;
    }
    Short call_with_some() {
        auto const before = h_.regs.guest;
        for (auto const reg : preserved) h_.regs.guest.set(reg, stale + reg);
        auto const outcome = plinth_short_path(h_);
        for (auto const reg : preserved) {
            EXPECT_EQ(h_.regs.guest.get(reg), stale + reg);
            h_.regs.guest.set(reg, before.get(reg));
        }
        return outcome;
    }
    void count(arch::Trap const& trap, Short outcome) {
        ++outcomes[outcome];
        if (!trap.is(arch::Cause::IllegalInstruction)) ++clint[outcome];
    }
    HartState& h_;
};

/// What stands in the hart and the monitor at an entry, but mstatus.FS and VS where `vmstatus` of a
/// firmware that runs may be behind the hart.
struct Entry {
    std::vector<std::uint64_t> words{};
};
Entry entry(HartState& h, arch::GuestContext const& guest) {
    Entry out;
    auto const add = [&out](auto... word) { (out.words.push_back(word), ...); };
    for (auto const word : guest.x_) add(word);
    auto const& v = h.v;
    auto const dirty = h.world == World::Firmware ? 0x6600ULL : 0ULL;
    add(guest.pc, guest.mstatus | 1ULL << 63U, static_cast<std::uint64_t>(h.world),
        static_cast<std::uint64_t>(h.regs.priv), std::uint64_t{h.regs.virt});
    add(v.mstatus & ~dirty, v.mtvec, v.mscratch, v.mepc, v.mcause, v.mtval, v.mtval2, v.mtinst,
        v.medeleg, v.mideleg, v.mie, v.mcounteren, v.menvcfg, v.satp, v.hvip, v.hgeie, v.hstatus);
    for (unsigned i = 0; i < virtual_pmp_entries; ++i) add(v.pmp.addr[i], v.pmp.cfg[i]);
    for (unsigned i = 0; i < arch::max_pmp_entries; ++i)
        add(h.hart.loaded().addr[i], h.hart.loaded().cfg[i]);
    for (auto const number :
         {arch::csr::Mie, arch::csr::Mip, arch::csr::Medeleg, arch::csr::Mideleg, arch::csr::Satp,
          arch::csr::Mcounteren, arch::csr::Menvcfg, arch::csr::Stvec, arch::csr::Sepc,
          arch::csr::Scause, arch::csr::Sscratch, arch::csr::Hvip})
        add(h.hart.read_csr(number));
    add(h.vmtimecmp.load(), h.vmsip.load(), h.programmed);
    return out;
}

class ShortPath : public testing::Test {
  protected:
    ShortPath() {
        for (auto* bench : {&general, &shorter})
            bench->perturb = [this, bench](HartState& h, arch::GuestContext& guest) {
                (bench == &general ? expected : found).push_back(entry(h, guest));
            };
    }
    static fake::Wanted wanted() {
        return {.harts = 2, .sstc = true, .hypervisor = true, .keys = false, .ram = 4 << 20};
    }
    template <typename Change> void both(Change change) {
        change(general.hart());
        change(shorter.hart());
    }
    /// One instruction at pc that ends in a trap; FS may become dirty before.
    void play(std::uint64_t word, arch::Trap trap) {
        bool const dirties = random() % 16 == 0;
        expected.clear();
        found.clear();
        for (auto* bench : {&general, &shorter}) {
            auto const at = bench->hart().regs.guest.pc;
            for (unsigned i = 0; i < 4 && at == board::firmware.base().raw + 0x1000; ++i)
                bench->bytes(at, 4)[i] = static_cast<std::uint8_t>(word >> (8 * i));
            bench->play([=](arch::Hart& hart, arch::GuestContext&) {
                if (dirties && arch::mstatus::Fs::get(hart.status) != 0)
                    hart.status = arch::mstatus::Fs::set(hart.status, 3);
                return trap;
            });
        }
        ASSERT_EQ(differing(), "") << std::hex << word;
    }
    /// What differs between the entries of both, in words for people.
    std::string differing() const {
        std::ostringstream text;
        if (expected.size() != found.size())
            text << expected.size() << " entries, found " << found.size() << "; ";
        for (std::size_t n = 0; n < std::min(expected.size(), found.size()); ++n)
            for (std::size_t i = 0; i < expected[n].words.size(); ++i)
                if (expected[n].words[i] != found[n].words[i])
                    text << "entry " << n << " word " << i << std::hex << ": "
                         << expected[n].words[i] << ", found " << found[n].words[i] << "; ";
        return text.str();
    }
    std::uint64_t value() { return random() % 2 == 0 ? random() : 1ULL << random() % 64; }
    void csr_instruction() {
        constexpr unsigned common[] = {0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x340,
                                       0x341, 0x342, 0x343, 0x344, 0x3b0, 0x100, 0x140, 0x141};
        auto number =
            static_cast<unsigned>(random() % 8 == 0 ? random() % 4096 : common[random() % 16]);
        if ((number & 0xfe0U) == 0xb00 || (number & 0xfe0U) == 0xc00) number = 0x340; // counters
        auto const word = encode_csr(static_cast<fake::CsrOp>(random() % 6), reg(), number, reg());
        play(word, {.cause = 2, .tval = word});
    }
    /// Loads and stores of every width, also compressed, at CLINT registers of both harts.
    void clint_access() {
        constexpr std::uint64_t registers[] = {0x4000, 0x4000, 0x4000, 0x4008, 0x4004, 0xbff8,
                                               0xbff8, 0,      4,      8,      0x8000};
        auto const address = 0x200'0000 + registers[random() % std::size(registers)];
        auto const store = random() % 2 == 0;
        if (random() % 4 == 0)
            both([](HartState& h) {
                unprepare(h);
                h.v.mstatus |= 0x8;
                h.v.mie = 0;
            });
        if (random() % 8 == 0) { // c.ld, c.sd: registers 8 to 15
            auto const base = 8 + static_cast<unsigned>(random() % 8);
            both([&](HartState& h) { h.regs.guest.set(base, address); });
            auto const word = (store ? 0xe000U : 0x6000U) | (base - 8) << 7U | random() % 8 << 2U;
            return play(word, {.cause = store ? 7U : 5U, .tval = address});
        }
        auto base = reg();
        if (base == 0) base = 5;
        auto const other = random() % 16 == 0 ? 8U : 0U; // another hart rewrote the instruction
        both([&](HartState& h) { h.regs.guest.set(base, address - 16 + other); });
        auto const width = static_cast<unsigned>(random() % 4 == 0 ? random() % 4 : 3);
        auto const word = store ? fake::encode_store(width, reg(), base, 16)
                                : fake::encode_load(width, reg(), base, 16);
        play(word, {.cause = store ? 7U : 5U, .tval = address});
    }
    unsigned reg() { return static_cast<unsigned>(random() % 32); }
    /// Registers anew; pc where there is room for an instruction.
    void scramble() {
        auto const some = value();
        auto const interrupts = random() % 3 == 0;
        both([&](HartState& h) {
            for (unsigned i = 1; i < 32; ++i) h.regs.guest.set(i, some + i);
            h.regs.guest.pc = board::firmware.base().raw + 0x1000;
            unprepare(h);
            if (!interrupts) h.v.mstatus &= ~0x2'0008ULL; // MPRV hides code
        });
    }

    Bench general{wanted()}, shorter{wanted()};
    Vector vector{shorter.hart()};
    std::vector<Entry> expected{}, found{};
    Random random{5};
};

TEST_F(ShortPath, DoesWhatTheRunLoopDoes) {
    for (unsigned round = 0; round < 24'000 && !HasFatalFailure(); ++round) {
        if (general.hart().world == World::Host) play(0x73, {.cause = 9}); // an ecall comes back
        if (random() % 4 == 0) scramble();
        both([](HartState& h) { h.regs.guest.pc = board::firmware.base().raw + 0x1000; });
        switch (random() % 8) {
        case 0: play(fake::insn_mret, {.cause = 2, .tval = 0}); break;
        case 1:
        case 2:
        case 3: clint_access(); break;
        default: csr_instruction();
        }
    }
    // Each outcome was reached, and often enough.
    EXPECT_GT(vector.outcomes[Short::Resume], 500U);
    EXPECT_GT(vector.outcomes[Short::ResumeAll], 500U);
    EXPECT_GT(vector.outcomes[Short::ResumePrepared], 50U);
    EXPECT_GT(vector.outcomes[Short::Turn], 300U);
    EXPECT_GT(vector.outcomes[Short::Save], 500U);
    EXPECT_GT(vector.outcomes[Short::No], 100U);
    EXPECT_GT(vector.clint[Short::Resume], 50U);
    EXPECT_GT(vector.clint[Short::ResumeAll], 50U);
    EXPECT_GT(vector.clint[Short::Turn], 20U);
}

} // namespace
} // namespace plinth::monitor
