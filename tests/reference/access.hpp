// SPDX-License-Identifier: Apache-2.0
/// What the reference models have in common: privilege modes, kinds of access, precondition checks.
///
/// Independence: everything in tests/reference was written from the RISC-V privileged
/// specification 1.12 and the ratified extensions cited, by someone who has not seen src/.
/// It includes nothing from src/ and must stay that way: it is the second opinion.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace plinth::reference {

/// Privilege modes by the encoding of Priv. 1.12 table 1.1. The encoding 2 is reserved.
enum class Mode : std::uint8_t { U = 0, S = 1, M = 3 };

/// What an access does: load or load-reserved, store or AMO, instruction fetch.
enum class Kind : std::uint8_t { Read, Write, Execute };

/// Whether the rights r, w and x are enough for this kind of access.
constexpr bool granted(bool r, bool w, bool x, Kind kind) {
    switch (kind) {
    case Kind::Read: return r;
    case Kind::Write: return w;
    case Kind::Execute: return x;
    }
    return false;
}

/// Stops the test program when a caller breaks a model's precondition: an oracle that guesses is
/// worse than none.
constexpr void require(bool condition, char const* what) {
    if (condition) return;
    std::fputs(what, stderr);
    std::fputs("\n", stderr);
    std::abort();
}

} // namespace plinth::reference
