// SPDX-License-Identifier: Apache-2.0
// A deterministic generator of 64-bit numbers (SplitMix64: Steele, Lea, Flood 2014).
#pragma once

#include <stdint.h>

namespace differ {

/// A bijection that spreads every bit of `x` over the result.
constexpr uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31U);
}

class Random {
  public:
    explicit constexpr Random(uint64_t seed) : state_{seed} {}
    constexpr uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
    /// 0 … limit - 1
    constexpr unsigned below(unsigned limit) {
        return static_cast<unsigned>((next() >> 32U) * limit >> 32U);
    }
    constexpr bool chance(unsigned percent) { return below(100) < percent; }
    constexpr uint64_t bit(unsigned position) { return (next() >> 63U) << position; }

  private:
    uint64_t state_;
};

} // namespace differ
