// SPDX-License-Identifier: Apache-2.0
// What a lower world says is an allegation: it can be looked at only by checking it.
#pragma once

#include <utility>

namespace plinth {

/// A copy of something a guest said. The only way to its content is `validate`.
template <typename T> class Untrusted {
  public:
    constexpr explicit Untrusted(T copy) : copy_{std::move(copy)} {}
    /// Calls check(copy), whose result is what the monitor goes on with.
    template <typename Check> constexpr auto validate(Check check) const { return check(copy_); }

  private:
    T copy_;
};

} // namespace plinth
