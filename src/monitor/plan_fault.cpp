// SPDX-License-Identifier: Apache-2.0
// What a plan that is larger than the PMP costs: faults of accesses that the plan allows.
#include "monitor/guest_memory.hpp"
#include "monitor/harts.hpp"
#include "monitor/walk.hpp"

namespace plinth::monitor {
namespace {

using namespace arch;

/// Blocks that must stand in the PMP together to fetch an instruction: a page table of each level
/// and the page, or across two pages, where only the top table is certain to be the same, twice all
/// others.
constexpr unsigned fetch_blocks(unsigned levels, bool crosses) {
    return crosses ? 2 * levels + 1 : levels + 1;
}
static_assert(fetch_blocks(5, false) <= min_pmp_entries);
static_assert(fetch_blocks(board::page_table_levels, true) <= board::pmp_entries);

/// After so many faults in a row of one instruction the access is made in its stead; after so many,
/// more than a fetch needs, one for which nothing is missing is believed to be refused: by page
/// tables that other harts change all the time, or by something that the plan does not know.
constexpr unsigned patience = 2, fetch_patience = 16;

/// Notes in `needed` what the accesses need. False: the first one is denied.
bool collect(HartState& h, std::span<Asked const> asked, Needed& needed) {
    auto allowed = true;
    for (auto const& [address, rights, virt] : asked) {
        auto denied = false;
        auto const grants = [&](u64 at, Rights wanted) {
            auto const granted = needed.grants({at}, wanted);
            denied |= !granted;
            return granted;
        };
        auto const at = translate(h, address, virt, grants);
        if (at) grants(*at, rights);
        if (&address == &asked.front().address) allowed = !denied;
    }
    return allowed;
}

/// Whether the instruction at pc asks for a guest's address, as HLV and HSV do outside, too.
/// QEMU 7.2 does not say it in GVA.
bool asks_guest(HartState& h) {
    if (h.world != World::Host || h.regs.virt || !h.hart.features().has('H')) return in_guest(h);
    return (fetch_hidden(h) & 0x707fU) == 0x4073;
}

/// Delivers the fault where it belongs: if the firmware delegated it, it came here only because the
/// plan is cached.
Next deliver(HartState& h) {
    auto const own = h.world == World::Host && (h.v.medeleg >> h.trap.code() & 1U) != 0;
    if (!own) return reflect();
    // QEMU 7.2 sets the GVA of HLV and HSV where they trap to HS, not where they trap to M.
    if (!h.trap.is(Cause::FetchAccess) && asks_guest(h)) h.trap.mstatus |= mstatus::Gva::mask;
    return Next::of(Next::Kind::Own);
}

/// Makes the access of the instruction at pc, in pieces if it must be. What is no load, store or
/// atomic goes on as `otherwise` says.
Next access_for_guest(HartState& h, Next otherwise) {
    auto const bits = fetch_hidden(h);
    if (!fetched(bits)) return otherwise;
    auto insn = decode(static_cast<u32>(bits));
    auto how = current_rights(h);
    if (asks_guest(h) && !in_guest(h)) {
        auto const status = h.hart.read<csr::Hstatus>();
        auto const legal = h.regs.priv == Priv::S || hstatus::Hu::get(status) != 0;
        insn = legal ? decode_hyper(insn) : Insn{};
        how = mstatus::Mpv::set(mstatus::Mpp::set(how, hstatus::Spvp::get(status)), 1);
    }
    if (!executable(h, insn)) return otherwise;
    auto const access = perform(h, insn, how);
    if (!access) return resume();
    if (!access->ok) {
        report(h, *access, h.trap.mstatus);
        return deliver(h);
    }
    complete(h, insn, access->value);
    return skip(insn.length);
}

/// Loads what the access that trapped needs; also what the fetch at pc needs, if the last fault was
/// at the same pc: it may have lost its blocks.
Refill refill_for_trap(HartState& h, Rights wanted) {
    auto const pc = h.regs.guest.pc;
    Asked const asked[] = {{h.trap.tval, wanted, asks_guest(h)},
                           {pc, rights_x, in_guest(h)},
                           {pc + 2, rights_x, in_guest(h)}};
    // The hart comes to the second page of a fetch only if it found nothing wrong with the first.
    auto const more = [&] {
        return wanted.x ? h.trap.tval == pc + 2 : is_full_length(fetch_hidden(h));
    };
    auto const crosses = pc % page_size == page_size - 2 && more();
    return refill(h, std::span{asked}.first(crosses ? 3 : h.faults.pc == pc ? 2 : 1));
}

} // namespace

Refill refill(HartState& h, std::span<Asked const> asked) {
    auto& plan = *h.loaded;
    Needed needed{plan};
    auto const allowed = collect(h, asked, needed);
    // Where something was missing the hart has not judged the PTEs yet: it may say page fault.
    if (!needed.missing) return allowed ? Refill::Present : Refill::Denied;
    if (!plan.load(needed.blocks.rules())) return Refill::TooMany;
    h.loaded = nullptr;
    load_plan(h, plan);
    return Refill::Loaded;
}

Next plan_fault(HartState& h) {
    if (!h.loaded->cached()) return reflect();
    auto const fetches = h.trap.is(Cause::FetchAccess) || h.trap.is(Cause::FetchGuestPage);
    auto const stores = h.trap.is(Cause::StoreAccess) || h.trap.is(Cause::StoreGuestPage);
    auto const filled = refill_for_trap(h, fetches ? rights_x : Rights{.r = !stores, .w = stores});
    auto& faults = h.faults;
    auto const near = h.trap.tval - faults.tval + page_size < 2 * page_size;
    auto const same = near && faults.pc == h.regs.guest.pc;
    faults = {h.regs.guest.pc, h.trap.tval, same ? faults.count + 1 : 1};
    auto const present = filled == Refill::Present;
    // A guest page fault for which nothing was missing is the hart's own.
    auto const guests = present && h.trap.code() >= raw(Cause::FetchGuestPage);
    if (guests || filled == Refill::Denied) return deliver(h);
    auto const again = filled == Refill::Loaded || (present && faults.count < fetch_patience);
    auto const otherwise = again ? resume() : deliver(h);
    if (fetches || (filled == Refill::Loaded && faults.count <= patience)) return otherwise;
    return access_for_guest(h, otherwise);
}

} // namespace plinth::monitor
