// SPDX-License-Identifier: Apache-2.0
// MPRV switched on and off in every way, and vPMPs opened over what the monitor owns: nothing of it
// may stay behind.
#include "fwprobe.hpp"

#include <initializer_list>

namespace fwprobe {

using namespace payload;

namespace {

constexpr unsigned entries = 16;
constexpr uint64_t all_addresses = (uint64_t{1} << 54U) - 1;
constexpr uint64_t cfg_rwx = 7;
constexpr uint64_t nowhere = 0x18000000; // no device and no memory on QEMU virt

enum class Match : uint64_t { Off = 0, Tor = 1, Na4 = 2, Napot = 3 };

/// What must be denied, after whatever was done before.
void probe_after(char const* what) {
    probe_word(what, How::Machine, monitor, Expect::Denied);
    probe_word(what, How::Machine, firmware - 8, Expect::Denied);
    probe_word(what, How::Machine, epm, Expect::Denied);
    probe_word(what, How::Machine, utm, Expect::Open);
}

/// MPRV on and off around a few loads and stores of this very program, by csrrs, csrrc and csrrw.
void toggle_by_csr(uint64_t mpp) {
    uint64_t const bits = status_mprv | mpp << status_mpp_shift;
    csr::clear<csr::Mstatus>(status_mprv | status_mpp);
    csr::set<csr::Mstatus>(bits);
    csr::clear<csr::Mstatus>(status_mprv);
    probe_after("after csrrs, csrrc of MPRV:");
    uint64_t const off = csr::read<csr::Mstatus>() & ~(status_mprv | status_mpp);
    csr::write<csr::Mstatus>(off | bits);
    csr::write<csr::Mstatus>(off);
    probe_after("after csrrw of MPRV:");
}

/// mret to S and to M with MPRV set, and a trap while it is set.
void toggle_by_return(uint64_t mpp) {
    Run const s = run(Priv::Supervisor, do_nothing, {.status = status_mprv});
    record_value("MPRV after mret to S:", s.status, (s.status & status_mprv) == 0);
    probe_after("after mret to S with MPRV:");
    Run const m = run(Priv::Machine, do_nothing, {.status = status_mprv});
    record_value("MPRV after mret to M:", m.status, (m.status & status_mprv) != 0);
    probe_after("after mret to M with MPRV:");
    uint64_t const bits = status_mprv | mpp << status_mpp_shift;
    Run const t = run(Priv::Machine, trap_with_bits, {.a2 = bits});
    record_value("cause of ebreak:", t.cause, t.cause == cause_breakpoint);
    record_value("MPRV in a trap:", t.status, (t.status & status_mprv) != 0);
    probe_after("after a trap with MPRV:");
}

template <unsigned Index = 0> void write_addresses(uint64_t const (&addresses)[entries]) {
    csr::write<csr::Pmpaddr0 + Index>(addresses[Index]);
    if constexpr (Index + 1 < entries) write_addresses<Index + 1>(addresses);
}

/// Programs entry `index` over everything (Na4: over the monitor's first four bytes), and another
/// one over the firmware's MiB so that S-mode has code to run. All others are off.
void program(unsigned index, Match match) {
    uint64_t const own = (index + 2) % entries;
    uint64_t addresses[entries] = {};
    addresses[index] = match == Match::Na4 ? monitor >> 2U : all_addresses;
    addresses[own] = firmware >> 2U | ((firmware_end - firmware) / 8 - 1);
    uint64_t const rights = cfg_rwx | static_cast<uint64_t>(Match::Napot) << 3U;
    uint64_t configs[2] = {};
    configs[index / 8] |= (cfg_rwx | static_cast<uint64_t>(match) << 3U) << (index % 8 * 8);
    configs[own / 8] |= rights << (own % 8 * 8);
    csr::write<csr::Pmpcfg0>(0);
    csr::write<csr::Pmpcfg0 + 2>(0);
    write_addresses(addresses);
    csr::write<csr::Pmpcfg0>(configs[0]);
    csr::write<csr::Pmpcfg0 + 2>(configs[1]);
    asm volatile("sfence.vma" ::: "memory");
}

/// The monitor's entries win over every vPMP.
void probe_from_supervisor(Match match) {
    bool const open = match == Match::Tor || match == Match::Napot;
    for (How const how : {How::Supervisor, How::MprvSupervisor}) {
        probe_word("vPMP: monitor", how, monitor, Expect::Denied);
        probe_word("vPMP: monitor", how, monitor + 0x80000, Expect::Denied);
        probe_word("vPMP: boot page", how, boot_page, Expect::Denied);
        probe_word("vPMP: boot page", how, firmware - 8, Expect::Denied);
        probe_word("vPMP: EPM", how, epm, Expect::Denied);
        probe_word("vPMP: EPM", how, epm + epm_size / 2, Expect::Denied);
        probe_word("vPMP: EPM", how, epm_end - 8, Expect::Denied);
        probe_word("vPMP: fw_cfg", how, fw_cfg, Expect::Denied);
        probe_word("vPMP: CLINT", how, clint + 0xbff8, Expect::Denied);
        probe_word("vPMP: finisher", how, finisher, Expect::Denied);
        probe_word("vPMP: UTM", how, utm, open ? Expect::Open : Expect::Denied);
        probe_word("vPMP: own", how, firmware + 0x10, Expect::Open);
    }
}

} // namespace

void probe_toggles() {
    // A bus error: with S-mode's rights it happens in the monitor, which makes the access.
    probe_word("nowhere", How::Machine, nowhere, Expect::Denied);
    probe_word("nowhere", How::MprvSupervisor, nowhere, Expect::Denied);
    for (uint64_t const mpp : {uint64_t{0}, uint64_t{1}, uint64_t{3}}) {
        toggle_by_csr(mpp);
        toggle_by_return(mpp);
    }
}

void probe_vpmps() {
    for (unsigned index = 0; index < entries; ++index) {
        for (Match const match : {Match::Off, Match::Tor, Match::Na4, Match::Napot}) {
            program(index, match);
            probe_from_supervisor(match);
        }
    }
    probe_after("after the vPMPs:");
    csr::write<csr::Pmpcfg0>(0);
    csr::write<csr::Pmpcfg0 + 2>(0);
    open_pmp();
}

} // namespace fwprobe
