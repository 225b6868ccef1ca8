// SPDX-License-Identifier: Apache-2.0
// What entering and leaving an enclave costs, and creating and destroying one.
#include "csr.hpp"
#include "keystone.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "samples.hpp"
#include "timed_call.hpp"

extern "C" {
extern uint8_t const image_end[];           // payload.ld
extern uint8_t const bench_enclave_start[]; // enclave.S
extern uint8_t const bench_enclave_end[];
}

namespace bench {

using namespace payload;

void end() { sbi::shut_down(); }

namespace {

/// The UTM as enclave.S uses it.
struct Shared {
    uint64_t first;     ///< instret in the first instruction
    uint64_t epm_base;  ///< a1 at the first entry
    uint64_t epm_size;  ///< a2
    uint64_t last;      ///< instret two instructions before the stop, or in the endless loop
    uint64_t resumed;   ///< instret in the first instruction after the stop
    uint64_t answer;    ///< a0 there
    uint64_t resumes;   ///< how often
    uint64_t count_now; ///< 1: note instret for ever
};

constexpr uint64_t alignment = uint64_t{1} << 21U;
constexpr uint64_t small_epm = 4 * page_size;
constexpr unsigned created_per_row = 40;
constexpr uint64_t far = uint64_t{1} << 60U;

uint64_t epm() { return round_up(address_of(image_end), alignment); }
Shared volatile& shared() { return *at<Shared volatile>(epm() + alignment); }

/// An enclave and the cost of making it.
struct Created {
    uint64_t id;
    uint64_t cost;
};

Created create(char const* name, unsigned i, uint64_t size, uint64_t measured) {
    uint64_t const base = epm();
    for (uint64_t a = base; a < base + size; a += 8) *at<uint64_t volatile>(a) = varied(a);
    memcpy(at<void>(base), bench_enclave_start,
           address_of(bench_enclave_end) - address_of(bench_enclave_start));
    uint64_t const free = base + measured;
    keystone::CreateArgs const args{base, size, base + alignment, page_size, free, free, free, 0};
    Call const before{.a0 = address_of(&args), .a6 = keystone::create, .a7 = keystone::extension};
    Call after = before;
    Timed const t = timed_call(after);
    check_call(name, i, before, after);
    return {after.a1, t.cost()};
}

uint64_t destroy(char const* name, unsigned i, uint64_t id, uint64_t size) {
    Call const before{.a0 = id, .a6 = keystone::destroy, .a7 = keystone::extension};
    Call after = before;
    Timed const t = timed_call(after);
    check_call(name, i, before, after);
    for (uint64_t a = epm(); a < epm() + size; a += 8) check(name, i, *at<uint64_t>(a), 0);
    return t.cost();
}

/// Runs or resumes the enclave, which must come back with `result`.
Timed enter(char const* name, unsigned i, uint64_t function, uint64_t id, int64_t result) {
    Call const before{.a0 = id, .a2 = varied(i), .a6 = function, .a7 = keystone::extension};
    Call after = before;
    Timed const t = timed_call(after);
    check(name, i, after.a0, static_cast<uint64_t>(result));
    after.a0 = 0;
    check_call(name, i, before, after);
    check(name, i, after.a1, 0);
    return t;
}

/// From the enclave's last count of instructions to the host; `between` came after that count.
uint64_t left_at(Timed const& t, uint64_t between) {
    return t.end - shared().last - empty_cost - between;
}

void run_row() {
    constexpr char const* name = "enclave.run";
    row(
        name,
        [](unsigned i) {
            uint64_t const size = small_epm + i % 4 * page_size;
            Created const made = create(name, i, size, page_size);
            Timed const t = enter(name, i, keystone::run, made.id, keystone::edge_call);
            check(name, i, shared().epm_base, epm());
            check(name, i, shared().epm_size, size);
            uint64_t const cost = shared().first - t.begin - empty_cost;
            destroy(name, i, made.id, size);
            return cost;
        },
        created_per_row);
}

/// Stop and resume of one enclave, which counts its resumes in a register.
template <typename Cost> void resume_row(char const* name, Cost cost) {
    Created const made = create(name, 0, small_epm, page_size);
    enter(name, 0, keystone::run, made.id, keystone::edge_call);
    row(name, [&](unsigned i) {
        Timed const t = enter(name, i, keystone::resume, made.id, keystone::edge_call);
        check(name, i, shared().answer, 0);
        check(name, i, shared().resumes, i + 1);
        return cost(t);
    });
    destroy(name, 0, made.id, small_epm);
}

/// A timer interrupt of the host arrives in the enclave; afterwards it is pending in the host.
void interrupt_row() {
    constexpr char const* name = "enclave.interrupt";
    constexpr uint64_t soon = 200; // ticks: long after the enclave has been entered
    Created const made = create(name, 0, small_epm, page_size);
    enter(name, 0, keystone::run, made.id, keystone::edge_call);
    csr::set<csr::Sie>(bit_sti);
    row(name, [&](unsigned i) {
        shared().count_now = 1;
        shared().last = 0;
        sbi::set_timer(csr::read<csr::Time>() + soon * 10 + varied(i) % soon);
        Timed const t = enter(name, i, keystone::resume, made.id, keystone::interrupted);
        check(name, i, csr::read<csr::Sip>() & bit_sti, bit_sti);
        if (shared().last < t.begin) fail(name, i, shared().last, t.begin);
        uint64_t const cost = left_at(t, 0);
        sbi::set_timer(far);
        shared().count_now = 0;
        enter(name, i, keystone::resume, made.id, keystone::edge_call);
        return cost;
    });
    csr::clear<csr::Sie>(bit_sti);
    destroy(name, 0, made.id, small_epm);
}

/// What one KiB more costs: of measured memory in create, of any memory in destroy.
void per_size_rows() {
    constexpr uint64_t kib = 1024;
    constexpr uint64_t more = 16 * page_size;
    constexpr unsigned n = 8;
    constexpr uint64_t size = 32 * page_size;
    row(
        "enclave.create.per_measured_kib",
        [](unsigned i) {
            constexpr char const* name = "enclave.create.per_measured_kib";
            uint64_t const measured = (1 + i) * page_size;
            Created const less = create(name, i, size, measured);
            destroy(name, i, less.id, size);
            Created const made = create(name, i, size, measured + more);
            destroy(name, i, made.id, size);
            return (made.cost - less.cost) / (more / kib);
        },
        n);
    row(
        "enclave.destroy.per_kib",
        [](unsigned i) {
            constexpr char const* name = "enclave.destroy.per_kib";
            uint64_t const less = (2 + i) * page_size;
            uint64_t const first = destroy(name, i, create(name, i, less, page_size).id, less);
            uint64_t const second =
                destroy(name, i, create(name, i, less + more, page_size).id, less + more);
            return (second - first) / (more / kib);
        },
        n);
}

} // namespace

} // namespace bench

extern "C" void payload_main(uint64_t, uint64_t) {
    using namespace bench;
    say("bench: start\n");
    calibrate();
    run_row();
    resume_row("enclave.stop", [](Timed const& t) { return left_at(t, 1); });
    resume_row("enclave.resume_and_stop", [](Timed const& t) {
        return left_at(t, 1) + shared().resumed - t.begin - empty_cost;
    });
    interrupt_row();
    per_size_rows();
    say("bench: end\n");
    end();
}
