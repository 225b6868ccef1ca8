// SPDX-License-Identifier: Apache-2.0
// Bring-up, probing and PMP loading of a real hart.
#include "arch/hart.hpp"
#include "config.hpp"

#include <bit>

namespace plinth::arch {
namespace {

/// Calls write(number, value) for entry `index` of pmpaddr, whose number must be a constant.
template <unsigned... I>
void write_pmpaddr(unsigned index, u64 value, std::integer_sequence<unsigned, I...>) {
    (void)((index == I ? (Hart::write<csr::Pmpaddr0 + I>(value), true) : false) || ...);
}
template <unsigned... I> u64 read_pmpaddr(unsigned index, std::integer_sequence<unsigned, I...>) {
    u64 value = 0;
    (void)((index == I ? (value = Hart::read<csr::Pmpaddr0 + I>(), true) : false) || ...);
    return value;
}
/// Counters that an earlier stage programmed stop here.
template <unsigned... I> void clear_events(std::integer_sequence<unsigned, I...>) {
    ((Hart::probe<csr::Mhpmevent3 + I>() ? Hart::write<csr::Mhpmevent3 + I>(0) : void()), ...);
}
using Entries = std::make_integer_sequence<unsigned, max_pmp_entries>;

u64 packed(PmpImage const& image, unsigned first) {
    u64 word = 0;
    for (unsigned i = 0; i < 8; ++i) word |= u64{image.cfg[first + i]} << (8 * i);
    return word;
}

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
    if (features_.has('S')) {
        write<csr::Medeleg>(0);
        write<csr::Mideleg>(0);
        write<csr::Satp>(0);
    }
    clear<csr::Mip>(irq::s_bits);
    set_deadline(~0ULL);
    clear_ipi();
}

void Hart::find_features() {
    auto& f = features_;
    f.envcfg = probe<csr::Menvcfg>();
    f.countinhibit = probe<csr::Mcountinhibit>();
    clear_events(std::make_integer_sequence<unsigned, 29>{});
    if (probe<csr::Mstateen0>()) write<csr::Mstateen0>(0);
    if (probe<csr::Mseccfg>()) write<csr::Mseccfg>(0);
    f.scountovf = f.has('S') && probe<csr::Scountovf>();
    f.triggers = probe<csr::Tselect>();
    if (f.envcfg) {
        write<csr::Menvcfg>(envcfg::Stce::mask);
        f.sstc = envcfg::Stce::get(read<csr::Menvcfg>()) != 0 && probe<csr::Stimecmp>();
        if (f.sstc) write<csr::Stimecmp>(~0ULL);
        write<csr::Menvcfg>(0);
        if (f.has('S')) write<csr::Senvcfg>(0);
    }
    for (u64 i = 0; f.triggers && i < 64; ++i) {
        write<csr::Tselect>(i);
        if (read<csr::Tselect>() != i || !probe<csr::Tdata1>()) break;
        write<csr::Tdata1>(0);
    }
    if (f.countinhibit) write<csr::Mcountinhibit>(0);
    if (probe<csr::Mcounteren>()) write<csr::Mcounteren>(0);
    set<csr::Mstatus>(mstatus::Vs::mask); // also subsets of V, which misa does not name
    if (probe<csr::Vlenb>()) f.vlenb = static_cast<unsigned>(read<csr::Vlenb>());
    clear<csr::Mstatus>(mstatus::Vs::mask);
    f.unswitched =
        (f.vlenb != 0 && !f.vectors()) || (f.has('F') && !f.has('D')) || probe<csr::Siselect>();
    if (f.has('H')) {
        write<csr::Hideleg>(0);
        write<csr::Hedeleg>(0);
        write<csr::Hvip>(0);
        write<csr::Hgeie>(0);
        write<csr::Hgatp>(0);
        clear<csr::Hstatus>(hstatus::Hu::mask);
    }
}

/// Counts entries and finds the granule (3.7.1: write all ones to pmpaddr, read the lowest set
/// bit).
bool Hart::find_pmp() {
    auto& count = features_.pmp_entries;
    if (!probe<csr::Pmpcfg0>()) return false;
    if (((read<csr::Pmpcfg0>() | (probe<csr::Pmpcfg2>() ? read<csr::Pmpcfg2>() : 0)) &
         0x8080808080808080ULL) != 0)
        return false; // a locked entry is out of our hands
    write<csr::Pmpcfg0>(0);
    if (probe<csr::Pmpcfg2>()) write<csr::Pmpcfg2>(0);
    if (!probe<csr::Pmpaddr0>()) return false;
    for (count = 0; count < max_pmp_entries; ++count) {
        write_pmpaddr(count, pmpaddr_mask, Entries{});
        auto const back = read_pmpaddr(count, Entries{});
        if (back == 0) break;
        if (count == 0) features_.pmp_granule = 2 + static_cast<unsigned>(std::countr_zero(back));
        write_pmpaddr(count, 0, Entries{});
        if (read_pmpaddr(count, Entries{}) != 0) break;
    }
    if (config::pmp_limit != 0 && config::pmp_limit < count) count = config::pmp_limit;
    loaded_ = {};
    return count >= 6;
}

void Hart::load_pmp(PmpImage const& image) {
    if (image == loaded_) return;
    for (unsigned i = 0; i < max_pmp_entries; ++i)
        if (image.addr[i] != loaded_.addr[i]) write_pmpaddr(i, image.addr[i], Entries{});
    write<csr::Pmpcfg0>(packed(image, 0));
    // Also if it is the same: QEMU 7.2 looks at a TOR entry's lower bound only when cfg is written.
    if (features_.pmp_entries > 8) write<csr::Pmpcfg2>(packed(image, 8));
    loaded_ = image;
    fence_all();
}

} // namespace plinth::arch
