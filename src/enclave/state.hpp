// SPDX-License-Identifier: Apache-2.0
// The life of an enclave, as a list of edges.
#pragma once

#include "base/types.hpp"

namespace plinth::enclave {

enum class State : u8 {
    Empty,    ///< the slot is free
    Building, ///< claimed; one hart seals, measures and wipes
    Fresh,    ///< never run
    Running,  ///< on exactly one hart
    Stopped,  ///< can be resumed
    Ended,    ///< exited or killed: only destroy
    Dying,    ///< one hart scrubs it
};

struct Edge {
    State from, to;
};

inline constexpr Edge edges[] = {
    {State::Empty, State::Building},  // create
    {State::Building, State::Fresh},  // measured
    {State::Building, State::Dying},  // create failed after its claim
    {State::Fresh, State::Running},   // run
    {State::Running, State::Stopped}, // stop, edge call, interrupt
    {State::Running, State::Ended},   // exit, fault that ends it
    {State::Stopped, State::Running}, // resume
    {State::Fresh, State::Dying},     // destroy
    {State::Stopped, State::Dying},   // destroy
    {State::Ended, State::Dying},     // destroy
    {State::Dying, State::Empty},     // scrubbed
};

/// Whether the edge exists.
constexpr bool allowed(State from, State to) {
    for (auto const& edge : edges)
        if (edge.from == from && edge.to == to) return true;
    return false;
}
static_assert(!allowed(State::Dying, State::Dying), "two harts must not both destroy");
static_assert(!allowed(State::Building, State::Running), "what is not measured does not run");
static_assert(!allowed(State::Running, State::Dying), "memory in use is not scrubbed");

} // namespace plinth::enclave
