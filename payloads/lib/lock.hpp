// SPDX-License-Identifier: Apache-2.0
// Mutual exclusion and flags between harts.
#pragma once

#include <stdint.h>

namespace payload {

/// A spin lock; `Guard` holds it for a scope.
class SpinLock {
  public:
    class Guard {
      public:
        explicit Guard(SpinLock& lock) : lock_(lock) {
            while (__atomic_exchange_n(&lock_.held_, 1U, __ATOMIC_ACQUIRE) != 0) {
            }
        }
        ~Guard() { __atomic_store_n(&lock_.held_, 0U, __ATOMIC_RELEASE); }
        Guard(Guard const&) = delete;
        Guard& operator=(Guard const&) = delete;

      private:
        SpinLock& lock_;
    };

  private:
    uint32_t held_ = 0;
};

/// A number that one hart writes and others wait for.
class Signal {
  public:
    void set(uint64_t value) { __atomic_store_n(&value_, value, __ATOMIC_RELEASE); }
    uint64_t get() const { return __atomic_load_n(&value_, __ATOMIC_ACQUIRE); }
    void add(uint64_t value) { __atomic_fetch_add(&value_, value, __ATOMIC_ACQ_REL); }
    void wait_for(uint64_t value) const {
        while (get() != value) {
        }
    }

  private:
    uint64_t value_ = 0;
};

} // namespace payload
