// SPDX-License-Identifier: Apache-2.0
// A value that can be reached only while its lock is held.
#pragma once

#include "base/types.hpp"
#include <atomic>
#include <optional>

namespace plinth {

/// T behind a spin lock. The guard is the witness that functions ask for.
/// Whoever waits passes a `serve` callable, which answers other harts' requests meanwhile
/// (so that a holder that waits for this hart cannot deadlock with it).
template <typename T> class Locked {
  public:
    class Guard : Pinned {
      public:
        explicit Guard(Locked& owner) : owner_{owner} {}
        ~Guard() { owner_.held_.store(0, std::memory_order_release); }
        T* operator->() { return &owner_.value_; }
        T& operator*() { return owner_.value_; }

      private:
        Locked& owner_;
    };

    /// Takes the lock; calls serve() between attempts.
    template <typename Serve> Guard lock(Serve serve) {
        while (held_.exchange(1, std::memory_order_acquire) != 0) serve();
        return Guard{*this};
    }

    /// Takes the lock if nobody holds it.
    std::optional<Guard> try_lock() {
        if (held_.exchange(1, std::memory_order_acquire) != 0) return std::nullopt;
        return std::optional<Guard>{std::in_place, *this};
    }

    /// The value without its lock: only where no other hart runs any more.
    T& seize() { return value_; }

  private:
    std::atomic<u32> held_{0};
    T value_{};
};

} // namespace plinth
