// SPDX-License-Identifier: Apache-2.0
/// every parameter of every call of host and enclave at the edges of the integers, and the
/// edges around what it means. What is right is said by a model of the interface description that
/// knows nothing of src/; what is refused changes nothing.
#include "bench.hpp"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <set>

namespace plinth::fake {
namespace {

using U64 = std::uint64_t;
using Wide = unsigned __int128; // no sum of two u64 wraps in it
using Words = std::array<U64, 8>;

constexpr U64 page = 4096, ram = 0x8000'0000, ram_end = 0x8100'0000;
constexpr U64 sbi_extension = 0x0850'4c4e, attest_length = 1024, report_size = 1352;
constexpr U64 not_supported = ~U64{1}, invalid_address = ~U64{4};

constexpr U64 edges[] = {0,   1,           page - 1,  page,        page + 1, 1ULL << 31U,
                         ~0U, 1ULL << 32U, ~0ULL / 2, 1ULL << 63U, ~U64{0}};

/// The edges themselves, and as far away from a value that is right.
std::vector<U64> around(U64 right) {
    std::set<U64> out;
    for (auto const edge : edges) out.insert({edge, right + edge, right - edge});
    return {out.begin(), out.end()};
}

// --- the model: KEYSTONE-ABI, "create" ----------------------------------------------------------

struct Span {
    Wide first, end;
    bool meets(Span o) const { return first < o.end && o.first < end; }
    bool within(Span o) const { return o.first <= first && end <= o.end; }
};
Span span(U64 base, U64 size) { return {base, Wide{base} + size}; }

constexpr Span all_ram{ram, ram_end}, monitor_memory{ram, 0x8010'0000},
    firmware_memory{0x8010'0000, 0x8020'0000};

struct Model {
    std::vector<Span> private_memory{}; ///< EPMs of enclaves that live
    std::vector<Span> shared_memory{};

    bool host_reaches(Span s) const {
        return s.within(all_ram) && !s.meets(monitor_memory) &&
               std::ranges::none_of(private_memory, [&](Span o) { return s.meets(o); });
    }
    /// Words: epm, size, utm, size, runtime, user, free, what is not used.
    U64 create(Words const& w) const {
        auto const epm = span(w[0], w[1]), utm = span(w[2], w[3]);
        for (auto const s : {epm, utm})
            if (s.first == s.end || s.end > Wide{1} << 64U || s.first % page != 0 ||
                s.end % page != 0)
                return 100008;
        Wide const runtime = w[4], user = w[5], free = w[6];
        auto const ordered = epm.first <= runtime && runtime <= user && user <= free;
        if (!ordered || user >= epm.end || free > epm.end) return 100008;
        if (runtime % page != 0 || user % page != 0 || free % page != 0) return 100008;
        if (!epm.within(all_ram) || !utm.within(all_ram)) return 100008;
        auto taken = std::vector{monitor_memory, firmware_memory};
        taken.insert(taken.end(), private_memory.begin(), private_memory.end());
        taken.insert(taken.end(), shared_memory.begin(), shared_memory.end());
        for (auto const other : taken)
            if (epm.meets(other) || utm.meets(other)) return 100006;
        return epm.meets(utm) ? 100006 : 0;
    }
};

/// The model's answer to a function that does not exist or is not the caller's.
U64 refusal(U64 function, bool enclave) {
    if (function <= 1999) return 100099;
    if (function <= 2999 && enclave) return 100014;
    if (function >= 3000 && function <= 3999 && !enclave) return 100014;
    return 100100;
}

// --- the bench ----------------------------------------------------------------------------------

class Edges : public testing::Test {
  protected:
    Edges() : h{bench.hart()} {
        bench.to_host();
        for (U64 at = 0x8020'0000; at < ram_end; at += 8)
            bench.poke(at, at * 0x9e37'79b9'7f4a'7c15);
        neighbour = bench.create(3);
        model.private_memory = {span(Bench::epm + 0x3'0000, 0x1'0000)};
        model.shared_memory = {span(Bench::utm + 0x6000, 0x2000)};
        bench.put_args({});
        keep();
    }
    ~Edges() override { EXPECT_EQ(bench.monitor->registry.seize().alive(), 1U + (id != 0)); }

    /// What "nothing changed" is compared with.
    void keep() {
        memory = bench.machine.ram;
        image = h.hart.loaded();
        generation = bench.monitor->generation.load();
    }
    /// Everything but memory, which is compared less often.
    void expect_unchanged() {
        h.hart.trace.clear();
        ASSERT_EQ(bench.monitor->registry.seize().alive(), 1U + (id != 0));
        ASSERT_TRUE(h.hart.loaded() == image);
        ASSERT_EQ(bench.monitor->generation.load(), generation);
    }
    void expect_memory() { ASSERT_TRUE(bench.machine.ram == memory); }

    void put(U64 at, Words const& words) {
        std::memcpy(bench.bytes(at, sizeof words).data(), words.data(), sizeof words);
        std::memcpy(&memory[at - ram], words.data(), sizeof words);
    }

    /// One create, whatever it is asked for; what was created is looked at and destroyed.
    void create(U64 pointer, Words const& given, std::array<U64, 2> ignored = {}) {
        put(Bench::args_at, given);
        auto expected = U64{100007};
        Words words{};
        if (model.host_reaches(span(pointer, sizeof words))) {
            std::memcpy(words.data(), &memory[pointer - ram], sizeof words);
            expected = model.create(words);
        }
        auto const answer = bench.keystone(2001, {pointer, ignored[0], ignored[1]});
        ASSERT_EQ(answer.error, expected) << testing::PrintToString(words);
        ++calls;
        if (expected == 0) return take_back(answer.value, words);
        ASSERT_EQ(answer.value, 0U);
        expect_unchanged();
        if (calls % 1024 == 0) expect_memory();
    }
    void take_back(U64 made, Words const& words) {
        ++successes;
        auto const* const enclave = bench.monitor->registry.seize().find(made);
        ASSERT_NE(enclave, nullptr);
        auto const& l = *enclave->layout;
        ASSERT_EQ((Words{l.epm.base().raw, l.epm.size(), l.utm.base().raw, l.utm.size(),
                         l.runtime.raw, l.user.raw, l.free.raw, words[7]}),
                  words);
        ASSERT_EQ(bench.keystone(2002, {made}), (Answer{0, 0}));
        for (auto const s : {span(words[0], words[1]), span(words[2], words[3])})
            std::memcpy(&bench.machine.ram[static_cast<U64>(s.first) - ram],
                        &memory[static_cast<U64>(s.first) - ram],
                        static_cast<U64>(s.end - s.first));
        bench.call(sbi_extension, 0); // the host's plan is loaded again
        ASSERT_TRUE(h.hart.loaded() == image);
        generation = bench.monitor->generation.load();
    }

    static Words right() {
        auto const a = Bench::default_args();
        return {a.epm_base, a.epm_size, a.utm_base, a.utm_size, a.runtime, a.user, a.free, 0};
    }

    /// Leaves an enclave at its first instruction.
    void start() {
        put(Bench::args_at, right());
        auto const made = bench.keystone(2001, {Bench::args_at});
        ASSERT_EQ(made.error, 0U);
        id = made.value;
        model.private_memory.resize(1);
        model.private_memory.push_back(span(Bench::epm, 0x1'0000));
        bench.keystone(2003, {id});
        ASSERT_EQ(h.world, monitor::World::Enclave);
        keep();
    }
    /// Ends it, from inside.
    void end() {
        bench.keystone(3006, {0});
        ASSERT_EQ(bench.keystone(2002, {id}), (Answer{0, 0}));
        id = 0;
        memory = bench.machine.ram;
    }

    Bench bench;
    monitor::HartState& h;
    Model model;
    Answer neighbour{};
    U64 id{0}; ///< of the enclave that start() made
    std::vector<std::uint8_t> memory{};
    arch::PmpImage image{};
    U64 generation{0};
    unsigned calls{0}, successes{0};
};

// --- create -------------------------------------------------------------------------------------

TEST_F(Edges, X08_EveryPairOfWordsOfCreate) {
    for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = i + 1; j < 8; ++j)
            for (auto const a : around(right()[i]))
                for (auto const b : around(right()[j])) {
                    auto words = right();
                    words[i] = a;
                    words[j] = b;
                    ASSERT_NO_FATAL_FAILURE(create(Bench::args_at, words));
                }
    expect_memory();
    EXPECT_GT(calls, 20'000U);
    EXPECT_GT(successes, 100U);
}

/// As far away from what is right as an edge.
TEST_F(Edges, X08_EveryTripleOfWordsOfCreate) {
    for (unsigned i = 0; i < 8; ++i)
        for (unsigned j = i + 1; j < 8; ++j)
            for (unsigned k = j + 1; k < 8; ++k)
                for (unsigned n = 0; n < 1331; ++n) {
                    auto words = right();
                    words[i] += edges[n % 11];
                    words[j] += edges[n / 11 % 11];
                    words[k] += edges[n / 121];
                    ASSERT_NO_FATAL_FAILURE(create(Bench::args_at, words));
                }
    expect_memory();
    EXPECT_EQ(calls, 56U * 1331U);
    EXPECT_GT(successes, 100U);
}

TEST_F(Edges, X08_ThePointerOfCreateAndTheArgumentsThatItIgnores) {
    std::set<U64> places;
    for (auto const start : {Bench::args_at, ram_end - 64, Bench::epm + 0x3'0000 - 64, ram})
        for (auto const place : around(start)) places.insert({place, place - 8, place + 8});
    for (auto const place : places)
        for (auto const edge : edges) {
            create(place, right(), {edge, ~edge});
            ASSERT_FALSE(HasFatalFailure()) << std::hex << place;
        }
    expect_memory();
    EXPECT_GT(successes, 10U);
}

// --- the host's other calls ---------------------------------------------------------------------

TEST_F(Edges, X08_NumbersOfEnclavesAreComparedInFull) {
    constexpr U64 refused[][2] = {{2002, 100005}, {2003, 100016}, {2005, 100010}};
    auto const first = neighbour.value;
    for (auto const number : around(first))
        for (auto const edge : edges)
            for (auto const& [function, code] : refused) {
                if (number == first && function != 2005) continue; // it would run or be destroyed
                auto const answer = bench.keystone(function, {number, edge, ~edge});
                ASSERT_EQ(answer, (Answer{code, 0})) << function << ' ' << std::hex << number;
                ASSERT_NO_FATAL_FAILURE(expect_unchanged());
            }
    expect_memory();
    EXPECT_EQ(bench.keystone(2003, {first}).error, 0U); // it was there all the time
    EXPECT_EQ(h.world, monitor::World::Enclave);
    bench.keystone(3006, {0});
}

std::set<U64> functions() {
    std::set<U64> out;
    for (U64 const number : {2001, 3001, 3006, 4000})
        for (auto const near : around(number)) out.insert(near);
    for (U64 const number : {1999, 2000, 2004, 2999, 3000, 3005, 3999, 4999}) out.insert(number);
    return out;
}

TEST_F(Edges, X08_FunctionsThatTheHostHasNot) {
    constexpr std::array<U64, 4> own{2001, 2002, 2003, 2005};
    for (auto const function : functions())
        for (auto const edge : edges)
            for (auto const other : edges) {
                if (std::ranges::count(own, function) != 0) continue;
                auto const answer = bench.keystone(function, {edge, other, ~edge});
                ASSERT_EQ(answer, (Answer{refusal(function, false), 0})) << function;
                ASSERT_NO_FATAL_FAILURE(expect_unchanged());
            }
    expect_memory();
}

/// The monitor's own extension: the caller's memory is all that may change.
TEST_F(Edges, X08_TheMonitorsOwnExtension) {
    std::set<U64> places;
    for (auto const start : {Bench::args_at, ram_end - 192, ram})
        for (auto const place : around(start)) places.insert(place);
    for (auto const place : places)
        for (auto const edge : edges) {
            auto const open = model.host_reaches(span(place, 192));
            auto const answer = bench.call(sbi_extension, 1, {place, edge, ~edge});
            ASSERT_EQ(answer, (Answer{open ? 0 : invalid_address, 0})) << std::hex << place;
            ASSERT_NO_FATAL_FAILURE(expect_unchanged());
            for (U64 i = 0; i < 192; ++i) { // what it wrote: three digests
                auto const at = place + i;
                if (!model.host_reaches(span(at, 1))) continue;
                auto& byte = bench.machine.ram[at - ram];
                if (open) {
                    ASSERT_EQ(byte, 0x11 * (1 + i / 64));
                }
                byte = memory[at - ram];
            }
        }
    for (auto const function : around(3)) {
        if (function <= 3) continue;
        for (auto const edge : edges)
            ASSERT_EQ(bench.call(sbi_extension, function, {edge, edge, edge}),
                      (Answer{not_supported, 0}));
    }
    expect_memory();
}

// --- the enclave's calls ------------------------------------------------------------------------

class AttestEdges : public Edges {
  protected:
    static bool reaches(U64 place, U64 size) {
        auto const s = span(place, size);
        return size == 0 || s.within(span(Bench::epm, 0x1'0000)) ||
               s.within(span(Bench::utm, 0x2000));
    }
    /// Report, data, length.
    static U64 expected(std::array<U64, 3> const& a) {
        if (a[2] > attest_length) return 100008;
        if (!reaches(a[1], a[2])) return 100007;
        return reaches(a[0], report_size) ? 0 : 100008;
    }
    void attest(std::array<U64, 3> const& a) {
        auto const answer = bench.keystone(3002, a);
        ASSERT_EQ(answer, (Answer{expected(a), a[1]})) << testing::PrintToString(a);
        ASSERT_NO_FATAL_FAILURE(expect_unchanged());
        if (answer.error != 0) return;
        ++successes;
        U64 length = 0;
        std::memcpy(&length, &bench.machine.ram[a[0] + 64 - ram], 8);
        ASSERT_EQ(length, a[2]);
        std::copy_n(&memory[a[0] - ram], report_size, &bench.machine.ram[a[0] - ram]);
    }
};

TEST_F(AttestEdges, X08_EveryPairOfItsThreeParameters) {
    ASSERT_NO_FATAL_FAILURE(start());
    constexpr std::array<U64, 3> good{Bench::epm + 0x8000, Bench::epm + 0x6000, 16};
    for (unsigned i = 0; i < 3; ++i)
        for (unsigned j = i + 1; j < 3; ++j)
            for (auto const a : around(good[i]))
                for (auto const b : around(good[j])) {
                    auto words = good;
                    words[i] = a;
                    words[j] = b;
                    ASSERT_NO_FATAL_FAILURE(attest(words));
                }
    for (auto const edge : {U64{1023}, U64{1024}, U64{1025}})
        for (auto const first : {Bench::epm + 0x1'0000 - report_size, Bench::utm + 0x2000 - edge})
            for (U64 const more : {0, 1})
                ASSERT_NO_FATAL_FAILURE(attest({first + more, Bench::epm + 0x1'0000 - edge, edge}));
    expect_memory();
    EXPECT_GT(successes, 100U);
    end();
}

TEST_F(Edges, X08_FunctionsThatAnEnclaveHasNot) {
    ASSERT_NO_FATAL_FAILURE(start());
    constexpr std::array<U64, 5> own{3001, 3002, 3004, 3006, 0};
    for (auto const function : functions())
        for (auto const edge : edges)
            for (auto const other : edges) {
                if (function != 0 && std::ranges::count(own, function) != 0) continue;
                auto const answer = bench.keystone(function, {edge, other, ~edge});
                ASSERT_EQ(answer, (Answer{refusal(function, true), other})) << function;
                ASSERT_NO_FATAL_FAILURE(expect_unchanged());
            }
    expect_memory();
    end();
}

TEST_F(Edges, X08_StopContinuesWithEveryRequestThatItDoesNotKnow) {
    ASSERT_NO_FATAL_FAILURE(start());
    for (auto const request : around(1))
        for (auto const other : edges) {
            auto const answer = bench.keystone(3004, {request, other, ~other});
            if (request > 1) {
                ASSERT_EQ(answer, (Answer{100008, other})) << request;
                ASSERT_NO_FATAL_FAILURE(expect_unchanged());
                continue;
            }
            ASSERT_EQ(answer, (Answer{request == 0 ? U64{100002} : U64{100011}, 0}));
            bench.keystone(2005, {id, other, ~other});
            ASSERT_EQ(h.world, monitor::World::Enclave);
            EXPECT_EQ(h.regs.guest.get(arch::reg::a0), 0U);
            EXPECT_EQ(h.regs.guest.get(arch::reg::a0 + 1), other);
        }
    expect_memory();
    end();
}

TEST_F(Edges, X08_RandomAndExitTakeAnyArguments) {
    for (auto const value : around(4711)) {
        ASSERT_NO_FATAL_FAILURE(start());
        ASSERT_EQ(bench.keystone(3001, {value, ~value, value}).error, 0U);
        ASSERT_EQ(bench.keystone(3006, {value, ~value, value}), (Answer{0, value}));
        ASSERT_EQ(bench.keystone(2005, {id, value, value}), (Answer{100010, 0}));
        ASSERT_EQ(bench.keystone(2002, {id, value, value}), (Answer{0, 0}));
        id = 0;
    }
}

/// set_timer in both forms: a value that is past stops the enclave once; others change nothing.
TEST_F(Edges, X08_TimesOfAnEnclave) {
    constexpr U64 legacy = 0, time = 0x5449'4d45;
    ASSERT_NO_FATAL_FAILURE(start());
    for (auto const value : around(bench.machine.mtime))
        for (auto const extension : {legacy, time}) {
            ASSERT_EQ(bench.call(extension, 0, {value, value, value}), (Answer{0, value}));
            ASSERT_EQ(h.world, monitor::World::Enclave);
            auto const past = value <= bench.machine.mtime;
            auto const answer = bench.call(sbi_extension, 0); // who is there
            ASSERT_EQ(answer.error, 0U);
            ASSERT_EQ(h.world, past ? monitor::World::Host : monitor::World::Enclave) << value;
            if (past) bench.keystone(2005, {id});
            ASSERT_EQ(h.world, monitor::World::Enclave);
        }
    expect_memory();
    end();
}

TEST_F(Edges, X08_OtherExtensionsOfAnEnclave) {
    constexpr U64 time = 0x5449'4d45, putchar = 1;
    ASSERT_NO_FATAL_FAILURE(start());
    std::string printed;
    for (auto const extension : around(time))
        for (auto const function : edges)
            for (auto const edge : edges) {
                if (extension == 0 || (extension == time && function == 0)) continue; // set_timer
                auto const put = extension == putchar;
                if (put) printed += static_cast<char>(edge);
                ASSERT_EQ(bench.call(extension, function, {edge, ~edge, edge}),
                          (Answer{put ? 0 : not_supported, ~edge}))
                    << extension << ' ' << function;
                ASSERT_NO_FATAL_FAILURE(expect_unchanged());
            }
    EXPECT_EQ(board::outside.uart, printed);
    expect_memory();
    end();
}

} // namespace
} // namespace plinth::fake
