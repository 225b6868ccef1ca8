// SPDX-License-Identifier: Apache-2.0
// One CSR instruction each, by number.
#include "macros.h"

    .text
    stub read_5c0
    csrrs a0, 0x5c0, zero
    ret
    stub write_7c5
    csrrw a0, 0x7c5, a1
    ret
    stub set_8ff
    csrrsi zero, 0x8ff, 3
    ret
    stub write_mhartid
    csrrw zero, mhartid, zero
    ret
    stub set_mhartid
    nop
    csrrs a0, mhartid, a1
    ret
    stub read_mhartid_by_csrrs
    csrrs a0, mhartid, zero
    ret
    stub read_mhartid_from_s
    csrr a0, mhartid
    ret
