// SPDX-License-Identifier: Apache-2.0
#include "monitor/guest_memory.hpp"

#include "base/wipe.hpp"
#include "monitor/walk.hpp"

#include <algorithm>

namespace plinth::monitor {
namespace {

using namespace arch;
using Kind = Insn::Kind;

/// What a store stores: an x or f register. The f registers are those of the world that runs.
u64 stored_value(HartState& h, Insn const& insn) {
    if (insn.kind != Kind::StoreFp) return h.regs.guest.get(insn.rs2());
    FpState fp;
    h.hart.save(fp);
    auto const value = fp.f[insn.rs2()];
    wipe_object(fp);
    return value;
}

/// The word that an AMO leaves (unprivileged 8.4). Words of 4 bytes are sign-extended, which keeps
/// their order, signed and unsigned.
u64 combine(u8 operation, u64 old, u64 operand) {
    auto const less = static_cast<std::int64_t>(old) < static_cast<std::int64_t>(operand);
    switch (operation) {
    case amo::Swap: return operand;
    case amo::Add: return old + operand;
    case amo::Xor: return old ^ operand;
    case amo::And: return old & operand;
    case amo::Or: return old | operand;
    case amo::Min: return less ? old : operand;
    case amo::Max: return less ? operand : old;
    case amo::Minu: return std::min(old, operand);
    default: return std::max(old, operand); // amo::Maxu; decode lets nothing else through
    }
}

/// An atomic instruction's faults are those of a store.
GuestAccess as_store(GuestAccess access) {
    switch (static_cast<Cause>(access.cause)) {
    case Cause::LoadMisaligned:
    case Cause::LoadAccess:
    case Cause::LoadPage:
    case Cause::LoadGuestPage: access.cause += 2; break;
    default: break;
    }
    return access;
}

/// LR, SC and AMO must be aligned.
GuestAccess misaligned(Insn const& insn, u64 address) {
    auto const cause =
        insn.kind == Kind::LoadReserved ? Cause::LoadMisaligned : Cause::StoreMisaligned;
    return {.cause = raw(cause), .tval = address};
}

std::optional<GuestAccess> perform_amo(HartState& h, Insn const& insn, u64 address, u64 how) {
    auto const operand = sign_extend(h.regs.guest.get(insn.rs2()), 8U * insn.width());
    u64 expected = 0;
    for (unsigned tries = 0; tries < 64; ++tries) {
        auto const next = combine(insn.operation(), expected, operand);
        auto access = guest_swap(h, address, insn.width(), how, expected, next);
        if (!access.ok) return as_store(access);
        if (access.cause == 0) return access;
        expected = access.value;
    }
    return std::nullopt;
}

/// SC succeeds if the word still holds what this hart's last LR under emulation read there.
GuestAccess perform_sc(HartState& h, Insn const& insn, u64 address, u64 how) {
    auto const reserved = h.reservation;
    h.reservation = {};
    if (reserved.width != insn.width() || reserved.address != address)
        return {.ok = true, .value = 1};
    auto const access =
        guest_swap(h, address, insn.width(), how, reserved.value, h.regs.guest.get(insn.rs2()));
    if (!access.ok) return as_store(access);
    return {.ok = true, .value = access.cause};
}

std::optional<GuestAccess> perform_whole(HartState& h, Insn const& insn, u64 how) {
    auto const address = insn.address(h.regs.guest);
    if (insn.atomic() && address % insn.width() != 0) return misaligned(insn, address);
    if (insn.kind == Kind::Amo) return perform_amo(h, insn, address, how);
    if (insn.kind == Kind::StoreConditional) return perform_sc(h, insn, address, how);
    if (insn.stores()) return guest_store(h, address, insn.width(), how, stored_value(h, insn));
    auto const access = guest_load(h, address, insn.width(), how);
    if (access.ok && insn.kind == Kind::LoadReserved)
        h.reservation = {address, sign_extend(access.value, 8U * insn.width()), insn.width()};
    return access;
}

} // namespace

// A store goes upwards, so that the lowest byte that faults is the one reported; those below are
// put back.
GuestAccess perform_misaligned(HartState& h, Insn const& insn, u64 how) {
    auto const address = insn.address(h.regs.guest);
    auto const stores = insn.stores();
    auto const value = stores ? stored_value(h, insn) : 0;
    GuestAccess out{.ok = true};
    for (unsigned i = 0; i < insn.width(); ++i) {
        auto byte = guest_load(h, address + i, 1, how);
        out.value |= byte.value << (8U * i);
        if (byte.ok && stores) byte = guest_store(h, address + i, 1, how, value >> (8U * i));
        if (byte.ok) continue;
        while (stores && i-- > 0) (void)guest_store(h, address + i, 1, how, out.value >> (8U * i));
        return stores ? as_store(byte) : byte;
    }
    return out;
}

std::optional<GuestAccess> perform(HartState& h, Insn const& insn, u64 how) {
    auto const access = perform_whole(h, insn, how);
    if (!access || access->ok || insn.atomic() || !h.loaded->cached()) return access;
    if (!is_plan_fault({access->cause})) return access;
    // It may straddle two blocks. Where it straddles two rules, in one page, harts refuse it.
    auto const address = insn.address(h.regs.guest), last = u64{insn.width()} - 1;
    auto const at = translate_granted(h, address, mstatus::Mpv::get(how) != 0);
    auto const one = at && h.loaded->plan().window({*at}).range.last() >= *at + last;
    if (!one && address % page_size + last < page_size) return access;
    auto const pieces = perform_misaligned(h, insn, how);
    auto const behind = pieces.tval / page_size != address / page_size;
    return pieces.ok || behind || !is_plan_fault({pieces.cause}) ? pieces : access;
}

void complete(HartState& h, Insn insn, u64 value) {
    auto const bits = 8U * insn.width();
    auto const low = bits == 64 ? value : value & ((1ULL << bits) - 1);
    if (insn.kind == Kind::StoreConditional) return h.regs.guest.set(insn.rd(), value);
    if (insn.kind == Kind::Store || insn.kind == Kind::StoreFp) return;
    if (insn.kind != Kind::LoadFp)
        return h.regs.guest.set(insn.rd(), insn.sign() ? sign_extend(low, bits) : low);
    FpState fp;
    h.hart.save(fp);
    fp.f[insn.rd()] = bits == 32 ? low | 0xffff'ffff'0000'0000U : low; // NaN-boxed
    h.hart.load(fp);
    wipe_object(fp);
    auto& status = h.world == World::Enclave ? h.enclave->supervisor.sstatus : h.v.mstatus;
    status = mstatus::Fs::set(status, 3);
    if (in_guest(h)) h.hart.set<csr::Vsstatus>(mstatus::Fs::mask);
}

} // namespace plinth::monitor
