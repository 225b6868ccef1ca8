// SPDX-License-Identifier: Apache-2.0
#include "instructions.hpp"

#include "arch/decode.hpp"
#include "machine.hpp"

namespace plinth::fake {

using namespace arch;

Hart::Step illegal(std::uint32_t bits) {
    return [bits](Hart&, GuestContext&) {
        return Trap{.cause = raw(Cause::IllegalInstruction), .tval = bits};
    };
}

Hart::Step csr(CsrOp op, unsigned rd, unsigned number, unsigned rs1) {
    return illegal(encode_csr(op, rd, number, rs1));
}

Hart::Step csr_write(unsigned number, std::uint64_t value) {
    return [=](Hart&, GuestContext& guest) {
        guest.set(5, value);
        return Trap{.cause = raw(Cause::IllegalInstruction),
                    .tval = encode_csr(CsrOp::Rw, 0, number, 5)};
    };
}

namespace {

Trap ecall_now(GuestContext const& guest) {
    auto const virt = mstatus::Mpv::get(guest.mstatus) != 0;
    if (mstatus::Mpp::get(guest.mstatus) == 0) return {.cause = raw(Cause::EcallU)};
    return {.cause = raw(virt ? Cause::EcallVs : Cause::EcallS)};
}

} // namespace

Hart::Step ecall() {
    return [](Hart&, GuestContext& guest) { return ecall_now(guest); };
}

Hart::Step exception(Cause cause, std::uint64_t tval) {
    return [=](Hart&, GuestContext&) { return Trap{.cause = raw(cause), .tval = tval}; };
}

Hart::Step memory_access(std::uint32_t word, std::uint64_t rs1, std::uint64_t rs2) {
    return [=](Hart& hart, GuestContext& guest) {
        auto const code = hart.bytes(*PhysRange::make({guest.pc}, 4));
        for (unsigned i = 0; i < 4; ++i) code[i] = static_cast<std::uint8_t>(word >> (8 * i));
        auto const funct3 = word >> 12U & 7U;
        auto const store = (word & 0x7fU) == 0x23;
        auto const offset = store ? (word >> 25U << 5U) | (word >> 7U & 31U) : word >> 20U;
        auto const address = rs1 + sign_extend(offset, 12);
        auto const rights = mstatus::Mpp::set(0, mstatus::Mpp::get(guest.mstatus));
        guest.set(word >> 15U & 31U, rs1);
        if (store) guest.set(word >> 20U & 31U, rs2);
        auto const width = 1U << (funct3 & 3U);
        auto const done = store ? hart.guest_store(address, width, rights, rs2)
                                : hart.guest_load(address, width, rights);
        if (!done.ok) return Trap{.cause = done.cause, .tval = done.tval};
        auto const bits = 8 * width;
        if (!store)
            guest.set(word >> 7U & 31U, funct3 < 4 ? sign_extend(done.value, bits) : done.value);
        guest.pc += 4;
        return ecall_now(guest);
    };
}

} // namespace plinth::fake
