// SPDX-License-Identifier: Apache-2.0
// The Keystone SBI interface: numbers, codes and layouts. No behaviour.
#pragma once

#include "base/result.hpp"

#include <type_traits>

namespace plinth::enclave {

/// a7 of every Keystone call.
inline constexpr u64 keystone_extension = 0x08424b45;

/// a6: what is asked.
namespace fid {
inline constexpr u64 Create = 2001, Destroy = 2002, Run = 2003, Resume = 2005, Random = 3001,
                     Attest = 3002, SealingKey = 3003, Stop = 3004, Exit = 3006, Plugin = 4000;
}

/// a0 of the answer. Positive, returned as they are.
enum class Code : u32 {
    Success = 0,
    Unknown = 100000,
    InvalidId = 100001,
    Interrupted = 100002,
    NotDestroyable = 100005,
    RegionOverlaps = 100006,
    NotAccessible = 100007,
    IllegalArgument = 100008,
    NotResumable = 100010,
    EdgeCall = 100011,
    NoFreeResource = 100013,
    Prohibited = 100014,
    NotFresh = 100016,
    Deprecated = 100099,
    NotImplemented = 100100,
};

/// What `create` reads from the host, 64 bytes, little-endian.
struct CreateArgs {
    u64 epm_base, epm_size, utm_base, utm_size;
    u64 runtime, user, free, free_requested;
};
static_assert(sizeof(CreateArgs) == 64 && std::has_unique_object_representations_v<CreateArgs>);

/// What stop(request) may ask for.
inline constexpr u64 stop_timer = 0, stop_edge_call = 1;

/// An answer in a0 and a1.
struct Answer {
    Code code{Code::Success};
    u64 value{0};
};

/// The code that answers a call number that the caller's world may not use or that does not exist.
/// `from_enclave`: the caller; the host otherwise.
constexpr Code refusal(u64 function, bool from_enclave) {
    if (function < 2000) return Code::Deprecated;
    if (function < 3000) return from_enclave ? Code::Prohibited : Code::NotImplemented;
    if (function < 4000) return from_enclave ? Code::NotImplemented : Code::Prohibited;
    return Code::NotImplemented;
}

} // namespace plinth::enclave
