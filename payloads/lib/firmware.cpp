// SPDX-License-Identifier: Apache-2.0
#include "firmware.hpp"

namespace payload {

char priv_letter(uint64_t encoding) {
    if (encoding == 0) return 'U';
    if (encoding == 1) return 'S';
    return encoding == 3 ? 'M' : '?';
}

Run run(Priv mode, Stub* code, RunOptions options) {
    constexpr uint64_t controlled = status_sie | status_mie | status_spie | status_mpie |
                                    status_mpp | status_mprv | status_sum | status_mxr |
                                    status_tvm | status_tw | status_tsr;
    Run result{};
    result.pc = address_of(code);
    result.a0 = options.a0;
    result.a1 = options.a1;
    result.a2 = options.a2;
    result.status = (csr::read<csr::Mstatus>() & ~controlled) | options.status |
                    static_cast<uint64_t>(mode) << status_mpp_shift;
    result.vectored = options.vectored ? 1 : 0;
    run_from_m(&result);
    return result;
}

void open_pmp() {
    csr::write<csr::Pmpaddr0>((uint64_t{1} << 54U) - 1);
    csr::write<csr::Pmpcfg0>(0x1f); // NAPOT, RWX
    asm volatile("sfence.vma" ::: "memory");
}

void finish() {
    constexpr uint64_t finisher = 0x100000;
    constexpr uint32_t pass = 0x5555;
    *at<uint32_t volatile>(finisher) = pass;
    for (;;) asm volatile("wfi");
}

} // namespace payload
