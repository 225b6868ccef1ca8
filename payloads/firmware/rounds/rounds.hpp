// SPDX-License-Identifier: Apache-2.0
// Interrupts counted: a small firmware and a small supervisor above it on every hart send software
// interrupts to each other and set timers, on their own hart and on others, and count what was sent
// and what arrived. The firmware part is firmware_side.cpp, the supervisor's supervisor.cpp, what
// they share is here, the program itself is rounds.cpp.
#pragma once

#include "fdt.hpp"
#include "firmware.hpp"
#include "lock.hpp"

namespace rounds {

using payload::max_harts;

inline constexpr uint64_t never = ~uint64_t{0};

/// What tests/qemu/rounds.py leaves in memory at `parameters`.
struct Parameters {
    uint64_t magic;
    uint64_t rounds;       ///< of each hart
    uint64_t passes;       ///< how often one lone interrupt goes from hart to hart, in each mode
    uint64_t exclusive;    ///< 1: one software interrupt of any kind at a time for a hart
    uint64_t hot_machine;  ///< mask of harts that spin in M-mode, interrupts off, for ever
    uint64_t hot_lower;    ///< the same in S-mode
    uint64_t restarts;     ///< how often each hart but the first is stopped and started
    uint64_t lose_message; ///< 1: the last hart drops one message, to show that it is noticed
    uint64_t clear;        ///< 1: the others clear the software interrupts of harts that spin
};
inline constexpr uint64_t parameters = 0x81000000;
inline constexpr uint64_t parameters_magic = 0x73646e756f72; // "rounds"

/// Calls that the supervisor part makes; a0 and a1 are arguments, a0 is the answer.
enum class Call : uint64_t {
    SendToSupervisor = 1, ///< hart
    SendToMachine,        ///< hart
    SetTimer,             ///< time; clears STIP
    SetMachineTimer,      ///< hart, time
    Suspend,              ///< returns when an interrupt is pending
    Stop,
    Start, ///< hart
    Leave, ///< back into the caller of enter_supervisor
};

/// One interrupt on its way to a hart: who sent it holds the claim, the handler ends it.
class Claim {
  public:
    /// Whether nothing was on its way; now something is.
    bool take() { return __atomic_exchange_n(&taken_, 1U, __ATOMIC_ACQ_REL) == 0; }
    /// Whether something was on its way; now nothing is.
    bool end() { return __atomic_exchange_n(&taken_, 0U, __ATOMIC_ACQ_REL) != 0; }
    bool taken() const { return __atomic_load_n(&taken_, __ATOMIC_ACQUIRE) != 0; }

  private:
    uint32_t taken_ = 0;
};

/// The kinds of interrupts that are counted.
enum Kind : unsigned {
    MachineIpi,
    SupervisorIpi,
    MachineTimer,    ///< mtimecmp, set by the own hart or by another
    SupervisorTimer, ///< mtimecmp on behalf of S-mode
    Sstc,            ///< stimecmp
    kinds
};

/// What goes wrong is counted, too: an interrupt that nobody sent, or before its time.
struct Counters {
    uint64_t sent[max_harts][kinds]; ///< by this hart, to each
    uint64_t got[kinds];
    uint64_t raised;  ///< msip set to 1
    uint64_t trapped; ///< machine software interrupts
    uint64_t unsent;
    uint64_t early;
    uint64_t unexpected; ///< any other trap
    uint64_t plans;      ///< enclaves created and destroyed
    uint64_t starts;     ///< times that the hart was started again
};

/// One hart. tp points here in both modes.
struct Hart {
    uint64_t id;
    uint64_t random;
    Counters count;
    Claim claims[kinds]; ///< what is on its way to this hart
    uint32_t mail;       ///< bits of the message kinds that a software interrupt announces
    payload::SpinLock timer_lock;
    uint64_t machine_deadline;    ///< under timer_lock
    uint64_t supervisor_deadline; ///< likewise
    uint64_t asked;               ///< when the supervisor's timer is due, for its handler
    bool has_sstc;
    bool uses_sstc;        ///< in the block that runs
    bool volatile probing; ///< an illegal instruction is expected, and skipped
    bool volatile illegal; ///< it happened
    bool dropped;          ///< lose_message
    payload::Signal phase; ///< how far the hart is, for the first one to wait for
};
inline constexpr uint64_t patience = 600000000; ///< ticks: a minute without progress of anyone
inline constexpr uint64_t phase_done = 1;       ///< sends nothing any more
inline constexpr uint64_t phase_drained = 2;    ///< nothing is on its way to it
inline constexpr uint64_t phase_stopped = 3;

/// Nothing happens but one interrupt at a time, so that nothing makes up for one that is late: who
/// got it sends the next one, to any other hart.
struct Ring {
    payload::Signal ready;
    payload::Signal ended;
    payload::Signal left;
    uint64_t hops; ///< who holds the token writes it
};

struct Shared {
    Hart harts[max_harts];
    uint64_t hart_count;
    uint64_t active; ///< mask of the harts that take part
    uint64_t tree;
    payload::Signal ready;    ///< harts that can take interrupts
    payload::Signal progress; ///< blocks of rounds that were done
    payload::Signal done;     ///< harts in phase_done
    payload::Signal drained;  ///< harts in phase_drained
    payload::Signal hot;      ///< harts that spin
    uint64_t fastest;         ///< ticks of a create; the first hart writes these two
    uint64_t slowest;
    Ring rings[2]; ///< in M-mode, in S-mode
};
extern Shared shared;

inline Parameters const& given() { return *payload::at<Parameters const>(parameters); }

inline Hart& self() {
    Hart* hart;
    asm volatile("mv %0, tp" : "=r"(hart));
    return *hart;
}

inline uint64_t next_random(Hart& hart) {
    hart.random ^= hart.random << 13U;
    hart.random ^= hart.random >> 7U;
    hart.random ^= hart.random << 17U;
    return hart.random;
}

inline uint64_t now() { return payload::csr::read<payload::csr::Time>(); }

/// A random hart that takes part, perhaps the own one.
Hart& any_hart(Hart& hart);

/// A moment within the next 150 microseconds, sometimes already past.
inline uint64_t soon(Hart& hart) {
    uint64_t const ticks = next_random(hart) % 1600;
    return now() + ticks - 100;
}

/// Claims a message of this kind for the target. With `exclusive` both kinds are one.
inline Claim& claim_of(Hart& target, Kind kind) {
    bool const one = given().exclusive != 0 && kind == SupervisorIpi;
    return target.claims[one ? MachineIpi : kind];
}

/// How a hart sends the token to another, and what it does while it waits until `arrived` changes.
struct RingMode {
    void (*pass)(Hart& from, Hart& to);
    void (*rest)(Hart& hart, uint64_t arrived);
};
/// The hart's part in passing a token from hart to hart.
void take_part(Hart& hart, Ring& ring, RingMode const& mode);
/// How many software interrupts and machine timers the hart has taken.
uint64_t arrived(Hart const& hart);

/// Tells when nobody has made progress for long: something is lost then.
class Patience {
  public:
    bool over() {
        uint64_t const progress = shared.progress.get() + shared.done.get();
        if (progress != progress_) {
            progress_ = progress;
            since_ = now();
        }
        return now() - since_ > patience;
    }

  private:
    uint64_t progress_ = never;
    uint64_t since_ = 0;
};

// firmware_side.cpp, in M-mode with interrupts off.
void send(Hart& from, Hart& to, Kind kind);
void set_machine_timer(Hart& from, Hart& to, uint64_t time);
void prepare_hart(Hart& hart);
/// Lets the block that begins use stimecmp or the firmware's timer, at random.
void choose_timer(Hart& hart);

// supervisor.cpp
void supervisor_block(uint64_t count);
void supervisor_drain(uint64_t);
void supervisor_ring(uint64_t);
void supervisor_spin(uint64_t);
void supervisor_restart(uint64_t);
void supervisor_control(uint64_t);

} // namespace rounds

extern "C" {
/// Calls `code(argument)` in S-mode; returns when that returns. Interrupts of M-mode stay on.
void enter_supervisor(void (*code)(uint64_t), uint64_t argument, uint64_t stack_top);
/// The way back from there, out of a trap.
[[noreturn]] void leave_supervisor(uint64_t machine_stack);
void rounds_machine_vector();
void rounds_supervisor_vector();
}
