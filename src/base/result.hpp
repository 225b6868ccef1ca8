// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or the reason why there is none. Errors are values; nothing throws. SM_CHECK
// is for the monitor's own invariants.
#pragma once

#include "base/types.hpp"
#include <optional>
#include <utility>

namespace plinth {

/// Stops all harts with enclaves still denied; prints `what` and where. Defined by the machine.
[[noreturn]] void monitor_failure(char const* what);

/// A broken monitor invariant ends the monitor, closed. Never used on anything that a lower world
/// controls.
#define SM_CHECK(condition)                                                                        \
    do {                                                                                           \
        if (!(condition)) ::plinth::monitor_failure(#condition);                                   \
    } while (false)

/// Why an operation of the monitor did not succeed. Mapped to SBI codes only at the edge
/// (enclave/abi.hpp).
enum class Err : u8 {
    BadAddress,    ///< not a valid, non-wrapping, suitably placed address range
    BadArgument,   ///< outside the range that the interface states
    Fault,         ///< the guest's own rights do not allow the access
    Overlap,       ///< touches memory that already has an owner
    NoResource,    ///< every slot, entry or window is in use
    Unprovisioned, ///< no device key
    NoEntropy,     ///< the random generator is not seeded or has failed
    Crypto,        ///< the cryptographic library refused
    Malformed,     ///< a structure handed over at boot is not what its format says
};

/// A value of type T or an Err. Dereferencing an empty one is a bug and is caught by the bounds
/// checks.
template <typename T> class [[nodiscard]] Result : std::optional<T> {
    using Value = std::optional<T>;

  public:
    constexpr Result(T value) : Value{std::move(value)} {}
    constexpr Result(Err error) : error_{error} {}
    using Value::operator bool, Value::operator*, Value::operator->;
    constexpr T take() { return *std::move(*this); }
    constexpr Err error() const { return error_; }

  private:
    Err error_{};
};

/// Success without a value, or an Err.
template <> class [[nodiscard]] Result<void> {
  public:
    constexpr Result() = default;
    constexpr Result(Err error) : error_{error} {}
    constexpr explicit operator bool() const { return !error_; }
    constexpr void take() const {}
    constexpr Err error() const { return *error_; }

  private:
    std::optional<Err> error_{};
};

/// The value of a Result, if its type has any, or return its error from the enclosing function.
#define TRY(expression)                                                                            \
    ({                                                                                             \
        auto try_result = (expression);                                                            \
        if (!try_result) return try_result.error();                                                \
        try_result.take();                                                                         \
    })

} // namespace plinth
