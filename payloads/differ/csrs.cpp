// SPDX-License-Identifier: Apache-2.0
#include "csrs.hpp"

namespace differ {

bool has_hypervisor;
bool has_vector;

namespace {

/// A two-bit field at `shift` that must never become `bad` (2 = 0b10 or 3 = 0b11), whatever it
/// holds (which is not `bad`): the operand's bits for a write, set or clear.
uint64_t avoid_field(uint64_t value, Form form, unsigned shift, unsigned bad) {
    auto field = value >> shift & 3U;
    uint64_t safe = field;
    if (bad == 2) { // sets: 01 or 11; clears: 10 or 11
        if (operation(form) != 3 && field == 2) safe = 3;
        if (operation(form) == 3 && field == 1) safe = 3;
    } else { // the upper bit stays zero
        safe = field & 1U;
    }
    return (value & ~(uint64_t{3} << shift)) | safe << shift;
}

/// pmpcfg: no lock bit, no W without R in any byte.
uint64_t pmpcfg_operand(uint64_t value, Form form) {
    constexpr uint64_t ones = 0x0101010101010101ULL;
    value &= ~(0x80 * ones);
    if (operation(form) == 3) return value | ((value & ones) << 1U); // clears W along with R
    return value | ((value >> 1U) & ones);                           // sets R along with W
}

constexpr uint64_t uxl = uint64_t{1} << 32U, vs = 0x600, lcofi = 0x2000, gva = uint64_t{1} << 38U,
                   mpv = uint64_t{1} << 39U;
constexpr uint64_t vsstatus_bits = 0xc6122;
constexpr uint64_t vs_interrupts = 0x1444, vs_exceptions = 0xf00400;
constexpr uint64_t far_times = 0xfffff00000000fffULL;

/// VS where it is a field.
uint64_t vector_status() { return has_vector ? vs : 0; }

} // namespace

unsigned known_csr(unsigned n) {
    for (auto const& range : known_csrs) {
        auto const size = range.last - range.first + 1U;
        if (n < size) return range.first + n;
        n -= size;
    }
    return 0;
}

int known_index(unsigned number) {
    unsigned before = 0;
    for (auto const& range : known_csrs) {
        if (number >= range.first && number <= range.last)
            return static_cast<int>(before + number - range.first);
        before += range.last - range.first + 1U;
    }
    return -1;
}

bool is_state(unsigned number) {
    for (auto const& range : known_csrs)
        if (number >= range.first && number <= range.last) return range.in_state;
    return false;
}

uint64_t interesting(Random& random) {
    switch (random.below(9)) {
    case 0: return 0;
    case 1: return ~uint64_t{0};
    case 2: return uint64_t{1} << random.below(64);
    case 3: return ~(uint64_t{1} << random.below(64));
    case 4: return random.below(4096);
    case 5: return random.next() >> 44U;
    case 6: return uint64_t{0x80200000} + random.below(0x10000);
    case 7: return random.next() & random.next();
    }
    return random.next();
}

namespace {

uint64_t restrict_status(uint64_t value, Form form) {
    value = avoid_field(value, form, 11, 2) & ~(uxl | (vs & ~vector_status()) | gva);
    return has_hypervisor ? value : value & ~mpv;
}

/// mideleg, mie, mip and their views; `more`: bits that are not set besides LCOFI.
uint64_t restrict_interrupts(uint64_t value, Form form, uint64_t more) {
    if (operation(form) == 3) return value;
    if (!has_hypervisor) more |= vs_interrupts;
    return value & ~(lcofi | more);
}

uint64_t restrict_medeleg(uint64_t value, Form form) {
    if (operation(form) == 3) return value;
    return value & ~(has_hypervisor ? 0xa00 : 0xa00 | vs_exceptions);
}

} // namespace

uint64_t restrict_operand(unsigned number, Form form, uint64_t value) {
    switch (number) {
    case csr::Mstatus: return restrict_status(value, form);
    case csr::Sstatus: return value & ~(uxl | (vs & ~vector_status()));
    case csr::Vsstatus:
        return operation(form) == 3 ? value : value & (vsstatus_bits | vector_status());
    case csr::Medeleg: return restrict_medeleg(value, form);
    case csr::Vsie: return value & ~uint64_t{0x444};
    case csr::Vsip: return value & ~uint64_t{6};
    case csr::Mepc:
    case csr::Sepc: return operation(form) == 3 ? value : value & ~uint64_t{1};
    case csr::Mideleg:
    case csr::Mie:
    case csr::Sie:
    case csr::Sip: return restrict_interrupts(value, form, 0);
    case csr::Menvcfg:
    case csr::Senvcfg:
    case csr::Henvcfg: return avoid_field(value, form, 4, 3);
    case csr::Pmpcfg0: return pmpcfg_operand(value, form);
    case csr::Pmpcfg2: return pmpcfg_operand(value, form) & ~0x7878787878787878ULL;
    case csr::Stimecmp:
    case csr::Vstimecmp:
    case csr::Htimedelta: return value & far_times;
    case csr::Hvip:
    case csr::Hip:
    case csr::Mip: return restrict_interrupts(value, form, 0x440);
    }
    if (number >= csr::Pmpaddr0 && number < csr::Pmpaddr0 + 16)
        return operation(form) == 3 ? value : value & ((uint64_t{1} << 54U) - 1);
    if (number >= csr::Mhpmevent3 && number <= csr::Mhpmevent3 + 28)
        return operation(form) == 3 ? value : value & ~uint64_t{3};
    return value;
}

bool is_restricted(unsigned number) {
    return restrict_operand(number, Form::Rw, ~uint64_t{0}) != ~uint64_t{0};
}

} // namespace differ
