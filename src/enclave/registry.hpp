// SPDX-License-Identifier: Apache-2.0
// Which enclaves there are and what memory is theirs. Behind one lock; what other harts need
// without a lock (the denied ranges) is published as a snapshot.
#pragma once

#include "attest/digest.hpp"
#include "config.hpp"
#include "enclave/context.hpp"
#include "enclave/memory.hpp"
#include "enclave/state.hpp"

#include <atomic>

namespace plinth::enclave {

inline constexpr unsigned max_enclaves = config::max_enclaves;

/// One enclave. `state` changes only under the registry's lock; while it is Running, Building or
/// Dying the rest belongs to the one hart that made it so.
struct Enclave {
    State state{State::Empty};
    u64 id{0};
    std::optional<Layout> layout{};
    std::optional<Sealed> memory{};
    attest::Digest hash{};
    Registers registers{};
    SupervisorContext supervisor{};
    u64 deadline{0}; ///< mtime at which it asked to be stopped
    unsigned last_hart{0};

    /// Follows an edge of the list. False, changing nothing, if there is none.
    bool move(State to) {
        if (!allowed(state, to)) return false;
        state = to;
        return true;
    }
};

/// A list of physical ranges that every world's plan denies, read without a lock.
using DeniedRanges = std::array<std::optional<PhysRange>, max_enclaves>;

/// The published form: one writer at a time (it holds the registry's lock), any number of readers.
/// A sequence counter is odd while it changes; readers retry.
class PublishedRanges {
  public:
    void set(unsigned slot, std::optional<PhysRange> range);
    DeniedRanges read() const;

  private:
    struct Words {
        std::atomic<u64> base{0}, size{0}; // size 0: none
    };
    std::atomic<u64> sequence_{0};
    std::array<Words, max_enclaves> words_{};
};

/// All enclaves of the machine.
class Registry {
  public:
    /// The enclave with this id in any state but Empty; the whole 64 bits count.
    Enclave* find(u64 id);
    /// Whether either range touches memory that any enclave has.
    bool overlaps(Layout const& layout) const;
    /// Takes a slot for `layout`, which overlaps nothing: Building, with a new id. Error
    /// NoResource.
    Result<Claim> claim(Layout const& layout, Enclave*& out);
    /// The slot's number.
    unsigned slot(Enclave const& enclave) const;
    /// Frees the slot of a Dying enclave; the memory is proven zero.
    void give_back(Enclave& enclave, Scrubbed&& memory);
    /// Enclaves that are not Empty.
    unsigned alive() const;
    /// All slots, for the wipe before a reset.
    std::array<Enclave, max_enclaves>& all() { return enclaves_; }

  private:
    std::array<Enclave, max_enclaves> enclaves_{};
    u64 generation_{0};
};

} // namespace plinth::enclave
