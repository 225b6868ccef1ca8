// SPDX-License-Identifier: Apache-2.0
// Memory as the firmware reaches it.
#include "fwprobe.hpp"

#include <initializer_list>

namespace fwprobe {

using namespace payload;

namespace {

constexpr uint64_t print_limit = 300; // failures; more say nothing new
constexpr uint64_t as_supervisor = status_mprv | 1U << status_mpp_shift;
constexpr uint64_t as_machine = status_mprv | 3U << status_mpp_shift;

Totals sum; // one hart probes at a time
alignas(4096) uint8_t own_page[page_size];

struct Range {
    char const* name;
    uint64_t base;
    uint64_t size;
};

char const* how_name(How how) {
    if (how == How::Machine) return "M ";
    if (how == How::MprvSupervisor) return "MPRV-S ";
    return how == How::MprvMachine ? "MPRV-M " : "S ";
}

uint64_t fault_cause(Kind kind) {
    if (kind == Kind::Load) return cause_load_fault;
    return kind == Kind::Store ? cause_store_fault : cause_fetch_fault;
}

char const* context = ""; // what is being probed, part of a failure's line

/// The cause may also be a load's for an atomic instruction: QEMU 7.2 makes it a load and a store
/// when it runs a single hart.
bool cause_fits(Access const& access, uint64_t cause) {
    return cause == fault_cause(access.kind) || (access.atomic && cause == cause_load_fault);
}

/// Whether mtval names the first denied byte. A load or store that begins before it may be named as
/// a whole: PMP entries must match all of its bytes (privileged specification, 3.7.1), QEMU reports
/// the one or the other.
bool address_fits(Access const& access, uint64_t address, uint64_t denied, uint64_t tval) {
    return tval == denied || (access.kind != Kind::Fetch && tval == address);
}

/// An access at `address` that must fault; `denied` is its first byte that nobody may touch.
void probe_denied(How how, Access const& access, uint64_t address, uint64_t denied,
                  uint64_t value) {
    Run const r = attempt(how, access, address, value);
    bool const good = !returned(r) && cause_fits(access, r.cause) &&
                      address_fits(access, address, denied, r.tval);
    record(how_name(how), access.name, address, good, r);
}

constexpr unsigned plain = 4; // widths
constexpr Access loads(unsigned index) {
    constexpr Access table[plain] = {{"lbu", access_lbu, Kind::Load, 1},
                                     {"lhu", access_lhu, Kind::Load, 2},
                                     {"lwu", access_lwu, Kind::Load, 4},
                                     {"ld", access_ld, Kind::Load, 8}};
    return table[index];
}
constexpr Access stores(unsigned index) {
    constexpr Access table[plain] = {{"sb", access_sb, Kind::Store, 1},
                                     {"sh", access_sh, Kind::Store, 2},
                                     {"sw", access_sw, Kind::Store, 4},
                                     {"sd", access_sd, Kind::Store, 8}};
    return table[index];
}

constexpr Access other_encodings[] = {
    {"c.lw", access_c_lw, Kind::Load, 4},
    {"c.ld", access_c_ld, Kind::Load, 8},
    {"lr.w", access_lr_w, Kind::Load, 4},
    {"lr.d", access_lr_d, Kind::Load, 8},
    {"amoadd.w", access_amo_w, Kind::Store, 4, true},
    {"amoadd.d", access_amo_d, Kind::Store, 8, true},
};
constexpr Access other_stores[] = {
    {"c.sw", access_c_sw, Kind::Store, 4},
    {"c.sd", access_c_sd, Kind::Store, 8},
};

uint64_t value_for(Run const& loaded) { return returned(loaded) ? loaded.a1 : ~uint64_t{0}; }

/// A load and a store of one width at one denied address.
void probe_width(How how, unsigned index, uint64_t address, uint64_t expected) {
    Run const loaded = attempt(how, loads(index), address, 0);
    probe_denied(how, loads(index), address, expected, 0);
    probe_denied(how, stores(index), address, expected, value_for(loaded));
}

/// Fetches where the first bytes cannot be loaded; what can be loaded is not executed.
void probe_denied_fetch(uint64_t address, uint64_t expected) {
    constexpr Access half{"fetch", access_lhu, Kind::Load, 2};
    if (Run const loaded = attempt(How::Machine, half, expected, 0); returned(loaded)) {
        record(how_name(How::Machine), "fetch", address, false, loaded);
        return;
    }
    probe_denied(How::Machine, {"fetch", nullptr, Kind::Fetch, 4}, address, expected, 0);
}

/// All that lies inside a denied range: first, middle and last bytes, every width and encoding.
void probe_denied_range(How how, Range const& range) {
    context = range.name;
    for (unsigned i = 0; i < plain; ++i) {
        uint64_t const width = loads(i).width;
        for (uint64_t const at_byte :
             {range.base, range.base + range.size / 2, range.base + range.size - width}) {
            probe_width(how, i, at_byte, at_byte);
        }
    }
    Run const loaded = attempt(how, loads(3), range.base, 0);
    for (Access const& access : other_encodings) {
        probe_denied(how, access, range.base, range.base, 0);
    }
    for (Access const& access : other_stores) {
        probe_denied(how, access, range.base, range.base, value_for(loaded));
    }
    if (how != How::Machine) return;
    for (uint64_t const pc : {range.base, range.base + range.size / 2, range.base + range.size - 4})
        probe_denied_fetch(pc, pc);
}

/// Accesses whose first (`upper`) or second half is denied. The other half, which may be accessed,
/// must stay as it was.
void probe_straddle(How how, uint64_t edge, bool upper) {
    context = upper ? "upper edge" : "lower edge";
    for (unsigned i = 1; i < plain; ++i) {
        uint64_t const half = loads(i).width / 2;
        auto* const allowed = at<uint8_t volatile>(upper ? edge : edge - half);
        uint8_t before[4];
        for (uint64_t k = 0; k < half; ++k) before[k] = allowed[k];
        probe_width(how, i, edge - half, upper ? edge - half : edge);
        bool same = true;
        for (uint64_t k = 0; k < half; ++k) same = same && before[k] == allowed[k];
        record_value("half of a denied store was made at", edge, same);
    }
}

/// Memory that is the firmware's to use.
void probe_open(How how, char const* name, uint64_t address) {
    context = name;
    auto* const word = at<uint64_t volatile>(address);
    uint64_t const old = *word;
    constexpr uint64_t pattern = 0x8877665544332211;
    for (unsigned i = 0; i < plain; ++i) {
        *word = 0;
        uint64_t const low = ~uint64_t{0} >> (64 - 8 * loads(i).width);
        Run const stored = attempt(how, stores(i), address, pattern);
        Run const loaded = attempt(how, loads(i), address, 0);
        bool const held = *word == (pattern & low);
        record(how_name(how), stores(i).name, address, returned(stored) && held, stored);
        bool const good = returned(loaded) && loaded.a1 == (pattern & low);
        record(how_name(how), loads(i).name, address, good, loaded);
    }
    *word = old;
}

} // namespace

Run attempt(How how, Access const& access, uint64_t address, uint64_t value) {
    if (access.kind == Kind::Fetch) {
        return run(how == How::Supervisor ? Priv::Supervisor : Priv::Machine, at<Stub>(address));
    }
    uint64_t bits = 0;
    if (how == How::MprvSupervisor) bits = as_supervisor;
    if (how == How::MprvMachine) bits = as_machine;
    return run(how == How::Supervisor ? Priv::Supervisor : Priv::Machine, access.code,
               {.a0 = address, .a1 = value, .a2 = bits});
}

bool returned(Run const& r) {
    return r.epc == address_of(&run_from_m_ecall) &&
           (r.cause == cause_machine_ecall || r.cause == cause_supervisor_ecall);
}

void record(char const* what, char const* detail, uint64_t address, bool good, Run const& r) {
    ++sum.probes;
    if (good) return;
    if (++sum.failures > print_limit) return;
    say("fwprobe: h", Dec{csr::read<csr::Mhartid>()}, ' ', context, ' ', what, detail, " at ",
        Hex{address});
    if (returned(r)) {
        say(": went through, a1 ", Hex{r.a1}, '\n');
    } else {
        say(": cause ", Hex{r.cause}, " mtval ", Hex{r.tval}, " mepc ", Hex{r.epc}, '\n');
    }
}

void record_value(char const* what, uint64_t found, bool good) {
    ++sum.probes;
    if (good) return;
    if (++sum.failures > print_limit) return;
    say("fwprobe: h", Dec{csr::read<csr::Mhartid>()}, ' ', what, ' ', Hex{found}, '\n');
}

void probe_word(char const* place, How how, uint64_t address, Expect expect) {
    context = place;
    if (expect == Expect::Open) {
        Run const loaded = attempt(how, loads(3), address, 0);
        record(how_name(how), "ld", address, returned(loaded), loaded);
        Run const stored = attempt(how, stores(3), address, loaded.a1);
        record(how_name(how), "sd", address, returned(stored), stored);
        return;
    }
    Run const loaded = attempt(how, loads(3), address, 0);
    probe_width(how, 3, address, address);
    if (how == How::MprvSupervisor || how == How::MprvMachine) return; // MPRV is not for fetches
    if (returned(loaded)) {
        record(how_name(how), "fetch", address, false, loaded);
    } else {
        probe_denied(how, {"fetch", nullptr, Kind::Fetch, 4}, address, address, 0);
    }
}

void probe_memory(bool alive) {
    constexpr Range denied[] = {{"monitor", monitor, boot_page - monitor},
                                {"boot page", boot_page, page_size},
                                {"fw_cfg", fw_cfg, page_size},
                                {"EPM", epm, epm_size}};
    for (How const how : {How::Machine, How::MprvSupervisor, How::MprvMachine}) {
        for (Range const& range : denied) {
            if (alive || range.base != epm) probe_denied_range(how, range);
        }
        probe_straddle(how, firmware, true);
        if (alive) {
            probe_straddle(how, epm, false);
            probe_straddle(how, epm_end, true);
        } else {
            probe_open(how, "former EPM", epm);
            probe_open(how, "former EPM", epm_end - 8);
        }
        probe_open(how, "UTM", utm);
        probe_open(how, "UTM", utm + utm_size - 8);
        probe_open(how, "own", address_of(own_page) + 8);
    }
    context = "fetch across an edge";
    probe_denied_fetch(firmware - 2, firmware - 2);
    if (!alive) return;
    *at<uint16_t volatile>(epm - 2) = 0x0013; // the first half of a nop
    asm volatile("fence.i" ::: "memory");
    probe_denied_fetch(epm - 2, epm);
    probe_denied_fetch(epm_end - 2, epm_end - 2);
}

Totals totals() { return sum; }

} // namespace fwprobe
