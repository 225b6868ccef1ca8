// SPDX-License-Identifier: Apache-2.0
/// A firmware whose own plan is larger than the PMP, and so is its host's: its plain accesses,
/// those under vMPRV and its hypervisor accesses, at random, against the references.
#include "plan_fault_scene.hpp"

namespace plinth::fake {
namespace {

/// Whose rights and translation a data access has.
enum class As : std::uint8_t { Itself, Mprv, Hyper };

/// The firmware's plan as the design words it. M is bound by locked entries, and matches the others
/// as if they allowed everything (3.7.1).
std::vector<reference::Rule> firmware_rules(monitor::HartState& h) {
    auto out = host_rules(h);
    for (std::size_t i = h.v.pmp.cfg.size(), rule = out.size(); i-- > 0;) {
        if (reference::pmp_region(h.v.pmp.cfg, h.v.pmp.addr, i).empty()) continue;
        --rule;
        if (h.v.pmp.cfg[i] < 0x80) out[rule].r = out[rule].w = out[rule].x = true;
    }
    out.push_back({0, reference::physical_limit - 1, true, true, true});
    return out;
}

/// HLV, HLVU and HSV of the unprivileged specification's table, rd = x9, rs1 = x8, rs2 = x10.
struct Hyper {
    std::uint32_t word;
    Memory meaning;
};
Hyper hyper_access(unsigned size, bool store, bool is_unsigned) {
    auto const funct7 = 0x30U | size << 1U | (store ? 1U : 0U);
    auto const operands = store ? 10U << 20U : (is_unsigned ? 1U << 20U : 0U) | 9U << 7U;
    Memory const meaning{.op = store ? Op::Store : Op::Load,
                         .length = 4,
                         .width = 1U << size,
                         .data = store ? 10U : 9U,
                         .base = 8,
                         .sign = !is_unsigned};
    return {funct7 << 25U | operands | 8U << 15U | 4U << 12U | 0x73U, meaning};
}

class PlanFirmware : public PlanScene {
  protected:
    As as{As::Itself};
    Hyper hyper{};
    std::vector<reference::Rule> own_rules{};
    unsigned retired{0}, faulted{0}, straddled{0}, beyond{0}, accesses{0}, page_faults{0};
    bool looked{false};

    /// Also entries that bind the firmware.
    void new_firmware_plan() {
        if (h.world == World::Firmware) firmware_to_host(h);
        new_plan();
        for (unsigned i = 1; i < 14; i += 2)
            if (chance(2)) h.v.pmp.cfg[i] |= 0x80U;
        rules = host_rules(h);
        own_rules = firmware_rules(h);
        h.hart.before_bytes = [this](PhysRange range) {
            auto const at = range.base().raw;
            using reference::Kind, reference::plan_allows;
            looked |= !plan_allows(rules, at, 1, Kind::Read) &&
                      !plan_allows(own_rules, at, 1, Kind::Execute);
        };
    }

    /// The code where the firmware sees it, the data where the access finds it.
    void new_firmware_scene() {
        if (h.world == World::Firmware) firmware_to_host(h);
        auto const data_mode = mode;
        mode = {Priv::S, false};
        h.hart.write_csr(csr::Satp, 0);
        clear_scene();
        prefers_windows = true;
        auto const code = place(0), code_page = pages[code];
        auto const has_code = pages;
        mode = data_mode;
        if (mode.virt) new_root(false);
        auto const levels = as == As::Itself ? 0 : new_root(true);
        auto const data = place(levels), data_page = pages[data];
        pages = has_code;
        pc = code + (chance(8) ? 4094 : 2 * pick(2048));
        address = data + (chance(4) ? 4088 + pick(8) : pick(4096));
        if (auto const near = near_window(code_page)) pc = code + (*near & ~1ULL);
        if (auto const near = near_window(data_page)) address = data + *near;
        if (as == As::Itself && chance(8)) address = somewhere_denied();
        if (as == As::Hyper) return write_hyper();
        write_instruction();
        break_some();
    }
    std::uint64_t somewhere_denied() {
        constexpr std::uint64_t edges[] = {board::monitor.base().raw, board::monitor.last() - 7,
                                           vault, vault + guest_root_size - 4, island(7) - 4};
        return edges[pick(std::size(edges))] & (chance(2) ? ~7ULL : ~0ULL);
    }
    void write_hyper() {
        hyper = hyper_access(static_cast<unsigned>(pick(4)), chance(2), false);
        if (chance(3)) hyper = hyper_access(static_cast<unsigned>(pick(3)), false, true);
        word = hyper.word;
        put_word();
        break_some();
    }
    void break_some() {
        if (as != As::Itself && chance(12)) deny_root();
        if (!ptes.empty() && chance(3)) break_pte();
    }
    /// The top of the page tables goes to an enclave, which has a copy of it.
    void deny_root() {
        auto const number = mode.virt ? csr::Vsatp : csr::Satp;
        auto const value = h.hart.read_csr(number);
        if (value == 0) return;
        std::ranges::copy(bench.bytes(root_, 0x1000), bench.bytes(vault, 0x1000).begin());
        h.hart.write_csr(number, reference::atp(value >> 60U, to_guest(vault)));
    }

    /// Returns how the data is translated.
    reference::Translation enter_firmware() {
        new_registers();
        auto const status = mstatus::Mpv::set(
            mstatus::Mpp::set(h.v.mstatus & ~mstatus::Mprv::mask, static_cast<std::uint64_t>(3)),
            0);
        h.v.mstatus =
            as != As::Mprv
                ? status
                : mstatus::Mpv::set(mstatus::Mpp::set(status | mstatus::Mprv::mask,
                                                      static_cast<std::uint64_t>(mode.priv)),
                                    mode.virt ? 1 : 0);
        h.hart.write_csr(csr::Hstatus,
                         hstatus::Spvp::set(0, static_cast<std::uint64_t>(mode.priv)));
        auto const how = controls();
        host_to_firmware(h);
        h.prepared = false;
        return how;
    }

    /// What the instruction does, in `after` and the image.
    Verdict judge(reference::Translation const& how, State& after, Image& image) {
        Verdict out;
        std::uint32_t bits = 0;
        Oracle fetches{own_rules, {.mode = reference::Mode::U}, image};
        if (!fetches.fetch(pc, bits, out)) return out;
        auto const is_hyper = as == As::Hyper && bits == hyper.word;
        auto const insn = is_hyper ? std::optional{hyper.meaning} : decode_memory(bits);
        if (!insn && bits != insn_nop && bits != insn_c_nop) {
            out.retires = false;
            out.faults.push_back({2, bits, 0});
            return out;
        }
        after.pc += (bits & 3U) == 3 ? 4 : 2;
        if (!insn) return out;
        Oracle data{as == As::Itself ? own_rules : rules, how, image};
        auto const use = static_cast<reference::Use>(insn->use());
        auto const at = after.x[insn->base] + static_cast<std::uint64_t>(insn->offset);
        std::vector<std::uint64_t> where;
        auto const reached = data.reach({at, insn->width, use}, out, where);
        image = data.memory;
        if (!reached) return out;
        auto const host = std::exchange(mode, {Priv::S, false}); // vsstatus is not of concern
        effect(image, *insn, where, after);
        mode = host;
        return out;
    }

    /// Whatever the PMP holds when a lower world is entered, and held for the host's accesses, it
    /// lets nothing through that the plan denies.
    void expect_sealed() {
        if (h.loaded->cached()) expect_within(own_rules, h.hart.loaded());
        if (h.host_plan.cached()) expect_within(rules, h.host_plan.image());
    }
    static void expect_within(std::vector<reference::Rule> const& plan, PmpImage const& image) {
        std::vector<std::uint64_t> edges;
        for (unsigned i = 0; i < image.used; ++i) {
            auto const region = reference::pmp_region({image.cfg.data(), image.used},
                                                      {image.addr.data(), image.used}, i);
            for (auto const at : {region.low, region.end - 1, region.low - 1, region.end})
                if (!region.empty() && at < reference::physical_limit) edges.push_back(at);
        }
        for (auto const at : edges)
            for (auto const kind :
                 {reference::Kind::Read, reference::Kind::Write, reference::Kind::Execute})
                ASSERT_NE(reference::compare(plan, image.cfg, image.addr, at, 1, kind),
                          reference::Lowering::TooLoose)
                    << std::hex << at;
    }

    void play() {
        auto const before = h.regs.guest.pc;
        for (unsigned turns = 0; turns < 16; ++turns) {
            h.hart.script.push_back([this, step = cpu.attempt()](Hart& hart, GuestContext& guest) {
                expect_sealed();
                return step(hart, guest);
            });
            turn(h);
            expect_sealed();
            if (cpu.retired > 0 || h.regs.guest.pc != before) return;
        }
        FAIL() << "no progress: " << text();
    }

    State now() {
        auto out = state();
        out.hstatus = h.v.hstatus; // parked
        return out;
    }

    /// An entry behind the last locked one refuses the firmware nothing (docs/design.md).
    void try_one() {
        new_firmware_scene();
        auto const how = enter_firmware();
        Image wanted{bench.machine};
        auto const before = now();
        auto after = before;
        auto const verdict = judge(how, after, wanted);
        auto const few = too_many(how);
        ASSERT_NO_FATAL_FAILURE(play());
        ASSERT_FALSE(HasFailure()) << text();
        ASSERT_NO_FATAL_FAILURE(expect_fences());
        ASSERT_EQ(h.world, World::Firmware) << text();
        ASSERT_FALSE(looked) << text();
        Fault const got{h.v.mcause, h.v.mtval, h.v.mtval2};
        auto const trapped = h.regs.guest.pc == (h.v.mtvec & ~3ULL);
        ASSERT_TRUE(trapped || !verdict.straddles || as == As::Itself) << text();
        if (trapped && (few || verdict.straddles) && is_access_fault(got)) {
            ++(few ? beyond : straddled);
            return expect_trap(got, before);
        }
        ASSERT_EQ(!trapped, verdict.retires) << text() << describe(verdict, got);
        if (trapped) {
            auto const same = [&](Fault const& one) {
                return one.cause == got.cause && one.tval == got.tval && one.tval2 == got.tval2;
            };
            ASSERT_TRUE(std::ranges::any_of(verdict.faults, same))
                << text() << describe(verdict, got);
            ++faulted;
            ++(is_access_fault(got) ? accesses : page_faults);
            ASSERT_EQ(h.regs.guest.x_, before.x);
            ASSERT_NO_FATAL_FAILURE(expect_memory(wanted, false));
            return expect_trap(got, before);
        }
        ++retired;
        ASSERT_LE(cpu.trapped, GetParam() == 16 ? 4U : 10U) << text();
        auto const found = now();
        ASSERT_EQ(found.pc, after.pc) << text();
        ASSERT_EQ(found.x, after.x) << text();
        ASSERT_EQ(found.fp.f, after.fp.f) << text();
        ASSERT_EQ(found.mstatus, after.mstatus) << text();
        expect_memory(wanted, true);
    }
    static bool is_access_fault(Fault const& fault) {
        return fault.cause == 1 || fault.cause == 5 || fault.cause == 7;
    }
    void expect_trap(Fault const& got, State const& before) {
        auto const gva = as != As::Itself && mode.virt && got.cause != 1 && got.cause != 2;
        auto const wanted =
            reference::enter_machine(before.mstatus, h.v.mtvec, pc, got.cause, got.tval,
                                     {reference::Mode::M, false}, gva, {.h = true});
        ASSERT_EQ(h.v.mstatus, wanted.mstatus) << text();
        ASSERT_EQ(h.v.mepc, pc) << text();
        ASSERT_EQ(h.regs.guest.pc, wanted.pc) << text();
    }
    /// Whether the access needs more windows at once than there are entries, whatever its PTEs
    /// permit.
    bool too_many(reference::Translation how) {
        if (as == As::Itself) return false;
        Image image{bench.machine};
        for (auto const at : ptes) {
            auto const pte = image.word(at), leaf = pte & bit::rwx;
            auto const open = leaf != 0 ? pte | bit::all | bit::u : pte & ~(bit::u | bit::ad);
            if ((pte & bit::v) != 0) image.put(at, open);
        }
        how.mode = reference::Mode::U;
        Oracle oracle{rules, how, std::move(image)};
        Verdict out;
        std::vector<std::uint64_t> where;
        auto const insn = as == As::Hyper ? std::optional{hyper.meaning} : decode_memory(word);
        if (!insn) return false;
        oracle.reach({address, insn->width, reference::Use::Load}, out, where);
        return out.all_needs.size() > GetParam();
    }
    std::string describe(Verdict const& verdict, Fault const& got) {
        std::ostringstream out;
        out << "; reference: " << (verdict.retires ? "retires" : "faults") << std::hex;
        for (auto const& fault : verdict.faults)
            out << " " << fault.cause << "/" << fault.tval << "/" << fault.tval2;
        out << "; got " << got.cause << "/" << got.tval << "/" << got.tval2 << " at "
            << h.regs.guest.pc << std::dec << " needs " << verdict.all_needs.size();
        return out.str();
    }

    void try_many(As whose, bool virt, int rounds) {
        as = whose;
        for (int round = 0; round < rounds; ++round) {
            if (round % 30 == 0) new_firmware_plan();
            mode = {chance(2) ? Priv::S : Priv::U, virt};
            ASSERT_NO_FATAL_FAILURE(try_one()) << "round " << round;
            ASSERT_TRUE(h.firmware_plan.cached());
            ASSERT_TRUE(h.host_stale || h.host_plan.cached());
        }
        EXPECT_GT(retired, 50U);
        EXPECT_GT(accesses, 50U);
        EXPECT_EQ(page_faults > 10, as != As::Itself);
    }
};
INSTANTIATE_TEST_SUITE_P(Entries, PlanFirmware, testing::Values(6U, 8U, 16U));

TEST_P(PlanFirmware, P1_ItsOwnInstructionsRetireOrFaultExactly) {
    try_many(As::Itself, false, 500);
}
TEST_P(PlanFirmware, P1_F03_F04_EveryAccessUnderMprvIsTheHosts) { try_many(As::Mprv, false, 500); }
TEST_P(PlanFirmware, P1_F03_F04_EveryAccessUnderMprvWithMpvIsTheGuests) {
    try_many(As::Mprv, true, 500);
}
TEST_P(PlanFirmware, P1_F29_EveryHypervisorAccessIsTheGuests) { try_many(As::Hyper, true, 800); }

} // namespace
} // namespace plinth::fake
