// SPDX-License-Identifier: Apache-2.0
// The SBI calls that the S-mode payloads make (RISC-V SBI specification 1.0).
#pragma once

#include <stdint.h>

namespace payload::sbi {

inline constexpr uint64_t ext_legacy_putchar = 1;
inline constexpr uint64_t ext_legacy_shutdown = 8;
inline constexpr uint64_t ext_base = 0x10;
inline constexpr uint64_t ext_time = 0x54494d45;
inline constexpr uint64_t ext_ipi = 0x735049;
inline constexpr uint64_t ext_rfence = 0x52464e43;
inline constexpr uint64_t ext_hsm = 0x48534d;
inline constexpr uint64_t ext_srst = 0x53525354;

/// What a call leaves in a0 and a1.
struct Result {
    int64_t error;
    uint64_t value;
};

/// Makes the SBI call (extension, function) with up to four arguments.
inline Result call(uint64_t extension, uint64_t function, uint64_t arg0 = 0, uint64_t arg1 = 0,
                   uint64_t arg2 = 0, uint64_t arg3 = 0) {
    register uint64_t a0 asm("a0") = arg0;
    register uint64_t a1 asm("a1") = arg1;
    register uint64_t a2 asm("a2") = arg2;
    register uint64_t a3 asm("a3") = arg3;
    register uint64_t a6 asm("a6") = function;
    register uint64_t a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a6), "r"(a7) : "memory");
    return {static_cast<int64_t>(a0), a1};
}

/// Whether the platform answers `extension` (base extension, function 3).
inline bool has_extension(uint64_t extension) {
    Result const r = call(ext_base, 3, extension);
    return r.error == 0 && r.value != 0;
}

/// Asks for a timer interrupt when `time` reaches `deadline`; all ones asks for none.
inline Result set_timer(uint64_t deadline) { return call(ext_time, 0, deadline); }

/// Raises a supervisor software interrupt on one hart.
inline Result send_ipi(uint64_t hart) { return call(ext_ipi, 0, 1, hart); }

/// Executes sfence.vma for [start, start + size) on one hart.
inline Result remote_sfence(uint64_t hart, uint64_t start, uint64_t size) {
    return call(ext_rfence, 1, 1, hart, start, size);
}

/// Starts a hart at physical address `entry` with `argument` in a1.
inline Result start_hart(uint64_t hart, uint64_t entry, uint64_t argument) {
    return call(ext_hsm, 0, hart, entry, argument);
}

/// Powers the machine off: system reset extension, else the legacy call, else waits for ever.
[[noreturn]] void shut_down();

} // namespace payload::sbi
