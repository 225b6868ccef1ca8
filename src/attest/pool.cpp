// SPDX-License-Identifier: Apache-2.0
#include "attest/pool.hpp"

#include "base/result.hpp"
#include "base/wipe.hpp"

#include <array>
#include <atomic>
#include <mbedtls/memory_buffer_alloc.h>

extern "C" void plinth_mbedtls_exit(int) {
    plinth::monitor_failure("mbedTLS: the allocator's lists are damaged");
}

namespace plinth::attest {

namespace {

alignas(16) constinit std::array<std::uint8_t, 16 * 1024> pool{};
constinit std::atomic<std::uint32_t> in_use{0};

} // namespace

PoolScope::PoolScope(std::span<std::uint8_t> memory) : is_static_{memory.empty()} {
    SM_CHECK(in_use.exchange(1, std::memory_order_acquire) == 0);
    if (is_static_) memory = pool;
    mbedtls_memory_buffer_alloc_init(memory.data(), memory.size());
}

PoolScope::~PoolScope() {
    mbedtls_memory_buffer_alloc_free();
    if (is_static_) wipe_object(pool);
    in_use.store(0, std::memory_order_release);
}

} // namespace plinth::attest
