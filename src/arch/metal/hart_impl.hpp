// SPDX-License-Identifier: Apache-2.0
// The hart itself: CSR instructions, guest entry, PMP, CLINT.
#pragma once

#include "arch/mmio.hpp"
#include "board.hpp"

#include <utility>

namespace plinth::arch {

/// What belongs to the hart that asks: kept in tp, which guests do not share with the monitor.
register void* current asm("tp");

/// One hart of the real machine.
class Hart {
  public:
    constexpr Hart() = default;

    unsigned id() const { return id_; }
    Features const& features() const { return features_; }

    /// Puts the hart into a known state and finds out what it has. Once, before anything else;
    /// false if the hart cannot run the monitor (no U-mode, too few or locked PMP entries).
    bool bring_up(unsigned id);

    template <CsrNumber N> static u64 read() {
        u64 value;
        asm volatile("csrr %0, %1" : "=r"(value) : "i"(N) : "memory");
        return value;
    }
    template <CsrNumber N> static void write(u64 value) {
        asm volatile("csrw %1, %0" : : "r"(value), "i"(N) : "memory");
    }
    template <CsrNumber N> static void set(u64 bits) {
        asm volatile("csrs %1, %0" : : "r"(bits), "i"(N) : "memory");
    }
    template <CsrNumber N> static void clear(u64 bits) {
        asm volatile("csrc %1, %0" : : "r"(bits), "i"(N) : "memory");
    }
    /// Whether the CSR can be read; recovers from the trap if it cannot.
    template <CsrNumber N> static bool probe() {
        return executes<(N << 20U) | 0x2073U>(); // csrr zero, N
    }
    /// Whether an instruction (of no effect, or x0 as its result) is legal in M-mode.
    template <u32 Bits> static bool executes() {
        u64 ok = 0;
        u64 scratch;
        asm volatile("la %1, 1f\n"
                     "csrrw %1, mtvec, %1\n"
                     ".4byte %2\n"
                     "li %0, 1\n"
                     ".balign 4\n"
                     "1: csrw mtvec, %1"
                     : "+&r"(ok), "=&r"(scratch)
                     : "i"(Bits)
                     : "memory");
        return ok != 0;
    }

    /// Runs the guest until it traps. False: the instruction that trapped is already executed
    /// (monitor/short_path.hpp). plinth_enter preserves sp and tp only: what the loop holds in
    /// registers is not worth saving.
    bool enter(GuestContext& guest, Trap& trap) {
        register auto* where asm("a0") = &guest;
        asm volatile("call plinth_enter"
                     : "+r"(where)
                     :
                     : "memory", "ra", "gp", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a1", "a2",
                       "a3", "a4", "a5", "a6", "a7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7",
                       "s8", "s9", "s10", "s11");
        trap.cause = read<csr::Mcause>();
        trap.tval = read<csr::Mtval>();
        trap.mstatus = read<csr::Mstatus>();
        if (features_.has('H')) {
            trap.tval2 = read<csr::Mtval2>();
            trap.tinst = read<csr::Mtinst>();
        }
        return where != nullptr;
    }

    /// Whether there is another turn after this one: always, but for a fake.
    static constexpr bool goes_on() { return true; }

    /// Makes the PMP hold `image`; writes what differs from what it holds, then fences.
    void load_pmp(PmpImage const& image);

    /// Accesses of `width` bytes under the PMP now loaded, with the rights that `status` (MPP, MPV,
    /// SUM, MXR) names. Bodies: guest_access.S.
    static GuestAccess guest_load(u64 address, unsigned width, u64 status) asm("plinth_guest_load");
    static GuestAccess guest_store(u64 address, unsigned width, u64 status,
                                   u64 value) asm("plinth_guest_store");
    /// LR, and SC of `value` if LR read `expected`. Then cause is 0 if it was stored and 1 if not,
    /// and value is what LR read, sign-extended.
    static GuestAccess guest_swap(u64 address, unsigned width, u64 status, u64 expected,
                                  u64 value) asm("plinth_guest_swap");

    /// The instruction at a pc, at most 4 bytes, read as the world that trapped last may execute it
    /// (MXR); above 32 bits if it may not.
    static u64 fetch(u64 pc) asm("plinth_fetch");

    /// Memory as the monitor sees it; for ranges that the monitor owns or has sealed.
    std::span<u8> bytes(PhysRange range) const {
        return {reinterpret_cast<u8*>(range.base().raw), range.size()};
    }

    u64 time() const { return mmio_read<u64>(board::clint.base().raw + 0xbff8); }
    void set_deadline(u64 deadline) {
        mmio_write<u64>(board::clint.base().raw + 0x4000 + 8ULL * id_, deadline);
    }
    void send_ipi(unsigned hart) {
        asm volatile("fence rw, ow" : : : "memory");
        mmio_write<u32>(board::clint.base().raw + 4ULL * hart, 1);
    }
    void clear_ipi() {
        mmio_write<u32>(board::clint.base().raw + 4ULL * id_, 0);
        asm volatile("fence ow, rw" : : : "memory");
    }

    /// Forgets all cached translations and PMP results, of all stages (4.2.1, 9.5.2).
    void fence_all() const {
        if (features_.has('S')) asm volatile("sfence.vma" : : : "memory");
        if (features_.has('H')) // hfence.gvma, hfence.vvma
            asm volatile(".4byte 0x62000073\n.4byte 0x22000073" : : : "memory");
    }
    void fence_code() const { asm volatile("fence.i" : : : "memory"); }
    /// Sleeps until an interrupt that mie enables is pending; it is not taken.
    void wait_for_interrupt() const { asm volatile("wfi" : : : "memory"); }

    /// Stops this hart for good, interrupts masked.
    [[noreturn]] static void park() {
        write<csr::Mie>(0);
        for (;;) asm volatile("wfi");
    }

    /// Register files that the hart has. Bodies: registers.S.
    static void save(FpState& out) asm("plinth_save_fp");
    static void load(FpState const& in) asm("plinth_load_fp");
    static void save(VectorState& out) asm("plinth_save_vector");
    static void load(VectorState const& in) asm("plinth_load_vector");

  private:
    void clear_leftovers();
    void find_features();
    bool find_pmp();

    unsigned id_{0};
    Features features_{};
    PmpImage loaded_{};
};

} // namespace plinth::arch
