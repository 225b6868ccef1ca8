// SPDX-License-Identifier: Apache-2.0
// What the monitor may ask of the machine. The include path chooses who answers: arch/metal or
// tests/fake. tests/fake/seam.cpp holds both to the same functions.
#pragma once

#include "arch/pmp.hpp"
#include "arch/trap.hpp"

#include <span>

namespace plinth::arch {

/// The floating-point registers with fcsr. Raw bits: the monitor never computes with them.
struct FpState {
    std::array<u64, 32> f{};
    u64 fcsr{0};
};

/// The vector registers (VLEN up to 256 bits) with their CSRs.
struct VectorState {
    u64 vstart{0}, vl{0}, vtype{0}, vcsr{0};
    std::array<u64, 32 * 4> v{};
};

/// What a hart has, found by probing with recovery before any lower world runs.
struct Features {
    u64 misa{0};
    unsigned pmp_entries{0};  ///< usable ones, at most max_pmp_entries
    unsigned pmp_granule{0};  ///< log2 of the smallest PMP region
    unsigned vlenb{0};        ///< bytes of a vector register, 0 without V
    bool envcfg{false};       ///< menvcfg and senvcfg exist (1.12)
    bool sstc{false};         ///< stimecmp exists
    bool svinval{false};      ///< sinval.vma and its fences exist
    bool countinhibit{false}; ///< mcountinhibit exists
    bool scountovf{false};    ///< Sscofpmf
    /// S-mode has registers that the monitor does not switch: F without D, vectors over 256 bits,
    /// AIA's indirect ones. Such a hart runs no enclaves.
    bool unswitched{false};

    /// Whether there are vector registers that fit VectorState.
    constexpr bool vectors() const { return vlenb != 0 && vlenb <= sizeof(VectorState::v) / 32; }
    /// Whether misa names the single-letter extension.
    constexpr bool has(char letter) const {
        return (misa >> static_cast<unsigned>(letter - 'A')) & 1U;
    }
};

/// The outcome of one access with a guest's rights: value, or the exception it would have raised.
struct GuestAccess {
    bool ok{false};
    u64 value{0};
    u64 cause{0};
    u64 tval{0};
};

} // namespace plinth::arch

#include "hart_impl.hpp"
