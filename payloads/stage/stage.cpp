// SPDX-License-Identifier: Apache-2.0
// What runs before the monitor: nothing special, a stage that leaves its registers as no stage
// should, or, at the second reset, a scanner that looks for words in all RAM.
#include "csr.hpp"
#include "firmware.hpp"

namespace stage {

using namespace payload;

namespace {

enum class Mode : uint64_t { Plain, Leftovers, Locked, Scan, Triggers };

constexpr unsigned max_needles = 16;

/// What tests/qemu/stage.py leaves in memory.
struct Parameters {
    Mode mode;
    uint64_t ram_size;
    uint64_t needle_count;
    uint64_t needles[max_needles]; ///< Triggers: of which type, and for which addresses
};
constexpr uint64_t parameters = 0x86010000;
constexpr uint64_t parameters_end = parameters + 0x1000;
constexpr uint64_t boots =
    0x86011000; // one word for each hart, counts resets; no loader writes here
constexpr uint64_t armed = 0x86011100; // one word for each hart, how many triggers it armed
constexpr uint64_t ram = 0x80000000;
constexpr uint64_t everything = ~uint64_t{0};

Parameters const& given() { return *at<Parameters const>(parameters); }

// Numbers that no other payload uses.
constexpr unsigned Scounteren = 0x106, Senvcfg = 0x10a, Stimecmp = 0x14d, Menvcfg = 0x30a;
constexpr unsigned Mcountinhibit = 0x320, Mhpmevent3 = 0x323;
constexpr unsigned Tselect = 0x7a0, Tdata1 = 0x7a1, Tdata2 = 0x7a2;
constexpr unsigned Hstatus = 0x600, Hedeleg = 0x602, Hideleg = 0x603, Hie = 0x604, Hvip = 0x645;
constexpr unsigned Hgatp = 0x680, Vsstatus = 0x200, Vstvec = 0x205, Vsatp = 0x280;

/// A trigger of type mcontrol that breaks at an address in U, S and M-mode.
void arm_trigger(uint64_t number, uint64_t address) {
    constexpr uint64_t mcontrol = uint64_t{2} << 60U | 1U << 6U | 1U << 4U | 1U << 3U | 1U << 2U;
    csr::write<Tselect>(number);
    csr::write<Tdata2>(address);
    csr::write<Tdata1>(mcontrol);
}

/// tdata1 of a trigger of type mcontrol (2) or mcontrol6 (6) that stops U, S and M-mode at any
/// access. (QEMU 7.2 has no others.)
constexpr uint64_t trigger_of_type(uint64_t type) {
    return type << 60U | 1U << 6U | 1U << 4U | 1U << 3U | 7U;
}

/// Arms all triggers that there are, for each of the addresses in turn. How many hold the bits?
uint64_t arm_triggers() {
    uint64_t const wanted = trigger_of_type(given().needles[0]);
    uint64_t count = 0;
    for (uint64_t number = 0; number < 64; ++number) {
        csr::write<Tselect>(number);
        if (csr::read<Tselect>() != number) break;
        csr::write<Tdata2>(given().needles[1 + number % (given().needle_count - 1)]);
        csr::write<Tdata1>(wanted);
        if ((csr::read<Tdata1>() & wanted) == wanted) ++count;
    }
    csr::write<Tselect>(0);
    return count;
}

void leave_supervisor_state() {
    csr::write<csr::Stvec>(0x81234560);
    csr::write<csr::Sscratch>(0x5555555555555555);
    csr::write<csr::Sepc>(0x5555555555555554);
    csr::write<csr::Scause>(0x15);
    csr::write<csr::Stval>(0x5555555555555555);
    csr::write<Scounteren>(everything);
    csr::write<Senvcfg>(everything);
    csr::write<Stimecmp>(0);
    csr::write<csr::Satp>(uint64_t{8} << 60U | 0x12345);
}

void leave_hypervisor_state() {
    csr::write<Hstatus>(everything);
    csr::write<Hedeleg>(everything);
    csr::write<Hideleg>(everything);
    csr::write<Hie>(everything);
    csr::write<Hvip>(everything);
    csr::write<Hgatp>(uint64_t{8} << 60U | 0x12344);
    csr::write<Vsstatus>(everything & ~(uint64_t{1} << 32U)); // UXL = 2
    csr::write<Vstvec>(0x81234560);
    csr::write<Vsatp>(uint64_t{8} << 60U | 0x12345);
}

/// Everything that could open memory, take control or tell something, on a hart with all
/// extensions.
uint64_t leave_everything(uint64_t hart) {
    open_pmp();
    csr::write<csr::Pmpaddr0 + 1>(0x5555);
    csr::write<csr::Pmpaddr0 + 15>(everything >> 10U);
    csr::write<csr::Pmpcfg0 + 2>(uint64_t{0x1f} << 56U);
    leave_supervisor_state();
    leave_hypervisor_state();
    arm_trigger(0, 0x80100000); // the firmware's first instruction
    csr::write<csr::Mtvec>(0x81234560);
    csr::write<csr::Mscratch>(0x5555555555555555);
    csr::write<Menvcfg>(everything);
    csr::write<csr::Mcounteren>(everything);
    csr::write<Mcountinhibit>(everything);
    csr::write<Mhpmevent3>(everything);
    csr::write<csr::Medeleg>(everything);
    csr::write<csr::Mideleg>(everything);
    *at<uint64_t volatile>(0x2004000 + 8 * hart) = 0;
    *at<uint32_t volatile>(0x2000000 + 4 * hart) = 1;
    csr::write<csr::Mip>(bit_ssi | bit_sti | bit_sei);
    csr::write<csr::Mie>(everything);
    return status_mprv | uint64_t{1} << status_mpp_shift | status_sum | status_mxr | status_tvm |
           status_tw | status_tsr | status_sie | status_spie | 3U << 13U | 3U << 9U;
}

/// One locked entry, over a place that nobody needs.
void lock_entry() {
    csr::write<csr::Pmpaddr0 + 7>(0x30000000U >> 2U);
    csr::write<csr::Pmpcfg0>(uint64_t{0x90} << 56U);
}

/// Looks at every word of RAM but the page with the needles and what belongs to this program.
[[noreturn]] void scan() {
    extern uint8_t image_start[] asm("image_start");
    uint64_t hits = 0;
    uint64_t words = 0;
    for (uint64_t place = ram; place < ram + given().ram_size; place += 8) {
        if (place == address_of(image_start)) place = parameters_end;
        words += 1;
        uint64_t const word = *at<uint64_t volatile>(place);
        for (unsigned i = 0; i < given().needle_count; ++i) {
            if (word != given().needles[i]) continue;
            hits += 1;
            if (hits <= 8) say("stage: needle ", Dec{i}, " at ", Hex{place}, '\n');
        }
    }
    say("stage: scanned ", Dec{words}, " words, hits ", Dec{hits}, '\n');
    finish();
}

} // namespace

} // namespace stage

/// Returns the bits to set in mstatus at the very end.
extern "C" uint64_t stage_main(uint64_t hart) {
    using namespace stage;
    if (given().mode == Mode::Scan) {
        auto* const count = at<uint64_t volatile>(boots + 8 * hart);
        *count = *count + 1;
        if (hart == 0) say("stage: boot ", Dec{*count}, '\n');
        if (*count > 1 && hart == 0) scan();
        while (*count > 1) asm volatile("wfi");
    }
    if (given().mode == Mode::Locked) lock_entry();
    if (given().mode == Mode::Triggers) *at<uint64_t volatile>(armed + 8 * hart) = arm_triggers();
    return given().mode == Mode::Leftovers ? leave_everything(hart) : 0;
}
