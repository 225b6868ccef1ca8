// SPDX-License-Identifier: Apache-2.0
// The table of places.
#include "memory.hpp"
#include "print.hpp"
#include "probe.hpp"

namespace probe {

using namespace payload;

EnclaveMemory enclave_memory;

namespace {

alignas(4096) uint64_t own_page[512];

constexpr uint64_t monitor = 0x80000000; // QEMU virt
constexpr uint64_t monitor_size = 0x100000;

/// What belongs to the monitor, in every phase.
constexpr Place fixed_places[] = {
    {"monitor.first", monitor, 8, Expect::Denied},
    {"monitor.mid", monitor + monitor_size / 2, 8, Expect::Denied},
    {"monitor.last", monitor + monitor_size - 8, 8, Expect::Denied},
    {"monitor.straddle", monitor + monitor_size - 4, 8, Expect::Denied},
    {"finisher", 0x100000, 4, Expect::Denied},
    {"clint.msip", 0x2000000, 4, Expect::Denied},
    {"clint.mtime", 0x200bff8, 8, Expect::Denied},
    {"fw_cfg", 0x10100000, 8, Expect::Denied},
};

/// The enclave's own memory; `lower` and `upper` straddle its ends. (A fetch that begins below is
/// no fault: the first bytes are the host's.)
void probe_epm(uint64_t hart, Expect expect) {
    auto const& m = enclave_memory;
    uint64_t const middle = m.epm + m.epm_size / 2;
    uint64_t const end = m.epm + m.epm_size;
    probe_place(hart, {"epm.first", m.epm, 8, expect});
    probe_place(hart, {"epm.mid", middle, 8, expect});
    probe_place(hart, {"epm.last", end - 8, 8, expect});
    if (expect == Expect::Denied) {
        probe_place(hart, {"epm.lower", m.epm - 4, 8, expect, false});
        probe_place(hart, {"epm.upper", end - 4, 8, expect});
    }
}

/// The memory shared with the enclave.
void probe_utm(uint64_t hart) {
    auto const& m = enclave_memory;
    probe_place(hart, {"utm.first", m.utm, 8, Expect::Open});
    probe_place(hart, {"utm.last", m.utm + m.utm_size - 8, 8, Expect::Open});
}

/// How many words of the enclave's former memory are not zero.
uint64_t words_left() {
    auto const& m = enclave_memory;
    uint64_t left = 0;
    for (uint64_t word = m.epm; word < m.epm + m.epm_size; word += 8) {
        if (*at<uint64_t volatile>(word) != 0) ++left;
    }
    return left;
}

} // namespace

void probe_phase(uint64_t hart, Phase phase) {
    for (Place const& place : fixed_places) probe_place(hart, place);
    bool const alive = phase != Phase::Destroyed;
    probe_epm(hart, alive ? Expect::Denied : Expect::Zeroed);
    if (!alive && words_left() != 0) complain("words left after destroy:", words_left());
    probe_utm(hart);
    probe_place(hart, {"own", address_of(own_page), 8, Expect::Open});
}

} // namespace probe
