// SPDX-License-Identifier: Apache-2.0
// Device registers: the one place for volatile accesses besides the boards' drivers.
#pragma once

#include "base/types.hpp"

namespace plinth::arch {

template <typename Word> inline Word mmio_read(u64 address) {
    return *reinterpret_cast<Word volatile*>(address);
}

template <typename Word> inline void mmio_write(u64 address, Word value) {
    *reinterpret_cast<Word volatile*>(address) = value;
}

} // namespace plinth::arch
