// SPDX-License-Identifier: Apache-2.0
// Bring-up, probing and PMP loading of a real hart.
#include "arch/hart.hpp"
#include "config.hpp"

#include <algorithm>
#include <bit>

namespace plinth::arch {
namespace {

/// Calls action(index) for the first `count` PMP entries; the index is a constant.
template <unsigned I = 0, typename Action>
[[gnu::always_inline]] inline void each_entry(unsigned count, Action const& action) {
    if constexpr (I < max_pmp_entries) {
        if (I == count) return;
        action(std::integral_constant<unsigned, I>{});
        each_entry<I + 1>(count, action);
    }
}
template <CsrNumber... N> void zero() { (Hart::write<N>(0), ...); }
/// Whether there is such a register, which is zeroed then.
template <CsrNumber N> bool zero_there() {
    if (!Hart::probe<N>()) return false;
    zero<N>();
    return true;
}
/// Counters that an earlier stage programmed stop here.
template <unsigned... I> void clear_events(std::integer_sequence<unsigned, I...>) {
    (zero_there<csr::Mhpmevent3 + I>(), ...);
}
/// Switches all entries off that there are, up to 64. False: one is locked, out of our hands.
template <unsigned... I> bool clear_pmpcfg(std::integer_sequence<unsigned, I...>) {
    return ((!zero_there<csr::Pmpcfg0 + 2 * I>() || Hart::read<csr::Pmpcfg0 + 2 * I>() == 0) &&
            ...);
}

/// A trigger that keeps its type and has no other bit set matches nothing (debug
/// specification 5.2).
constexpr u64 trigger_type = 0xfULL << 60U;

} // namespace

bool Hart::bring_up(unsigned id) {
    id_ = id;
    clear_leftovers();
    find_features();
    return features_.has('U') && find_pmp();
}

/// Everything an earlier stage may have left that could act below M or in M.
void Hart::clear_leftovers() {
    write<csr::Mie>(0);
    clear<csr::Mstatus>(mstatus::Mie::mask | mstatus::Mprv::mask | mstatus::Fs::mask |
                        mstatus::Vs::mask | mstatus::Tvm::mask | mstatus::Tw::mask |
                        mstatus::Tsr::mask | mstatus::Sum::mask | mstatus::Mxr::mask |
                        mstatus::Mpp::mask | mstatus::Sie::mask);
    features_.misa = read<csr::Misa>();
    if (features_.has('S')) zero<csr::Medeleg, csr::Mideleg, csr::Satp>();
    clear<csr::Mip>(irq::s_bits);
    set_deadline(~0ULL);
    clear_ipi();
}

void Hart::find_features() {
    auto& f = features_;
    f.envcfg = probe<csr::Menvcfg>();
    clear_events(std::make_integer_sequence<unsigned, 29>{});
    zero_there<csr::Mstateen0>();
    zero_there<csr::Mseccfg>();
    f.svinval = f.has('S') && executes<0x18000073>(); // sfence.w.inval
    f.scountovf = f.has('S') && probe<csr::Scountovf>();
    if (f.envcfg) {
        write<csr::Menvcfg>(envcfg::Stce::mask);
        f.sstc = envcfg::Stce::get(read<csr::Menvcfg>()) != 0 && probe<csr::Stimecmp>();
        if (f.sstc) write<csr::Stimecmp>(~0ULL);
        write<csr::Menvcfg>(0);
        if (f.has('S')) write<csr::Senvcfg>(0);
    }
    for (u64 i = 0; probe<csr::Tselect>() && i < 64; ++i) {
        write<csr::Tselect>(i);
        if (read<csr::Tselect>() != i || !probe<csr::Tdata1>()) break;
        write<csr::Tdata1>(0);
        write<csr::Tdata1>(read<csr::Tdata1>() & trigger_type); // QEMU 7.2 ignores type 0
    }
    f.countinhibit = zero_there<csr::Mcountinhibit>();
    zero_there<csr::Mcounteren>();
    set<csr::Mstatus>(mstatus::Vs::mask); // also subsets of V, which misa does not name
    if (probe<csr::Vlenb>()) f.vlenb = static_cast<unsigned>(read<csr::Vlenb>());
    clear<csr::Mstatus>(mstatus::Vs::mask);
    f.unswitched =
        (f.vlenb != 0 && !f.vectors()) || (f.has('F') && !f.has('D')) || probe<csr::Siselect>();
    if (f.has('H')) {
        zero<csr::Hideleg, csr::Hedeleg, csr::Hvip, csr::Hgeie, csr::Hgatp>();
        clear<csr::Hstatus>(hstatus::Hu::mask);
    }
}

/// Counts entries and finds the granule (3.7.1: write all ones to pmpaddr, read the lowest set
/// bit).
bool Hart::find_pmp() {
    auto& count = features_.pmp_entries;
    if (!probe<csr::Pmpcfg0>() || !probe<csr::Pmpaddr0>()) return false;
    if (!clear_pmpcfg(std::make_integer_sequence<unsigned, 8>{})) return false;
    each_entry(max_pmp_entries, [&](auto index) {
        write<csr::Pmpaddr0 + index>(pmpaddr_mask);
        auto const back = read<csr::Pmpaddr0 + index>();
        if (index == 0) features_.pmp_granule = 2 + static_cast<unsigned>(std::countr_zero(back));
        write<csr::Pmpaddr0 + index>(0);
        if (back != 0 && read<csr::Pmpaddr0 + index>() == 0 && count == index) ++count;
    });
    if (config::pmp_limit != 0 && config::pmp_limit < count) count = config::pmp_limit;
    loaded_ = {};
    return count >= min_pmp_entries &&
           features_.pmp_granule <= 12; // what is denied is made of pages
}

void Hart::load_pmp(PmpImage const& image) {
    auto const low = packed_cfg(image.cfg, 0), high = packed_cfg(image.cfg, 8);
    auto changed = low != packed_cfg(loaded_.cfg, 0) || high != packed_cfg(loaded_.cfg, 8);
    each_entry(std::max(image.used, loaded_.used), [&image, &changed, &mine = loaded_](auto index) {
        auto const addr = image.addr[index];
        if (addr == mine.addr[index]) return;
        mine.addr[index] = addr;
        changed = true;
        write<csr::Pmpaddr0 + index>(addr);
    });
    if (!changed) return;
    // Also if it is the same: QEMU 7.2 looks at a TOR entry's lower bound only when cfg is written.
    write<csr::Pmpcfg0>(low);
    if (features_.pmp_entries > 8) write<csr::Pmpcfg2>(high);
    loaded_.cfg = image.cfg;
    loaded_.used = image.used;
    fence_all();
}

} // namespace plinth::arch
