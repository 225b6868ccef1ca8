// SPDX-License-Identifier: Apache-2.0
/// Harts that have less: no S-mode, no floating point. The firmware sees the machine that it has.
#include "bench.hpp"

#include <gtest/gtest.h>

namespace plinth::fake {
namespace {

using namespace arch;
using monitor::World;

constexpr std::uint64_t xlen_fields = mstatus::Uxl::mask | mstatus::Sxl::mask;

TEST(SmallHarts, AHartWithoutSHasUxlAndNoSxl) {
    for (auto const supervisor : {false, true}) {
        Bench bench{{.supervisor = supervisor, .keys = false}};
        auto const wanted = mstatus::Uxl::set(mstatus::Sxl::set(0, supervisor ? 2 : 0), 2);
        EXPECT_EQ(bench.read_csr(csr::Mstatus) & xlen_fields, wanted);
        for (std::uint64_t const value : {std::uint64_t{0}, ~std::uint64_t{0}, xlen_fields}) {
            bench.write_csr(csr::Mstatus, value);
            EXPECT_EQ(bench.read_csr(csr::Mstatus) & xlen_fields, wanted);
        }
    }
}

/// M and U alone: the firmware enters its application by mret and is called back.
TEST(SmallHarts, WithoutSTheFirmwareRunsUserModeUnderItsPmp) {
    Bench bench{{.supervisor = false, .keys = false}};
    auto& h = bench.hart();
    bench.write_csr(csr::Mtvec, Bench::vm_handler);
    bench.write_csr(csr::Pmpaddr0, (Bench::host_pc >> 2U) | 0x1ff);
    bench.write_csr(csr::Pmpcfg0, 0x1d); // NAPOT of 4 KiB, R and X
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.write_csr(csr::Mstatus, mstatus::Mpie::mask);
    bench.play(illegal(insn_mret));
    EXPECT_EQ(h.world, World::Host);
    EXPECT_EQ(h.regs.priv, Priv::U);
    EXPECT_EQ(h.regs.guest.pc, Bench::host_pc);
    bench.play([](Hart& hart, GuestContext& guest) {
        EXPECT_TRUE(hart.guest_load(Bench::host_pc, 8, guest.mstatus).ok);
        EXPECT_FALSE(hart.guest_store(Bench::host_pc, 8, guest.mstatus, 0).ok);
        EXPECT_FALSE(hart.guest_load(Bench::host_pc + 0x1000, 8, guest.mstatus).ok);
        return ecall()(hart, guest);
    });
    EXPECT_EQ(h.world, World::Firmware);
    EXPECT_EQ(h.v.mcause, 8U);
    EXPECT_EQ(h.v.mepc, Bench::host_pc);
    EXPECT_EQ(h.v.mstatus & (mstatus::Mpp::mask | mstatus::Mpie::mask), mstatus::Mpie::mask);
}

/// What needs S-mode is illegal in vM, and returns to it do not exist.
TEST(SmallHarts, WithoutSItsInstructionsAreIllegal) {
    Bench bench{{.supervisor = false, .keys = false}};
    auto& h = bench.hart();
    for (auto const word : {insn_sret, insn_sfence_vma, 0x2200'0073U}) {
        bench.write_csr(csr::Mtvec, Bench::vm_handler);
        h.regs.guest.pc = board::firmware.base().raw;
        bench.play(illegal(word));
        EXPECT_EQ(h.regs.guest.pc, Bench::vm_handler) << std::hex << word;
        EXPECT_EQ(h.v.mcause, 2U);
        EXPECT_EQ(h.v.mtval, word);
    }
    bench.write_csr(csr::Mstatus, mstatus::Mpp::set(0, 1));
    EXPECT_NE(mstatus::Mpp::get(bench.read_csr(csr::Mstatus)), 1U); // S is no legal MPP
}

/// The f registers of a hart that has none are a Violation of the fake's; so are S registers.
TEST(SmallHarts, WithoutFTheWorldsAreSwitchedAllTheSame) {
    Bench bench{{.floating = false, .keys = false}};
    auto& h = bench.hart();
    bench.to_host();
    auto const made = bench.create();
    ASSERT_EQ(made.error, 0U);
    bench.keystone(enclave::fid::Run, {made.value});
    ASSERT_EQ(h.world, World::Enclave);
    EXPECT_EQ(bench.keystone(enclave::fid::Exit, {42}), (Answer{0, 42}));
    EXPECT_EQ(h.world, World::Host);
    EXPECT_EQ(bench.keystone(enclave::fid::Destroy, {made.value}).error, 0U);
    bench.call(0x10, 0);
    bench.write_csr(csr::Mstatus, ~0ULL);
    EXPECT_EQ(bench.read_csr(csr::Mstatus) & (mstatus::Fs::mask | mstatus::Sd::mask), 0U);
}

} // namespace
} // namespace plinth::fake
