// SPDX-License-Identifier: Apache-2.0
// The monitor's own lines on the board's UART. Never guest data, never secrets.
#pragma once

#include "base/text.hpp"
#include "monitor/state.hpp"

namespace plinth::monitor {

/// A byte waits for 1 ms at most; then it and all that follow are dropped.
struct Console {
    Hart& hart;
    bool stuck{false};
    void put(char c) {
        auto const limit = hart.time() + board::timebase / 1000;
        while (!stuck && !board::Uart::ready()) stuck = hart.time() > limit;
        if (!stuck && board::Uart::usable()) board::Uart::send(c);
    }
};

} // namespace plinth::monitor
