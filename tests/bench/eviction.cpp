// SPDX-License-Identifier: Apache-2.0
// How often a cache of whole runs misses: eviction TRACE ENTRIES... The trace is what
// run_trace_plugin.cpp writes. Prints lines "POLICY ENTRIES MISSES", and "distinct RUNS" for each
// part of the trace that ends with a mark. A run is loaded when it is used and is not there; `best`
// is the eviction that knows the future (Belady's), `lru` evicts what was used longest ago, `fifo`
// what was loaded longest ago.
#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iostream>
#include <vector>

namespace {

constexpr unsigned mark = 255;
using Time = std::uint64_t;

/// Best eviction without looking ahead: a use hits if its run could have stayed since the run's use
/// before, and so was never missing in between. While another run is used, all entries but one can
/// keep something. So hits are intervals between two uses, no more of them at a time than
/// entries - 1; as many as possible fit if each, in the order of their ends, takes the place that
/// became free last.
class Best {
  public:
    explicit Best(unsigned entries) : free_since_(entries - 1), used_(mark) {}

    bool use(unsigned run) {
        Time const before = used_[run];
        used_[run] = ++now_;
        if (before == 0) return false;
        if (before + 1 == now_) return true;
        Time* place = nullptr;
        for (auto& since : free_since_)
            if (since <= before + 1 && (place == nullptr || since > *place)) place = &since;
        if (place == nullptr) return false;
        *place = now_;
        return true;
    }

  private:
    std::vector<Time> free_since_; ///< of each place
    std::vector<Time> used_;       ///< 0: never
    Time now_ = 0;
};

/// Evicts the first of a queue, into which a run comes when it is loaded, or (LRU) used.
class Queue {
  public:
    Queue(unsigned entries, bool by_use) : entries_(entries), by_use_(by_use) {}

    bool use(unsigned run) {
        auto const found = std::find(runs_.begin(), runs_.end(), run);
        bool const hit = found != runs_.end();
        if (hit && !by_use_) return true;
        if (hit) runs_.erase(found);
        if (runs_.size() == entries_) runs_.pop_front();
        runs_.push_back(run);
        return hit;
    }

  private:
    std::deque<unsigned> runs_;
    unsigned entries_;
    bool by_use_;
};

struct Caches {
    explicit Caches(unsigned n) : entries(n), best(n), lru(n, true), fifo(n, false) {}
    unsigned entries;
    Best best;
    Queue lru;
    Queue fifo;
    std::uint64_t misses[3] = {};
};

void simulate(std::istream& trace, std::vector<Caches>& all) {
    std::bitset<mark> seen;
    for (char byte = 0; trace.get(byte);) {
        unsigned const run = static_cast<unsigned char>(byte);
        if (run == mark) {
            std::cout << "distinct " << seen.count() << '\n';
            seen.reset();
            continue;
        }
        seen.set(run);
        for (auto& caches : all) {
            caches.misses[0] += caches.best.use(run) ? 0 : 1;
            caches.misses[1] += caches.lru.use(run) ? 0 : 1;
            caches.misses[2] += caches.fifo.use(run) ? 0 : 1;
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    std::vector<Caches> all;
    for (int i = 2; i < argc; ++i) {
        int const entries = std::atoi(argv[i]);
        if (entries < 1) return 2;
        all.emplace_back(static_cast<unsigned>(entries));
    }
    if (all.empty()) return 2;
    std::ifstream trace{argv[1], std::ios::binary};
    if (!trace) return 1;
    simulate(trace, all);
    for (auto const& caches : all) {
        char const* const names[] = {"best", "lru", "fifo"};
        for (unsigned i = 0; i < 3; ++i)
            std::cout << names[i] << ' ' << caches.entries << ' ' << caches.misses[i] << '\n';
    }
}
