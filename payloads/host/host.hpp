// SPDX-License-Identifier: Apache-2.0
// The demo host: an S-mode program under Sv39 that starts the other harts and then creates, runs
// and destroys one enclave.
#pragma once

#include "fdt.hpp"

#include <stdint.h>

extern "C" {
/// The S-mode trap vector (trap.S).
void host_vector();
/// Where the SBI starts the other harts (start_s.S).
void secondary_start();
}

namespace host {

/// A virtual page that is not mapped one to one: the argument of create is passed through it.
inline constexpr uint64_t alias_va = 0x3000000000;

/// A virtual page that is remapped while the other harts use it.
inline constexpr uint64_t moving_va = 0x3000001000;

/// Prints the reason and powers off.
[[noreturn]] void fail(char const* reason);

/// Builds the page tables: RAM one to one, alias_va on `alias_page`, moving_va on
/// `moving_page`. [fine_base, + 2 MiB) is mapped by 4 KiB pages.
void build_tables(payload::Machine const& machine, uint64_t fine_base, uint64_t alias_page,
                  uint64_t moving_page);

/// Points moving_va at another page; the caller fences.
void move_page(uint64_t page);

/// Turns Sv39 on for the calling hart and sets its trap vector.
void enable_paging();

/// Starts every other hart, has each take an interrupt and a remote fence; returns how many harts
/// there are, the caller included.
unsigned start_harts(payload::Machine const& machine, uint64_t boot_hart);

/// The first page that moving_va is mapped to.
uint64_t first_moving_page();

/// Starts a periodic timer interrupt on the calling hart; `stop_timer` ends it.
void start_timer();
void stop_timer();

/// How many timer interrupts were taken.
uint64_t timer_interrupts();

/// Creates, runs and destroys the enclave in [epm, ...), with the nonce for its report.
void run_enclave(uint64_t epm, uint64_t utm, uint8_t const* nonce);

/// Size and natural alignment of the enclave's memory and of the memory shared with it.
inline constexpr uint64_t epm_size = 0x40000;
inline constexpr uint64_t utm_size = 0x4000;

} // namespace host
