// SPDX-License-Identifier: Apache-2.0
// Ownership of enclave memory as move-only types: Claim → Sealed → Scrubbed.
// Only sealed memory can be measured, wiped or run; only scrubbed memory can go back to the host.
#pragma once

#include "enclave/layout.hpp"

namespace plinth::enclave {

class Registry;

/// Base of the three: can be moved, not copied.
class OwnedMemory {
  public:
    OwnedMemory(OwnedMemory&&) = default;
    OwnedMemory& operator=(OwnedMemory&&) = default;
    PhysRange epm() const { return epm_; }

  protected:
    explicit OwnedMemory(PhysRange epm) : epm_{epm} {}
    PhysRange epm_;
};

/// Memory that the registry counts as an enclave's, but that other harts may still reach.
class Claim : public OwnedMemory {
    friend class Registry;
    using OwnedMemory::OwnedMemory;
};

/// Memory that no hart outside the monitor can reach.
class Sealed : public OwnedMemory {
    using OwnedMemory::OwnedMemory;

  public:
    /// settle() returns when every hart's plan denies the memory.
    template <typename Settle> static Sealed by(Claim&& claim, Settle settle) {
        settle();
        return Sealed{claim.epm()};
    }
};

/// Memory that is all zero.
class Scrubbed : public OwnedMemory {
    using OwnedMemory::OwnedMemory;

  public:
    /// zero(range) zeroes the range.
    template <typename Zero> static Scrubbed by(Sealed&& sealed, Zero zero) {
        zero(sealed.epm());
        return Scrubbed{sealed.epm()};
    }
};

// What nobody sealed and zeroed cannot go back.
static_assert(!std::is_constructible_v<Scrubbed, Claim>);
static_assert(!std::is_constructible_v<Sealed, Claim>);
static_assert(!std::is_copy_constructible_v<Sealed>);

} // namespace plinth::enclave
