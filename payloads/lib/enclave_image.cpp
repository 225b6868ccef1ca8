// SPDX-License-Identifier: Apache-2.0
#include "enclave_image.hpp"

#include "memory.hpp"

extern "C" {
extern uint8_t const enclave_loader_start[];
extern uint8_t const enclave_loader_end[];
extern uint8_t const enclave_runtime_start[];
extern uint8_t const enclave_runtime_end[];
extern uint8_t const enclave_app_start[];
extern uint8_t const enclave_app_end[];
}

namespace payload {

namespace {

/// Copies one part to `to`; returns the page after it.
uint64_t place(uint64_t to, uint8_t const* start, uint8_t const* end) {
    uint64_t const size = address_of(end) - address_of(start);
    memcpy(at<void>(to), start, size);
    return to + round_up(size, page_size);
}

} // namespace

keystone::CreateArgs place_enclave(uint64_t epm, uint64_t epm_size, uint64_t utm,
                                   uint64_t utm_size) {
    uint64_t const parts = address_of(enclave_app_end) - address_of(enclave_loader_start);
    if (parts + 3 * page_size > epm_size) return {};
    memset(at<void>(epm), 0, epm_size);
    uint64_t const runtime = place(epm, enclave_loader_start, enclave_loader_end);
    uint64_t const user = place(runtime, enclave_runtime_start, enclave_runtime_end);
    uint64_t const free = place(user, enclave_app_start, enclave_app_end);
    return {epm, epm_size, utm, utm_size, runtime, user, free, 0};
}

} // namespace payload
