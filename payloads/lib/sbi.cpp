// SPDX-License-Identifier: Apache-2.0
#include "sbi.hpp"

namespace payload::sbi {

void shut_down() {
    call(ext_srst, 0, 0, 0);
    call(ext_legacy_shutdown, 0);
    for (;;) asm volatile("wfi");
}

} // namespace payload::sbi
