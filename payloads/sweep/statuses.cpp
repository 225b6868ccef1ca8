// SPDX-License-Identifier: Apache-2.0
// mstatus: every combination of fields is written, and what is then read goes into a hash, one for
// each combination of the outer fields.
#include "sweep.hpp"

namespace sweep {

using namespace payload;

namespace {

/// Odd, so that no difference is lost; the shift takes the top bits down again.
constexpr uint64_t add(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3;
    return hash ^ hash >> 32U;
}

/// Written between two tries: M-mode, nothing else.
constexpr uint64_t base = status_mpp;

/// The next combination of the bits of `mask`, in ascending order; 0 behind the last.
constexpr uint64_t next_of(uint64_t mask, uint64_t value) { return (value - mask) & mask; }

/// The hash over what is read after `fixed` and each combination of `mask` was written.
uint64_t hash_of(uint64_t fixed, uint64_t mask) {
    uint64_t hash = 0;
    uint64_t value = 0;
    do {
        hash = add(hash, swap_status(fixed | value, base));
        value = next_of(mask, value);
    } while (value != 0);
    return hash;
}

} // namespace

void try_statuses(Parameters const& given) {
    csr::write<csr::Mie>(0);
    csr::write<csr::Mstatus>(base);
    for (Parameters::Bits const& set : given.sets) {
        uint64_t outer = 0;
        do {
            say("mstatus ", Hex{set.all}, ' ', Hex{outer}, ' ',
                Hex{hash_of(outer, set.all & ~set.outer)}, '\n');
            outer = next_of(set.outer, outer);
        } while (outer != 0);
    }
}

} // namespace sweep
