// SPDX-License-Identifier: Apache-2.0
// One access each; ra leads back to the probing code (see run.hpp).

    .option norvc
    .text
    .globl load_word, load_double, store_word, store_double
load_word:
    lwu a1, 0(a0)
    ret
load_double:
    ld a1, 0(a0)
    ret
store_word:
    sw a1, 0(a0)
    ret
store_double:
    sd a1, 0(a0)
    ret
