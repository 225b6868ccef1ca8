// SPDX-License-Identifier: Apache-2.0
// The Keystone interface: one row per call. See enclave/abi.hpp for numbers and layouts.
#include "attest/report.hpp"
#include "base/wipe.hpp"
#include "monitor/console.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"
#include "monitor/worlds.hpp"

#include <algorithm>
#include <bit>

namespace plinth::monitor {
namespace {

using namespace enclave;
using arch::reg::a0, arch::reg::a1;

u64 argument(HartState const& h, unsigned index) { return h.regs.guest.get(a0 + index); }

Next answer_host(HartState& h, Code code, u64 value = 0) {
    return answer(h, static_cast<u64>(code), value);
}
/// Answers the enclave's call: a0 only.
Next answer_enclave(HartState& h, u64 error) {
    h.regs.guest.set(a0, error);
    return skip();
}
Next answer_enclave(HartState& h, Code code) { return answer_enclave(h, static_cast<u64>(code)); }

// Create.

/// The create struct, copied once from the host's memory with the host's rights. Error Fault.
Result<Untrusted<CreateArgs>> copied_args(HartState& h) {
    std::array<u8, sizeof(CreateArgs)> bytes;
    TRY(copy_in(h, bytes, argument(h, 0)));
    return Untrusted{std::bit_cast<CreateArgs>(bytes)};
}

/// The checks that need more than the arguments and less than the registry.
Code check_placement(HartState& h, Layout const& layout) {
    for (auto const range : {layout.epm, layout.utm})
        if (!h.monitor->boot.is_ram(range)) return Code::IllegalArgument;
    for (auto const range : {layout.epm, layout.utm})
        if (range.overlaps(board::monitor) || range.overlaps(board::firmware))
            return Code::RegionOverlaps;
    return layout.epm.overlaps(layout.utm) ? Code::RegionOverlaps : Code::Success;
}

/// Whether the host itself may read and write both ranges: its own vPMPs are asked.
bool host_may_use(HartState const& h, Layout const& layout) {
    auto const plan = host_plan({}, h.v.pmp);
    return plan.allows(layout.epm, arch::rights_rw) && plan.allows(layout.utm, arch::rights_rw);
}

Code code_of(Err error) {
    switch (error) {
    case Err::Overlap: return Code::RegionOverlaps;
    case Err::Fault: return Code::NotAccessible;
    case Err::NoResource:
    case Err::NoEntropy: return Code::NoFreeResource;
    case Err::BadAddress:
    case Err::BadArgument: return Code::IllegalArgument;
    case Err::Unprovisioned: return Code::NotImplemented;
    case Err::Crypto:
    case Err::Malformed: return Code::Unknown;
    }
    return Code::Unknown;
}

/// Claims and publishes under the registry's lock: from here on every new plan denies the EPM.
/// All checks come first: a refused create leaves everything as it was.
Result<Claim> claim(HartState& h, Layout const& layout, Enclave*& out) {
    auto& monitor = *h.monitor;
    auto registry = lock(h, monitor.registry);
    if (registry->overlaps(layout)) return Err::Overlap;
    if (!host_may_use(h, layout)) return Err::BadArgument;
    if (!lock(h, monitor.drbg)->seeded()) return Err::NoEntropy;
    if (h.hart.features().unswitched) return Err::NoResource;
    auto claim = TRY(registry->claim(layout, out));
    monitor.published.set(registry->slot(*out), layout.epm);
    return claim;
}

/// Calls step on pieces of at most a page, serving other harts in between.
template <typename Step> void in_pieces(HartState& h, PhysRange range, Step step) {
    auto const bytes = h.hart.bytes(range);
    for (std::size_t done = 0; done < bytes.size(); done += page_size) {
        step(bytes.subspan(done, page_size)); // all ranges are whole pages
        serve(h);
    }
}

void zero(HartState& h, PhysRange range) {
    in_pieces(h, range, [](std::span<u8> piece) { wipe(piece.data(), piece.size()); });
}

/// Hashes what is measured and zeroes what is not. The memory is sealed: nobody else can change it.
void measure(HartState& h, Enclave& enclave) {
    auto const& layout = *enclave.layout;
    auto const& [epm, utm, runtime, user, free] = layout;
    attest::Sha3 measurement;
    measurement.update(attest::measured_offsets(
        {runtime.raw - epm.base().raw, user.raw - runtime.raw, free.raw - user.raw}));
    if (auto const range = layout.measured())
        in_pieces(h, *range, [&](std::span<u8> piece) { measurement.update(piece); });
    enclave.hash = measurement.finish();
    if (auto const range = layout.above_free()) zero(h, *range);
    zero(h, utm);
}

/// What an enclave finds at its first instruction (KEYSTONE-ABI, "Entering and leaving").
void set_first_registers(Enclave& enclave) {
    auto const& [epm, utm, runtime, user, free] = *enclave.layout;
    enclave.registers = {.priv = Priv::S};
    enclave.supervisor = {};
    enclave.supervisor.csrs[1] = 7; // scounteren: cycle, time, instret
    static_assert(SupervisorCsrs::numbers[1] == csr::Scounteren);
    auto& guest = enclave.registers.guest;
    guest.pc = epm.base().raw;
    u64 const words[] = {0,        epm.base().raw, epm.size(),     runtime.raw,
                         user.raw, free.raw,       utm.base().raw, utm.size()};
    for (unsigned i = 0; i < std::size(words); ++i) guest.set(a0 + i, words[i]);
}

Next create(HartState& h) {
    auto const args = copied_args(h);
    if (!args) return answer_host(h, code_of(args.error()));
    auto const layout = checked_layout(*args);
    if (!layout) return answer_host(h, code_of(layout.error()));
    if (auto const code = check_placement(h, *layout); code != Code::Success)
        return answer_host(h, code);

    Enclave* enclave = nullptr;
    auto claimed = claim(h, *layout, enclave);
    if (!claimed) return answer_host(h, code_of(claimed.error()));
    enclave->memory = Sealed::by(std::move(*claimed), [&h] { settle(h); });
    measure(h, *enclave);
    set_first_registers(*enclave);
    auto registry = lock(h, h.monitor->registry);
    SM_CHECK(enclave->move(State::Fresh));
    return answer_host(h, Code::Success, enclave->id);
}

// Destroy, run, resume.

/// Follows an edge of the enclave with the id in a0, if there is one.
Enclave* take(HartState& h, State from, State to) {
    auto registry = lock(h, h.monitor->registry);
    auto* enclave = registry->find(argument(h, 0));
    if (enclave == nullptr || enclave->state != from || !enclave->move(to)) return nullptr;
    return enclave;
}

Next destroy(HartState& h) {
    Enclave* enclave = nullptr;
    for (auto const from : {State::Fresh, State::Stopped, State::Ended})
        if (enclave == nullptr) enclave = take(h, from, State::Dying);
    if (enclave == nullptr) return answer_host(h, Code::NotDestroyable);
    auto scrubbed =
        Scrubbed::by(std::move(*enclave->memory), [&h](PhysRange range) { zero(h, range); });
    {
        auto registry = lock(h, h.monitor->registry);
        h.monitor->published.set(registry->slot(*enclave), std::nullopt);
        registry->give_back(*enclave, std::move(scrubbed));
    }
    settle(h); // from here on every hart's host has the memory again
    return answer_host(h, Code::Success);
}

Next enter(HartState& h, State from, Code otherwise) {
    if (h.hart.features().unswitched) return answer_host(h, Code::NoFreeResource);
    auto* enclave = take(h, from, State::Running);
    if (enclave == nullptr) return answer_host(h, otherwise);
    h.enclave = enclave;
    return Next::of(Next::Kind::Enclave);
}
Next run(HartState& h) { return enter(h, State::Fresh, Code::NotFresh); }
Next resume_enclave(HartState& h) { return enter(h, State::Stopped, Code::NotResumable); }

// The enclave's own.

Next random(HartState& h) {
    auto const word = lock(h, h.monitor->drbg)->next();
    if (!word) return leave(h, Code::Unknown); // never an error to the enclave: it would use a1
    h.regs.guest.set(a1, *word);
    return answer_enclave(h, Code::Success);
}

/// attest(report, data, length): every byte of data and report is touched with the enclave's
/// rights.
Next attest(HartState& h) {
    auto const report_at = argument(h, 0);
    auto const length = argument(h, 2);
    std::array<u8, attest::max_report_data> data;
    if (length > data.size()) return answer_enclave(h, Code::IllegalArgument);
    auto const used = std::span{data}.first(length);
    if (!copy_in(h, used, argument(h, 1))) return answer_enclave(h, Code::NotAccessible);
    if (!check_writable(h, report_at, sizeof(attest::Report)))
        return answer_enclave(h, Code::IllegalArgument);
    attest::Report report;
    // Another hart's signature takes long: what is pending is served before the call is made again.
    auto identity = h.monitor->identity.try_lock();
    if (!identity) return resume();
    auto const made = (*identity)->sign_enclave(report, h.enclave->hash, used);
    if (!made) return answer_enclave(h, code_of(made.error()));
    auto const bytes = std::bit_cast<std::array<u8, sizeof report>>(report);
    auto const written = copy_out(h, report_at, bytes);
    return answer_enclave(h, written ? Code::Success : Code::IllegalArgument);
}

Next stop(HartState& h) {
    auto const request = argument(h, 0);
    if (request != stop_timer && request != stop_edge_call)
        return answer_enclave(h, Code::IllegalArgument);
    h.regs.guest.set(a0, 0);
    h.regs.guest.pc += 4;
    return leave(h, request == stop_timer ? Code::Interrupted : Code::EdgeCall);
}

Next exit(HartState& h) { return leave(h, Code::Success, argument(h, 0)); }

struct Call {
    u64 function;
    Next (*handler)(HartState&);
};
constexpr Call host_calls[] = {
    {fid::Create, create}, {fid::Destroy, destroy}, {fid::Run, run}, {fid::Resume, resume_enclave}};
constexpr Call enclave_calls[] = {
    {fid::Random, random}, {fid::Attest, attest}, {fid::Stop, stop}, {fid::Exit, exit}};

// The few standard calls that an enclave may make.

constexpr u64 legacy_set_timer = 0, legacy_putchar = 1, time_extension = 0x54494d45,
              unhandled_exception = 1111;

Next set_timer(HartState& h) {
    h.enclave->deadline = argument(h, 0);
    program_deadline(h);
    return answer_enclave(h, Code::Success);
}

Next put_character(HartState& h) {
    Console{h.hart}.put(static_cast<char>(argument(h, 0)));
    return answer_enclave(h, Code::Success);
}

} // namespace

Next keystone_from_host(HartState& h) {
    auto const function = h.regs.guest.get(reg::a6);
    for (auto const& call : host_calls)
        if (call.function == function) return call.handler(h);
    return answer_host(h, refusal(function, false));
}

Next sbi_from_enclave(HartState& h) {
    auto const function = h.regs.guest.get(reg::a6);
    switch (h.regs.guest.get(reg::a7)) {
    case keystone_extension:
        for (auto const& call : enclave_calls)
            if (call.function == function) return call.handler(h);
        return answer_enclave(h, refusal(function, true));
    case legacy_set_timer: return set_timer(h);
    case legacy_putchar: return put_character(h);
    case time_extension: return function == 0 ? set_timer(h) : answer_enclave(h, sbi_not_supported);
    case own_extension: return own_call(h);
    case unhandled_exception: return leave(h, Code::Unknown);
    }
    return answer_enclave(h, sbi_not_supported);
}

} // namespace plinth::monitor
