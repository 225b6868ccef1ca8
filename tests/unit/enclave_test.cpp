// SPDX-License-Identifier: Apache-2.0
/// The life of enclaves on a whole monitor: what create refuses, what enclave, host and firmware
/// see.
#include "attest/report.hpp"
#include "bench.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

namespace plinth::fake {
namespace {

using namespace arch;
using enclave::CreateArgs;
using enclave::State;
using monitor::World;
namespace fid = enclave::fid;

constexpr std::uint64_t mon = board::monitor.base().raw, fw = board::firmware.base().raw;

std::uint64_t fingerprint(Bench const& bench) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (std::size_t i = 0; i < bench.machine.ram.size(); i += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, &bench.machine.ram[i], 8);
        hash = (hash ^ word) * 1099511628211ULL;
    }
    return hash;
}

class Enclaves : public testing::Test {
  protected:
    explicit Enclaves(Wanted const& wanted = {}) : bench{wanted}, h{bench.hart()} {
        bench.to_host();
    }

    /// Creates one and runs it up to its first instruction.
    std::uint64_t started(unsigned index = 0) {
        auto const made = bench.create(index);
        EXPECT_EQ(made.error, 0U);
        bench.keystone(fid::Run, {made.value});
        EXPECT_EQ(h.world, World::Enclave);
        return made.value;
    }
    State state(std::uint64_t id) {
        auto* const found = bench.monitor->registry.seize().find(id);
        return found == nullptr ? State::Empty : found->state;
    }
    Answer destroy(std::uint64_t id) { return bench.keystone(fid::Destroy, {id}); }
    /// a0 and a1 of the world that runs.
    Answer answer() const { return {h.regs.guest.get(reg::a0), h.regs.guest.get(reg::a1)}; }

    Bench bench;
    monitor::HartState& h;
};

// --- create: what is refused, with which code ---------------------------------------------------

struct Refusal {
    char const* why;
    std::uint64_t code;
    void (*change)(CreateArgs&);
};

constexpr std::uint64_t illegal_argument = 100008, overlaps = 100006;

constexpr Refusal refusals[] = {
    {"O05 size 0", illegal_argument, [](CreateArgs& a) { a.epm_size = 0; }},
    {"O05 size 1", illegal_argument, [](CreateArgs& a) { a.epm_size = 1; }},
    {"O05 size 0xfff", illegal_argument, [](CreateArgs& a) { a.epm_size = 0xfff; }},
    {"O05 unaligned base", illegal_argument, [](CreateArgs& a) { a.epm_base += 8; }},
    {"O05 wraps", illegal_argument,
     [](CreateArgs& a) {
         a.epm_size = 0 - a.epm_base;
         a.epm_size += 0x1000;
     }},
    {"O05 2^63", illegal_argument, [](CreateArgs& a) { a.epm_size = 1ULL << 63U; }},
    {"O05 -1", illegal_argument, [](CreateArgs& a) { a.epm_size = ~0ULL; }},
    {"O05 beyond RAM", illegal_argument, [](CreateArgs& a) { a.epm_size = 0x100'0000; }},
    {"O05 base 0", illegal_argument,
     [](CreateArgs& a) { a.epm_base = a.runtime = a.user = a.free = 0; }},
    {"O07 utm size 0", illegal_argument, [](CreateArgs& a) { a.utm_size = 0; }},
    {"O07 utm unaligned", illegal_argument, [](CreateArgs& a) { a.utm_base += 1; }},
    {"O07 utm = CLINT", illegal_argument,
     [](CreateArgs& a) {
         a.utm_base = 0x200'0000;
         a.utm_size = 0x1000;
     }},
    {"O07 utm = UART", illegal_argument,
     [](CreateArgs& a) {
         a.utm_base = 0x1000'0000;
         a.utm_size = 0x1000;
     }},
    {"O07 utm beyond RAM", illegal_argument, [](CreateArgs& a) { a.utm_base = 0x8100'0000; }},
    {"O06 epm = CLINT", illegal_argument,
     [](CreateArgs& a) { a.epm_base = a.runtime = a.user = a.free = 0x200'0000; }},
    {"O08 runtime below", illegal_argument, [](CreateArgs& a) { a.runtime = a.epm_base - 0x1000; }},
    {"O08 runtime at end", illegal_argument,
     [](CreateArgs& a) { a.runtime = a.user = a.free = a.epm_base + a.epm_size; }},
    {"O08 user at end", illegal_argument,
     [](CreateArgs& a) { a.user = a.free = a.epm_base + a.epm_size; }},
    {"O08 free beyond", illegal_argument,
     [](CreateArgs& a) { a.free = a.epm_base + a.epm_size + 0x1000; }},
    {"O08 user < runtime", illegal_argument, [](CreateArgs& a) { a.user = a.epm_base; }},
    {"O08 free < user", illegal_argument, [](CreateArgs& a) { a.free = a.user - 0x1000; }},
    {"O08 runtime unaligned", illegal_argument, [](CreateArgs& a) { a.runtime += 1; }},
    {"O08 user unaligned", illegal_argument, [](CreateArgs& a) { a.user += 8; }},
    {"O08 free unaligned", illegal_argument, [](CreateArgs& a) { a.free += 0x800; }},
    {"O06 epm = monitor", overlaps,
     [](CreateArgs& a) { a.epm_base = a.runtime = a.user = a.free = 0x8000'0000; }},
    {"O06 epm ends in the firmware", overlaps,
     [](CreateArgs& a) { a.epm_base = a.runtime = a.user = a.free = 0x801f'f000; }},
    {"O06 epm contains the monitor", overlaps,
     [](CreateArgs& a) {
         a.epm_base = a.runtime = a.user = a.free = 0x8000'0000;
         a.epm_size = 0x20'0000;
     }},
    {"O07 utm = firmware", overlaps, [](CreateArgs& a) { a.utm_base = 0x8010'0000; }},
    {"O07 utm = monitor's last page", overlaps,
     [](CreateArgs& a) {
         a.utm_base = 0x800f'f000;
         a.utm_size = 0x1000;
     }},
    {"O06 own utm inside", overlaps, [](CreateArgs& a) { a.utm_base = a.epm_base + 0x4000; }},
    {"O06 own utm equal", overlaps,
     [](CreateArgs& a) {
         a.utm_base = a.epm_base;
         a.utm_size = a.epm_size;
     }},
    {"order: RAM before overlap", illegal_argument,
     [](CreateArgs& a) {
         a.epm_base = a.runtime = a.user = a.free = 0x8000'0000;
         a.utm_base = 0x1000'0000;
     }},
    {"order: shape before RAM", illegal_argument,
     [](CreateArgs& a) {
         a.utm_base = 0x1000'0000;
         a.free = a.user - 0x1000;
     }},
};

TEST_F(Enclaves, O05_O06_O07_O08_BadArgumentsAreRefusedInOrderAndNothingChanges) {
    ASSERT_EQ(bench.create(3).error, 0U);
    auto const image = h.hart.loaded();
    for (auto const& row : refusals) {
        auto args = Bench::default_args();
        row.change(args);
        bench.put_args(args);
        auto const before = fingerprint(bench);
        EXPECT_EQ(bench.keystone(fid::Create, {Bench::args_at}), (Answer{row.code, 0})) << row.why;
        EXPECT_EQ(fingerprint(bench), before) << row.why;
        EXPECT_EQ(bench.monitor->registry.seize().alive(), 1U) << row.why;
        EXPECT_EQ(h.hart.loaded(), image) << row.why;
    }
    EXPECT_EQ(bench.create().error, 0U);
}

TEST_F(Enclaves, O03_ArgumentsThatTheHostCannotReadAreOneAndTheSameError) {
    ASSERT_EQ(bench.create(1).error, 0U);
    bench.put_args(Bench::default_args());
    for (std::uint64_t const address :
         {std::uint64_t{0}, std::uint64_t{mon}, Bench::epm + 0x1'0000, board::clint.base().raw,
          board::monitor.last() - 31, ~std::uint64_t{0} - 62, std::uint64_t{0x8100'0000} - 56,
          std::uint64_t{1} << 62U})
        EXPECT_EQ(bench.keystone(fid::Create, {address}), (Answer{100007, 0}))
            << std::hex << address;
    EXPECT_EQ(bench.monitor->registry.seize().alive(), 1U);
}

TEST_F(Enclaves, O03_ArgumentsAreReadWithTheHostsTranslationAndRights) {
    auto const satp = 8ULL << 60U | 0x80300;
    bench.put_args(Bench::default_args());
    auto& pages = h.hart.translations[satp];
    pages[0x1000] = {.frame = Bench::args_at};
    pages[0x2000] = {.frame = Bench::args_at, .user = true};
    pages[0x3000] = {.frame = Bench::args_at, .r = false, .w = false};
    h.hart.write_csr(csr::Satp, satp); // the host's own csrw
    for (std::uint64_t const address : {0x2000U, 0x3000U, 0x9000U, 0x1fd0U})
        EXPECT_EQ(bench.keystone(fid::Create, {address}).error, 100007U) << std::hex << address;
    for (unsigned offset = 1; offset < 8; ++offset) {
        auto const args = Bench::default_args();
        std::memcpy(bench.bytes(Bench::args_at + 0x100 + offset, 64).data(), &args, 64);
        auto const made = bench.keystone(fid::Create, {0x1100 + offset});
        ASSERT_EQ(made.error, 0U);
        ASSERT_EQ(destroy(made.value).error, 0U);
    }
}

TEST_F(Enclaves, O06_MemoryOfAnotherEnclaveIsRefusedWhateverItIs) {
    ASSERT_EQ(bench.create(0).error, 0U);
    auto const other = Bench::default_args(0);
    auto const attempt = [&](auto change) {
        auto args = Bench::default_args(5);
        change(args);
        bench.put_args(args);
        return bench.keystone(fid::Create, {Bench::args_at}).error;
    };
    EXPECT_EQ(attempt([&](CreateArgs& a) {
                  a.epm_base = other.epm_base;
                  a.runtime = a.user = a.free = a.epm_base;
              }),
              overlaps);
    EXPECT_EQ(attempt([&](CreateArgs& a) { a.utm_base = other.epm_base + 0x1000; }), overlaps);
    EXPECT_EQ(attempt([&](CreateArgs& a) { a.utm_base = other.utm_base; }), overlaps);
    EXPECT_EQ(
        attempt([&](CreateArgs& a) { a.epm_base = a.runtime = a.user = a.free = other.utm_base; }),
        overlaps);
    EXPECT_EQ(attempt([](CreateArgs&) {}), 0U);
}

TEST_F(Enclaves, WhatTheFirmwaresPmpDeniesTheHostCannotGiveAway) {
    bench.call(0x10, 0);
    bench.write_csr(csr::Pmpaddr0, (Bench::epm + 0x3000) >> 2U);
    bench.write_csr(csr::Pmpaddr0 + 1, (Bench::epm + 0x4000) >> 2U);
    bench.write_csr(csr::Pmpaddr0 + 2, ~0ULL);
    bench.write_csr(csr::Pmpcfg0, 0x1f'09'00); // entry 1: TOR, R only; entry 2: everything
    bench.play(illegal(insn_mret));
    EXPECT_EQ(bench.create(0).error, illegal_argument);
    EXPECT_EQ(bench.create(1).error, 0U);
}

class ManyEnclaves : public Enclaves {
  protected:
    ManyEnclaves() : Enclaves({.ram = 64 << 20}) {}

    /// Their shared memory lies behind the memory of all of them.
    Answer create(unsigned index) {
        auto args = bench.default_args(index);
        args.utm_base += 0x200'0000;
        bench.put_args(args);
        return bench.keystone(fid::Create, {Bench::args_at});
    }
};

TEST_F(ManyEnclaves, O10_CreateRefusesOneMoreThanTheSlotsAndNothingIsLost) {
    std::vector<std::uint64_t> ids;
    for (unsigned i = 0; i < enclave::max_enclaves; ++i) {
        auto const made = create(i);
        ASSERT_EQ(made.error, 0U) << i;
        ids.push_back(made.value);
    }
    EXPECT_EQ(create(enclave::max_enclaves), (Answer{100013, 0}));
    for (int round = 0; round < 100; ++round) { // destroy i, create i again: always the same room
        auto const i = static_cast<unsigned>(round) % ids.size();
        ASSERT_EQ(destroy(ids[i]).error, 0U);
        auto const made = create(static_cast<unsigned>(i));
        ASSERT_EQ(made.error, 0U);
        EXPECT_EQ(std::ranges::count(ids, made.value), 0); // ids are not reused
        ids[i] = made.value;
    }
    for (std::uint64_t const at :
         {Bench::epm - 8, Bench::utm + 0x200'0000}) // the host keeps its own memory
        bench.play([at](Hart& hart, GuestContext& guest) {
            if (!hart.guest_load(at, 8, guest.mstatus).ok)
                return Trap{.cause = raw(Cause::LoadAccess), .tval = at, .mstatus = guest.mstatus};
            return Trap{.cause = raw(Cause::EcallS), .mstatus = guest.mstatus};
        });
    bench.play([](Hart& hart, GuestContext& guest) {
        EXPECT_TRUE(hart.guest_load(Bench::utm + 0x200'0000, 8, guest.mstatus).ok);
        EXPECT_FALSE(hart.guest_load(Bench::epm, 8, guest.mstatus).ok);
        return Trap{.cause = raw(Cause::EcallS), .mstatus = guest.mstatus};
    });
}

TEST(EnclavesWithout, EntropyCreateIsRefused) {
    Bench bench{{.entropy = false}};
    bench.to_host();
    EXPECT_EQ(bench.create(), (Answer{100013, 0}));
}

TEST(EnclavesWithout, R05_KeysAttestAnswersNotImplemented) {
    Bench bench{{.keys = false}};
    bench.to_host();
    bench.keystone(fid::Run, {bench.create().value});
    EXPECT_EQ(bench.keystone(fid::Attest, {Bench::epm + 0x8000, Bench::epm, 16}).error, 100100U);
    EXPECT_EQ(bench.peek(Bench::epm + 0x8000), 0U);
}

// --- life ---------------------------------------------------------------------------------------

TEST_F(Enclaves, O27_MeasuredIsWhatTheEnclaveStartsWithAndTheRestIsZero) {
    for (std::uint64_t at = Bench::epm; at < Bench::epm + 0x1'0000; at += 8) bench.poke(at, at * 3);
    for (std::uint64_t at = Bench::utm; at < Bench::utm + 0x2000; at += 8) bench.poke(at, at);
    auto const made = bench.create();
    ASSERT_EQ(made.error, 0U);
    attest::Sha3 measurement;
    measurement.update(attest::measured_offsets({0x1000, 0x2000, 0x1000}));
    measurement.update(bench.bytes(Bench::epm, 0x4000));
    EXPECT_EQ(bench.monitor->registry.seize().find(made.value)->hash, measurement.finish());
    EXPECT_EQ(bench.peek(Bench::epm + 0x3ff8), (Bench::epm + 0x3ff8) * 3);
    for (auto const byte : bench.bytes(Bench::epm + 0x4000, 0xc000)) ASSERT_EQ(byte, 0);
    for (auto const byte : bench.bytes(Bench::utm, 0x2000)) ASSERT_EQ(byte, 0);
}

TEST_F(Enclaves, O09_TheUnusedWordOfTheArgumentsIsNotMeasured) {
    attest::Digest hashes[2];
    for (unsigned i = 0; i < 2; ++i) {
        auto args = Bench::default_args();
        args.free_requested = i * 0x1234'5678ULL;
        bench.put_args(args);
        auto const made = bench.keystone(fid::Create, {Bench::args_at});
        hashes[i] = bench.monitor->registry.seize().find(made.value)->hash;
        EXPECT_EQ(destroy(made.value).error, 0U);
    }
    EXPECT_EQ(hashes[0], hashes[1]);
}

TEST_F(Enclaves, O17_FirstInstructionFindsExactlyTheDocumentedRegisters) {
    h.hart.fp.f.fill(77);
    h.hart.fp.fcsr = 0xff;
    h.hart.write_csr(csr::Stvec, 0x1000);
    h.hart.write_csr(csr::Sscratch, 5);
    h.hart.write_csr(csr::Scounteren, 0);
    h.hart.write_csr(csr::Senvcfg, 0xf1);
    started();
    bench.play([&](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(guest.pc, Bench::epm);
        std::uint64_t const wanted[] = {0,
                                        Bench::epm,
                                        0x1'0000,
                                        Bench::epm + 0x1000,
                                        Bench::epm + 0x3000,
                                        Bench::epm + 0x4000,
                                        Bench::utm,
                                        0x2000};
        for (unsigned i = 1; i < 32; ++i)
            EXPECT_EQ(guest.get(i), i >= 10 && i < 18 ? wanted[i - 10] : 0) << i;
        EXPECT_EQ(mstatus::Mpp::get(guest.mstatus), 1U);
        EXPECT_EQ(guest.mstatus & mstatus::s_writable, 0U);
        EXPECT_EQ(hart.fp.f, (FpState{}.f));
        EXPECT_EQ(hart.fp.fcsr, 0U);
        for (auto const number : {csr::Stvec, csr::Sscratch, csr::Sepc, csr::Scause, csr::Stval,
                                  csr::Satp, csr::Senvcfg})
            EXPECT_EQ(hart.read_csr(number), 0U) << std::hex << number;
        EXPECT_EQ(hart.read_csr(csr::Scounteren), 7U);
        return Trap{.cause = raw(Cause::EcallS)};
    });
}

TEST_F(Enclaves, StatesAnswerWithTheirCodes) {
    constexpr std::uint64_t not_fresh = 100016, not_resumable = 100010, not_destroyable = 100005;
    auto const all = [&](std::uint64_t id, std::array<std::uint64_t, 3> expected) {
        EXPECT_EQ(bench.keystone(fid::Resume, {id}), (Answer{expected[1], 0}));
        EXPECT_EQ(bench.keystone(fid::Destroy, {id}), (Answer{expected[2], 0}));
        if (expected[0] != 0) {
            EXPECT_EQ(bench.keystone(fid::Run, {id}), (Answer{expected[0], 0}));
        }
    };
    for (auto const id : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}})
        all(id, {not_fresh, not_resumable, not_destroyable});
    auto const id = started();
    all(id | 1ULL << 63U, {100014, 100014, 100014}); // from inside
    EXPECT_EQ(state(id), State::Running);
    EXPECT_EQ(bench.keystone(fid::Stop, {1}).error, 100011U);
    EXPECT_EQ(bench.keystone(fid::Run, {id}), (Answer{not_fresh, 0}));
    EXPECT_EQ(bench.keystone(fid::Resume, {id + (1ULL << 32U)}), (Answer{not_resumable, 0}));
    bench.keystone(fid::Resume, {id});
    EXPECT_EQ(bench.keystone(fid::Exit, {0x1234}), (Answer{0, 0x1234}));
    EXPECT_EQ(state(id), State::Ended);
    EXPECT_EQ(bench.keystone(fid::Run, {id}), (Answer{not_fresh, 0}));
    EXPECT_EQ(bench.keystone(fid::Resume, {id}), (Answer{not_resumable, 0}));
    EXPECT_EQ(destroy(id), (Answer{0, 0}));
    EXPECT_EQ(destroy(id), (Answer{not_destroyable, 0}));
}

TEST_F(Enclaves, O28_DestroyZeroesTheMemoryBeforeTheHostHasIt) {
    auto const id = started();
    bench.poke(Bench::epm + 0x9000, 0x5ec2e7);
    EXPECT_EQ(bench.keystone(fid::Stop, {0}).error, 100002U);
    EXPECT_EQ(destroy(id).error, 0U);
    bench.play([&](Hart& hart, GuestContext& guest) {
        auto const access = hart.guest_load(Bench::epm + 0x9000, 8, guest.mstatus);
        EXPECT_TRUE(access.ok);
        EXPECT_EQ(access.value, 0U);
        return Trap{.cause = raw(Cause::EcallS)};
    });
    for (auto const byte : bench.bytes(Bench::epm, 0x1'0000)) ASSERT_EQ(byte, 0);
}

/// In each state host and firmware take an access fault at every edge.
TEST_F(Enclaves, O01_F17_PrivateMemoryIsDeniedInEveryState) {
    auto const denied = [&] {
        for (auto const address : {Bench::epm, Bench::epm + 0x8000, Bench::epm + 0xfff8})
            for (auto const store : {false, true}) {
                auto const word = store ? encode_store(3, 6, 5, 0) : encode_load(3, 6, 5, 0);
                auto const resume_at = h.regs.guest.pc;
                h.regs.guest.pc = Bench::host_pc;
                bench.play(memory_access(word, address)); // from the host
                EXPECT_EQ(h.v.mcause, store ? 7U : 5U);
                h.regs.guest.pc = fw + 0x100;
                bench.play(memory_access(word, address)); // and from the firmware
                EXPECT_EQ(h.v.mcause, store ? 7U : 5U);
                EXPECT_EQ(h.v.mepc, fw + 0x100);
                bench.write_csr(csr::Mstatus, 1ULL << 11U);
                bench.write_csr(csr::Mepc, resume_at);
                bench.play(illegal(insn_mret));
            }
    };
    auto const id = bench.create().value;
    denied();
    bench.keystone(fid::Run, {id});
    bench.keystone(fid::Stop, {1});
    denied();
    bench.keystone(fid::Resume, {id});
    bench.keystone(fid::Exit, {0});
    denied();
    EXPECT_EQ(destroy(id).error, 0U);
}

TEST_F(Enclaves, StopAndResumeKeepTheEnclavesRegisters) {
    auto const id = started();
    bench.play([](Hart& hart, GuestContext& guest) {
        for (unsigned i = 1; i < 32; ++i) guest.set(i, 1000 + i);
        guest.pc = Bench::epm + 0x40;
        hart.write_csr(csr::Sscratch, 0xabc);
        hart.write_csr(csr::Stvec, Bench::epm + 0x100);
        hart.fp.f[3] = 42;
        hart.status |= mstatus::Fs::mask | mstatus::Sum::mask;
        guest.set(reg::a0, 1);
        guest.set(reg::a6, fid::Stop);
        guest.set(reg::a7, enclave::keystone_extension);
        return Trap{.cause = raw(Cause::EcallS)};
    });
    EXPECT_EQ(answer(), (Answer{100011, 0}));
    h.hart.write_csr(csr::Sscratch, 1);
    h.hart.fp.f[3] = 7;
    bench.keystone(fid::Resume, {id});
    bench.play([](Hart& hart, GuestContext& guest) {
        for (unsigned i = 1; i < 32; ++i) {
            if (i == reg::a0 || i == reg::a6 || i == reg::a7) continue;
            EXPECT_EQ(guest.get(i), 1000 + i);
        }
        EXPECT_EQ(guest.get(reg::a0), 0U);
        EXPECT_EQ(guest.pc, Bench::epm + 0x44);
        EXPECT_EQ(hart.read_csr(csr::Sscratch), 0xabcU);
        EXPECT_EQ(hart.read_csr(csr::Stvec), Bench::epm + 0x100);
        EXPECT_EQ(hart.fp.f[3], 42U);
        EXPECT_EQ(guest.mstatus & mstatus::s_writable, mstatus::Fs::mask | mstatus::Sum::mask);
        return Trap{.cause = raw(Cause::EcallS)};
    });
}

// --- both directions of O-18 … O-20, E-10 -------------------------------------------------------

constexpr std::uint64_t host_mark = 0x4057'0000, enclave_mark = 0xe4c1'0000;
constexpr CsrNumber supervisor_csrs[] = {csr::Sscratch, csr::Sepc,  csr::Scause,
                                         csr::Stval,    csr::Stvec, csr::Scounteren};

void mark(Hart& hart, GuestContext& guest, std::uint64_t with) {
    for (unsigned i = 1; i < 32; ++i)
        if (i < 10 || i > 17) guest.set(i, with + i);
    for (auto const number : supervisor_csrs) hart.write_csr(number, with + 4ULL * number);
    hart.write_csr(csr::Senvcfg, with == host_mark ? 0x40 : 0x80);
    for (unsigned i = 0; i < 32; ++i) hart.fp.f[i] = with + i;
    hart.fp.fcsr = with & 0xffU;
    for (unsigned i = 0; i < 64; ++i) hart.vector.v[i] = with + i;
    hart.vector.vtype = with;
}
void expect_mark(Hart& hart, GuestContext const& guest, std::uint64_t with) {
    for (unsigned i = 1; i < 32; ++i)
        if (i < 10 || i > 17) {
            EXPECT_EQ(guest.get(i), with + i);
        }
    for (auto const number : supervisor_csrs)
        EXPECT_EQ(hart.read_csr(number), with + 4ULL * number) << std::hex << number;
    EXPECT_EQ(hart.read_csr(csr::Senvcfg), with == host_mark ? 0x40U : 0x80U);
    for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(hart.fp.f[i], with + i);
    EXPECT_EQ(hart.fp.fcsr, with & 0xffU);
    for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(hart.vector.v[i], with + i);
    EXPECT_EQ(hart.vector.vtype, with);
}

using Leave = Hart::Step;

/// A Keystone call with one argument.
Leave keystone_call(std::uint64_t function, std::uint64_t argument) {
    return [=](Hart&, GuestContext& guest) {
        guest.set(reg::a0, argument);
        guest.set(reg::a6, function);
        guest.set(reg::a7, enclave::keystone_extension);
        return Trap{.cause = raw(Cause::EcallS)};
    };
}

class Leaks : public Enclaves {
  protected:
    Leaks() : Enclaves{{.sstc = true, .hypervisor = true, .vector = true}} {}

    void host_marks_and_runs(std::uint64_t id) {
        bench.play([&](Hart& hart, GuestContext& guest) {
            mark(hart, guest, host_mark);
            hart.write_csr(csr::Satp, 8ULL << 60U | 0x80300);
            hart.write_csr(csr::Vsscratch, 0x1357);
            hart.write_csr(csr::Hvip, 4);
            hart.set_csr(csr::Mie, 4);
            hart.status |= mstatus::Sum::mask | mstatus::Fs::mask;
            return keystone_call(fid::Run, id)(hart, guest);
        });
    }
    void enclave_marks_and_leaves(Leave const& leave) {
        bench.play([&](Hart& hart, GuestContext& guest) {
            EXPECT_EQ(hart.read_csr(csr::Vsscratch), 0U);
            mark(hart, guest, enclave_mark);
            hart.status |= mstatus::Mxr::mask | mstatus::Vs::mask;
            return leave(hart, guest);
        });
    }
    void host_finds_its_marks_and_destroys(std::uint64_t id, std::uint64_t pc) {
        bench.play([&](Hart& hart, GuestContext& guest) {
            expect_mark(hart, guest, host_mark);
            EXPECT_EQ(guest.pc, pc);
            EXPECT_EQ(guest.get(reg::a6), std::uint64_t{fid::Run});
            EXPECT_EQ(hart.read_csr(csr::Satp), 8ULL << 60U | 0x80300);
            EXPECT_EQ(hart.read_csr(csr::Vsscratch), 0x1357U);
            EXPECT_EQ(hart.read_csr(csr::Hvip), 4U);
            EXPECT_EQ(hart.read_csr(csr::Hie), 4U);
            EXPECT_EQ(guest.mstatus & mstatus::s_writable, mstatus::Sum::mask | mstatus::Fs::mask);
            hart.write_csr(csr::Satp, 0);
            hart.status &= ~mstatus::s_writable;
            return keystone_call(fid::Destroy, id)(hart, guest);
        });
        EXPECT_EQ(answer(), (Answer{0, 0}));
    }
};

TEST_F(Leaks, O18_O19_O20_HostAndEnclaveEachSeeTheirOwnStateAfterEveryKindOfReturn) {
    auto const fault = [](Hart& hart, GuestContext&) {
        hart.write_csr(csr::Stvec, 0);
        return Trap{.cause = raw(Cause::IllegalInstruction)};
    };
    auto const interrupt = [](Hart&, GuestContext&) {
        return Trap{.cause = interrupt_flag | irq::Mti};
    };
    struct Way {
        Leave leave;
        std::uint64_t code;
    };
    for (auto const& way :
         {Way{keystone_call(fid::Stop, 1), 100011}, Way{keystone_call(fid::Stop, 0), 100002},
          Way{keystone_call(fid::Exit, 5), 0}, Way{fault, 100000}, Way{interrupt, 100002}}) {
        auto const id = bench.create().value;
        auto const pc = h.regs.guest.pc;
        host_marks_and_runs(id);
        enclave_marks_and_leaves(way.leave);
        ASSERT_EQ(h.world, World::Host);
        EXPECT_EQ(h.regs.guest.get(reg::a0), way.code);
        host_finds_its_marks_and_destroys(id, pc + 4);
    }
}

TEST_F(Leaks, TheHostsHenvcfgComesBack) {
    bench.call(0x10, 0);
    bench.write_csr(csr::Menvcfg, envcfg::Stce::mask | 0x40);
    bench.write_csr(csr::Henvcfg, envcfg::Stce::mask | 0x40);
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.play(illegal(insn_mret));
    started();
    bench.play([](Hart& hart, GuestContext&) {
        EXPECT_EQ(hart.read_csr(csr::Menvcfg), 0U);
        EXPECT_EQ(hart.read_csr(csr::Henvcfg), 0U);
        return Trap{.cause = interrupt_flag | irq::Mti};
    });
    EXPECT_EQ(h.hart.read_csr(csr::Menvcfg), envcfg::Stce::mask | 0x40);
    EXPECT_EQ(h.hart.read_csr(csr::Henvcfg), envcfg::Stce::mask | 0x40);
}

// --- interrupts ---------------------------------------------------------------------------------

TEST_F(Enclaves, F16_ATimerInterruptShowsTheFirmwareTheHostsRegistersAtItsCall) {
    bench.call(0x10, 0);
    bench.write_csr(csr::Mie, 0x80);
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.play(illegal(insn_mret));
    auto const id = started();
    h.vmtimecmp = bench.machine.mtime + 100;
    for (unsigned i = 0; i < 2; ++i)
        bench.play([&](Hart& hart, GuestContext& guest) {
            mark(hart, guest, enclave_mark);
            if (i == 0) return Trap{.cause = raw(Cause::IllegalInstruction)};
            bench.machine.mtime = h.vmtimecmp.load();
            return Trap{.cause = interrupt_flag | irq::Mti};
        });
    EXPECT_EQ(state(id), State::Stopped);
    bench.play([&](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(h.world, World::Firmware);
        EXPECT_EQ(h.v.mcause, interrupt_flag | 7U);
        EXPECT_EQ(h.v.mepc, Bench::host_pc + 8); // behind the host's run
        EXPECT_EQ(guest.get(reg::a0), 100002U);
        EXPECT_EQ(guest.get(reg::a1), 0U);
        EXPECT_EQ(guest.get(reg::a6), std::uint64_t{fid::Run});
        for (unsigned i = 1; i < 32; ++i) EXPECT_NE(guest.get(i) & 0xffff'0000U, enclave_mark);
        for (auto const number : supervisor_csrs)
            EXPECT_NE(hart.read_csr(number) & 0xffff'0000U, enclave_mark) << number;
        return ecall()(hart, guest);
    });
}

TEST_F(Enclaves, F15_TheFirmwareCannotRedirectAnInterruptedEnclave) {
    auto const id = started();
    bench.play([](Hart&, GuestContext& guest) {
        guest.pc = Bench::epm + 0x80;
        guest.set(9, 0x777);
        return Trap{.cause = interrupt_flag | irq::Mti};
    });
    bench.call(0x10, 0); // the host goes to the firmware, which enters what it likes
    bench.write_csr(csr::Mepc, Bench::epm + 0x80);
    bench.play(illegal(insn_mret));
    EXPECT_EQ(h.world, World::Host);
    bench.play(exception(Cause::FetchAccess, Bench::epm + 0x80));
    EXPECT_EQ(h.v.mcause, 1U);
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.play(illegal(insn_mret));
    bench.keystone(fid::Resume, {id});
    bench.play([](Hart&, GuestContext& guest) {
        EXPECT_EQ(guest.pc, Bench::epm + 0x80);
        EXPECT_EQ(guest.get(9), 0x777U);
        return Trap{.cause = interrupt_flag | irq::Mti};
    });
}

TEST_F(Enclaves, O22_WhatIsPendingForTheHostReturnsBeforeTheEnclaveIsEntered) {
    bench.play([](Hart& hart, GuestContext&) {
        hart.set_csr(csr::Mie, 2);
        hart.set_csr(csr::Mip, 2);
        return Trap{.cause = raw(Cause::EcallS)};
    });
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.play(illegal(insn_mret));
    auto const id = bench.create().value;
    bench.keystone(fid::Run, {id});
    bench.play([&](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(h.world, World::Host);
        EXPECT_EQ(guest.get(reg::a0), 100002U);
        hart.clear_csr(csr::Mie, 2); // masked, it no longer stops anything
        guest.set(reg::a7, 0x10);
        return Trap{.cause = raw(Cause::EcallS)};
    });
    bench.play(illegal(insn_mret));
    bench.keystone(fid::Resume, {id});
    bench.play([&](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(h.world, World::Enclave);
        EXPECT_EQ(guest.pc, Bench::epm);
        return ecall()(hart, guest);
    });
}

TEST_F(Leaks, E12_TheHostsOwnTimerPreemptsTheEnclave) {
    bench.call(0x10, 0);
    bench.write_csr(csr::Menvcfg, envcfg::Stce::mask);
    bench.write_csr(csr::Mie, 0x20);
    bench.write_csr(csr::Mepc, Bench::host_pc);
    bench.play(illegal(insn_mret));
    auto const deadline = bench.machine.mtime + 1000;
    h.hart.write_csr(csr::Stimecmp, deadline);
    started();
    bench.play([&](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(bench.machine.mtimecmp[0], deadline);
        EXPECT_EQ(hart.read_csr(csr::Mideleg), 0x1444U); // nothing that it masks could hold it back
        bench.machine.mtime = deadline;
        return ecall()(hart, guest);
    });
    bench.play([&](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(h.world, World::Host);
        EXPECT_EQ(guest.get(reg::a0), 100002U);
        EXPECT_EQ(hart.read_csr(csr::Stimecmp), deadline);
        EXPECT_NE(hart.read_csr(csr::Mip) & 0x20U, 0U);
        return ecall()(hart, guest);
    });
}

TEST_F(Enclaves, AnEnclavesOwnTimerStopsItOnce) {
    for (auto const future : {false, true})
        for (auto const legacy : {false, true}) {
            auto const id = started();
            auto const at = bench.machine.mtime + (future ? 500 : 0);
            EXPECT_EQ(bench.call(legacy ? 0 : 0x5449'4d45, 0, {at}).error, 0U);
            if (future) {
                bench.play([&](Hart&, GuestContext&) {
                    EXPECT_EQ(bench.machine.mtimecmp[0], at);
                    bench.machine.mtime = at;
                    return Trap{.cause = interrupt_flag | irq::Mti};
                });
            }
            bench.play([&](Hart&, GuestContext& guest) {
                EXPECT_EQ(h.world, World::Host);
                EXPECT_EQ(guest.get(reg::a0), 100002U);
                guest.set(reg::a0, id);
                guest.set(reg::a6, fid::Resume);
                guest.set(reg::a7, enclave::keystone_extension);
                return Trap{.cause = raw(Cause::EcallS)};
            });
            bench.play([&](Hart&, GuestContext& guest) {
                EXPECT_EQ(h.world, World::Enclave); // fired and forgotten
                guest.set(reg::a6, fid::Exit);
                guest.set(reg::a7, enclave::keystone_extension);
                return Trap{.cause = raw(Cause::EcallS)};
            });
            ASSERT_EQ(h.world, World::Host);
            EXPECT_EQ(destroy(id).error, 0U);
        }
}

// --- what an enclave may ask for ----------------------------------------------------------------

TEST_F(Enclaves, E05_CallsOfTheHostAreProhibited) {
    auto const id = started();
    for (std::uint64_t const function : {2001, 2002, 2003, 2004, 2005, 2999})
        EXPECT_EQ(bench.keystone(function, {id}).error, 100014U) << function;
    EXPECT_EQ(state(id), State::Running);
}

TEST_F(Enclaves, E06_StandardSbiCallsAreRefusedWithoutEnteringTheFirmware) {
    started();
    for (std::uint64_t const extension :
         {0x10U,       0x53525354U, 0x48534dU, 0x735049U,   0x52464e43U, 0x504d55U, 0x4442434eU,
          2U,          3U,          4U,        5U,          6U,          7U,        8U,
          0x53555350U, 0x46574654U, 0x535345U, 0x4d505859U, 0x4e41434cU, 0x535441U, 0x9000000U})
        for (std::uint64_t const function : {0, 1, 2, 3}) {
            bench.hart().regs.guest.set(reg::a1, 0);
            EXPECT_EQ(bench.call(extension, function, {1, 2, 3}), (Answer{~std::uint64_t{1}, 2}));
            ASSERT_EQ(h.world, World::Enclave) << extension;
        }
    EXPECT_TRUE(board::outside.resets.empty());
}

TEST_F(Enclaves, O14_HostCallsThatAreNotTheHosts) {
    for (std::uint64_t const function : {3000, 3001, 3002, 3003, 3004, 3006, 3999})
        EXPECT_EQ(bench.keystone(function), (Answer{100014, 0})) << function;
    for (std::uint64_t const function : {0, 1, 1999})
        EXPECT_EQ(bench.keystone(function), (Answer{100099, 0})) << function;
    for (std::uint64_t const function :
         {std::uint64_t{2000}, std::uint64_t{2004}, std::uint64_t{2999}, std::uint64_t{4000},
          std::uint64_t{4999}, std::uint64_t{5000}, ~std::uint64_t{0}})
        EXPECT_EQ(bench.keystone(function), (Answer{100100, 0})) << function;
    EXPECT_EQ(h.world, World::Host);
}

TEST_F(Enclaves, E07_BadStopsContinueAndLostEnclavesEnd) {
    auto const id = started();
    for (std::uint64_t const request :
         {std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1} << 63U})
        EXPECT_EQ(bench.keystone(fid::Stop, {request}).error, illegal_argument);
    h.hart.write_csr(csr::Stvec, Bench::epm + 0x200);
    bench.play(illegal(insn_mret)); // reflected to the runtime
    EXPECT_EQ(h.world, World::Enclave);
    EXPECT_EQ(h.regs.guest.pc, Bench::epm + 0x200);
    EXPECT_EQ(h.hart.read_csr(csr::Scause), 2U);
    bench.play(exception(Cause::FetchAccess, Bench::epm + 0x200)); // its handler cannot be fetched
    EXPECT_EQ(answer(), (Answer{100000, 0}));
    EXPECT_EQ(state(id), State::Ended);
    EXPECT_EQ(bench.keystone(fid::Resume, {id}).error, 100010U);
    EXPECT_EQ(destroy(id).error, 0U);
}

TEST_F(Enclaves, E08_AnEnclaveWithoutTrapVectorEndsWithAnError) {
    auto const id = started();
    bench.play(exception(Cause::LoadAccess, mon));
    EXPECT_EQ(answer(), (Answer{100000, 0}));
    EXPECT_EQ(state(id), State::Ended);
    EXPECT_EQ(destroy(id).error, 0U);
}

TEST_F(Enclaves, E01_WhatIsNotItsOwnIsAnAccessFaultForAnEnclave) {
    EXPECT_EQ(bench.create(1).error, 0U);
    started();
    h.hart.write_csr(csr::Stvec, Bench::epm + 0x200);
    for (auto const address :
         {mon, fw, Bench::host_pc, Bench::epm + 0x1'0000, Bench::utm + 0x2000,
          board::clint.base().raw, board::finisher.base().raw, std::uint64_t{0x1000'0000}})
        for (auto const store : {false, true}) {
            h.regs.guest.pc = Bench::epm;
            bench.play(
                memory_access(store ? encode_store(3, 6, 5, 0) : encode_load(3, 6, 5, 0), address));
            ASSERT_EQ(h.world, World::Enclave);
            EXPECT_EQ(h.regs.guest.pc, Bench::epm + 0x200) << std::hex << address;
            EXPECT_EQ(h.hart.read_csr(csr::Scause), store ? 7U : 5U);
            EXPECT_EQ(h.hart.read_csr(csr::Stval), address);
        }
}

TEST_F(Enclaves, ExceptionsOfTheApplicationStackItsModeForTheRuntime) {
    started();
    h.hart.write_csr(csr::Stvec,
                     Bench::epm + 0x201); // vectored: exceptions go to the base all the same
    bench.play([](Hart& hart, GuestContext& guest) {
        hart.status |= mstatus::Sie::mask;
        hart.status = mstatus::Mpp::set(hart.status, 0); // it had entered its U-mode
        guest.pc = Bench::epm + 0x5000;
        return Trap{.cause = raw(Cause::LoadAccess), .tval = 0x1234};
    });
    EXPECT_EQ(h.regs.guest.pc, Bench::epm + 0x200);
    EXPECT_EQ(h.regs.priv, Priv::S);
    EXPECT_EQ(h.hart.read_csr(csr::Sepc), Bench::epm + 0x5000);
    bench.play([](Hart& hart, GuestContext& guest) {
        EXPECT_EQ(guest.mstatus & (mstatus::Spp::mask | mstatus::Sie::mask | mstatus::Spie::mask),
                  mstatus::Spie::mask);
        return ecall()(hart, guest);
    });
}

TEST_F(Enclaves, E20_CountersAreEmulatedAndOtherIllegalInstructionsAreTheRuntimes) {
    started();
    h.hart.write_csr(csr::Stvec, Bench::epm + 0x200);
    bench.machine.mtime = 123'456;
    for (auto const number : {csr::Time, csr::Cycle, csr::Instret, csr::Mcycle}) {
        auto const word = encode_csr(CsrOp::Rs, 6, number, 0);
        std::memcpy(bench.bytes(Bench::epm, 4).data(), &word, 4);
        h.regs.guest.pc = Bench::epm;
        h.regs.guest.set(6, 0);
        bench.play(illegal(word));
        EXPECT_EQ(h.regs.guest.pc, Bench::epm + (number == csr::Mcycle ? 0x200 : 4))
            << std::hex << number;
        if (number == csr::Time) {
            EXPECT_GE(h.regs.guest.get(6), 123'456U);
        }
    }
}

TEST_F(Enclaves, ConsoleOutputGoesStraightToTheUartAndExtension1111Ends) {
    started();
    EXPECT_EQ(bench.call(1, 0, {'h'}).error, 0U);
    EXPECT_EQ(bench.call(1, 0, {'i'}).error, 0U);
    EXPECT_EQ(board::outside.uart, "hi");
    board::outside.stuck = true;
    bench.machine.ticks_per_read = 10;
    EXPECT_EQ(bench.call(1, 0, {'!'}).error, 0U); // dropped after a bounded wait
    EXPECT_EQ(board::outside.uart, "hi");
    EXPECT_EQ(bench.call(1111, 0).error, 100000U);
    EXPECT_EQ(h.world, World::Host);
}

TEST_F(Enclaves, E16_RandomWordsComeFromTheGeneratorAndItsFailureEndsTheEnclave) {
    started();
    auto const first = bench.keystone(fid::Random);
    auto const second = bench.keystone(fid::Random);
    EXPECT_EQ(first.error, 0U);
    EXPECT_NE(first.value, second.value);
    EXPECT_NE(first.value, 0U);
    bench.monitor->drbg.seize().wipe();
    EXPECT_EQ(bench.keystone(fid::Random), (Answer{100000, 0}));
    EXPECT_EQ(h.world, World::Host);
}

// --- attestation --------------------------------------------------------------------------------

constexpr std::uint64_t report_at = Bench::epm + 0x8003, data_at = Bench::epm + 0x6001;

TEST_F(Enclaves, R11_AttestWritesTheReportOfThisEnclaveAndThisMonitor) {
    auto const id = started();
    for (unsigned i = 0; i < 100; ++i)
        bench.bytes(data_at, 100)[i] = static_cast<std::uint8_t>(i + 1);
    bench.bytes(report_at, 2000)[1352] = 0x77;
    EXPECT_EQ(bench.keystone(fid::Attest, {report_at, data_at, 100}).error, 0U);
    attest::Report report;
    std::memcpy(&report, bench.bytes(report_at, sizeof report).data(), sizeof report);
    EXPECT_EQ(bench.bytes(report_at, 2000)[1352], 0x77);
    EXPECT_EQ(report.enclave.hash, bench.monitor->registry.seize().find(id)->hash);
    EXPECT_EQ(report.enclave.data_len, 100U);
    for (unsigned i = 0; i < 1024; ++i) ASSERT_EQ(report.enclave.data[i], i < 100 ? i + 1 : 0);

    attest::Identity expected; // the same monitor on the same device, made apart from the machine
    ASSERT_TRUE(expected.derive({.kind = attest::RootKind::Test, .secret = attest::test_secret()},
                                bench.monitor->boot.monitor_hash));
    attest::Report again;
    ASSERT_TRUE(expected.sign_enclave(again, report.enclave.hash, bench.bytes(data_at, 100)));
    EXPECT_EQ(std::memcmp(&report, &again, sizeof report), 0);
    EXPECT_FALSE(attest::all_zero(report.enclave.signature));
    EXPECT_FALSE(attest::all_zero(report.device_public_key));
}

TEST_F(Enclaves, E03_AttestRefusesWhatTheEnclaveItselfCouldNotTouch) {
    started();
    auto const attempt = [&](std::uint64_t report, std::uint64_t data, std::uint64_t length) {
        return bench.keystone(fid::Attest, {report, data, length}).error;
    };
    EXPECT_EQ(attempt(report_at, data_at, 1025), illegal_argument);
    EXPECT_EQ(attempt(report_at, data_at, ~0ULL), illegal_argument);
    EXPECT_EQ(attempt(report_at, mon, 16), 100007U);
    EXPECT_EQ(attempt(report_at, Bench::epm + 0x1'0000 - 8, 16), 100007U);
    EXPECT_EQ(attempt(mon, data_at, 16), illegal_argument);
    EXPECT_EQ(attempt(Bench::host_pc, data_at, 16), illegal_argument);
    EXPECT_EQ(attempt(Bench::epm + 0x1'0000 - 1351, data_at, 16), illegal_argument);
    for (auto const byte : bench.bytes(Bench::epm + 0x8000, 0x8000)) ASSERT_EQ(byte, 0);
    EXPECT_EQ(bench.peek(mon), 0U);
    EXPECT_EQ(attempt(report_at, data_at, 0), 0U);
    EXPECT_EQ(attempt(report_at, report_at, 1024), 0U); // both may be the same memory
    EXPECT_EQ(attempt(Bench::utm, data_at, 1024), 0U);
}

/// With the enclave's own page tables: a page that it may read and not write takes no report.
TEST_F(Enclaves, E03_AReportForAReadOnlyPageIsRefusedAndNothingIsWritten) {
    constexpr std::uint64_t satp = 8ULL << 60U | 0x80404, page = 0x7000'0000;
    started();
    auto& pages = h.hart.translations[satp];
    pages[page] = {.frame = Bench::epm + 0x8000};
    pages[page + 0x1000] = {.frame = Bench::epm + 0x9000, .w = false};
    h.hart.write_csr(csr::Satp, satp); // the enclave's own csrw
    std::ranges::fill(bench.bytes(Bench::epm + 0x8000, 0x2000), std::uint8_t{0x77});
    for (auto const at : {page + 0x1000, page + 0x1000 - 8}) {
        EXPECT_EQ(bench.keystone(fid::Attest, {at, page, 16}).error, illegal_argument);
        for (auto const byte : bench.bytes(Bench::epm + 0x8000, 0x2000)) ASSERT_EQ(byte, 0x77);
    }
    EXPECT_EQ(bench.keystone(fid::Attest, {page, page, 16}).error, 0U);
}

TEST_F(Enclaves, TheMonitorsOwnCallsAreAnsweredWithTheEnclavesRights) {
    constexpr std::uint64_t own = 0x0850'4c4e;
    started();
    EXPECT_EQ(bench.call(own, 0).error, 0U);
    EXPECT_EQ(bench.call(own, 1, {Bench::epm + 0x8000}).error, 0U);
    EXPECT_EQ(bench.bytes(Bench::epm + 0x8000, 1)[0], 0x11);
    auto const before = bench.peek(Bench::host_pc);
    EXPECT_EQ(bench.call(own, 1, {Bench::host_pc}).error, 0 - 5ULL);
    EXPECT_EQ(bench.peek(Bench::host_pc), before);
    EXPECT_EQ(bench.call(own, 2).error, 0 - 2ULL); // how many others there are
    EXPECT_EQ(bench.keystone(fid::SealingKey, {}).error, 100100U);
    EXPECT_EQ(h.world, World::Enclave);
}

TEST_F(Enclaves, R15_ASlotUsedAgainReportsItsOwnHash) {
    auto const first = bench.create().value;
    auto const hash = bench.monitor->registry.seize().find(first)->hash;
    EXPECT_EQ(destroy(first).error, 0U);
    bench.poke(Bench::epm, 1);
    auto const second = bench.create().value;
    EXPECT_NE(second, first);
    EXPECT_NE(bench.monitor->registry.seize().find(second)->hash, hash);
    EXPECT_EQ(bench.keystone(fid::Run, {first}).error, 100016U);
}

TEST_F(Enclaves, SeveralEnclavesInterleaveOnOneHart) {
    auto const first = started(0);
    bench.keystone(fid::Stop, {1});
    auto const second = started(1);
    EXPECT_EQ(h.regs.guest.pc, Bench::epm + 0x1'0000);
    bench.keystone(fid::Stop, {1});
    bench.keystone(fid::Resume, {first});
    EXPECT_EQ(h.regs.guest.pc, Bench::epm + 4);
    EXPECT_EQ(bench.keystone(fid::Exit, {1}), (Answer{0, 1}));
    bench.keystone(fid::Resume, {second});
    EXPECT_EQ(bench.keystone(fid::Exit, {2}), (Answer{0, 2}));
    EXPECT_EQ(destroy(first).error, 0U);
    EXPECT_EQ(destroy(second).error, 0U);
    EXPECT_EQ(bench.monitor->registry.seize().alive(), 0U);
}

TEST_F(Enclaves, O24_O25_EveryEntryForgetsTranslationsAndTheFirstOneInstructions) {
    auto const id = bench.create().value;
    h.hart.trace.clear();
    bench.keystone(fid::Run, {id});
    EXPECT_NE(std::ranges::count(h.hart.trace, Hart::Event::FenceAll), 0);
    EXPECT_EQ(std::ranges::count(h.hart.trace, Hart::Event::FenceCode), 1);
    h.hart.trace.clear();
    bench.keystone(fid::Stop, {1});
    EXPECT_NE(std::ranges::count(h.hart.trace, Hart::Event::FenceAll), 0);
}

} // namespace
} // namespace plinth::fake
