// SPDX-License-Identifier: Apache-2.0
// What a hart keeps of a world while another one runs on it.
#pragma once

#include "arch/hart.hpp"

namespace plinth::enclave {

/// A list of CSRs that is saved and loaded as a whole.
template <arch::CsrNumber... N> struct CsrList {
    using Values = std::array<u64, sizeof...(N)>;
    static constexpr std::array<arch::CsrNumber, sizeof...(N)> numbers{N...};
    static Values save(arch::Hart& hart) { return {hart.template read<N>()...}; }
    static void load(arch::Hart& hart, Values const& values) {
        std::size_t i = 0;
        (hart.template write<N>(values[i++]), ...);
    }
};

/// Owned by whichever of host and enclave runs; zero at an enclave's first instruction.
using SupervisorCsrs =
    CsrList<arch::csr::Stvec, arch::csr::Scounteren, arch::csr::Sscratch, arch::csr::Sepc,
            arch::csr::Scause, arch::csr::Stval, arch::csr::Satp>;
/// The host's alone: zero while an enclave runs, and not kept for it.
using HypervisorCsrs =
    CsrList<arch::csr::Hstatus, arch::csr::Hedeleg, arch::csr::Hideleg, arch::csr::Hvip,
            arch::csr::Htimedelta, arch::csr::Hcounteren, arch::csr::Hgeie, arch::csr::Htval,
            arch::csr::Htinst, arch::csr::Hgatp, arch::csr::Vsstatus, arch::csr::Vstvec,
            arch::csr::Vsscratch, arch::csr::Vsepc, arch::csr::Vscause, arch::csr::Vstval,
            arch::csr::Vsatp>;

/// The host's hypervisor state while an enclave runs. vstimecmp stays: without STCE nobody reaches
/// it.
struct HypervisorContext {
    HypervisorCsrs::Values csrs{};
    u64 henvcfg{0};
};

/// Supervisor state, one of host or enclave.
struct SupervisorContext {
    SupervisorCsrs::Values csrs{};
    u64 senvcfg{0};
    u64 sstatus{0}; ///< bits of mstatus::s_writable
    arch::FpState fp{};
    arch::VectorState vector{};
};

/// Registers of a world with the privilege it runs in.
struct Registers {
    arch::GuestContext guest{};
    arch::Priv priv{arch::Priv::U};
    bool virt{false}; ///< VS or VU
};

/// Saves and loads what both sides of host ↔ enclave have.
void save(arch::Hart& hart, SupervisorContext& out);
void load(arch::Hart& hart, SupervisorContext const& in);
/// The same for hypervisor state; nothing happens on harts without H.
void save(arch::Hart& hart, HypervisorContext& out);
void load(arch::Hart& hart, HypervisorContext const& in);

} // namespace plinth::enclave
