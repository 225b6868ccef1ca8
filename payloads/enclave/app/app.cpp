// SPDX-License-Identifier: Apache-2.0
// The enclave's U-mode part: greets, draws random numbers, works for a while so that the host's
// timer gets a chance to stop it, has the host's nonce attested and publishes the report.
#include "csr.hpp"
#include "enclave/layout.hpp"
#include "keystone.hpp"
#include "memory.hpp"

namespace enclave {

using namespace payload;

namespace {

/// Calls the runtime; returns what it leaves in a1.
uint64_t call(AppCall number, uint64_t arg0 = 0, uint64_t arg1 = 0, uint64_t arg2 = 0) {
    register uint64_t a0 asm("a0") = arg0;
    register uint64_t a1 asm("a1") = arg1;
    register uint64_t a2 asm("a2") = arg2;
    register uint64_t a7 asm("a7") = static_cast<uint64_t>(number);
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a7) : "memory");
    return a1;
}

void print(char const* text) { call(AppCall::Print, address_of(text), strlen(text)); }

/// Computes until `time` has advanced by `ticks` (10 MHz on QEMU virt).
void work(uint64_t ticks) {
    uint64_t state = 1;
    uint64_t const start = csr::read<csr::Time>();
    while (csr::read<csr::Time>() - start < ticks) {
        state = state * 3 + 1;
        asm volatile("" : "+r"(state));
    }
}

bool all_zero(uint8_t const* bytes, uint64_t size) {
    uint8_t any = 0;
    for (uint64_t i = 0; i < size; ++i) any = static_cast<uint8_t>(any | bytes[i]);
    return any == 0;
}

} // namespace

/// The application; returns the enclave's exit value.
extern "C" uint64_t app_main() {
    constexpr uint64_t data_offset = 72; // of the attested data in a report
    constexpr uint64_t twenty_ms = 200000;
    print("hello from U-mode, inside the enclave");
    if (call(AppCall::Random) == call(AppCall::Random)) return exit_app_random;
    work(twenty_ms);

    uint8_t nonce[keystone::nonce_size];
    call(AppCall::Nonce, address_of(nonce));
    if (all_zero(nonce, sizeof(nonce))) print("the nonce is all zeros");

    uint8_t report[keystone::report_size];
    call(AppCall::Attest, address_of(nonce), sizeof(nonce), address_of(report));
    if (memcmp(report + data_offset, nonce, sizeof(nonce)) != 0) return exit_app_report;
    print("attested");
    call(AppCall::Publish, address_of(report));
    return exit_success;
}

} // namespace enclave
