// SPDX-License-Identifier: Apache-2.0
// Console of the test firmwares and of the probe: QEMU virt's 16550 at 0x10000000, registers one
// byte apart.
#include "print.hpp"

namespace payload {

void put_char(char c) {
    constexpr uintptr_t transmit = 0x10000000;
    constexpr uintptr_t line_status = transmit + 5;
    constexpr uint8_t transmit_empty = 0x20;
    auto* const status = reinterpret_cast<uint8_t volatile*>(line_status);
    while ((*status & transmit_empty) == 0) {
    }
    *reinterpret_cast<char volatile*>(transmit) = c;
}

} // namespace payload
