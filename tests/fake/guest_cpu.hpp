// SPDX-License-Identifier: Apache-2.0
/// A guest that executes what lies in memory, one instruction a step: fetched and carried out under
/// the page tables and the PMP that the hart has, with the faults of hardware. Loads, stores,
/// atomics; everything else but a few that do nothing is an illegal instruction.
#pragma once

#include "arch/hart.hpp"

#include <cstdint>
#include <optional>

namespace plinth::fake {

/// Loads, stores and atomics that a GuestCpu knows, taken apart.
struct Memory {
    enum class Op : std::uint8_t { Load, Store, LoadFp, StoreFp, Lr, Sc, Amo };
    Op op;
    unsigned length, width, data, base; ///< `data`: the register loaded or stored
    std::int64_t offset{0};
    bool sign{true};
    unsigned result{0}; ///< rd of atomics

    bool loads() const { return op == Op::Load || op == Op::LoadFp || op == Op::Lr; }
    bool fp() const { return op == Op::LoadFp || op == Op::StoreFp; }
    bool atomic() const { return op == Op::Lr || op == Op::Sc || op == Op::Amo; }
    arch::Hart::Use use() const {
        if (op == Op::Amo) return arch::Hart::Use::Amo;
        return loads() ? arch::Hart::Use::Load : arch::Hart::Use::Store;
    }
};
/// From the unprivileged specification: LOAD, STORE, their FP forms, LR, SC, AMOADD; C.LD, C.SD.
std::optional<Memory> decode_memory(std::uint32_t word);
inline constexpr std::uint32_t insn_nop = 0x13, insn_c_nop = 0x1;

class GuestCpu {
  public:
    explicit GuestCpu(arch::Hart& hart) : hart_{hart} {}

    /// Tries the instruction at pc once. Retired, it is followed by a software interrupt of the
    /// monitor, which means nothing.
    arch::Hart::Step attempt();

    unsigned retired{0};   ///< instructions
    unsigned delegated{0}; ///< exceptions that the hart took to S or VS itself
    unsigned trapped{0};   ///< exceptions that went to the monitor

    struct Fault {
        std::uint64_t cause{0}, tval{0}, tval2{0};
    };
    Fault last_delegated{};

  private:
    std::optional<Fault> execute(arch::GuestContext& guest);
    std::optional<Fault> fetch(std::uint64_t pc, std::uint32_t& word);
    std::optional<Fault> access(arch::GuestContext& guest, Memory const& insn);
    arch::Trap trap(Fault const& fault);

    arch::Hart& hart_;
    std::optional<std::uint64_t> reserved_{};
};

} // namespace plinth::fake
