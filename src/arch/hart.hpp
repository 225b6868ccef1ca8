// SPDX-License-Identifier: Apache-2.0
// What the monitor may ask of the machine. The include path chooses who answers: arch/metal or
// tests/fake.
#pragma once

#include "arch/pmp.hpp"
#include "arch/trap.hpp"

#include <concepts>
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

/// The seam. CSR numbers are template arguments; `number` in `probe` means: with recovery.
template <typename H>
concept HartLike = requires(H& h, GuestContext& g, PmpImage const& image, FpState& fp,
                            VectorState& v, Trap& trap, u64 word, unsigned width, PhysRange range) {
    { h.id() } -> std::same_as<unsigned>;
    { h.features() } -> std::same_as<Features const&>;
    { h.template read<csr::Mstatus>() } -> std::same_as<u64>;
    h.template write<csr::Mstatus>(word);
    h.template set<csr::Mip>(word);
    h.template clear<csr::Mip>(word);
    /// False: the instruction that trapped is already executed (monitor/short_path.hpp).
    { h.enter(g, trap) } -> std::same_as<bool>;
    /// Whether there is another turn after this one: always, but for a fake.
    { h.goes_on() } -> std::same_as<bool>;
    h.load_pmp(image);
    /// Accesses under the PMP now loaded, with the rights that `status` (MPP, MPV, SUM, MXR) names.
    { h.guest_load(word, width, word) } -> std::same_as<GuestAccess>;
    { h.guest_store(word, width, word, word) } -> std::same_as<GuestAccess>;
    /// LR, and SC of the last word if LR read the one before it. Then cause is 0 if the word was
    /// stored and 1 if not, and value is what LR read, sign-extended.
    { h.guest_swap(word, width, word, word, word) } -> std::same_as<GuestAccess>;
    /// The instruction at a pc, at most 4 bytes, read as the world that trapped last may execute it
    /// (MXR); above 32 bits if it may not.
    { h.fetch(word) } -> std::same_as<u64>;
    { h.bytes(range) } -> std::same_as<std::span<u8>>;
    { h.time() } -> std::same_as<u64>;
    h.set_deadline(word);
    h.send_ipi(width);
    h.clear_ipi();
    h.fence_all();
    h.fence_code();
    h.wait_for_interrupt();
    h.park(); ///< never returns
    h.save(fp);
    h.load(fp);
    h.save(v);
    h.load(v);
};

} // namespace plinth::arch

#include "hart_impl.hpp"

namespace plinth::arch {
static_assert(HartLike<Hart>);
}
