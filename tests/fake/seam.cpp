// SPDX-License-Identifier: Apache-2.0
/// The seam: what the monitor may ask of a hart. Compiled in every build, so for the fake hart and
/// for each board's.
#include "arch/hart.hpp"

#include <concepts>

namespace plinth::arch {

/// CSR numbers are template arguments.
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

static_assert(HartLike<Hart>);

} // namespace plinth::arch
