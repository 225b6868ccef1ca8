// SPDX-License-Identifier: Apache-2.0
// One program: its slots of code, what is known about them, and what happened when it ran.
#pragma once

#include "csrs.hpp"
#include "params.hpp"

namespace differ {

/// Steps of a program; one more slot ends it.
inline constexpr unsigned min_steps = 12, max_steps = 40;

/// What a step does; bit n of Params::classes switches class n on.
enum class Class : unsigned {
    Csr,
    Enter,     ///< mret or sret into a chosen mode
    Configure, ///< delegation, interrupt enables, status
    Interrupt, ///< raise and enable
    Access,    ///< loads and stores of the current mode
    Mprv,      ///< plain loads and stores with MPRV
    Pmp,
    Paging,
    Simple, ///< ecall, ebreak, wfi, fences
    Return, ///< returns and jumps to bad addresses
    Clint,
    System, ///< arbitrary SYSTEM and custom opcodes
    Exotic, ///< floating-point, atomic and misaligned accesses, also with MPRV
    Guest,  ///< VS-mode: entries, delegation to it, accesses in its stead
    Lock,   ///< vPMPs locked until the machine is reset
    Vector, ///< vector instructions and mstatus.VS, where the processor has them
    Count
};

/// A CSR instruction in a slot.
struct CsrOp {
    uint16_t after; ///< offset in words of what follows it
    uint16_t index; ///< which of the known CSRs
    uint8_t form;   ///< position in `forms`
};

/// Instructions of which the tests want to know how often they succeeded, trapped and faulted.
enum class Watched : uint8_t {
    SinvalVma,
    HinvalVvma,
    HinvalGvma,
    SfenceWInval,
    SfenceInvalIr,
    VectorConfigure,
    VectorArithmetic,
    VectorLoad,
    VectorStore,
    HypervisorLoad, ///< in M-mode, as HypervisorStore
    HypervisorStore,
    Count
};
struct WatchedOp {
    uint16_t after; ///< as in CsrOp
    Watched what;
};

struct Slot {
    uint16_t words;
    uint8_t ops, watched;
    uint8_t kind;
    CsrOp op[4];
    WatchedOp watch[8];
};

/// Where a program leaves the value of a CSR that a rule hides in part.
struct Cell {
    uint64_t raw;
    uint64_t shown; ///< bits that the program sees
    uint16_t rule;
};
inline constexpr unsigned max_cells = 4 * max_steps;

/// Generates the step `index` of a program into `slot`.
struct Generator {
    Random random;
    Emitter out;
    Slot& slot;
    bool locks; ///< the program may lock vPMPs

    void step(unsigned index, uint64_t classes);

  private:
    unsigned any_register();
    unsigned any_target();
    void guard_machine();
    void csr_step();
    void one_csr();
    void csr_instruction(unsigned number);
    void watched(uint32_t word, Watched what);
    void settle_csr(unsigned number);
    void settle_pmp();
    void hide(unsigned number, unsigned rd);
    void enter_step();
    void go(unsigned mode, bool guest, uint64_t bits, unsigned base = reg::gp);
    void go_on_in(unsigned mode, bool guest);
    void guest_step();
    void guest_configure();
    void guest_translation();
    void guest_privilege();
    void choose_bits(unsigned number, uint64_t of, uint64_t bits);
    void guest_access();
    void machine_guest_access();
    void fp_operation();
    void vector_status();
    void vector_configure();
    void vector_arithmetic();
    void vector_access();
    unsigned vector_register();
    uint64_t vector_address();
    void vector_step();
    void configure_step();
    void interrupt_step();
    void access_step(bool exotic);
    void mprv_step(bool exotic);
    void plain_access(unsigned address, unsigned data);
    void exotic_access(unsigned address, unsigned data, bool pairs);
    uint64_t some_address(bool exotic);
    void pmp_step();
    void lock_step();
    void paging_step();
    void simple_step();
    void return_step();
    void clint_step();
    void clint_access(unsigned address, unsigned data);
    void system_step();
    void wait_step();
};

/// The memory and tables that programs work on.
inline constexpr uint64_t data_base = 0x80200000;
inline constexpr unsigned data_pages = 8;
/// Pages for locked vPMPs: nothing else is there, and nothing resets them.
inline constexpr uint64_t locked_base = 0x80220000;
inline constexpr unsigned locked_pages = 4;
inline constexpr uint64_t window = 0x100000000; ///< VA of 16 random 4 KiB pages, 1 random 2 MiB
inline constexpr uint64_t alias_offset = 0x100000000; ///< U-mode sees the image this much higher
inline constexpr unsigned window_pages = 16;
inline constexpr unsigned table_sets = 2;

/// satp of table set `n`.
uint64_t table_satp(unsigned n);
/// hgatp of the table by which a guest sees image and data where they are, and nothing else.
uint64_t guest_hgatp();

/// The rule of a CSR, or -1.
int rule_of(unsigned number);
/// Programs leave this one alone: it exists on one side only.
bool is_unused(unsigned number);
/// Counts and forgets a cause or status for which there is a rule of this kind.
void hide_cause(uint32_t kind, uint64_t cause);
/// A cell for the next hidden read; nullptr if there is none left.
Cell* take_cell(int rule);

inline constexpr uint64_t image_entry_address =
    (uint64_t{0x80100000} >> 2U) | ((0x100000 >> 3U) - 1);
inline constexpr uint64_t all_memory_address = (uint64_t{1} << 54U) - 1;
inline constexpr uint64_t default_pmpcfg = 0x1f0000000000001f;

extern "C" {
extern uint32_t code[(max_steps + 1) * slot_words];
void differ_slot_end();
void differ_m_direct();
void differ_m_vectored();
void differ_s_direct();
void differ_s_vectored();
void differ_vs_direct();
void differ_enter(uint64_t slot);
}

} // namespace differ
