// SPDX-License-Identifier: Apache-2.0
#include "samples.hpp"

#include "print.hpp"

namespace bench {

using namespace payload;

unsigned usual_iterations = iterations;
uint64_t empty_cost;

namespace {

Samples the_samples;

Timed timed_nothing() {
    Timed t{};
    asm volatile("rdinstret %0\n\trdinstret %1" : "=r"(t.begin), "=r"(t.end));
    return t;
}

/// Sorts in place; the costs of a row are few different ones, so this ends early.
void sort(uint64_t* values, unsigned count) {
    for (unsigned i = 1; i < count; ++i) {
        uint64_t const value = values[i];
        unsigned at = i;
        for (; at > 0 && values[at - 1] > value; --at) values[at] = values[at - 1];
        values[at] = value;
    }
}

} // namespace

void fail(char const* row, unsigned iteration, uint64_t got, uint64_t expected) {
    say("bench: FAIL ", row, " iteration ", Dec{iteration}, " got ", Hex{got}, " expected ",
        Hex{expected}, '\n');
    end();
}

void calibrate() {
    Timed const first = timed_nothing();
    for (unsigned i = 0; i < iterations; ++i) {
        Timed const t = timed_nothing();
        check("calibrate", i, t.end - t.begin, first.end - first.begin);
    }
    empty_cost = first.end - first.begin;
    say("bench: empty ", Dec{empty_cost}, '\n');
}

Samples& fresh_samples() {
    the_samples = Samples{};
    return the_samples;
}

void Samples::print(char const* row) {
    sort(costs_, count_);
    say("bench: row ", row, " n ", Dec{count_}, " min ", Dec{costs_[0]}, " median ",
        Dec{costs_[count_ / 2]}, " max ", Dec{costs_[count_ - 1]}, '\n');
}

} // namespace bench
