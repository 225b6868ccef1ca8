// SPDX-License-Identifier: Apache-2.0
/// A whole monitor on fake harts, booted as far as its first entry to the firmware, with the entry
/// contract checked at every entry.
#pragma once

#include "arch/hart.hpp"
#include "instructions.hpp"
#include "machine.hpp"
#include "monitor/harts.hpp"
#include "monitor/state.hpp"

#include <array>
#include <memory>

namespace plinth::monitor {
/// One turn of the run loop.
inline void turn(HartState& h) { run(h); }
} // namespace plinth::monitor

namespace plinth::fake {

/// A hart like QEMU's rv64: IMAFDC, S, U, envcfg; with more on request.
struct Wanted {
    unsigned harts{1};
    unsigned pmp_entries{16};
    unsigned pmp_granule{2}; ///< log2 of bytes
    bool sstc{false};
    bool hypervisor{false};
    bool vector{false};
    bool supervisor{true};
    bool floating{true};  ///< F and D
    bool envcfg{true};    ///< version 1.12: menvcfg, senvcfg, mcountinhibit
    bool overflow{false}; ///< Sscofpmf
    bool entropy{true};
    bool keys{true};
    std::uint64_t ram{16 << 20};
};
arch::Features features(Wanted const& wanted);

/// a0 and a1 after a call.
struct Answer {
    std::uint64_t error{0};
    std::uint64_t value{0};
    friend bool operator==(Answer const&, Answer const&) = default;
};

class Bench {
  public:
    explicit Bench(Wanted const& wanted = {});
    Bench(Bench const&) = delete;

    monitor::HartState& hart(unsigned id = 0) { return monitor->harts[id]; }
    /// Plays one guest step on a hart; takes as many turns as interrupts in between need.
    void play(arch::Hart::Step step, unsigned id = 0);
    /// A CSR of vM written (csrrw) or read (csrrs x0) by the firmware that runs.
    void write_csr(unsigned number, std::uint64_t value, unsigned id = 0);
    std::uint64_t read_csr(unsigned number, unsigned id = 0);
    /// The firmware opens its vPMP, delegates as OpenSBI does and enters the host in S-mode at
    /// host_pc.
    void to_host(unsigned id = 0);
    /// An ecall of the host or enclave that runs: registers a0 … a2, a6, a7. The answer is what
    /// stands in a0 and a1 at the next entry (nothing else may have run in between).
    Answer call(std::uint64_t extension, std::uint64_t function,
                std::array<std::uint64_t, 3> args = {}, unsigned id = 0);
    /// A Keystone call.
    Answer keystone(std::uint64_t function, std::array<std::uint64_t, 3> args = {},
                    unsigned id = 0);
    /// Puts words into RAM or takes one out.
    void poke(std::uint64_t address, std::uint64_t word);
    std::uint64_t peek(std::uint64_t address);
    std::span<std::uint8_t> bytes(std::uint64_t address, std::uint64_t size);

    static constexpr std::uint64_t host_pc = 0x8020'0000, vm_handler = 0x8010'4000;
    /// The create struct at args_at, for a default enclave: 16 pages of EPM, 2 pages of UTM.
    static constexpr std::uint64_t args_at = 0x8021'0000, epm = 0x8040'0000, utm = 0x8060'0000;
    /// Writes the struct and calls create; `index` moves EPM and UTM to disjoint places.
    Answer create(unsigned index = 0, unsigned id = 0);
    static enclave::CreateArgs default_args(unsigned index = 0);
    void put_args(enclave::CreateArgs const& args);

    Machine machine;
    std::unique_ptr<monitor::Monitor> monitor;
    /// Changes something between prepare_entry and the contract's check.
    std::function<void(monitor::HartState&, arch::GuestContext&)> perturb{};
    /// Rows that the contract found broken, if `collect` is set; otherwise they are a Violation.
    bool collect{false};
    std::string broken{};
};

} // namespace plinth::fake
