// SPDX-License-Identifier: Apache-2.0
// The Keystone SBI interface as host and enclave use it (numbers: docs of the interface).
#pragma once

#include <stdint.h>

namespace payload::keystone {

inline constexpr uint64_t extension = 0x08424b45;

// Functions of the host.
inline constexpr uint64_t create = 2001;
inline constexpr uint64_t destroy = 2002;
inline constexpr uint64_t run = 2003;
inline constexpr uint64_t resume = 2005;

// Functions of the enclave.
inline constexpr uint64_t random = 3001;
inline constexpr uint64_t attest = 3002;
inline constexpr uint64_t stop = 3004;
inline constexpr uint64_t exit = 3006;

// Results of run and resume besides 0.
inline constexpr int64_t interrupted = 100002;
inline constexpr int64_t edge_call = 100011;

/// What `stop` asks the host for: an edge call.
inline constexpr uint64_t stop_edge_call = 1;

/// The argument of create.
struct CreateArgs {
    uint64_t epm_base;
    uint64_t epm_size;
    uint64_t utm_base;
    uint64_t utm_size;
    uint64_t runtime;
    uint64_t user;
    uint64_t free;
    uint64_t free_requested;
};
static_assert(sizeof(CreateArgs) == 64);

inline constexpr uint64_t report_size = 1352;
inline constexpr uint64_t nonce_size = 32;

/// The head of the UTM during an edge call; offsets count from the UTM's base.
struct EdgeCall {
    uint64_t id;
    uint64_t argument_offset;
    uint64_t argument_size;
    uint64_t status;
    uint64_t result_offset;
    uint64_t result_size;
};
static_assert(sizeof(EdgeCall) == 48);

// Edge calls that the demo host serves.
inline constexpr uint64_t edge_print = 1;   ///< argument: text
inline constexpr uint64_t edge_nonce = 2;   ///< result: 32 bytes
inline constexpr uint64_t edge_publish = 3; ///< argument: a report

} // namespace payload::keystone
