// SPDX-License-Identifier: Apache-2.0
/// The CSRs of the virtual M-mode: all 4,096 numbers, all six instructions, against the reference
/// that another hand typed from the specification.
#include "bench.hpp"
#include "monitor/virtual_csrs.hpp"
#include "monitor/virtual_trap.hpp"
#include "monitor/worlds.hpp"
#include "reference/csr_reference.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace plinth::monitor {
namespace {

using fake::Bench;
using fake::Wanted;
namespace ref = plinth::reference;

using Random = std::mt19937_64;

/// What the vM's hart has, in the reference's words. There are 64 PMP registers (3.7.1 allows 0, 16
/// or 64), of which 8 hold anything.
ref::Features as_reference(arch::Features const& f) {
    ref::Features out;
    out.s = f.has('S');
    out.f = f.has('F');
    out.v = f.vlenb != 0;
    out.h = f.has('H');
    out.sstc = f.sstc;
    out.sscofpmf = f.scountovf;
    out.pmp_entries = 64;
    out.pmp_grain = f.pmp_granule - 2;
    out.countinhibit = f.countinhibit;
    out.v1_12 = f.envcfg;
    out.zicbom = out.zicboz = true; // the fake's envcfg registers have the bits
    return out;
}
ref::Features with_contents(ref::Features features) {
    features.pmp_entries = virtual_pmp_entries;
    return features;
}

/// U-mode executes these itself, or gets its illegal-instruction exception from the hart.
bool is_direct(unsigned number) { return number < 0x100 || (number >= 0xc20 && number <= 0xc22); }

struct Machine {
    std::string name;
    Wanted wanted;
};
std::ostream& operator<<(std::ostream& out, Machine const& machine) { return out << machine.name; }

class VirtualCsrs : public testing::TestWithParam<Machine> {
  protected:
    VirtualCsrs()
        : bench{small(GetParam().wanted)}, h{bench.hart()}, facts{as_reference(h.hart.features())} {
    }
    static Wanted small(Wanted wanted) {
        wanted.ram = 4 << 20;
        wanted.keys = wanted.entropy = false;
        return wanted;
    }
    /// The hart as after reset.
    void reset() {
        auto const features = h.hart.features();
        h.hart.attach(bench.machine, 0, features);
        h.vmtimecmp = ~0ULL;
        go_online(h);
    }
    struct Executed {
        std::uint64_t old; ///< what rd received
    };
    /// Nothing if the instruction is illegal.
    std::optional<Executed> execute(ref::CsrOp op, unsigned number, unsigned rs1, unsigned rd = 6) {
        constexpr fake::CsrOp ops[] = {fake::CsrOp::Rw,  fake::CsrOp::Rs,  fake::CsrOp::Rc,
                                       fake::CsrOp::Rwi, fake::CsrOp::Rsi, fake::CsrOp::Rci};
        auto const word = encode_csr(ops[static_cast<unsigned>(op)], rd, number, rs1);
        // FS and VS are the hart's while the firmware runs.
        h.hart.status = merge(h.hart.status, h.v.mstatus, 0x6600);
        if (emulate_csr(h, arch::CsrInsn{word}).kind() != Next::Kind::Skip) return std::nullopt;
        return Executed{h.regs.guest.get(rd)};
    }
    std::uint64_t read(unsigned number) { return execute(ref::CsrOp::Rs, number, 0)->old; }
    bool write(unsigned number, std::uint64_t value) {
        h.regs.guest.set(5, value);
        return static_cast<bool>(execute(ref::CsrOp::Rw, number, 5));
    }
    /// Every register that exists and can be written.
    std::vector<unsigned> writable() const {
        std::vector<unsigned> out;
        for (unsigned number = 0; number < 4096; ++number)
            if (!is_direct(number) && ref::csr_exists(number, facts) && !ref::csr_read_only(number))
                out.push_back(number);
        return out;
    }
    /// Puts arbitrary legal content into all registers.
    void scramble(Random& random) {
        for (auto const number : writable()) write(number, random());
    }

    Bench bench;
    HartState& h;
    ref::Features facts;
};

INSTANTIATE_TEST_SUITE_P(
    Machines, VirtualCsrs,
    testing::Values(Machine{"Plain", {}}, Machine{"Sstc", {.sstc = true}},
                    Machine{"H", {.hypervisor = true}}, Machine{"NoF", {.floating = false}},
                    Machine{"Coarse", {.pmp_granule = 12}}, Machine{"Old", {.envcfg = false}},
                    Machine{"Sscofpmf", {.overflow = true}},
                    Machine{"SstcHV", {.sstc = true, .hypervisor = true, .vector = true}}),
    [](auto const& each) { return each.param.name; });

constexpr ref::CsrOp ops[] = {ref::CsrOp::Rw,  ref::CsrOp::Rs,  ref::CsrOp::Rc,
                              ref::CsrOp::Rwi, ref::CsrOp::Rsi, ref::CsrOp::Rci};

/// 4,096 numbers × 6 instructions × {x0, another}: existence and read-only-ness.
TEST_P(VirtualCsrs, F10_C1_EveryNumberAndInstructionTrapsExactlyWhenTheSpecificationSays) {
    for (unsigned number = 0; number < 4096; ++number)
        for (auto const op : ops)
            for (auto const rs1 : {0U, 5U}) {
                auto const traps = ref::csr_access_traps(number, op, rs1, ref::Mode::M, facts, {});
                ASSERT_EQ(!execute(op, number, rs1), traps || is_direct(number))
                    << std::hex << number << " op " << static_cast<unsigned>(op) << " rs1 " << rs1;
            }
}

TEST_P(VirtualCsrs, C1_RefusedAccessesChangeNothing) {
    Random random{1};
    scramble(random);
    std::vector<std::uint64_t> before;
    for (auto const number : writable()) before.push_back(read(number));
    for (unsigned number = 0; number < 4096; ++number)
        for (auto const op : ops)
            if (ref::csr_access_traps(number, op, 5, ref::Mode::M, facts, {}))
                (void)execute(op, number, 5);
    std::size_t i = 0;
    for (auto const number : writable()) EXPECT_EQ(read(number), before[i++]) << std::hex << number;
}

/// Corner and random values: what is read back is what the specification lets a hart read back.
TEST_P(VirtualCsrs, C1_C3_EveryWriteReadsBackAsSomethingLegal) {
    auto const contents = with_contents(facts);
    Random random{2};
    for (auto const number : writable())
        for (unsigned round = 0; round < 140; ++round) {
            reset();
            auto const first = random();
            auto const bit = 1ULL << round % 64;
            auto const value = round < 64    ? bit
                               : round < 128 ? ~bit
                               : round < 130 ? 0 - std::uint64_t{round - 128}
                                             : random();
            write(number, round % 2 == 0 ? first : 0);
            auto const old = read(number);
            write(number, value);
            auto const now = read(number);
            // CBIE = 3, invalidate, becomes 1, flush: a deviation, see F26.
            auto const cbie = arch::envcfg::Cbie::get(value) == 3 && number == arch::csr::Menvcfg;
            auto const asked = cbie ? arch::envcfg::Cbie::set(value, 1) : value;
            auto const legal = ref::legal(number, old, asked, now, contents);
            if (number >= 0x3b0 && number <= 0x3b7 && legal) {
                auto const own = h.v.pmp.cfg[number - 0x3b0];
                auto const grain = contents.pmp_grain;
                EXPECT_EQ(now, ref::pmpaddr_reads_as(value & ref::pmpaddr_mask, own, grain));
            } else if (legal) {
                ASSERT_TRUE(*legal)
                    << std::hex << number << " old " << old << " asked " << value << " got " << now;
            }
        }
}

TEST_P(VirtualCsrs, C2_WritingBackWhatWasReadChangesNothing) {
    Random random{3};
    for (int round = 0; round < 20; ++round) {
        scramble(random);
        for (auto const number : writable()) {
            auto const value = read(number);
            write(number, value);
            ASSERT_EQ(read(number), value) << std::hex << number;
        }
    }
}

/// csrrs and csrrc are csrrw of old|operand and old&~operand; the immediate forms are the register
/// forms.
TEST_P(VirtualCsrs, C2_SetAndClearAreReadModifyWrite) {
    Random random{4};
    for (auto const number : writable())
        for (int round = 0; round < 12; ++round) {
            auto const start = random();
            auto const operand = round < 6 ? random() : random() & 31U;
            auto const after = [&](ref::CsrOp op, bool combine) {
                reset();
                write(number, start);
                auto const old = read(number);
                auto const set = op == ref::CsrOp::Rs || op == ref::CsrOp::Rsi;
                auto const combined = set ? old | operand : old & ~operand;
                h.regs.guest.set(5, combine ? combined : operand);
                auto const immediate = !combine && static_cast<unsigned>(op) >= 3;
                auto const used = combine ? ref::CsrOp::Rw : op;
                EXPECT_EQ(execute(used, number, immediate ? operand & 31U : 5)->old, old);
                return read(number);
            };
            ASSERT_EQ(after(ref::CsrOp::Rs, false), after(ref::CsrOp::Rs, true))
                << std::hex << number;
            ASSERT_EQ(after(ref::CsrOp::Rc, false), after(ref::CsrOp::Rc, true))
                << std::hex << number;
            if (operand > 31 || operand == 0) continue;
            ASSERT_EQ(after(ref::CsrOp::Rsi, false), after(ref::CsrOp::Rs, true))
                << std::hex << number;
            ASSERT_EQ(after(ref::CsrOp::Rci, false), after(ref::CsrOp::Rc, true))
                << std::hex << number;
        }
}

TEST_P(VirtualCsrs, F11_MstatusHoldsOnlyLegalValues) {
    Random random{5};
    for (int round = 0; round < 20'000; ++round) {
        auto const value = random() & (round % 2 == 0 ? ~0ULL : random());
        write(arch::csr::Mstatus, value);
        ASSERT_TRUE(ref::legal_mstatus(value, read(arch::csr::Mstatus), facts))
            << std::hex << value << " " << read(arch::csr::Mstatus);
    }
}

TEST_P(VirtualCsrs, F12_WhatBelongsToMachineModeCannotBeDelegated) {
    ASSERT_EQ(write(arch::csr::Medeleg, 0), facts.s);
    if (!facts.s) return;
    write(arch::csr::Medeleg, ~0ULL);
    write(arch::csr::Mideleg, ~0ULL);
    EXPECT_EQ(read(arch::csr::Medeleg) & 1U << 11U, 0U);
    EXPECT_EQ(read(arch::csr::Mideleg) & 0x888U, 0U);
    write(arch::csr::Mideleg, 0);
    EXPECT_EQ(read(arch::csr::Mideleg), facts.h ? 0x1444U : 0U);
}

TEST_P(VirtualCsrs, F40_EveryHardwareCounterReadsZeroAndTakesNoFault) {
    for (unsigned i = 3; i < 32; ++i)
        for (auto const number : {0xb00 + i, 0x320 + i}) {
            EXPECT_TRUE(write(number, ~0ULL));
            EXPECT_EQ(read(number), 0U);
            EXPECT_EQ(read(0xc00 + i), 0U);
        }
}

TEST_P(VirtualCsrs, F30_MisaOfTheHartIsNeverWritten) {
    auto const before = read(arch::csr::Misa);
    EXPECT_TRUE(write(arch::csr::Misa, 0));
    EXPECT_EQ(read(arch::csr::Misa), before);
    EXPECT_EQ(h.hart.read_csr(arch::csr::Misa), before);
}

/// All 4,096 numbers: what cannot be written keeps its value whatever is tried on it and on its
/// neighbours; what does not exist in the reference cannot even be read.
TEST_P(VirtualCsrs, C3_ReadOnlyRegistersAreConstant) {
    std::vector<unsigned> constant;
    for (unsigned number = 0xc00; number < 4096; ++number)
        if (!is_direct(number) && ref::csr_exists(number, facts)) constant.push_back(number);
    auto const moves = [](unsigned number) { return number == arch::csr::Time; };
    std::vector<std::uint64_t> before;
    for (auto const number : constant) before.push_back(read(number));
    Random random{8};
    scramble(random);
    for (auto const number : constant)
        for (auto const value : {std::uint64_t{0}, ~std::uint64_t{0}, random()})
            EXPECT_FALSE(write(number, value)) << std::hex << number;
    // Counters follow what was written to the machine's own; the rest never changes.
    for (std::size_t i = 0; i < constant.size(); ++i) {
        auto const counter = constant[i] == arch::csr::Cycle || constant[i] == arch::csr::Instret;
        if (counter || moves(constant[i])) continue;
        EXPECT_EQ(read(constant[i]), before[i]) << std::hex << constant[i];
    }
    EXPECT_EQ(read(arch::csr::Cycle), read(arch::csr::Mcycle));
    EXPECT_EQ(read(arch::csr::Instret), read(arch::csr::Minstret));
}

/// Flushing is allowed, invalidating would uncover what the monitor has zeroed.
TEST_P(VirtualCsrs, F26_NoWorldBelowMayInvalidateCacheLines) {
    for (std::uint64_t cbie = 0; cbie < 4; ++cbie) {
        ASSERT_EQ(write(arch::csr::Menvcfg, cbie << 4U | 0xc1), facts.v1_12);
        if (!facts.v1_12) continue;
        EXPECT_NE(arch::envcfg::Cbie::get(h.hart.read_csr(arch::csr::Menvcfg)), 3U);
    }
}

TEST_P(VirtualCsrs, F09_PmpRegistersBeyondTheSixteenAreZeroAndOddOnesDoNotExist) {
    auto const physical = h.hart.loaded();
    for (std::uint64_t number = 0x3b0; number <= 0x3bf; ++number)
        write(static_cast<unsigned>(number), number << 20U);
    for (unsigned number = 0x3c0; number <= 0x3ef; ++number) EXPECT_TRUE(write(number, ~0ULL));
    for (std::uint64_t number = 0x3b0; number <= 0x3bf; ++number)
        EXPECT_EQ(read(static_cast<unsigned>(number)), number << 20U);
    for (unsigned number = 0x3a0; number <= 0x3af; ++number)
        EXPECT_EQ(write(number, ~0ULL), number % 2 == 0) << std::hex << number;
    EXPECT_EQ(read(0x3a0), 0x9f9f'9f9f'9f9f'9f9fU);
    EXPECT_EQ(read(0x3a2), 0x9f9f'9f9f'9f9f'9f9fU);
    for (unsigned number = 0x3a4; number <= 0x3ae; number += 2) EXPECT_EQ(read(number), 0U);
    for (unsigned number = 0x3c0; number <= 0x3ef; ++number)
        EXPECT_EQ(read(number), 0U) << std::hex << number;
    EXPECT_EQ(h.hart.loaded(), physical); // nothing physical happened
}

/// Random writes with locks against the reference's rules for each register.
TEST_P(VirtualCsrs, F08_LocksOfVirtualPmpEntriesHold) {
    auto const contents = with_contents(facts);
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        Random random{seed};
        reset();
        for (int round = 0; round < 60; ++round) {
            std::uint64_t const configs[] = {read(0x3a0), read(0x3a2)};
            auto const config = [&configs](unsigned i) {
                return i < 16 ? static_cast<std::uint8_t>(configs[i / 8] >> (i % 8 * 8))
                              : std::uint8_t{0};
            };
            auto const rare_locks = random() & (round < 40 ? 0x7f7f'7f7f'7f7f'7f7fULL : ~0ULL);
            if (random() % 2 == 0) {
                auto const which = static_cast<unsigned>(random() % 2);
                auto const number = 0x3a0 + 2 * which;
                write(number, rare_locks);
                ASSERT_TRUE(
                    ref::legal_pmpcfg(number, configs[which], rare_locks, read(number), contents))
                    << std::hex << configs[which] << " " << rare_locks << " " << read(number);
                continue;
            }
            auto const i = static_cast<unsigned>(random() % 16);
            auto const old = read(0x3b0 + i);
            auto const value = random();
            write(0x3b0 + i, value);
            ASSERT_EQ(read(0x3b0 + i),
                      ref::canonical_pmpaddr(i, old, value, config(i), config(i + 1), contents));
        }
    }
}

TEST_P(VirtualCsrs, C2_SstatusSieAndSipAreViews) {
    Random random{6};
    for (auto const number : {arch::csr::Sstatus, arch::csr::Sie, arch::csr::Sip})
        ASSERT_EQ(write(number, 0), facts.s);
    for (int round = 0; facts.s && round < 2000; ++round) {
        write(arch::csr::Mstatus, random());
        write(arch::csr::Mideleg, random());
        write(arch::csr::Mie, random());
        write(arch::csr::Mip, random());
        auto const delegated = ref::sie_view(read(arch::csr::Mideleg), facts);
        ASSERT_EQ(read(arch::csr::Sstatus), read(arch::csr::Mstatus) & ref::sstatus_view);
        ASSERT_EQ(read(arch::csr::Sie), read(arch::csr::Mie) & delegated);
        ASSERT_EQ(read(arch::csr::Sip), read(arch::csr::Mip) & delegated);

        auto const status = read(arch::csr::Mstatus);
        auto const mie = read(arch::csr::Mie);
        auto const mip = read(arch::csr::Mip);
        auto const value = random();
        write(arch::csr::Sstatus, value);
        write(arch::csr::Sie, value);
        write(arch::csr::Sip, value);
        auto const sd = 1ULL << 63U;
        ASSERT_EQ(read(arch::csr::Mstatus) & ~ref::sstatus_view, status & ~ref::sstatus_view);
        ASSERT_EQ((read(arch::csr::Mstatus) ^ value) & arch::mstatus::Sum::mask, 0U);
        ASSERT_TRUE(ref::legal_mstatus((status & ~ref::sstatus_view) | (value & ref::sstatus_view),
                                       read(arch::csr::Mstatus), facts))
            << std::hex << (read(arch::csr::Mstatus) & ~sd);
        ASSERT_EQ(read(arch::csr::Mie), (mie & ~delegated) | (value & delegated));
        auto const settable = ref::sip_writable(read(arch::csr::Mideleg), facts);
        ASSERT_EQ(read(arch::csr::Mip), (mip & ~settable) | (value & settable));
    }
}

/// "The signal from the interrupt controller is not used to calculate the value written" (3.1.9).
TEST_P(VirtualCsrs, AReadModifyWriteOfMipNeverLatchesTheExternalSeip) {
    bench.machine.lines[0] = arch::irq::bit(arch::irq::Sei);
    h.regs.guest.set(5, arch::irq::bit(arch::irq::Ssi));
    EXPECT_NE(execute(ref::CsrOp::Rs, arch::csr::Mip, 5)->old & arch::irq::bit(arch::irq::Sei), 0U);
    EXPECT_TRUE(execute(ref::CsrOp::Rc, arch::csr::Mip, 5));
    EXPECT_TRUE(execute(ref::CsrOp::Rsi, arch::csr::Mip, 2));
    bench.machine.lines[0] = 0;
    // Without S-mode software has no bit to set (3.1.9).
    EXPECT_EQ(read(arch::csr::Mip), facts.s ? arch::irq::bit(arch::irq::Ssi) : 0);
    write(arch::csr::Mip, arch::irq::bit(arch::irq::Sei)); // software's own SEIP is another matter
    EXPECT_EQ(read(arch::csr::Mip), facts.s ? arch::irq::bit(arch::irq::Sei) : 0);
}

TEST_P(VirtualCsrs, SatpStaysVirtualAndKeepsWhatTheHartSupports) {
    auto const sv39 = 8ULL << 60U | 0x80200;
    ASSERT_EQ(write(arch::csr::Satp, 0), facts.s);
    if (!facts.s) return;
    write(arch::csr::Satp, sv39);
    EXPECT_EQ(read(arch::csr::Satp), sv39);
    write(arch::csr::Satp, 5ULL << 60U | 0x1234); // reserved mode: no effect (4.1.11)
    EXPECT_EQ(read(arch::csr::Satp), sv39);
    EXPECT_EQ(h.hart.read_csr(arch::csr::Satp), 0U);
}

/// A virtual supervisor interrupt that vM posts is the host's, and not in the hart while vM runs.
TEST_P(VirtualCsrs, F29_PostedVirtualInterruptsStayOutOfTheHart) {
    if (!facts.h) {
        EXPECT_FALSE(write(arch::csr::Hvip, 4));
        return;
    }
    write(arch::csr::Hideleg, ~0ULL);
    for (auto const number : {arch::csr::Hvip, arch::csr::Mip, arch::csr::Hip, arch::csr::Vsip}) {
        auto const bit = number == arch::csr::Vsip ? 2U : 4U;
        EXPECT_TRUE(write(number, bit));
        EXPECT_EQ(read(number) & bit, bit) << std::hex << number;
        EXPECT_EQ(read(arch::csr::Hvip), 4U) << std::hex << number;
        EXPECT_EQ(h.hart.read_csr(arch::csr::Hvip), 0U) << std::hex << number;
        EXPECT_TRUE(write(number, 0));
        EXPECT_EQ(read(arch::csr::Hvip), 0U) << std::hex << number;
    }
    write(arch::csr::Hie, 0x444);
    EXPECT_EQ(read(arch::csr::Mie) & 0x444U, 0x444U);
    EXPECT_EQ(read(arch::csr::Vsie), 0x222U);
    write(arch::csr::Vsie, 0);
    EXPECT_EQ(read(arch::csr::Mie) & 0x444U, 0U);
}

/// Whatever a CSR instruction leaves prepared would be prepared the same again: plan, mie, mstatus,
/// and nothing to deliver.
TEST_P(VirtualCsrs, WhatStaysPreparedNeedsNoPreparation) {
    std::mt19937_64 random{11};
    unsigned stayed = 0, changed = 0;
    for (unsigned round = 0; round < 60'000; ++round) {
        if (round % 64 == 0) reset();
        while (auto const number = deliverable_interrupt(h)) h.v.mie &= ~(1ULL << *number);
        prepare_entry(h);
        auto const status = h.regs.guest.mstatus;
        auto const enabled = h.hart.read_csr(arch::csr::Mie);
        auto const* const image = h.loaded;
        auto const number =
            static_cast<unsigned>(random() % 4 == 0   ? random() % 4096
                                  : random() % 2 == 0 ? 0x300 + random() % 0x50
                                                      : 0x100 * (random() % 4) + random() % 0x50);
        h.regs.guest.set(5, random() % 2 == 0 ? random() : 1ULL << random() % 64);
        if (!execute(static_cast<ref::CsrOp>(random() % 6), number, random() % 2 == 0 ? 5 : 0))
            continue;
        (h.prepared ? stayed : changed) += 1;
        if (!h.prepared) continue;
        ASSERT_FALSE(deliverable_interrupt(h)) << std::hex << number;
        prepare_entry(h);
        ASSERT_EQ(h.regs.guest.mstatus, status) << std::hex << number;
        ASSERT_EQ(h.hart.read_csr(arch::csr::Mie), enabled) << std::hex << number;
        ASSERT_EQ(h.loaded, image) << std::hex << number;
    }
    EXPECT_GT(stayed, 3'000U);
    EXPECT_GT(changed, 100U);
}

/// vsie is the VS-level part of mie, one place lower, as far as hideleg passes it on
/// (9.2.2, 9.4.3).
TEST_P(VirtualCsrs, C2_VsieIsAViewOfMieUnderHideleg) {
    if (!facts.h) {
        EXPECT_FALSE(execute(ref::CsrOp::Rs, arch::csr::Vsie, 0));
        return;
    }
    Random random{9};
    for (int round = 0; round < 500; ++round) {
        write(arch::csr::Mie, random());
        write(arch::csr::Hideleg, random());
        auto const passed = read(arch::csr::Hideleg) & 0x444U;
        auto const mie = read(arch::csr::Mie);
        ASSERT_EQ(read(arch::csr::Vsie), (mie & passed) >> 1U);
        auto const value = random();
        write(arch::csr::Vsie, value);
        ASSERT_EQ(read(arch::csr::Mie), (mie & ~passed) | (value << 1U & passed));
        ASSERT_EQ(read(arch::csr::Hie), read(arch::csr::Mie) & 0x1444U);
        h.regs.guest.set(5, 0x222);
        EXPECT_TRUE(execute(ref::CsrOp::Rs, arch::csr::Vsie, 5));
        ASSERT_EQ(read(arch::csr::Vsie), passed >> 1U);
    }
}

TEST_P(VirtualCsrs, AccessesThatChangePlansSaySo) {
    h.regs.guest.set(5, 0x1f);
    for (auto const number : {arch::csr::Pmpcfg0, arch::csr::Pmpaddr0}) {
        h.host_stale = false;
        EXPECT_TRUE(execute(ref::CsrOp::Rs, number, 0));
        EXPECT_FALSE(h.host_stale);
        EXPECT_TRUE(execute(ref::CsrOp::Rw, number, 5));
        EXPECT_TRUE(h.host_stale);
        EXPECT_FALSE(h.firmware_stale);
    }
    h.host_stale = h.firmware_stale = false;
    EXPECT_TRUE(execute(ref::CsrOp::Rw, arch::csr::Mscratch, 5));
    EXPECT_FALSE(h.host_stale || h.firmware_stale);
    h.regs.guest.set(5, 0x9f); // locked: M itself is bound
    EXPECT_TRUE(execute(ref::CsrOp::Rw, arch::csr::Pmpcfg0, 5));
    EXPECT_TRUE(h.host_stale && h.firmware_stale);
    EXPECT_FALSE(h.prepared);
}

} // namespace
} // namespace plinth::monitor
