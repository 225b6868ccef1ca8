// SPDX-License-Identifier: Apache-2.0
#include "emit.hpp"

namespace differ {
namespace {

constexpr uint32_t u32(uint64_t value) { return static_cast<uint32_t>(value); }

uint32_t i_type(uint32_t opcode, unsigned funct3, unsigned rd, unsigned rs1, int immediate) {
    return u32(opcode | rd << 7U | funct3 << 12U | rs1 << 15U) | u32(immediate) << 20U;
}
uint32_t r_type(uint32_t opcode, unsigned funct3, unsigned rd, unsigned rs1, unsigned rs2) {
    return u32(opcode | rd << 7U | funct3 << 12U | rs1 << 15U | rs2 << 20U);
}
int64_t low12(int64_t value) {
    return static_cast<int64_t>(static_cast<uint64_t>(value) << 52U) >> 52;
}

} // namespace

void Emitter::word(uint32_t bits) {
    if (next_ < end_) *next_++ = bits;
}

void Emitter::csr(Form form, unsigned rd, unsigned number, unsigned source) {
    word(r_type(0x73, static_cast<unsigned>(form), rd, source, 0) | number << 20U);
}

void Emitter::li(unsigned rd, uint64_t value) {
    // From the lowest digits on: what must be added after each shift; emitted in reverse.
    struct Step {
        unsigned shift;
        int64_t low;
    } steps[4];
    unsigned count = 0;
    auto rest = static_cast<int64_t>(value);
    while (rest != static_cast<int32_t>(rest)) {
        int64_t const low = low12(rest);
        auto high = (static_cast<uint64_t>(rest) - static_cast<uint64_t>(low)) >> 12U;
        rest = static_cast<int64_t>(high << 12U) >> 12;
        unsigned shift = 12;
        while ((rest & 1) == 0) {
            rest >>= 1;
            ++shift;
        }
        steps[count++] = {shift, low};
    }
    auto const low = low12(rest);
    auto const upper = u32(static_cast<uint64_t>(rest - low)) & 0xfffff000U;
    if (upper != 0) word(0x37U | rd << 7U | upper);
    if (upper == 0)
        addi(rd, reg::zero, static_cast<int>(low));
    else if (low != 0)
        word(i_type(0x1b, 0, rd, rd, static_cast<int>(low))); // addiw
    while (count-- > 0) {
        slli(rd, rd, steps[count].shift);
        if (steps[count].low != 0) addi(rd, rd, static_cast<int>(steps[count].low));
    }
}

void Emitter::la(unsigned rd, uint64_t target) {
    auto const distance = static_cast<int64_t>(target - pc());
    auto const low = low12(distance);
    word(0x17U | rd << 7U | (u32(static_cast<uint64_t>(distance - low)) & 0xfffff000U));
    addi(rd, rd, static_cast<int>(low));
}

void Emitter::addi(unsigned rd, unsigned rs1, int immediate) {
    word(i_type(0x13, 0, rd, rs1, immediate));
}
void Emitter::slli(unsigned rd, unsigned rs1, unsigned shift) {
    word(i_type(0x13, 1, rd, rs1, static_cast<int>(shift)));
}
void Emitter::srli(unsigned rd, unsigned rs1, unsigned shift) {
    word(i_type(0x13, 5, rd, rs1, static_cast<int>(shift)));
}
void Emitter::add(unsigned rd, unsigned rs1, unsigned rs2) { word(r_type(0x33, 0, rd, rs1, rs2)); }
void Emitter::and_(unsigned rd, unsigned rs1, unsigned rs2) { word(r_type(0x33, 7, rd, rs1, rs2)); }

void Emitter::load(unsigned funct3, unsigned rd, unsigned rs1, int offset, uint32_t opcode) {
    word(i_type(opcode, funct3, rd, rs1, offset));
}
void Emitter::store(unsigned funct3, unsigned rs2, unsigned rs1, int offset, uint32_t opcode) {
    auto const bits = u32(offset);
    word(r_type(opcode, funct3, bits & 31U, rs1, rs2) | (bits >> 5U & 127U) << 25U);
}

void Emitter::jal(unsigned rd, uint64_t target) {
    auto const d = u32(target - pc());
    word(0x6fU | rd << 7U | (d & 0xff000U) | (d >> 11U & 1U) << 20U | (d >> 1U & 0x3ffU) << 21U |
         (d >> 20U & 1U) << 31U);
}

void Emitter::beqz_over(unsigned rs1, unsigned words) {
    auto const d = 4 * (words + 1);
    word(0x63U | (d >> 11U & 1U) << 7U | (d >> 1U & 15U) << 8U | rs1 << 15U |
         (d >> 5U & 63U) << 25U);
}

void Emitter::close(uint64_t slot_end) {
    end_ += 2;
    jal(reg::tp, slot_end);
    jal(reg::zero, reinterpret_cast<uint64_t>(base_ + slot_words));
}

} // namespace differ
