// SPDX-License-Identifier: Apache-2.0
/// Page tables whose top lies where the host may not look, while its plan is cached: satp, vsatp
/// and hgatp that name an enclave's memory, the monitor, a device or nothing.
#include "plan_fault_player.hpp"

namespace plinth::fake {
namespace {

class PlanRoots : public PlanPlayer {
  protected:
    unsigned tried[3]{};

    /// Makes one of the roots one that the host may not read. What lies there would do: an
    /// enclave's memory holds a copy of the good one.
    void deny_root() {
        auto const hgatp = h.hart.read_csr(csr::Hgatp);
        auto const own = mode.virt ? csr::Vsatp : csr::Satp;
        auto const first = h.hart.read_csr(own);
        if (mode.virt && hgatp != 0 && (first == 0 || chance(2))) {
            std::ranges::copy(bench.bytes(guest_root, guest_root_size),
                              bench.bytes(vault, guest_root_size).begin());
            ++tried[2];
            return h.hart.write_csr(csr::Hgatp, reference::atp(hgatp >> 60U, some_owner()));
        }
        if (first == 0) return;
        auto const owner = some_owner();
        std::ranges::copy(bench.bytes(root_, 0x1000), bench.bytes(vault, 0x1000).begin());
        ++tried[mode.virt ? 1 : 0];
        h.hart.write_csr(own, reference::atp(first >> 60U, to_guest(owner)));
    }
    std::uint64_t some_owner() {
        constexpr std::uint64_t owners[] = {vault, vault, board::monitor.base().raw,
                                            board::clint.base().raw, 0x1'0000'0000};
        return owners[pick(std::size(owners))];
    }
    /// Whether the monitor looked where the host may not.
    bool looked{false};
    void watch() {
        h.hart.before_bytes = [this](PhysRange range) {
            looked |= !reference::plan_allows(rules, range.base().raw, 1, reference::Kind::Read);
        };
    }

    void try_roots(bool virt) {
        for (int round = 0; round < 300; ++round) {
            if (round % 20 == 0) {
                if (h.world == World::Firmware) firmware_to_host(h);
                new_plan();
            }
            mode = {chance(2) ? Priv::S : Priv::U, virt};
            good_scene();
            auto const before = tried[0] + tried[1] + tried[2];
            deny_root();
            if (tried[0] + tried[1] + tried[2] == before) continue;
            watch();
            ASSERT_NO_FATAL_FAILURE(try_scene()) << "round " << round;
            ASSERT_EQ(retired, 0U) << text();
            ASSERT_FALSE(looked) << text();
            ASSERT_TRUE(h.host_plan.cached());
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Entries, PlanRoots, testing::Values(6U, 8U, 16U));

TEST_P(PlanRoots, O02_ARootOfSatpThatIsDeniedIsAFetchFaultAndNothingIsRead) {
    try_roots(false);
    EXPECT_GT(tried[0], 200U);
    EXPECT_GT(delivered[0], 10U);
    EXPECT_GT(delivered[1], 10U);
}

TEST_P(PlanRoots, O02_RootsOfVsatpAndHgatpThatAreDeniedAreFetchFaultsAndNothingIsRead) {
    try_roots(true);
    EXPECT_GT(tried[1], 80U);
    EXPECT_GT(tried[2], 80U);
    for (auto const many : delivered) EXPECT_GT(many, 10U);
}

} // namespace
} // namespace plinth::fake
