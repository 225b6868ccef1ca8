// SPDX-License-Identifier: Apache-2.0
// One enclave from create to destroy, and the edge calls that it makes.
#include "enclave_image.hpp"
#include "host.hpp"
#include "keystone.hpp"
#include "memory.hpp"
#include "print.hpp"
#include "sbi.hpp"

namespace host {

using namespace payload;

namespace {

constexpr uint64_t nonce_offset = 0x1000; // of the nonce in the UTM
constexpr uint64_t text_limit = 200;

/// Prints the result code and fails.
[[noreturn]] void fail_with(char const* what, int64_t error) {
    say("host: ", what, " returned ", Dec{static_cast<uint64_t>(error)}, '\n');
    fail(what);
}

/// The shared memory during an edge call; what the enclave says is copied once and checked.
struct Shared {
    uint64_t base;
    keystone::EdgeCall call;

    bool argument_fits() const {
        return call.argument_size <= utm_size &&
               call.argument_offset <= utm_size - call.argument_size;
    }
    uint8_t const* argument() const { return at<uint8_t const>(base + call.argument_offset); }
};

void serve_print(Shared const& shared) {
    if (shared.call.argument_size > text_limit) fail("the enclave prints too much at once");
    say("enclave says: ");
    for (uint64_t i = 0; i < shared.call.argument_size; ++i) {
        char const c = static_cast<char>(shared.argument()[i]);
        put(c >= ' ' && c <= '~' ? c : '?');
    }
    put('\n');
}

void serve_publish(Shared const& shared) {
    constexpr uint64_t bytes_per_line = 32;
    if (shared.call.argument_size != keystone::report_size) fail("a report has the wrong size");
    say("-----BEGIN PLINTH REPORT-----\n");
    for (uint64_t i = 0; i < keystone::report_size; ++i) {
        put(HexByte{shared.argument()[i]});
        if (i % bytes_per_line == bytes_per_line - 1) put('\n');
    }
    if (keystone::report_size % bytes_per_line != 0) put('\n');
    say("-----END PLINTH REPORT-----\n");
}

/// Serves the edge call in the UTM and writes the answer.
void serve(uint64_t utm) {
    auto* const live = at<keystone::EdgeCall volatile>(utm);
    Shared const shared{utm, {live->id, live->argument_offset, live->argument_size, 0, 0, 0}};
    if (!shared.argument_fits()) fail("an edge call's argument lies outside the shared memory");
    live->result_offset = 0;
    live->result_size = 0;
    switch (shared.call.id) {
    case keystone::edge_print: serve_print(shared); break;
    case keystone::edge_nonce:
        live->result_offset = nonce_offset;
        live->result_size = keystone::nonce_size;
        break;
    case keystone::edge_publish: serve_publish(shared); break;
    default: fail("unknown edge call");
    }
    live->status = 0;
}

/// How an enclave ended.
struct Outcome {
    uint64_t value;
    uint64_t timer_stops;
};

/// Runs the enclave until it exits.
Outcome run_to_exit(uint64_t id, uint64_t utm) {
    uint64_t timer_stops = 0;
    uint64_t edge_calls = 0;
    start_timer();
    auto result = sbi::call(keystone::extension, keystone::run, id);
    while (result.error != 0) {
        if (result.error == keystone::interrupted) {
            ++timer_stops;
        } else if (result.error == keystone::edge_call) {
            ++edge_calls;
            serve(utm);
        } else {
            fail_with("running the enclave", result.error);
        }
        result = sbi::call(keystone::extension, keystone::resume, id);
    }
    stop_timer();
    say("host: ", Dec{edge_calls}, " edge calls, ", Dec{timer_stops}, " stops by interrupt, ",
        Dec{timer_interrupts()}, " timer interrupts\n");
    return {result.value, timer_stops};
}

bool all_zero(uint64_t base, uint64_t size) {
    for (uint64_t at_word = base; at_word < base + size; at_word += 8) {
        if (*at<uint64_t volatile>(at_word) != 0) return false;
    }
    return true;
}

} // namespace

void run_enclave(uint64_t epm, uint64_t utm, uint8_t const* nonce) {
    auto const args = place_enclave(epm, epm_size, utm, utm_size);
    if (args.epm_size == 0) fail("the enclave does not fit its memory");
    memcpy(at<void>(alias_va), &args, sizeof(args));
    auto const created = sbi::call(keystone::extension, keystone::create, alias_va);
    if (created.error != 0) fail_with("creating the enclave", created.error);
    say("host: enclave created\n");
    memcpy(at<void>(utm + nonce_offset), nonce, keystone::nonce_size);

    Outcome const outcome = run_to_exit(created.value, utm);
    say("host: enclave exited with ", Dec{outcome.value}, '\n');
    if (outcome.value != 42) fail("the enclave exited with another value than 42");
    if (outcome.timer_stops == 0) fail("the timer never stopped the enclave");

    auto const destroyed = sbi::call(keystone::extension, keystone::destroy, created.value);
    if (destroyed.error != 0) fail_with("destroying the enclave", destroyed.error);
    if (!all_zero(epm, epm_size)) fail("enclave memory was not zero after destroy");
    say("host: enclave destroyed, its memory is zero\n");
}

} // namespace host
