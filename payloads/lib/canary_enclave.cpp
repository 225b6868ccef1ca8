// SPDX-License-Identifier: Apache-2.0
#include "canary_enclave.hpp"

#include "memory.hpp"

extern "C" {
extern uint8_t const canary_enclave_start[]; // canary_enclave.S
extern uint8_t const canary_enclave_end[];
}

namespace payload {

sbi::Result run_enclave(uint64_t id) {
    auto const r = sbi::call(keystone::extension, keystone::run, id);
    return r.error == keystone::interrupted ? resume_enclave(id) : r;
}

sbi::Result resume_enclave(uint64_t id) {
    for (;;) {
        auto const r = sbi::call(keystone::extension, keystone::resume, id);
        if (r.error != keystone::interrupted) return r;
    }
}

sbi::Result start_canary_enclave(uint64_t epm) {
    uint64_t const size = address_of(canary_enclave_end) - address_of(canary_enclave_start);
    memcpy(at<void>(epm), canary_enclave_start, size);
    uint64_t const free = epm + round_up(size, page_size);
    uint64_t const utm = epm + canary_epm_size;
    keystone::CreateArgs const args{epm, canary_epm_size, utm, page_size, free, free, free, 0};
    auto const created = sbi::call(keystone::extension, keystone::create, address_of(&args));
    if (created.error != 0) return created;
    return {run_enclave(created.value).error, created.value};
}

} // namespace payload
