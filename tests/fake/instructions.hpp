// SPDX-License-Identifier: Apache-2.0
/// Instruction words, encoded from the unprivileged specification; and guest steps that execute
/// one.
#pragma once

#include "arch/hart.hpp"

#include <cstdint>

namespace plinth::fake {

enum class CsrOp : std::uint32_t { Rw = 1, Rs = 2, Rc = 3, Rwi = 5, Rsi = 6, Rci = 7 };

constexpr std::uint32_t encode_csr(CsrOp op, unsigned rd, unsigned csr, unsigned rs1) {
    return csr << 20U | rs1 << 15U | static_cast<std::uint32_t>(op) << 12U | rd << 7U | 0x73U;
}
/// I-type LOAD: funct3 0 lb, 1 lh, 2 lw, 3 ld, 4 lbu, 5 lhu, 6 lwu.
constexpr std::uint32_t encode_load(unsigned funct3, unsigned rd, unsigned rs1, int offset) {
    return (static_cast<std::uint32_t>(offset) & 0xfffU) << 20U | rs1 << 15U | funct3 << 12U |
           rd << 7U | 0x03U;
}
/// S-type STORE: funct3 0 sb, 1 sh, 2 sw, 3 sd.
constexpr std::uint32_t encode_store(unsigned funct3, unsigned rs2, unsigned rs1, int offset) {
    auto const bits = static_cast<std::uint32_t>(offset);
    return (bits >> 5U & 0x7fU) << 25U | rs2 << 20U | rs1 << 15U | funct3 << 12U |
           (bits & 0x1fU) << 7U | 0x23U;
}
inline constexpr std::uint32_t insn_mret = 0x30200073, insn_sret = 0x10200073,
                               insn_wfi = 0x10500073, insn_sfence_vma = 0x12000073;

/// An instruction that U-mode may not execute: illegal, with its bits in mtval.
arch::Hart::Step illegal(std::uint32_t bits);
/// csrrw etc. by the firmware.
arch::Hart::Step csr(CsrOp op, unsigned rd, unsigned number, unsigned rs1);
/// Puts `value` into register t0 (x5) first, then csrrw x0, number, t0.
arch::Hart::Step csr_write(unsigned number, std::uint64_t value);
/// ecall from the mode that runs.
arch::Hart::Step ecall();
/// Any exception.
arch::Hart::Step exception(arch::Cause cause, std::uint64_t tval);
/// A load or store that lies at pc, with rs1 and rs2 as given; executed under the loaded PMP. The
/// word is put into memory first. If it succeeds, an ecall follows.
arch::Hart::Step memory_access(std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2 = 0);

} // namespace plinth::fake
