// SPDX-License-Identifier: Apache-2.0
// All state of the monitor: one Monitor for the machine, one HartState for each hart. Nothing is
// global.
//
// Who may touch what. A HartState belongs to its hart, except the fields marked `shared`, which are
// atomic. Monitor::registry is behind its lock; published is written under that lock and read
// without it. No hart waits for another without serving its requests (wait_until), until it stops.
#pragma once

#include "attest/drbg.hpp"
#include "attest/keys.hpp"
#include "base/locked.hpp"
#include "board.hpp"
#include "enclave/registry.hpp"
#include "monitor/plan.hpp"

namespace plinth::monitor {

using arch::Cause;
using arch::Hart;
using arch::Priv;
using arch::Trap;
namespace csr = arch::csr;
namespace irq = arch::irq;
namespace mstatus = arch::mstatus;
namespace reg = arch::reg;

/// Who owns the hart below M.
enum class World : u8 { Firmware, Host, Enclave };

/// The machine registers that the firmware sees. Those of S-mode stay in the hart.
struct VirtCsrs {
    u64 mstatus{0};
    u64 mtvec{0}, mscratch{0}, mepc{0}, mcause{0}, mtval{0}, mtval2{0}, mtinst{0};
    u64 medeleg{0}, mideleg{0}, mie{0}, mcounteren{0}, menvcfg{0};
    u64 satp{0};                       ///< the host's, while the firmware runs
    u64 hvip{0}, hgeie{0}, hstatus{0}; ///< likewise (invariant 10)
    VirtualPmp pmp{};
};

struct Monitor;

/// One hart.
struct HartState {
    Hart hart{};
    Monitor* monitor{nullptr};
    World world{World::Firmware};
    bool prepared{false};      ///< what prepare_entry() arranged still holds
    Trap trap{};               ///< what is being handled
    enclave::Registers regs{}; ///< of the world that runs; firmware and host share one file
    u32 lacking{0};            ///< what the CSRs that this hart has not need (virtual_csrs.hpp)
    u64 status_writable{0};    ///< bits of vmstatus
    VirtCsrs v{};

    /// mtime when it was last asked for. Whatever expired since interrupts the hart, since the
    /// earliest moment after `now` is what mtimecmp holds.
    u64 now{0};
    u64 programmed{0};                ///< what the physical mtimecmp holds
    std::atomic<u64> vmtimecmp{0};    ///< shared: other harts' firmware may set it
    std::atomic<u32> vmsip{0};        ///< shared
    std::atomic<u32> online{0};       ///< shared: may run a lower world
    std::atomic<u32> parked{0};       ///< shared: has obeyed Monitor::stopping
    std::atomic<u64> acknowledged{0}; ///< shared: the generation its plans reflect

    // Plans, recomputed when their inputs change; see the end.
    LoweredPlan* loaded{nullptr}; ///< which of them the PMP holds
    bool hides_code{false};       ///< of that one's image
    u64 delegable{0};             ///< exceptions that the hart may deliver to the host itself
    bool firmware_stale{false}, host_stale{false};
    /// Plan faults in a row of one instruction.
    struct {
        u64 pc{0}, tval{0};
        unsigned count{0};
    } faults{};

    /// What the last emulated LR read; width 0: no reservation.
    struct Reservation {
        u64 address{0}, value{0};
        unsigned width{0};
    } reservation{};

    // The enclave that runs here, and the host that called it.
    enclave::Enclave* enclave{nullptr};
    enclave::Answer answer{}; ///< what leaving it returns to the host
    enclave::Registers host_regs{};
    enclave::SupervisorContext host_supervisor{};
    enclave::HypervisorContext host_hypervisor{};

    // Last, since they are large.
    LoweredPlan firmware_plan{}, firmware_mprv_plan{}, host_plan{}, enclave_plan{};
};

/// What the boot hart measured and found; constant afterwards.
struct BootFacts {
    attest::Digest monitor_hash{}, firmware_hash{}, tree_hash{};
    u64 firmware_length{0}; ///< bytes; 0: unmeasured
    u64 fdt{0};             ///< physical address of the device tree
    u64 fw_dynamic{0};      ///< physical address of the copied fw_dynamic_info, 0: none
    unsigned harts{0};      ///< harts in the tree, at most board::max_harts
    std::array<std::optional<PhysRange>, 4> ram{};

    bool is_ram(PhysRange range) const {
        for (auto const& bank : ram)
            if (bank && bank->contains(range)) return true;
        return false;
    }
};

/// The machine. All zero at first, so that it takes no room in the image.
struct Monitor {
    std::atomic<u64> generation{0};
    std::atomic<u32> stopping{0};
    std::array<HartState, board::max_harts> harts{};
    BootFacts boot{};
    Locked<enclave::Registry> registry{};
    enclave::PublishedRanges published{};
    Locked<attest::Identity> identity{}; ///< its lock also guards the cryptographic pool
    Locked<attest::Drbg> drbg{};
};

} // namespace plinth::monitor
