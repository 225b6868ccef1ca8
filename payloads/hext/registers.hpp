// SPDX-License-Identifier: Apache-2.0
// The hypervisor registers that the host fills before it calls anybody, and finds unchanged
// afterwards.
#pragma once

#include <stdint.h>

namespace hext {

/// Interrupts of the virtual supervisor in hie and hvip (privileged specification, "hvip").
inline constexpr uint64_t bit_vssi = 1U << 2;
inline constexpr uint64_t bit_vsti = 1U << 6;
inline constexpr uint64_t bit_vsei = 1U << 10;
inline constexpr uint64_t all_vs = bit_vssi | bit_vsti | bit_vsei;

/// Fills every register, raises and enables the interrupts `bits` with hideleg = 0, and remembers
/// what the registers hold. False if the hart did not take the interrupts.
bool arm(uint64_t bits);

/// Withdraws the interrupts; the other registers stay.
void disarm();

/// How many registers hold something else than `arm` left in them; names each.
unsigned changed_registers(char const* after);

} // namespace hext
