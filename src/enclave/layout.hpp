// SPDX-License-Identifier: Apache-2.0
// An enclave's memory, checked as far as the argument struct alone allows.
#pragma once

#include "base/phys.hpp"
#include "enclave/abi.hpp"

namespace plinth::enclave {

/// A copy of something a guest said. The only way to its content is `validate`.
template <typename T> class Untrusted {
  public:
    constexpr explicit Untrusted(T copy) : copy_{std::move(copy)} {}
    /// Calls check(copy), whose result is what the monitor goes on with.
    template <typename Check> constexpr auto validate(Check check) const { return check(copy_); }

  private:
    T copy_;
};

/// Where an enclave's parts lie. epm ≤ runtime ≤ user ≤ free ≤ end, each page aligned.
struct Layout {
    PhysRange epm;
    PhysRange utm;
    PhysAddr runtime;
    PhysAddr user;
    PhysAddr free;

    /// What is measured: [epm base, free). None when free is the base.
    Result<PhysRange> measured() const {
        return PhysRange::make(epm.base(), free.raw - epm.base().raw);
    }
    /// What lies above and is zeroed. None when free is the end.
    Result<PhysRange> above_free() const {
        return PhysRange::make(free, epm.last() - free.raw + 1);
    }
};

/// Shape, alignment and order of create's arguments. Error: BadArgument.
inline Result<Layout> checked_layout(Untrusted<CreateArgs> const& args) {
    return args.validate([](CreateArgs const& a) -> Result<Layout> {
        auto const epm = PhysRange::make({a.epm_base}, a.epm_size);
        auto const utm = PhysRange::make({a.utm_base}, a.utm_size);
        if (!epm || !utm || !epm->page_aligned() || !utm->page_aligned()) return Err::BadArgument;
        if (!epm->contains(PhysAddr{a.runtime}) || !epm->contains(PhysAddr{a.user}))
            return Err::BadArgument;
        if (!epm->contains(PhysAddr{a.free}) && a.free != epm->last() + 1) return Err::BadArgument;
        if (a.runtime > a.user || a.user > a.free) return Err::BadArgument;
        if ((a.runtime | a.user | a.free) % page_size != 0) return Err::BadArgument;
        return Layout{*epm, *utm, {a.runtime}, {a.user}, {a.free}};
    });
}

} // namespace plinth::enclave
