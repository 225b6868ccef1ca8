// SPDX-License-Identifier: Apache-2.0
#include "monitor/guest_memory.hpp"

#include "monitor/harts.hpp"
#include "monitor/walk.hpp"

namespace plinth::monitor {
namespace {

using namespace arch;

u64 rights(Priv priv, bool virt, u64 sum_mxr) {
    return mstatus::Mpp::set(0, static_cast<u64>(priv)) | mstatus::Mpv::set(0, virt ? 1 : 0) |
           (sum_mxr & (mstatus::Sum::mask | mstatus::Mxr::mask)) | mstatus::Uxl::set(0, 2) |
           mstatus::Sxl::set(0, 2);
}

} // namespace

void report(HartState& h, GuestAccess const& access, u64 status) {
    auto const hyper = h.hart.features().has('H');
    auto const tval2 = hyper ? h.hart.read<csr::Mtval2>() : 0;
    auto const tinst = hyper ? h.hart.read<csr::Mtinst>() : 0;
    // A transformed instruction (bit 0, 9.6.3) would be the monitor's own.
    h.trap = {access.cause, access.tval, tval2, (tinst & 1U) != 0 ? 0 : tinst, status};
}

namespace {

/// Executes a load, store or atomic instruction of vM with the rights `how`, under the host's plan
/// and translation.
Next access_as_host(HartState& h, Insn const& insn, u64 how) {
    load_plan(h, host_lowered(h));
    if (h.hart.features().has('S')) h.hart.write<csr::Satp>(h.v.satp);
    auto const access = perform(h, insn, how);
    if (access && !access->ok) report(h, *access, how); // MPV stands for GVA
    if (h.hart.features().has('S')) h.hart.write<csr::Satp>(0);
    load_current_plan(h);

    if (!access) return resume();
    if (!access->ok) return reflect();
    complete(h, insn, access->value);
    return skip(insn.length);
}

/// Makes an access again while blocks of the plan that is loaded were missing.
template <typename Make>
GuestAccess with_blocks(HartState& h, u64 address, unsigned width, u64 how, Rights rights,
                        Make const& make) {
    GuestAccess access = make();
    if (access.ok) return access;
    auto const virt = mstatus::Mpv::get(how) != 0;
    Asked const asked[] = {{address, rights, virt}, {address + width - 1, rights, virt}};
    for (unsigned tries = 0; tries < 3 && !access.ok; ++tries) {
        // QEMU 7.2 says page fault if a G-stage on the way to a PTE under MPRV is denied.
        if (!h.loaded->cached() || (!virt && !is_plan_fault({access.cause}))) break;
        auto const filled = refill(h, asked);
        if (filled == Refill::Denied || filled == Refill::TooMany) break;
        access = make();
    }
    return access;
}

/// Two bytes of code at an address of the world that runs, if its plan lets it execute them there.
std::optional<u64> parcel(HartState& h, u64 address) {
    auto const at = translate_granted(h, address, in_guest(h));
    if (!at || !h.loaded->plan().window({*at}).rights.x) return {};
    auto const word = PhysRange::make({*at & ~7ULL}, 8);
    if (!h.monitor->boot.is_ram(*word)) return {};
    return word_at(h.hart.bytes(*word).data()) >> (*at % 8 * 8) & 0xffffU;
}

/// Calls `one(bytes done, bytes now)` for one byte or aligned word after the other.
template <typename Do> Result<void> stepwise(u64 address, u64 size, Do const& one) {
    for (u64 done = 0; done < size;) {
        auto const width = (address + done) % 8 == 0 && size - done >= 8 ? 8U : 1U;
        if (!one(done, width)) return Err::Fault;
        done += width;
    }
    return {};
}

u64 load_word(std::span<u8 const> bytes) {
    u64 word = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) word = (word << 8U) | bytes[i];
    return word;
}

} // namespace

bool executable(HartState const& h, Insn const& insn) {
    auto const fp = insn.kind == Insn::Kind::LoadFp || insn.kind == Insn::Kind::StoreFp;
    if (!fp) return insn.loads() || insn.stores() || insn.atomic();
    if (in_guest(h) && mstatus::Fs::get(h.hart.read<csr::Vsstatus>()) == 0) return false;
    return h.hart.features().has('D') && mstatus::Fs::get(h.v.mstatus) != 0;
}

GuestAccess guest_load(HartState& h, u64 address, unsigned width, u64 how) {
    return with_blocks(h, address, width, how, {.r = true},
                       [&] { return h.hart.guest_load(address, width, how); });
}
GuestAccess guest_store(HartState& h, u64 address, unsigned width, u64 how, u64 value) {
    return with_blocks(h, address, width, how, {.w = true},
                       [&] { return h.hart.guest_store(address, width, how, value); });
}
GuestAccess guest_swap(HartState& h, u64 address, unsigned width, u64 how, u64 expected,
                       u64 value) {
    return with_blocks(h, address, width, how, rights_rw,
                       [&] { return h.hart.guest_swap(address, width, how, expected, value); });
}

u64 current_rights(HartState const& h) {
    switch (h.world) {
    case World::Firmware: return rights(Priv::U, false, 0);
    case World::Host: return rights(h.regs.priv, h.regs.virt, h.v.mstatus);
    case World::Enclave: return rights(h.regs.priv, false, h.enclave->supervisor.sstatus);
    }
    return 0;
}

Result<void> copy_in(HartState& h, std::span<u8> out, u64 from) {
    return stepwise(from, out.size(), [&](u64 done, unsigned width) {
        auto const access = guest_load(h, from + done, width, current_rights(h));
        for (unsigned i = 0; i < width && access.ok; ++i)
            out[done + i] = static_cast<u8>(access.value >> (8 * i));
        return access.ok;
    });
}

Result<void> copy_out(HartState& h, u64 to, std::span<u8 const> bytes) {
    return stepwise(to, bytes.size(), [&](u64 done, unsigned width) {
        auto const word = load_word(bytes.subspan(done, width));
        return guest_store(h, to + done, width, current_rights(h), word).ok;
    });
}

Result<void> check_writable(HartState& h, u64 to, u64 size) {
    return stepwise(to, size, [&](u64 done, unsigned width) {
        auto const how = current_rights(h);
        auto const access = guest_load(h, to + done, width, how);
        return access.ok && guest_store(h, to + done, width, how, access.value).ok;
    });
}

u64 fetch_hidden(HartState& h) {
    auto const low = parcel(h, h.regs.guest.pc);
    if (!low || !is_full_length(*low)) return low.value_or(~0ULL);
    auto const high = parcel(h, h.regs.guest.pc + 2);
    return high ? *low | *high << 16U : ~0ULL;
}

Next emulate_mprv(HartState& h) {
    auto const bits = fetch(h);
    if (!fetched(bits)) return reflect(h, Cause::FetchAccess, h.regs.guest.pc);
    auto const insn = decode(static_cast<u32>(bits));
    if (!insn.loads() && !insn.stores() && !insn.atomic()) return reflect();
    if (!executable(h, insn)) return illegal(h, static_cast<u32>(bits));
    auto const& v = h.v.mstatus;
    auto const how = rights(static_cast<Priv>(mstatus::Mpp::get(v)), mstatus::Mpv::get(v) != 0, v);
    return access_as_host(h, insn, how);
}

Next emulate_hyper(HartState& h, u32 bits) {
    auto const insn = decode_hyper({bits});
    if (!h.hart.features().has('H') || insn.kind == Insn::Kind::Unknown) return illegal(h, bits);
    auto const mode = static_cast<Priv>(hstatus::Spvp::get(h.v.hstatus));
    auto const next = access_as_host(h, insn, rights(mode, true, h.v.mstatus));
    // mtval2 is of guest page faults only (9.4.4). QEMU 7.2 calls them others if MPRV makes them.
    if (h.trap.tval2 != 0) h.trap.cause = raw(Cause::LoadGuestPage) + (h.trap.cause & 2U);
    return next;
}

Next emulate_misaligned(HartState& h) {
    auto const bits = fetch(h);
    auto const insn = fetched(bits) ? decode(static_cast<u32>(bits)) : Insn{};
    if (h.trap.is(Cause::LoadMisaligned) ? !insn.loads() : !insn.stores()) return reflect();
    auto const access = perform_misaligned(h, insn, current_rights(h));
    if (!access.ok) return reflect(h, static_cast<Cause>(access.cause), access.tval);
    complete(h, insn, access.value);
    return skip(insn.length);
}

} // namespace plinth::monitor
