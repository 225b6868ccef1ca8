// SPDX-License-Identifier: Apache-2.0
// An SBI call between two reads of instret.
#pragma once

#include "samples.hpp"
#include "sbi.hpp"

namespace bench {

/// The registers of a call, before and after it.
struct Call {
    uint64_t a0 = 0;
    uint64_t a1 = 0;
    uint64_t a2 = 0;
    uint64_t a3 = 0;
    uint64_t a4 = 0;
    uint64_t a5 = 0;
    uint64_t a6 = 0; ///< function
    uint64_t a7 = 0; ///< extension
};

/// Makes the call; `call` gets what it leaves in the registers. With `pending` not 0 the
/// measurement ends when sip has one of these bits.
inline Timed timed_call(Call& call, uint64_t pending = 0) {
    Timed t{};
    register uint64_t a0 asm("a0") = call.a0;
    register uint64_t a1 asm("a1") = call.a1;
    register uint64_t a2 asm("a2") = call.a2;
    register uint64_t a3 asm("a3") = call.a3;
    register uint64_t a4 asm("a4") = call.a4;
    register uint64_t a5 asm("a5") = call.a5;
    register uint64_t a6 asm("a6") = call.a6;
    register uint64_t a7 asm("a7") = call.a7;
    if (pending == 0) {
        asm volatile("rdinstret %[begin]\n\tecall\n\trdinstret %[end]"
                     : [begin] "=&r"(t.begin), [end] "=&r"(t.end), "+r"(a0), "+r"(a1), "+r"(a2),
                       "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7)::"memory");
    } else {
        asm volatile("rdinstret %[begin]\n\tecall\n"
                     "1:\tcsrr %[end], sip\n\tand %[end], %[end], %[pending]\n\tbeqz %[end], 1b\n\t"
                     "rdinstret %[end]"
                     : [begin] "=&r"(t.begin), [end] "=&r"(t.end), "+r"(a0), "+r"(a1), "+r"(a2),
                       "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6), "+r"(a7)
                     : [pending] "r"(pending)
                     : "memory");
    }
    call = {a0, a1, a2, a3, a4, a5, a6, a7};
    t.value = a1;
    return t;
}

/// Fails unless the call succeeded and left all registers but a0 and a1 alone.
inline void check_call(char const* row, unsigned i, Call const& before, Call const& after) {
    check(row, i, after.a0, 0);
    check(row, i, after.a2, before.a2);
    check(row, i, after.a3, before.a3);
    check(row, i, after.a4, before.a4);
    check(row, i, after.a5, before.a5);
    check(row, i, after.a6, before.a6);
    check(row, i, after.a7, before.a7);
}

} // namespace bench
