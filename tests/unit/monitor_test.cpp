// SPDX-License-Identifier: Apache-2.0
/// Whole-monitor runs with a scripted firmware and host. Every entry is checked against the
/// contract.
#include "bench.hpp"
#include "monitor/worlds.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace plinth::fake {
namespace {

using namespace arch;
using monitor::World;

constexpr std::uint64_t mon = board::monitor.base().raw, mon_end = board::monitor.last() + 1;

/// What a trap left in vM's registers.
struct VirtualTrap {
    std::uint64_t cause, tval, epc;
};
VirtualTrap taken(Bench& bench) {
    auto const& h = bench.hart();
    EXPECT_EQ(h.world, World::Firmware);
    EXPECT_EQ(h.regs.guest.pc, Bench::vm_handler);
    return {h.v.mcause, h.v.mtval, h.v.mepc};
}

/// What stands in the hart and in vM's registers while the next guest step runs.
void at_entry(Bench& bench, std::function<void(monitor::HartState&)> look) {
    bench.play([&](Hart&, GuestContext& guest) {
        look(bench.hart());
        return ecall()(bench.hart().hart, guest);
    });
}

/// A firmware with its trap vector set.
void with_handler(Bench& bench) { bench.write_csr(csr::Mtvec, Bench::vm_handler); }

TEST(MonitorRun, FirmwareBootsAndEntersTheHost) {
    Bench bench;
    auto const& guest = bench.hart().regs.guest;
    EXPECT_EQ(guest.pc, board::firmware.base().raw);
    EXPECT_EQ(guest.get(reg::a0), 0U);
    EXPECT_EQ(guest.get(reg::a1), bench.monitor->boot.fdt);
    EXPECT_EQ(guest.get(reg::a2), bench.monitor->boot.fw_dynamic);
    EXPECT_EQ(bench.read_csr(csr::Mhartid), 0U);
    bench.to_host();
    EXPECT_EQ(guest.pc, Bench::host_pc);
    EXPECT_EQ(bench.hart().regs.priv, Priv::S);
}

TEST(MonitorRun, HostCallGoesToTheFirmwareAsCause9AndItsAnswerComesBack) {
    Bench bench;
    bench.to_host();
    bench.call(0x10, 0, {7, 8, 9});
    auto const trap = taken(bench);
    EXPECT_EQ(trap.cause, 9U);
    EXPECT_EQ(trap.epc, Bench::host_pc);
    EXPECT_EQ(bench.read_csr(csr::Mstatus) & mstatus::Mpp::mask, 1ULL << 11U);
    EXPECT_EQ(bench.hart().regs.guest.get(reg::a0), 7U);
    bench.write_csr(csr::Mepc, trap.epc + 4);
    bench.hart().regs.guest.set(reg::a0, 1234);
    bench.play(illegal(insn_mret));
    EXPECT_EQ(bench.hart().world, World::Host);
    EXPECT_EQ(bench.hart().regs.guest.pc, Bench::host_pc + 4);
    EXPECT_EQ(bench.hart().regs.guest.get(reg::a0), 1234U);
}

TEST(MonitorRun, TheHostsTranslationIsOffWhileTheFirmwareRunsAndComesBack) {
    Bench bench;
    bench.to_host();
    auto const satp = 8ULL << 60U | 0x80300;
    bench.hart().hart.write_csr(csr::Satp, satp); // the host's own csrw
    bench.call(0x10, 0);
    at_entry(bench, [](monitor::HartState& at) { EXPECT_EQ(at.hart.read_csr(csr::Satp), 0U); });
    EXPECT_EQ(bench.read_csr(csr::Satp), satp);
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.write_csr(csr::Mstatus, 1ULL << 11U);
    bench.play(illegal(insn_mret));
    at_entry(bench, [=](monitor::HartState& at) {
        EXPECT_EQ(at.world, World::Host);
        EXPECT_EQ(at.hart.read_csr(csr::Satp), satp);
    });
}

TEST(MonitorRun, O15_CallsOfHostUserModeAreNoneOfTheMonitorsBusiness) {
    Bench bench;
    bench.to_host();
    bench.hart().regs.priv = Priv::U; // as after the host's sret; U-ecalls were not delegated here
    bench.keystone(enclave::fid::Create, {Bench::args_at});
    EXPECT_EQ(taken(bench).cause, 8U);
    EXPECT_EQ(bench.monitor->registry.seize().alive(), 0U);
}

TEST(MonitorRun, AnUnknownCsrIsIllegalInTheFirmwareWithItsBits) {
    Bench bench;
    with_handler(bench);
    auto const pc = bench.hart().regs.guest.pc;
    auto const word = encode_csr(CsrOp::Rs, 3, 0x7c0, 0);
    bench.play(illegal(word));
    auto const trap = taken(bench);
    EXPECT_EQ(trap.cause, 2U);
    EXPECT_EQ(trap.tval, word);
    EXPECT_EQ(trap.epc, pc);
    EXPECT_EQ(bench.read_csr(csr::Mstatus) & (mstatus::Mpp::mask | mstatus::Mie::mask),
              3ULL << 11U);
}

TEST(MonitorRun, WhereTheHartReportsNoBitsTheInstructionIsFetched) {
    Bench bench;
    with_handler(bench);
    auto const pc = bench.hart().regs.guest.pc;
    bench.poke(pc, encode_csr(CsrOp::Rs, 7, csr::Mhartid, 0));
    bench.hart().regs.guest.set(7, 99);
    bench.play(illegal(0));
    EXPECT_EQ(bench.hart().regs.guest.get(7), 0U);
    EXPECT_EQ(bench.hart().regs.guest.pc, pc + 4);
    bench.poke(pc + 4, 0); // a compressed illegal instruction
    bench.play(illegal(0));
    auto const trap = taken(bench);
    EXPECT_EQ(trap.cause, 2U);
    EXPECT_EQ(trap.tval, 0U);
}

TEST(MonitorRun, F01_TheMonitorIsAnAccessFaultForTheFirmware) {
    Bench bench;
    for (auto const address : {mon, mon + 0x8'0000, mon_end - 8, mon - 4, mon_end - 4, mon_end - 1})
        for (unsigned funct3 = 0; funct3 < 4; ++funct3) {
            auto const width = 1U << funct3;
            if (address + width <= mon || address >= mon_end || address % width != 0) continue;
            with_handler(bench);
            bench.hart().regs.guest.pc = board::firmware.base().raw;
            bench.play(memory_access(encode_load(funct3, 6, 5, 0), address));
            EXPECT_EQ(taken(bench).cause, 5U) << std::hex << address;
            EXPECT_EQ(taken(bench).tval, address);
            bench.hart().regs.guest.pc = board::firmware.base().raw;
            bench.play(memory_access(encode_store(funct3, 6, 5, 0), address, ~0ULL));
            EXPECT_EQ(taken(bench).cause, 7U) << std::hex << address;
            EXPECT_EQ(taken(bench).tval, address);
        }
    bench.play(exception(Cause::FetchAccess, mon));
    EXPECT_EQ(taken(bench).cause, 1U);
    EXPECT_EQ(bench.peek(mon), 0U);
    EXPECT_EQ(bench.peek(mon_end - 8), 0U);
}

/// A locked entry that lets the firmware execute its code but not read it: the monitor reads the
/// instruction all the same, the firmware does not, neither before nor after.
TEST(MonitorRun, F08_CodeThatALockedEntryOnlyLetsBeExecutedIsEmulatedAndNotRead) {
    Bench bench;
    with_handler(bench);
    auto& h = bench.hart();
    auto const code = board::firmware.base().raw + 0x2000;
    bench.write_csr(csr::Pmpaddr0, (code >> 2U) | 0x1ff);
    bench.write_csr(csr::Pmpcfg0, 0x9c); // locked, NAPOT of 4 KiB, X
    for (auto const mprv : {false, true}) {
        bench.write_csr(csr::Mstatus, mprv ? mstatus::Mprv::mask : 0);
        h.regs.guest.pc = code;
        bench.hart().regs.guest.set(7, 99);
        bench.play(csr(CsrOp::Rs, 7, csr::Mhartid, 0));
        EXPECT_EQ(h.regs.guest.pc, code + 4) << mprv;
        EXPECT_EQ(h.regs.guest.get(7), 0U);
    }
    bench.write_csr(csr::Mstatus, 0);
    h.regs.guest.pc = code + 0x1000;
    bench.play(memory_access(encode_load(3, 6, 5, 0), code));
    EXPECT_EQ(taken(bench).cause, 5U);
    EXPECT_EQ(taken(bench).tval, code);
}

/// An entry that forbids everything: what trapped there cannot be fetched again.
TEST(MonitorRun, F08_CodeThatALockedEntryClosedIsAFetchFault) {
    Bench bench;
    with_handler(bench);
    auto& h = bench.hart();
    auto const code = board::firmware.base().raw + 0x2000;
    bench.write_csr(csr::Pmpaddr0, (code >> 2U) | 0x1ff);
    bench.write_csr(csr::Pmpcfg0, 0x98); // locked, NAPOT of 4 KiB, no rights
    h.regs.guest.pc = code;
    h.regs.guest.set(7, 99);
    bench.play(csr(CsrOp::Rs, 7, csr::Mhartid, 0)); // no hart would get there, the monitor neither
    EXPECT_EQ(taken(bench).cause, 1U);
    EXPECT_EQ(taken(bench).tval, code);
    EXPECT_EQ(taken(bench).epc, code);
    EXPECT_EQ(h.regs.guest.get(7), 99U);
}

/// The contract's check would end the test if the physical MPRV or MPP were wrong at any entry.
TEST(MonitorRun, F02_VirtualMprvAcrossWorldSwitchesNeverOpensTheMonitor) {
    for (std::uint64_t mpp : {0, 1, 3})
        for (auto const toggle : {CsrOp::Rw, CsrOp::Rs, CsrOp::Rc}) {
            Bench bench;
            bench.to_host();
            bench.call(0x10, 0);
            auto& guest = bench.hart().regs.guest;
            guest.set(5, mpp << 11U | mstatus::Mprv::mask);
            bench.play(csr(CsrOp::Rw, 0, csr::Mstatus, 5));
            guest.set(5, mstatus::Mprv::mask);
            if (toggle == CsrOp::Rw) guest.set(5, mpp << 11U);
            bench.play(csr(toggle, 0, csr::Mstatus, 5));
            bench.write_csr(csr::Mepc, Bench::host_pc);
            bench.write_csr(csr::Mstatus, bench.read_csr(csr::Mstatus) | 1ULL << 11U);
            bench.hart().v.mstatus = mstatus::Mpp::set(bench.hart().v.mstatus, 1);
            bench.play(illegal(insn_mret));
            ASSERT_EQ(bench.hart().world, World::Host);
            EXPECT_EQ(mstatus::Mprv::get(bench.hart().v.mstatus), 0U); // 3.1.6.3
            bench.call(0x10, 0);
            guest.pc = board::firmware.base().raw;
            bench.play(memory_access(encode_load(3, 6, 5, 0), mon + 64));
            EXPECT_EQ(taken(bench).cause, 5U);
        }
}

/// vMPRV: loads and stores with the host's rights and translation.
class Mprv : public testing::Test {
  protected:
    static constexpr std::uint64_t satp = 8ULL << 60U | 0x80300;
    static constexpr std::uint64_t code = board::firmware.base().raw + 0x1000;

    Mprv() {
        bench.to_host();
        EXPECT_EQ(bench.create().error, 0U);
        bench.call(0x10, 0);
        bench.write_csr(csr::Satp, satp);
        auto& pages = bench.hart().hart.translations[satp];
        pages[0x1000] = {.frame = 0x8050'0000};
        pages[0x2000] = {.frame = 0x8050'1000, .w = false};
        pages[0x3000] = {.frame = 0x8050'2000, .user = true};
        pages[0x4000] = {.frame = 0x8050'3000, .r = false, .w = false};
        pages[0x5000] = {.frame = mon};
        pages[0x6000] = {.frame = Bench::epm};
        pages[0x7000] = {.frame = board::clint.base().raw};
        pages[0x8000] = {.frame = 0x8050'0000, .table = mon + 0x100};
        pages[0x9000] = {.frame = 0x8050'0000, .table = Bench::epm + 0x100};
        bench.poke(0x8050'0018, 0x8877'6655'4433'2211);
        bench.poke(0x8050'2000, 0x1234);
        bench.poke(0x8050'3000, 0x5678);
    }
    /// vMPRV with these other bits of mstatus; one load or store; what it did.
    std::uint64_t access(std::uint64_t status, std::uint32_t word, std::uint64_t address,
                         std::uint64_t value = 0) {
        auto& h = bench.hart();
        bench.write_csr(csr::Mcause, 0);
        h.regs.guest.pc = code;
        bench.write_csr(csr::Mstatus, status | mstatus::Mprv::mask);
        h.regs.guest.pc = code;
        h.regs.guest.set(6, 0xdead);
        bench.play(memory_access(word, address, value));
        EXPECT_EQ(h.hart.read_csr(csr::Satp), 0U);
        if (h.regs.guest.pc == code + 4) return ok;
        EXPECT_EQ(h.v.mepc, code);
        EXPECT_EQ(h.v.mtval, address);
        return h.v.mcause;
    }
    std::uint64_t loaded() { return bench.hart().regs.guest.get(6); }

    static constexpr std::uint64_t ok = 100;
    static constexpr std::uint64_t s_mode = 1ULL << 11U, u_mode = 0;
    static constexpr std::uint32_t ld = encode_load(3, 6, 5, 0), sd = encode_store(3, 6, 5, 0);
    Bench bench;
};

TEST_F(Mprv, F03_LoadsAndStoresUseTheHostsTranslation) {
    EXPECT_EQ(access(s_mode, ld, 0x1018), ok);
    EXPECT_EQ(loaded(), 0x8877'6655'4433'2211U);
    EXPECT_EQ(access(s_mode, encode_load(0, 6, 5, 0), 0x101f), ok);
    EXPECT_EQ(loaded(), ~0ULL << 8U | 0x88); // lb
    EXPECT_EQ(access(s_mode, encode_load(6, 6, 5, 0), 0x101c), ok);
    EXPECT_EQ(loaded(), 0x8877'6655U); // lwu
    EXPECT_EQ(access(s_mode, sd, 0x1020, 42), ok);
    EXPECT_EQ(bench.peek(0x8050'0020), 42U);
    EXPECT_EQ(access(s_mode, sd, 0x2000, 42), 15U);
    EXPECT_EQ(access(s_mode, ld, 0x1'0000), 13U);
}

TEST_F(Mprv, F03_SumMxrAndUserPagesCountAsTheyDoForThePreviousMode) {
    EXPECT_EQ(access(s_mode, ld, 0x3000), 13U);
    EXPECT_EQ(access(s_mode | mstatus::Sum::mask, ld, 0x3000), ok);
    EXPECT_EQ(access(u_mode, ld, 0x3000), ok);
    EXPECT_EQ(loaded(), 0x1234U);
    EXPECT_EQ(access(u_mode, ld, 0x1000), 13U);
    EXPECT_EQ(access(s_mode, ld, 0x4000), 13U);
    EXPECT_EQ(access(s_mode | mstatus::Mxr::mask, ld, 0x4000), ok);
    EXPECT_EQ(loaded(), 0x5678U);
}

TEST_F(Mprv, F03_NeverReachesMonitorEnclaveOrDevices) {
    for (auto const address : {0x5000U, 0x5ff8U, 0x6000U, 0x6ff8U, 0x7000U})
        for (auto const mode : {s_mode, s_mode | mstatus::Sum::mask | mstatus::Mxr::mask}) {
            EXPECT_EQ(access(mode, ld, address), 5U) << std::hex << address;
            EXPECT_EQ(loaded(), 0xdeadU);
            EXPECT_EQ(access(mode, sd, address, 1), 7U) << std::hex << address;
        }
}

TEST_F(Mprv, F04_PageTablesInTheMonitorOrAnEnclaveAreAccessFaults) {
    for (auto const address : {0x8000U, 0x9000U}) {
        EXPECT_EQ(access(s_mode, ld, address), 5U);
        EXPECT_EQ(access(s_mode, sd, address, 1), 7U);
    }
}

TEST_F(Mprv, F03_WithMachineModeAsPreviousModeNothingIsEmulated) {
    auto& h = bench.hart();
    bench.write_csr(csr::Mstatus, 3ULL << 11U | mstatus::Mprv::mask);
    h.regs.guest.pc = code;
    bench.play(memory_access(ld, 0x8050'0018)); // succeeds under the PMP; an ecall follows
    EXPECT_EQ(h.v.mcause, 11U);
    EXPECT_EQ(h.v.mepc, code + 4);
    EXPECT_EQ(loaded(), 0x8877'6655'4433'2211U);
}

// --- CLINT --------------------------------------------------------------------------------------

/// Whether the virtual CLINT has a register for an aligned access of this width.
bool clint_has(std::uint64_t offset, unsigned width, unsigned harts) {
    if (offset % width != 0) return false;
    if (width == 4 && offset < 4ULL * harts) return true;
    if (width != 4 && width != 8) return false;
    return (offset >= 0x4000 && offset < 0x4000 + 8ULL * harts) || (offset & ~7ULL) == 0xbff8;
}

TEST(Clint, F20_EveryOffsetAndWidthIsARegisterOrAnAccessFault) {
    Bench bench{{.harts = 3}};
    with_handler(bench);
    auto& h = bench.hart();
    auto const base = board::clint.base().raw;
    for (std::uint64_t offset = 0; offset < board::clint.size(); ++offset) {
        auto const near = [offset](std::uint64_t edge) {
            return offset + 8 >= edge && offset < edge + 48;
        };
        if (!near(0) && !near(0x4000) && !near(0xbff8) && offset % 997 != 0) continue;
        for (unsigned funct3 = 0; funct3 < 4; ++funct3)
            for (auto const word : {encode_load(funct3, 6, 5, 0), encode_store(funct3, 6, 5, 0)}) {
                auto const store = (word & 0x7fU) == 0x23;
                h.v.mcause = 0;
                h.regs.guest.pc = board::firmware.base().raw;
                bench.play(memory_access(word, base + offset, ~0ULL));
                auto const taken_over = h.regs.guest.pc == board::firmware.base().raw + 4;
                ASSERT_EQ(taken_over, clint_has(offset, 1U << funct3, 3)) << std::hex << offset;
                auto const absent =
                    (offset >= 12 && offset < 0x4000) || (offset >= 0x4018 && offset < 0xbff8);
                if (taken_over && absent && !store) {
                    ASSERT_EQ(h.regs.guest.get(6), 0U);
                }
                if (taken_over) continue;
                ASSERT_EQ(h.v.mcause, store ? 7U : 5U);
                ASSERT_EQ(h.v.mtval, base + offset);
            }
    }
}

/// One load or store of the firmware to the CLINT that succeeds.
std::uint64_t clint(Bench& bench, std::uint32_t word, std::uint64_t offset,
                    std::uint64_t value = 0) {
    auto& h = bench.hart();
    h.regs.guest.pc = board::firmware.base().raw;
    bench.play(memory_access(word, board::clint.base().raw + offset, value));
    EXPECT_EQ(h.regs.guest.pc, board::firmware.base().raw + 4);
    return h.regs.guest.get(6);
}
constexpr auto lw = encode_load(2, 6, 5, 0), ld = encode_load(3, 6, 5, 0);
constexpr auto sw = encode_store(2, 7, 5, 0), sd = encode_store(3, 7, 5, 0);

TEST(Clint, F20_RegistersHoldWhatWasWrittenAndTimeIsNotWritable) {
    Bench bench{{.harts = 2}};
    clint(bench, sd, 0x4008, 0x1122'3344'5566'7788);
    EXPECT_EQ(clint(bench, ld, 0x4008), 0x1122'3344'5566'7788U);
    EXPECT_EQ(clint(bench, lw, 0x400c), 0x1122'3344U);
    clint(bench, sw, 0x4008, 1);
    EXPECT_EQ(clint(bench, ld, 0x4008), 0x1122'3344'0000'0001U);
    bench.machine.mtime = 0x1'0000'0007;
    clint(bench, sd, 0x4000, 0x7777);
    clint(bench, sd, 0xbff8, 5);
    EXPECT_EQ(clint(bench, ld, 0xbff8), 0x1'0000'0007U);
    EXPECT_EQ(clint(bench, ld, 0x4000), 0x7777U);
    EXPECT_EQ(clint(bench, lw, 0xbffc), 1U);
    clint(bench, sw, 4, 3);
    EXPECT_EQ(clint(bench, lw, 4), 1U);
    EXPECT_EQ(bench.machine.msip[1], 1U); // and the other hart was told
}

TEST(Clint, F20_WhatIsStoredForAHartBeforeItComesIsThereWhenItComes) {
    Bench bench{{.harts = 1}};
    bench.monitor->boot.harts = 2;
    auto const moment = bench.machine.mtime + 4711;
    clint(bench, sd, 0x4008, moment);
    clint(bench, sw, 4, 1);
    auto& late = bench.hart(1);
    late.monitor = bench.monitor.get();
    late.hart.attach(bench.machine, 1, bench.hart().hart.features());
    go_online(late);
    EXPECT_EQ(late.vmsip.load(), 1U);
    EXPECT_EQ(bench.machine.mtimecmp[1], moment);
    EXPECT_EQ(clint(bench, ld, 0x4008), moment);
}

TEST(Interrupts, M16_AVirtualTimerFiresOnceAtItsTimeAndOnlyWhenEnabled) {
    Bench bench;
    with_handler(bench);
    auto& h = bench.hart();
    auto const deadline = bench.machine.mtime + 500;
    clint(bench, sd, 0x4000, deadline);
    bench.write_csr(csr::Mie, 0x80);
    EXPECT_EQ(bench.machine.mtimecmp[0], deadline);
    bench.machine.mtime = deadline;
    EXPECT_EQ(bench.read_csr(csr::Mip) & 0x80U, 0x80U);
    h.regs.guest.pc = 0x8010'8000;
    bench.write_csr(csr::Mstatus, mstatus::Mie::mask);
    at_entry(bench, [](monitor::HartState& at) {
        EXPECT_EQ(at.v.mcause, interrupt_flag | 7U);
        EXPECT_EQ(at.v.mepc, 0x8010'8004U);
        EXPECT_EQ(at.v.mstatus & (mstatus::Mie::mask | mstatus::Mpie::mask), mstatus::Mpie::mask);
        EXPECT_EQ(at.regs.guest.pc, Bench::vm_handler);
    });
    clint(bench, sd, 0x4000, ~0ULL);
    EXPECT_EQ(bench.read_csr(csr::Mip) & 0x80U, 0U);
}

/// Whatever time passes between the monitor's readings of it, the deadline is either delivered or
/// programmed at each entry.
TEST(Interrupts, M16_NoTimerIsLostBetweenTwoReadingsOfTheTime) {
    for (std::uint64_t delay = 0; delay < 80; ++delay) {
        Bench bench;
        bench.to_host();
        bench.call(0x10, 0);
        bench.write_csr(csr::Mie, 0x80);
        bench.write_csr(csr::Mepc, Bench::host_pc);
        bench.machine.ticks_per_read = 1;
        auto& h = bench.hart();
        clint(bench, sd, 0x4000, bench.machine.mtime + delay);
        auto seen = false;
        auto const look = [&](Hart& hart, GuestContext&) {
            seen = h.v.mcause == (interrupt_flag | 7U);
            // Else the host's own wfi: a Violation if nothing can ever come.
            if (!seen) hart.wait_for_interrupt();
            return Trap{.cause = seen ? raw(Cause::EcallU) : interrupt_flag | irq::Mti};
        };
        bench.play(illegal(insn_mret));
        for (int turns = 0; turns < 6 && !seen; ++turns) bench.play(look);
        ASSERT_TRUE(seen) << delay;
    }
}

TEST(Interrupts, F32_WfiOfTheFirmwareSleepsUntilTheTimerWhateverMieIs) {
    for (std::uint64_t delay = 0; delay < 40; ++delay) {
        Bench bench;
        bench.write_csr(csr::Mie, 0x80);
        bench.machine.ticks_per_read = 1;
        auto const deadline = bench.machine.mtime + delay;
        bench.hart().vmtimecmp = deadline;
        bench.play(illegal(insn_wfi)); // sleeping for ever is a Violation
        EXPECT_GE(bench.machine.mtime, deadline);
        EXPECT_EQ(bench.hart().world, World::Firmware);
    }
}

TEST(Interrupts, SoftwareInterruptsOfTheFirmwareAreVectored) {
    Bench bench;
    bench.write_csr(csr::Mtvec, Bench::vm_handler | 1);
    bench.write_csr(csr::Mie, 8);
    bench.write_csr(csr::Mstatus, mstatus::Mie::mask);
    clint(bench, sw, 0, 1);
    at_entry(bench, [](monitor::HartState& at) {
        EXPECT_EQ(at.v.mcause, interrupt_flag | 3U);
        EXPECT_EQ(at.v.mepc, board::firmware.base().raw + 4);
        EXPECT_EQ(at.regs.guest.pc, Bench::vm_handler + 12);
    });
}

TEST(Interrupts, WhatTheHostChangesInSieTheFirmwareReadsInMie) {
    Bench bench;
    bench.to_host();
    bench.play([](Hart& hart, GuestContext&) {
        hart.set_csr(csr::Mie, 0x222); // the host's own csrs sie
        return Trap{.cause = raw(Cause::EcallS)};
    });
    EXPECT_EQ(bench.read_csr(csr::Mie) & 0x222U, 0x222U);
    bench.write_csr(csr::Mie, 2);
    bench.play(illegal(insn_mret));
    at_entry(bench, [](monitor::HartState& at) {
        EXPECT_EQ(at.world, World::Host);
        EXPECT_EQ(at.hart.read_csr(csr::Mie) & 0x222U, 2U);
    });
}

TEST(Interrupts, AnUndelegatedSupervisorInterruptInterruptsTheHostForTheFirmware) {
    Bench bench;
    bench.to_host();
    bench.call(0x10, 0);
    bench.write_csr(csr::Mideleg, 0);
    bench.write_csr(csr::Mie, 2);
    bench.play(illegal(insn_mret));
    bench.hart().hart.set_csr(csr::Mip, 2);
    at_entry(bench, [](monitor::HartState& at) {
        EXPECT_EQ(at.world, World::Firmware);
        EXPECT_EQ(at.v.mcause, interrupt_flag | 1U);
        EXPECT_EQ(at.v.mepc, Bench::host_pc);
    });
}

// --- the rest -----------------------------------------------------------------------------------

TEST(MonitorRun, F34_KeystoneCallsOfTheFirmwareAreProhibited) {
    Bench bench;
    for (std::uint64_t const function : {2001, 2002, 2003, 2005, 3001, 3006, 1, 5000})
        EXPECT_EQ(bench.keystone(function, {Bench::args_at}), (Answer{100014, 0}));
    with_handler(bench);
    bench.call(0x10, 3, {enclave::keystone_extension});
    EXPECT_EQ(taken(bench).cause, 11U);
}

TEST(MonitorRun, F31_FencesAreExecutedAndSkipped) {
    for (auto const hypervisor : {false, true}) {
        Bench bench{{.hypervisor = hypervisor}};
        with_handler(bench);
        for (std::uint32_t const word : {0x12000073U, 0x12b50073U, 0x22000073U, 0x62b50073U}) {
            auto& h = bench.hart();
            h.regs.guest.pc = board::firmware.base().raw;
            h.hart.trace.clear();
            bench.play(illegal(word));
            auto const exists = hypervisor || (word >> 25U) == 0x09;
            EXPECT_EQ(h.regs.guest.pc, exists ? board::firmware.base().raw + 4 : Bench::vm_handler);
            EXPECT_EQ(std::ranges::count(h.hart.trace, Hart::Event::FenceAll), exists ? 1 : 0);
        }
    }
}

TEST(MonitorRun, SretOfTheFirmwareEntersTheHost) {
    Bench bench;
    bench.write_csr(csr::Sepc, Bench::host_pc + 0x100);
    bench.write_csr(csr::Mstatus, mstatus::Spp::mask | mstatus::Spie::mask);
    bench.play(illegal(insn_sret));
    EXPECT_EQ(bench.hart().world, World::Host);
    EXPECT_EQ(bench.hart().regs.guest.pc, Bench::host_pc + 0x100);
    EXPECT_EQ(bench.hart().regs.priv, Priv::S);
}

TEST(MonitorRun, MretToMachineModeStaysInTheFirmware) {
    Bench bench;
    bench.write_csr(csr::Mepc, 0x8010'9000);
    bench.write_csr(csr::Mstatus, 3ULL << 11U | mstatus::Mpie::mask);
    bench.play(illegal(insn_mret));
    EXPECT_EQ(bench.hart().world, World::Firmware);
    EXPECT_EQ(bench.hart().regs.guest.pc, 0x8010'9000U);
    EXPECT_EQ(mstatus::Mie::get(bench.hart().v.mstatus), 1U);
}

TEST(MonitorRun, DirtyFloatingPointOfTheHostIsSeenByTheFirmware) {
    Bench bench;
    bench.to_host();
    bench.play([](Hart& hart, GuestContext&) {
        hart.status |= mstatus::Fs::mask | mstatus::Sum::mask;
        return Trap{.cause = raw(Cause::EcallS)};
    });
    auto const status = bench.read_csr(csr::Mstatus);
    EXPECT_EQ(mstatus::Fs::get(status), 3U);
    EXPECT_EQ(mstatus::Sd::get(status), 1U);
    EXPECT_EQ(mstatus::Sum::get(status), 1U);
}

/// The attack of DESIGN's invariant 10; the contract's rows hvip, hie and "behind the monitor"
/// bind.
TEST(MonitorRun, F29_AnArmedVirtualInterruptOfTheHostWaitsWhileTheFirmwareRuns) {
    Bench bench{{.sstc = true, .hypervisor = true}};
    bench.to_host();
    bench.play([](Hart& hart, GuestContext&) {
        hart.write_csr(csr::Hie, 4);
        hart.write_csr(csr::Hvip, 4);
        hart.write_csr(csr::Hgeie, 2);
        hart.set_csr(csr::Hstatus, hstatus::Hu::mask);
        return Trap{.cause = raw(Cause::EcallS)};
    });
    EXPECT_EQ(bench.read_csr(csr::Hvip), 4U);
    EXPECT_EQ(bench.read_csr(csr::Mie) & 4U, 4U);
    EXPECT_NE(bench.read_csr(csr::Hstatus) & hstatus::Hu::mask, 0U);
    EXPECT_EQ(bench.hart().hart.read_csr(csr::Hvip), 0U);
    bench.play(illegal(insn_mret));
    at_entry(bench, [](monitor::HartState& at) {
        EXPECT_EQ(at.world, World::Host);
        EXPECT_EQ(at.hart.read_csr(csr::Hvip), 4U);
        EXPECT_EQ(at.hart.read_csr(csr::Hie), 4U);
        EXPECT_EQ(at.hart.read_csr(csr::Hgeie), 2U);
        EXPECT_NE(at.hart.read_csr(csr::Hstatus) & hstatus::Hu::mask, 0U);
    });
}

TEST(MonitorRun, F27_SecurityAndTriggerRegistersAreAbsent) {
    Bench bench;
    for (unsigned const number : {0x747U, 0x7a0U, 0x7a1U, 0x015U, 0x30cU}) {
        with_handler(bench);
        bench.play(csr(CsrOp::Rs, 6, number, 0));
        EXPECT_EQ(taken(bench).cause, 2U) << std::hex << number;
    }
}

TEST(MonitorRun, F14_AReturnIntoTheMonitorIsAFetchFaultOfWhoeverReturnedThere) {
    Bench bench;
    bench.to_host();
    bench.call(0x10, 0);
    for (std::uint64_t const target :
         {std::uint64_t{mon}, ~std::uint64_t{3}, std::uint64_t{board::clint.base().raw}}) {
        bench.write_csr(csr::Mepc, target);
        bench.write_csr(csr::Mstatus, 1ULL << 11U);
        bench.play(illegal(insn_mret));
        ASSERT_EQ(bench.hart().world, World::Host);
        bench.play(exception(Cause::FetchAccess, target));
        EXPECT_EQ(taken(bench).cause, 1U);
        EXPECT_EQ(taken(bench).epc, target);
    }
}

TEST(MonitorRun, TheMonitorAnswersItsOwnCallsAndProbes) {
    Bench bench;
    bench.to_host();
    EXPECT_EQ(bench.call(0x10, 3, {enclave::keystone_extension}), (Answer{0, 1}));
    EXPECT_EQ(bench.call(0x10, 3, {0x0850'4c4e}), (Answer{0, 1}));
    EXPECT_EQ(bench.call(0x0850'4c4e, 0).error, 0U);
    EXPECT_EQ(bench.call(0x0850'4c4e, 2), (Answer{0, 64ULL << 32U}));
    EXPECT_EQ(bench.call(0x0850'4c4e, 1, {0x8050'0000}).error, 0U);
    EXPECT_EQ(bench.bytes(0x8050'0000, 1)[0], 0x11);
    EXPECT_EQ(bench.bytes(0x8050'0000, 192)[191], 0x33);
    EXPECT_NE(bench.call(0x0850'4c4e, 1, {mon}).error, 0U);
    EXPECT_EQ(bench.peek(mon), 0U);
    EXPECT_NE(bench.call(0x0850'4c4e, 77).error, 0U);
    bench.call(0x10, 3, {0x4442'434e}); // any other extension is the firmware's to answer
    EXPECT_EQ(taken(bench).cause, 9U);
}

TEST(MonitorRun, O35_ResetWipesEnclavesAndKeysBeforeControlLeaves) {
    Bench bench;
    bench.to_host();
    bench.poke(Bench::epm + 0x2000, 0x5ec2e7);
    ASSERT_EQ(bench.create().error, 0U);
    ASSERT_NE(bench.peek(Bench::epm + 0x2000), 0U);
    bench.call(0x10, 0);
    bench.hart().regs.guest.pc = board::firmware.base().raw;
    EXPECT_THROW(
        bench.play(memory_access(encode_store(2, 6, 5, 0), board::finisher.base().raw, 0x5555)),
        Parked);
    ASSERT_EQ(board::outside.resets, std::vector<std::uint64_t>{0x5555});
    for (auto const byte : bench.bytes(Bench::epm, 0x1'0000)) ASSERT_EQ(byte, 0);
    EXPECT_FALSE(bench.monitor->identity.seize().provisioned());
    EXPECT_FALSE(bench.monitor->drbg.seize().seeded());
}

TEST(MonitorRun, AHalfwordStoreToTheFinisherCarriesSixteenBits) {
    Bench bench{{.keys = false}};
    auto const store = encode_store(1, 6, 5, 0);
    EXPECT_THROW(bench.play(memory_access(store, board::finisher.base().raw, 0xabcd'5555)), Parked);
    EXPECT_EQ(board::outside.resets, std::vector<std::uint64_t>{0x5555});
}

TEST(MonitorRun, StoresToTheFinisherThatAreNoCommandDoNothing) {
    Bench bench;
    auto& h = bench.hart();
    for (auto const word :
         {encode_store(0, 6, 5, 0), encode_store(2, 6, 5, 4), encode_load(2, 6, 5, 0)}) {
        h.regs.guest.pc = board::firmware.base().raw;
        bench.play(memory_access(word, board::finisher.base().raw, 0x1234));
        EXPECT_EQ(h.regs.guest.pc, board::firmware.base().raw + 4);
    }
    EXPECT_TRUE(board::outside.resets.empty());
    EXPECT_TRUE(bench.monitor->identity.seize().provisioned());
}

} // namespace
} // namespace plinth::fake
