// SPDX-License-Identifier: Apache-2.0
// A malicious firmware: what can it reach, itself and through the modes below it? One probe is one
// access, call or register of one hart.
#pragma once

#include "firmware.hpp"

extern "C" {
// stubs.S
void access_lbu();
void access_lhu();
void access_lwu();
void access_ld();
void access_sb();
void access_sh();
void access_sw();
void access_sd();
void access_lr_w();
void access_lr_d();
void access_amo_w();
void access_amo_d();
void access_c_lw();
void access_c_ld();
void access_c_sw();
void access_c_sd();
void keystone_call();
void keystone_ecall();
void trap_with_bits();
void load_in_trap();
void store_in_trap();
void load_after_mpp();
void store_after_mpp();
void load_after_mret();
void store_after_mret();
void trap_by_ecall();
void trap_by_ebreak();
void trap_by_illegal();
void trap_by_load();
void trap_by_store();
void trap_by_interrupt();
void spin();
void do_nothing();
uint64_t sweep_loads(uint64_t base, uint64_t end, uint64_t step);
}

namespace fwprobe {

inline constexpr uint64_t cause_fetch_fault = 1;
inline constexpr uint64_t cause_illegal = 2;
inline constexpr uint64_t cause_breakpoint = 3;
inline constexpr uint64_t cause_load_fault = 5;
inline constexpr uint64_t cause_store_fault = 7;
inline constexpr uint64_t cause_supervisor_ecall = 9;
inline constexpr uint64_t cause_machine_ecall = 11;
inline constexpr uint64_t cause_load_page_fault = 13;
inline constexpr uint64_t cause_store_page_fault = 15;

// QEMU virt, with the monitor in the first MiB of RAM and the firmware in the second.
inline constexpr uint64_t monitor = 0x80000000;
inline constexpr uint64_t boot_page = 0x800ff000;
inline constexpr uint64_t firmware = 0x80100000;
inline constexpr uint64_t firmware_end = 0x80200000;
inline constexpr uint64_t fw_cfg = 0x10100000;
inline constexpr uint64_t clint = 0x2000000;
inline constexpr uint64_t finisher = 0x100000;

// The enclave: its memory, and behind it the memory that it shares.
inline constexpr uint64_t epm = 0x84000000;
inline constexpr uint64_t epm_size = 0x20000;
inline constexpr uint64_t epm_end = epm + epm_size;
inline constexpr uint64_t utm = epm_end;
inline constexpr uint64_t utm_size = 0x4000;

enum class Kind { Load, Store, Fetch };

/// One kind of access. Read-modify-write counts as a store.
struct Access {
    char const* name;
    payload::Stub* code;
    Kind kind;
    unsigned width;      ///< bytes
    bool atomic = false; ///< AMO
};

/// How the firmware makes an access: itself, with the rights of S or of M under MPRV, or in S-mode.
enum class How { Machine, MprvSupervisor, MprvMachine, Supervisor };

/// What is expected of memory.
enum class Expect { Denied, Open };

/// Makes the access with `value`. `returned` tells whether it went through.
payload::Run attempt(How how, Access const& access, uint64_t address, uint64_t value);
bool returned(payload::Run const& run);

/// Counts one probe; prints it if it is not `good`.
void record(char const* what, char const* detail, uint64_t address, bool good,
            payload::Run const& run);

/// The same without an access: `found` is printed.
void record_value(char const* what, uint64_t found, bool good);

/// Loads, stores and fetches 8 bytes at an address and counts the three.
void probe_word(char const* place, How how, uint64_t address, Expect expect);

/// Everything about memory on the calling hart: each width and encoding, edges, MPRV, vPMPs.
/// `alive`: whether the enclave still owns its memory.
void probe_memory(bool alive);
void probe_toggles();
void probe_traps();
void probe_vpmps();

/// Registers, calls, interrupts and the CLINT, on the calling hart (the CLINT on hart 0 only).
void probe_calls();
void probe_csrs();
void probe_delegation();
void probe_clint(uint64_t harts);

struct Totals {
    uint64_t probes;
    uint64_t failures;
};
Totals totals();

} // namespace fwprobe
