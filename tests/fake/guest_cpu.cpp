// SPDX-License-Identifier: Apache-2.0
#include "guest_cpu.hpp"

#include "instructions.hpp"
#include "reference/trap_reference.hpp"

namespace plinth::fake {

using namespace arch;
using Op = Memory::Op;

namespace {

std::int64_t signed_bits(std::uint64_t value, unsigned bits) {
    return static_cast<std::int64_t>(sign_extend(value, bits));
}

std::optional<Memory> decode_short(std::uint32_t word) {
    auto const funct3 = word >> 13U & 7U;
    if ((word & 3U) != 0 || (funct3 != 3 && funct3 != 7)) return std::nullopt;
    return Memory{
        .op = funct3 == 3 ? Op::Load : Op::Store,
        .length = 2,
        .width = 8,
        .data = 8 + (word >> 2U & 7U),
        .base = 8 + (word >> 7U & 7U),
        .offset = static_cast<std::int64_t>((word >> 10U & 7U) << 3U | (word >> 5U & 3U) << 6U)};
}

std::optional<Memory> decode_atomic(std::uint32_t word) {
    auto const operation = word >> 27U, funct3 = word >> 12U & 7U;
    if ((operation != 0 && operation != 2 && operation != 3) || (funct3 != 2 && funct3 != 3))
        return std::nullopt;
    return Memory{.op = operation == 0 ? Op::Amo : (operation == 2 ? Op::Lr : Op::Sc),
                  .length = 4,
                  .width = 1U << funct3,
                  .data = word >> 20U & 31U,
                  .base = word >> 15U & 31U,
                  .result = word >> 7U & 31U};
}

} // namespace

std::optional<Memory> decode_memory(std::uint32_t word) {
    if ((word & 3U) != 3) return decode_short(word);
    auto const opcode = word & 0x7fU, funct3 = word >> 12U & 7U;
    if (opcode == 0x2f) return decode_atomic(word);
    auto const store = opcode == 0x23 || opcode == 0x27, fp = opcode == 0x07 || opcode == 0x27;
    if ((!store && opcode != 0x03 && !fp) || funct3 == 7) return std::nullopt;
    auto const imm = store ? (word >> 25U << 5U) | (word >> 7U & 31U) : word >> 20U;
    return Memory{.op = fp ? (store ? Op::StoreFp : Op::LoadFp) : (store ? Op::Store : Op::Load),
                  .length = 4,
                  .width = 1U << (funct3 & 3U),
                  .data = store ? word >> 20U & 31U : word >> 7U & 31U,
                  .base = word >> 15U & 31U,
                  .offset = signed_bits(imm, 12),
                  .sign = funct3 < 4};
}

Hart::Step GuestCpu::attempt() {
    return [this](Hart&, GuestContext& guest) {
        auto const fault = execute(guest);
        if (fault) return trap(*fault);
        ++retired;
        return Trap{.cause = interrupt_flag | irq::Msi};
    };
}

std::optional<GuestCpu::Fault> GuestCpu::fetch(std::uint64_t pc, std::uint32_t& word) {
    word = 0;
    for (unsigned half = 0; half < 2; ++half) {
        std::array<std::uint8_t*, 8> where{};
        auto const parcel = hart_.reach(pc + 2 * half, 2, hart_.status, Hart::Use::Fetch, where);
        if (!parcel.ok) return Fault{parcel.cause, parcel.tval, parcel.value};
        word |= static_cast<std::uint32_t>(*where[0] | *where[1] << 8U) << (16 * half);
        if ((word & 3U) != 3) break;
    }
    return std::nullopt;
}

std::optional<GuestCpu::Fault> GuestCpu::execute(GuestContext& guest) {
    std::uint32_t word = 0;
    if (auto const fault = fetch(guest.pc, word)) return fault;
    auto const insn = decode_memory(word);
    if (insn) return access(guest, *insn);
    if (word != insn_nop && word != insn_c_nop)
        return Fault{raw(Cause::IllegalInstruction), word, 0};
    guest.pc += (word & 3U) == 3 ? 4 : 2;
    return std::nullopt;
}

std::optional<GuestCpu::Fault> GuestCpu::access(GuestContext& guest, Memory const& insn) {
    auto const address = guest.get(insn.base) + static_cast<std::uint64_t>(insn.offset);
    std::array<std::uint8_t*, 8> where{};
    if (insn.op == Op::Sc && reserved_ != address) { // may fail without looking
        reserved_.reset();
        guest.set(insn.result, 1);
        guest.pc += insn.length;
        return std::nullopt;
    }
    auto const done = hart_.reach(address, insn.width, hart_.status, insn.use(), where);
    if (!done.ok) return Fault{done.cause, done.tval, done.value};
    std::uint64_t old = 0;
    for (unsigned i = 0; i < insn.width; ++i) old |= std::uint64_t{*where[i]} << (8 * i);
    auto const bits = 8 * insn.width;
    auto const value = insn.op == Op::StoreFp ? hart_.fp.f[insn.data] : guest.get(insn.data);
    auto const stored = insn.op == Op::Amo ? old + value : value;
    for (unsigned i = 0; !insn.loads() && i < insn.width; ++i)
        *where[i] = static_cast<std::uint8_t>(stored >> (8 * i));
    auto const extended = insn.sign ? sign_extend(old, bits) : old;
    if (insn.op == Op::Load) guest.set(insn.data, extended);
    if (insn.op == Op::Lr || insn.op == Op::Amo) guest.set(insn.result, extended);
    if (insn.op == Op::Sc) guest.set(insn.result, 0);
    if (insn.op == Op::LoadFp) {
        hart_.fp.f[insn.data] = bits == 32 ? old | 0xffff'ffff'0000'0000U : old;
        hart_.status = mstatus::Fs::set(hart_.status, 3);
        if (mstatus::Mpv::get(hart_.status) != 0)
            hart_.write_csr(csr::Vsstatus, mstatus::Fs::set(hart_.read_csr(csr::Vsstatus), 3));
    }
    reserved_.reset();
    if (insn.op == Op::Lr) reserved_ = address;
    guest.pc += insn.length;
    return std::nullopt;
}

/// The hart takes what is delegated itself (3.1.8, 8.6.2); the rest goes to the monitor.
Trap GuestCpu::trap(Fault const& fault) {
    using reference::Target;
    reserved_.reset();
    auto const code = static_cast<unsigned>(fault.cause);
    auto const virt = mstatus::Mpv::get(hart_.status) != 0;
    auto const mode = static_cast<reference::Mode>(mstatus::Mpp::get(hart_.status));
    auto const csr_or_zero = [&](CsrNumber n) { return hart_.exists(n) ? hart_.read_csr(n) : 0; };
    auto const medeleg = csr_or_zero(csr::Medeleg), hedeleg = csr_or_zero(csr::Hedeleg);
    auto const gva = virt && code != raw(Cause::IllegalInstruction);
    if (reference::exception_target(code, medeleg, hedeleg, {mode, virt}) != Target::Machine) {
        // What a handler of the host does is not of interest here, only that the hart took it.
        ++delegated;
        last_delegated = {fault.cause, fault.tval, fault.tval2};
        return Trap{.cause = interrupt_flag | irq::Msi};
    }
    ++trapped;
    hart_.status = mstatus::Gva::set(hart_.status, gva ? 1 : 0);
    return Trap{.cause = fault.cause, .tval = fault.tval, .tval2 = fault.tval2};
}

} // namespace plinth::fake
