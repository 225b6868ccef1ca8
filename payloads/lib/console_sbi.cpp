// SPDX-License-Identifier: Apache-2.0
// Console of the S-mode payloads: the legacy SBI putchar call.
#include "print.hpp"
#include "sbi.hpp"

namespace payload {

void put_char(char c) { sbi::call(sbi::ext_legacy_putchar, 0, static_cast<uint8_t>(c)); }

} // namespace payload
