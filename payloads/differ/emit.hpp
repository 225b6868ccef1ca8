// SPDX-License-Identifier: Apache-2.0
// Writes instructions into a slot of the code buffer (encodings: unprivileged specification, 24).
#pragma once

#include <stdint.h>

namespace differ {

namespace reg {
inline constexpr unsigned zero = 0, ra = 1, sp = 2, gp = 3, tp = 4, t5 = 30;
}

/// The six CSR instructions by funct3.
enum class Form : unsigned { Rw = 1, Rs = 2, Rc = 3, Rwi = 5, Rsi = 6, Rci = 7 };
inline constexpr Form forms[] = {Form::Rw, Form::Rs, Form::Rc, Form::Rwi, Form::Rsi, Form::Rci};
constexpr bool has_immediate(Form form) { return static_cast<unsigned>(form) >= 5; }
/// 1 writes, 2 sets, 3 clears
constexpr unsigned operation(Form form) { return static_cast<unsigned>(form) & 3U; }

inline constexpr unsigned slot_words = 96;
inline constexpr unsigned slot_size = 4 * slot_words;

/// The instructions of one slot or routine of `size` words. What does not fit is dropped; two words
/// are kept for close().
class Emitter {
  public:
    explicit Emitter(uint32_t* start, unsigned size = slot_words)
        : base_{start}, next_{start}, end_{start + size - 2} {}

    unsigned offset() const { return static_cast<unsigned>(next_ - base_); }
    uint64_t pc() const { return reinterpret_cast<uint64_t>(next_); }
    bool has_room(unsigned words) const { return next_ + words <= end_; }

    void word(uint32_t bits);
    /// Two compressed instructions.
    void halves(uint32_t first, uint32_t second) { word(first | second << 16U); }
    void csr(Form form, unsigned rd, unsigned number, unsigned source);
    void csr_write(unsigned number, unsigned rs1) { csr(Form::Rw, reg::zero, number, rs1); }
    void csr_set(unsigned number, unsigned rs1) { csr(Form::Rs, reg::zero, number, rs1); }
    void csr_clear(unsigned number, unsigned rs1) { csr(Form::Rc, reg::zero, number, rs1); }
    void csr_read(unsigned rd, unsigned number) { csr(Form::Rs, rd, number, reg::zero); }
    /// Any 64-bit number, in at most 8 instructions.
    void li(unsigned rd, uint64_t value);
    /// The address `target`, relative to the pc.
    void la(unsigned rd, uint64_t target);
    void addi(unsigned rd, unsigned rs1, int immediate);
    void slli(unsigned rd, unsigned rs1, unsigned shift);
    void srli(unsigned rd, unsigned rs1, unsigned shift);
    void add(unsigned rd, unsigned rs1, unsigned rs2);
    void and_(unsigned rd, unsigned rs1, unsigned rs2);
    /// Opcode LOAD (0x03) or LOAD-FP (0x07).
    void load(unsigned funct3, unsigned rd, unsigned rs1, int offset, uint32_t opcode = 0x03);
    /// Opcode STORE (0x23) or STORE-FP (0x27).
    void store(unsigned funct3, unsigned rs2, unsigned rs1, int offset, uint32_t opcode = 0x23);
    void jal(unsigned rd, uint64_t target);
    /// Skips `words` words if rs1 is zero.
    void beqz_over(unsigned rs1, unsigned words);
    /// The last two words: to the common code at `slot_end`, then to the next slot.
    void close(uint64_t slot_end);

  private:
    uint32_t* base_;
    uint32_t* next_;
    uint32_t* end_;
};

inline constexpr uint32_t insn_ecall = 0x00000073, insn_ebreak = 0x00100073, insn_wfi = 0x10500073,
                          insn_mret = 0x30200073, insn_sret = 0x10200073, insn_fence = 0x0ff0000f,
                          insn_fence_i = 0x0000100f, insn_sfence = 0x12000073,
                          insn_hfence_vvma = 0x22000073, insn_hfence_gvma = 0x62000073,
                          c_nop = 0x0001;

} // namespace differ
