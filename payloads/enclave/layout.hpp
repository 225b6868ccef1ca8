// SPDX-License-Identifier: Apache-2.0
// The enclave's virtual address space, and the calls between its parts.
//
//   0x10000               application, U, read and execute
//   below 0x40000000      application's stack, U, read and write
//   0xffffffe000000000    all of the EPM, S, read and write
//   0xffffffff80000000    runtime, S, read and execute
//   0xffffffff90000000    runtime's stack, S, read and write
//   0xffffffffa0000000    UTM, S, read and write
#pragma once

#include <stdint.h>

namespace enclave {

inline constexpr uint64_t app_base = 0x10000;
inline constexpr uint64_t app_stack_top = 0x40000000;
inline constexpr uint64_t app_stack_pages = 2;
inline constexpr uint64_t epm_window = 0xffffffe000000000;
inline constexpr uint64_t runtime_base = 0xffffffff80000000;
inline constexpr uint64_t runtime_stack = 0xffffffff90000000;
inline constexpr uint64_t runtime_stack_pages = 4;
inline constexpr uint64_t utm_window = 0xffffffffa0000000;

/// The loader runs on the last pages of the EPM; no page table or stack is placed there.
inline constexpr uint64_t loader_stack_pages = 2;

/// What the application asks of the runtime, in a7; the runtime answers 0 in a0 (for Random the
/// number itself in a1) or stops the enclave.
enum class AppCall : uint64_t {
    Print = 1,   ///< a0 = text, a1 = length
    Nonce = 2,   ///< a0 = where 32 bytes go
    Attest = 3,  ///< a0 = data, a1 = length, a2 = where the report goes
    Publish = 4, ///< a0 = report
    Random = 5,  ///< returns 64 bits in a1
    Exit = 6,    ///< a0 = exit value
};

// The value with which the enclave exits. 0x100 + n: the runtime or application took an
// unexpected trap with cause n.
inline constexpr uint64_t exit_success = 42;
inline constexpr uint64_t exit_loader_memory = 0x10;   ///< loader: no memory for page tables
inline constexpr uint64_t exit_entry_cause = 0x11;     ///< runtime: not entered by page fault 12
inline constexpr uint64_t exit_runtime_memory = 0x12;  ///< runtime: no memory for the application
inline constexpr uint64_t exit_stop_failed = 0x13;     ///< stop did not return 0
inline constexpr uint64_t exit_attest_failed = 0x14;   ///< attest did not return 0
inline constexpr uint64_t exit_random_failed = 0x15;   ///< random did not return 0
inline constexpr uint64_t exit_edge_status = 0x16;     ///< the host reported a failed edge call
inline constexpr uint64_t exit_edge_result = 0x17;     ///< the host's result is outside the UTM
inline constexpr uint64_t exit_bad_pointer = 0x18;     ///< application: argument not in its memory
inline constexpr uint64_t exit_bad_call = 0x19;        ///< application: unknown call
inline constexpr uint64_t exit_entry_registers = 0x1a; ///< loader: entry registers contradictory
inline constexpr uint64_t exit_app_random = 0x40;      ///< application: same number drawn twice
inline constexpr uint64_t exit_app_report = 0x41;      ///< application: report lacks its data

} // namespace enclave
