// SPDX-License-Identifier: Apache-2.0
/// The fake hart: a machine as the privileged specification describes it, as far as the monitor
/// asks. It forgives nothing: a CSR that it was not given, an access outside RAM, a guest access to
/// what is the monitor's, a store to a read-only CSR are Violations.
#pragma once

#include "machine.hpp"

#include <bitset>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace plinth::arch {

/// One hart of the simulated machine.
class Hart {
  public:
    /// One piece of guest execution: changes registers, and says with which trap it ended.
    using Step = std::function<Trap(Hart&, GuestContext&)>;
    /// What happened, in order.
    enum class Event : std::uint8_t { PmpWrite, FenceAll, FenceCode, Enter };
    /// What an access is for: LR loads, SC stores.
    enum class Use : std::uint8_t { Fetch, Load, Store, Amo };
    /// A leaf of the address translation: a page of 4 KiB. `table`: where its entry lies, 0:
    /// unknown.
    struct Page {
        std::uint64_t frame{0};
        bool r{true}, w{true}, x{true}, user{false};
        std::uint64_t table{0};
    };
    using PageMap = std::map<std::uint64_t, Page>; ///< by virtual page address

    /// Becomes hart `id` of `machine`, reset, with the CSRs that `features` imply.
    void attach(fake::Machine& machine, unsigned id, Features const& features);

    unsigned id() const { return id_; }
    Features const& features() const { return features_; }

    template <CsrNumber N> std::uint64_t read() const { return read_csr(N); }
    template <CsrNumber N> void write(std::uint64_t value) { write_csr(N, value); }
    template <CsrNumber N> void set(std::uint64_t bits) { set_csr(N, bits); }
    template <CsrNumber N> void clear(std::uint64_t bits) { clear_csr(N, bits); }
    template <CsrNumber N> bool probe() const { return there_.test(N); }

    /// Takes a pending interrupt, or checks the entry (before_entry) and plays the next step.
    bool enter(GuestContext& guest, Trap& trap) {
        trap = enter(guest);
        return !vector_executes || !vector_executes(trap);
    }
    Trap enter(GuestContext& guest);
    static bool goes_on() { return false; } ///< one turn at a time
    void load_pmp(PmpImage const& image);
    std::uint64_t fetch(std::uint64_t pc);
    GuestAccess guest_load(std::uint64_t address, unsigned width, std::uint64_t status);
    GuestAccess guest_store(std::uint64_t address, unsigned width, std::uint64_t status,
                            std::uint64_t value);
    GuestAccess guest_swap(std::uint64_t address, unsigned width, std::uint64_t how,
                           std::uint64_t expected, std::uint64_t value);
    std::span<std::uint8_t> bytes(PhysRange range) const;
    /// Whether an access with the rights `how` would be granted, page tables and PMP, and by which
    /// bytes, one after the other; A and D are set. As the guest itself makes it: also fetches.
    GuestAccess reach(std::uint64_t address, unsigned width, std::uint64_t how, Use use,
                      std::array<std::uint8_t*, 8>& where);

    std::uint64_t time() const;
    void set_deadline(std::uint64_t deadline);
    void send_ipi(unsigned hart);
    void clear_ipi();
    void fence_all();
    void fence_code() { trace.push_back(Event::FenceCode); }
    void wait_for_interrupt();
    [[noreturn]] void park();

    void save(FpState& out) const;
    void load(FpState const& in);
    void save(VectorState& out) const;
    void load(VectorState const& in);

    // What only tests use.
    std::deque<Step> script{};
    std::function<void(GuestContext&)> before_entry{};
    /// The monitor is about to look at memory by itself.
    std::function<void(PhysRange)> before_bytes{};
    /// What the trap vector does before the run loop: whether it executed what trapped.
    std::function<bool(Trap const&)> vector_executes{};
    /// Asked between the LR and the SC of guest_swap: other harts may act there. Whether the
    /// reservation is lost; it must be if the word was changed.
    std::function<bool()> loses_reservation{};
    std::vector<Event> trace{};
    FpState fp{};
    VectorState vector{};
    std::map<std::uint64_t, PageMap> translations{}; ///< by value of satp, vsatp, hgatp
    bool sv57{false};                                ///< satp has it
    /// satp, vsatp or hgatp that `translations` does not know name page tables in RAM. The hart
    /// sets A and D itself. What a fault says is the reference's word.
    bool walks_tables{false};
    /// Guest page faults of accesses with MPRV are called page faults, as in QEMU 7.2; mtval2 is
    /// right.
    bool guest_faults_lose_their_cause{false};
    /// mstatus while a guest step runs: what the trap will report.
    std::uint64_t status{0};

    PmpImage const& loaded() const { return loaded_; }
    fake::Machine& machine() const { return *machine_; }
    /// Whether a fence followed the last PMP write.
    bool fenced() const { return fenced_; }
    /// Forgets the fence, as if it had been left out.
    void forget_fence() { fenced_ = false; }
    /// Loads an image without any fence, as no monitor may.
    void break_pmp(PmpImage const& image) { loaded_ = image; }
    /// CSRs as the hardware holds them, by number.
    std::uint64_t read_csr(CsrNumber number) const;
    void write_csr(CsrNumber number, std::uint64_t value);
    void set_csr(CsrNumber number, std::uint64_t bits);
    void clear_csr(CsrNumber number, std::uint64_t bits);
    bool exists(CsrNumber number) const { return there_.test(number); }
    /// Makes a CSR unknown to this hart.
    void remove_csr(CsrNumber number) { there_.reset(number); }

  private:
    void populate();
    void require_csr(CsrNumber number) const;
    std::uint64_t mip() const;
    std::uint64_t legal(CsrNumber number, std::uint64_t value) const;
    void put_instruction(std::uint64_t pc, std::uint64_t bits);
    GuestAccess access(std::uint64_t address, unsigned width, std::uint64_t how, bool store,
                       std::uint64_t value);
    bool translate(std::uint64_t address, std::uint64_t how, bool store, std::uint64_t& physical,
                   GuestAccess& fault) const;
    bool translate_stage(std::uint64_t satp, std::uint64_t address, std::uint64_t how, bool store,
                         std::uint64_t& physical, GuestAccess& fault) const;
    bool has_map(std::uint64_t how) const;
    bool protection_allows(std::uint64_t physical, unsigned width, std::uint64_t mode,
                           bool store) const;
    std::uint8_t* guest_byte(std::uint64_t physical) const;

    fake::Machine* machine_{nullptr};
    unsigned id_{0};
    Features features_{};
    std::array<std::uint64_t, 4096> csrs_{};
    std::bitset<4096> there_{};
    PmpImage loaded_{};
    bool fenced_{true};
};

} // namespace plinth::arch
