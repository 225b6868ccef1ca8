// SPDX-License-Identifier: Apache-2.0
// One row of the benchmark: the instructions that each of its iterations took.
#pragma once

#include <stdint.h>

namespace bench {

/// Most iterations of a row.
inline constexpr unsigned iterations = 1000;

/// Iterations of a row that does not say how many, 1 to `iterations`.
extern unsigned usual_iterations;

/// The instructions between two reads of instret with nothing between them; set by `calibrate`.
extern uint64_t empty_cost;

/// What an assembly block measured: instret before and after, and what the operation left.
struct Timed {
    uint64_t begin;
    uint64_t end;
    uint64_t value;

    uint64_t cost() const { return end - begin - empty_cost; }
};

/// Measures the empty operation, which must cost the same every time: then instret does not trap.
void calibrate();

/// A number for an iteration: bits spread over the whole word, another one each time.
constexpr uint64_t varied(uint64_t iteration) {
    uint64_t x = (iteration + 1) * 0x9e3779b97f4a7c15U;
    x = (x ^ x >> 30U) * 0xbf58476d1ce4e5b9U;
    return x ^ x >> 27U;
}

/// Says what was wrong and ends the machine: a wrong result measures nothing.
[[noreturn]] void fail(char const* row, unsigned iteration, uint64_t got, uint64_t expected);

/// Fails unless both are equal.
inline void check(char const* row, unsigned iteration, uint64_t got, uint64_t expected) {
    if (got != expected) fail(row, iteration, got, expected);
}

/// Ends the machine, in whatever way the payload can; each payload defines it.
[[noreturn]] void end();

/// Collects the costs of one row and prints them.
class Samples {
  public:
    void add(uint64_t cost) {
        if (count_ < iterations) costs_[count_++] = cost;
    }
    /// Prints "bench: row NAME n N min A median B max C".
    void print(char const* row);

  private:
    uint64_t costs_[iterations];
    unsigned count_ = 0;
};

/// Where every row collects its costs, one after the other.
Samples& fresh_samples();

/// Runs `step(i)`, which returns the cost of iteration i, and prints the row.
template <typename Step> void row(char const* name, Step step, unsigned n = usual_iterations) {
    Samples& samples = fresh_samples();
    for (unsigned i = 0; i < n; ++i) samples.add(step(i));
    samples.print(name);
}

} // namespace bench
