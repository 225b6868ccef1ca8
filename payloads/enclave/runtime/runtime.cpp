// SPDX-License-Identifier: Apache-2.0
// The enclave's S-mode part: maps the application, runs it, and serves its calls by the monitor's
// calls and by edge calls to the host. It owns no static data; its state lies on its stack.
#include "csr.hpp"
#include "enclave/layout.hpp"
#include "keystone.hpp"
#include "memory.hpp"
#include "sbi.hpp"
#include "sv39.hpp"

namespace enclave {

using namespace payload;

/// The application's registers; start.S knows the layout.
struct Frame {
    uint64_t x[32]; ///< x[0] holds the pc
    uint64_t kernel_sp;
};
static_assert(sizeof(Frame) == 264);

extern "C" void enter_app(Frame& frame);

namespace {

constexpr unsigned reg_sp = 2;
constexpr unsigned reg_a0 = 10;
constexpr unsigned reg_a1 = 11;
constexpr unsigned reg_a2 = 12;
constexpr unsigned reg_a7 = 17;
constexpr uint64_t cause_user_ecall = 8;
constexpr uint64_t edge_data = sizeof(keystone::EdgeCall);

/// What the runtime knows of its enclave.
struct Runtime {
    uint64_t utm_size;
    uint64_t app_size;
    Frame frame;
    uint8_t report[keystone::report_size];
    uint8_t data[1024];
};

[[noreturn]] void exit(uint64_t value) {
    for (;;) sbi::call(keystone::extension, keystone::exit, value);
}

void require(bool holds, uint64_t failure) {
    if (!holds) exit(failure);
}

/// Whether [address, address + size) lies in the application's image or stack; with `writable`
/// only in its stack.
bool in_app(Runtime const& runtime, uint64_t address, uint64_t size, bool writable) {
    auto const inside = [&](uint64_t base, uint64_t length) {
        return address >= base && size <= length && address - base <= length - size;
    };
    constexpr uint64_t stack_size = app_stack_pages * page_size;
    if (inside(app_stack_top - stack_size, stack_size)) return true;
    return !writable && inside(app_base, runtime.app_size);
}

void copy_from_app(Runtime const& runtime, void* to, uint64_t from, uint64_t size) {
    require(in_app(runtime, from, size, false), exit_bad_pointer);
    csr::set<csr::Sstatus>(status_sum);
    memcpy(to, at<void>(from), size);
    csr::clear<csr::Sstatus>(status_sum);
}

void copy_to_app(Runtime const& runtime, uint64_t to, void const* from, uint64_t size) {
    require(in_app(runtime, to, size, true), exit_bad_pointer);
    csr::set<csr::Sstatus>(status_sum);
    memcpy(at<void>(to), from, size);
    csr::clear<csr::Sstatus>(status_sum);
}

/// Where in the UTM an edge call's result lies.
struct EdgeResult {
    uint64_t offset;
    uint64_t size;
};

/// Makes an edge call with `size` bytes of argument. The host's answer is copied once and checked.
EdgeResult edge_call(Runtime const& runtime, uint64_t id, void const* argument, uint64_t size) {
    require(size <= runtime.utm_size - edge_data, exit_edge_result);
    memcpy(at<void>(utm_window + edge_data), argument, size);
    auto* const call = at<keystone::EdgeCall volatile>(utm_window);
    call->id = id;
    call->argument_offset = edge_data;
    call->argument_size = size;
    call->status = ~uint64_t{0};
    call->result_offset = 0;
    call->result_size = 0;
    auto const stopped = sbi::call(keystone::extension, keystone::stop, keystone::stop_edge_call);
    require(stopped.error == 0, exit_stop_failed);
    EdgeResult const result{call->result_offset, call->result_size};
    require(call->status == 0, exit_edge_status);
    require(result.size <= runtime.utm_size && result.offset <= runtime.utm_size - result.size,
            exit_edge_result);
    return result;
}

void serve_print(Runtime& runtime, uint64_t text, uint64_t size) {
    require(size <= sizeof(runtime.data), exit_bad_pointer);
    copy_from_app(runtime, runtime.data, text, size);
    edge_call(runtime, keystone::edge_print, runtime.data, size);
}

void serve_nonce(Runtime& runtime, uint64_t to) {
    EdgeResult const result = edge_call(runtime, keystone::edge_nonce, nullptr, 0);
    require(result.size == keystone::nonce_size, exit_edge_result);
    memcpy(runtime.data, at<void>(utm_window + result.offset), keystone::nonce_size);
    copy_to_app(runtime, to, runtime.data, keystone::nonce_size);
}

void serve_attest(Runtime& runtime, uint64_t data, uint64_t size, uint64_t to) {
    require(size <= sizeof(runtime.data), exit_bad_pointer);
    copy_from_app(runtime, runtime.data, data, size);
    auto const r = sbi::call(keystone::extension, keystone::attest, address_of(runtime.report),
                             address_of(runtime.data), size);
    require(r.error == 0, exit_attest_failed);
    copy_to_app(runtime, to, runtime.report, keystone::report_size);
}

void serve_publish(Runtime& runtime, uint64_t from) {
    copy_from_app(runtime, runtime.report, from, keystone::report_size);
    edge_call(runtime, keystone::edge_publish, runtime.report, keystone::report_size);
}

void serve(Runtime& runtime) {
    Frame& frame = runtime.frame;
    uint64_t const a0 = frame.x[reg_a0];
    uint64_t const a1 = frame.x[reg_a1];
    frame.x[reg_a0] = 0;
    frame.x[0] += 4;
    switch (static_cast<AppCall>(frame.x[reg_a7])) {
    case AppCall::Print: return serve_print(runtime, a0, a1);
    case AppCall::Nonce: return serve_nonce(runtime, a0);
    case AppCall::Attest: return serve_attest(runtime, a0, a1, frame.x[reg_a2]);
    case AppCall::Publish: return serve_publish(runtime, a0);
    case AppCall::Random: {
        auto const r = sbi::call(keystone::extension, keystone::random);
        require(r.error == 0, exit_random_failed);
        frame.x[reg_a1] = r.value;
        return;
    }
    case AppCall::Exit: exit(a0);
    }
    exit(exit_bad_call);
}

/// Maps the application and its stack for U-mode; `satp` names the tables, `free` the first page.
bool map_app(uint64_t epm, uint64_t epm_size, uint64_t user, uint64_t size, uint64_t free) {
    sv39::Pool pool{free, epm + epm_size, epm_window - epm};
    uint64_t const root = csr::read<csr::Satp>() << 12U & ((uint64_t{1} << 56U) - 1);
    constexpr uint64_t code = sv39::user | sv39::read | sv39::execute;
    constexpr uint64_t data = sv39::user | sv39::read | sv39::write;
    if (!sv39::map(pool, root, app_base, user, size, code, 0)) return false;
    for (uint64_t i = 1; i <= app_stack_pages; ++i) {
        uint64_t const page = sv39::take_page(pool);
        uint64_t const va = app_stack_top - i * page_size;
        if (page == 0 || !sv39::map(pool, root, va, page, page_size, data, 0)) return false;
    }
    asm volatile("sfence.vma" ::: "memory");
    return true;
}

} // namespace

/// The runtime's program. `user` and `free` are physical; the application ends at `user_end`.
extern "C" [[noreturn]] void runtime_main(uint64_t epm, uint64_t epm_size, uint64_t user,
                                          uint64_t user_end, uint64_t free, uint64_t utm_size) {
    Runtime runtime{};
    runtime.utm_size = utm_size;
    runtime.app_size = user_end - user;
    require(map_app(epm, epm_size, user, runtime.app_size, free), exit_runtime_memory);
    runtime.frame.x[0] = app_base;
    runtime.frame.x[reg_sp] = app_stack_top;
    for (;;) {
        enter_app(runtime.frame);
        uint64_t const cause = csr::read<csr::Scause>();
        require(cause == cause_user_ecall, 0x100 + cause);
        serve(runtime);
    }
}

} // namespace enclave
