// SPDX-License-Identifier: Apache-2.0
// Test firmware: every fence instruction with every kind of operands, in every mode, with and
// without mstatus.TVM: what happens, and where a trap points.
#include "firmware.hpp"

#include <initializer_list>

namespace {

using namespace payload;

struct Instruction {
    char name[16];
    uint32_t word;
};

constexpr Instruction instructions[] = {
    {"sfence.vma", 0x12000073},     {"hfence.vvma", 0x22000073},     {"hfence.gvma", 0x62000073},
    {"sinval.vma", 0x16000073},     {"hinval.vvma", 0x26000073},     {"hinval.gvma", 0x66000073},
    {"sfence.w.inval", 0x18000073}, {"sfence.inval.ir", 0x18100073}, {"fence.i", 0x0000100f},
    {"fence", 0x0ff0000f},
};

constexpr uint64_t virtualized = uint64_t{1} << 39U; // mstatus.MPV

alignas(8) uint32_t code[3]; // the instruction, li a7, 0 and ret

/// Prints '.' if the instruction is executed, else the cause; behind it '~' if mtval is zero, which
/// it may be, and '?' if it is neither zero nor the instruction or if mepc is not its address.
void try_one(uint32_t word, Priv mode, uint64_t status) {
    code[0] = word;
    code[1] = 0x00000893;
    code[2] = 0x00008067;
    asm volatile("fence.i" ::: "memory");
    csr::clear<csr::Mstatus>(virtualized); // a trap from VS-mode leaves it set
    Run const r =
        run(mode, at<Stub>(address_of(code)), {.a0 = address_of(code), .a1 = 1, .status = status});
    if (r.epc == address_of(&run_from_m_ecall)) {
        say(" .");
        return;
    }
    say(' ', Dec{r.cause});
    if (r.tval == 0) put('~');
    if (r.epc != address_of(code) || (r.tval != word && r.tval != 0)) put('?');
}

/// With x0 or registers as operands: an address in a0, an ASID or VMID in a1.
void try_mode(Instruction const& instruction, char const* name, Priv mode, uint64_t status) {
    say("fences: ", instruction.name, ' ', name, ':');
    for (uint32_t const rs2 : {0U, 11U})
        for (uint32_t const rs1 : {0U, 10U})
            try_one(instruction.word | rs2 << 20U | rs1 << 15U, mode, status);
    put('\n');
}

void try_all(Instruction const& instruction, bool has_hypervisor) {
    try_mode(instruction, "M", Priv::Machine, 0);
    try_mode(instruction, "M TVM", Priv::Machine, status_tvm);
    try_mode(instruction, "S", Priv::Supervisor, 0);
    try_mode(instruction, "S TVM", Priv::Supervisor, status_tvm);
    try_mode(instruction, "U", Priv::User, 0);
    if (!has_hypervisor) return;
    try_mode(instruction, "VS", Priv::Supervisor, virtualized);
    try_mode(instruction, "VU", Priv::User, virtualized);
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    bool const has_hypervisor = (csr::read<csr::Misa>() >> 7U & 1U) != 0;
    say("fences: start\n");
    csr::write<csr::Medeleg>(0);
    open_pmp();
    for (Instruction const& instruction : instructions) try_all(instruction, has_hypervisor);
    say("fences: end\n");
    finish();
}
