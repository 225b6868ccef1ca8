// SPDX-License-Identifier: Apache-2.0
/// Page tables, code and data of one instruction under a plan that is larger than the PMP, all at
/// random, on a hart that walks the tables itself.
#pragma once

#include "plan_fault_world.hpp"

#include <gtest/gtest.h>

namespace plinth::fake {

using namespace arch;
using monitor::World;
using Op = Memory::Op;

inline constexpr std::uint64_t stvec = 0xffff'ffc0'0000'1000, vstvec = 0x7'0000;

struct Mode {
    Priv priv;
    bool virt;
};

class PlanScene : public testing::TestWithParam<unsigned> {
  protected:
    Bench bench{{.pmp_entries = GetParam(),
                 .hypervisor = true,
                 .entropy = false,
                 .keys = false,
                 .ram = 17 << 20}};
    monitor::HartState& h{bench.hart()};
    GuestCpu cpu{h.hart};
    std::mt19937_64 random{GetParam()};
    std::vector<reference::Rule> rules{};
    // Of the instruction that is tried.
    Mode mode{};
    std::uint64_t pc{0}, address{0};
    std::uint32_t word{0};
    std::set<std::uint64_t> ptes{};
    std::vector<unsigned> free_islands{};

    std::uint64_t pick(std::uint64_t below) { return random() % below; }
    bool chance(unsigned one_in) { return pick(one_in) == 0; }

    void SetUp() override {
        h.hart.walks_tables = h.hart.sv57 = true;
        bench.to_host();
        h.hart.write_csr(csr::Stvec, stvec);
        h.hart.write_csr(csr::Vstvec, vstvec);
    }

    /// A new plan: denied pages between the islands, and in some islands small windows.
    void new_plan() {
        for (unsigned i = 0; i < islands; ++i)
            bench.monitor->published.set(i, *PhysRange::make({island(i) + 0x1000}, 0x1000));
        bench.monitor->published.set(islands, *PhysRange::make({island(0) - 0x1000}, 0x1000));
        bench.monitor->published.set(islands + 1, *PhysRange::make({vault}, guest_root_size));
        auto& pmp = h.v.pmp;
        constexpr std::uint8_t rights[] = {0, 1, 3, 5, 7, 7, 3};
        for (unsigned i = 0; i < 14; i += 2) {
            auto const base = island(static_cast<unsigned>(pick(islands))) + 8 * pick(500);
            pmp.cfg[i] = 0;
            pmp.addr[i] = base >> 2U;
            pmp.cfg[i + 1] = static_cast<std::uint8_t>(8 | rights[pick(std::size(rights))]);
            pmp.addr[i + 1] = pmp.addr[i] + 2 * (1 + pick(4)); // a PTE never straddles
        }
        pmp.cfg[14] = 0;
        pmp.cfg[15] = 0x1f;
        pmp.addr[15] = pmpaddr_mask;
        h.v.medeleg = chance(3) ? 0xf0'b1fb : (chance(2) ? 0xb109 : random() & 0xf0'b1fb);
        h.hart.write_csr(csr::Hedeleg, chance(2) ? 0xb1fb : random());
        bench.monitor->generation.fetch_add(1);
        rules = host_rules(h);
    }

    /// A new plan without small windows.
    void plain_plan() {
        new_plan();
        for (unsigned i = 0; i < 14; ++i) h.v.pmp.cfg[i] = 0;
        h.v.medeleg = 0xb109;
        bench.monitor->generation.fetch_add(1);
        rules = host_rules(h);
        mode = {Priv::S, false};
        h.hart.write_csr(csr::Satp, 0);
    }

    // --- page tables ----------------------------------------------------------------------------

    std::uint64_t take_island() {
        if (free_islands.empty()) return island(static_cast<unsigned>(pick(islands)));
        auto const at = pick(free_islands.size());
        std::swap(free_islands[at], free_islands.back());
        auto const index = free_islands.back();
        free_islands.pop_back();
        return island(index);
    }
    bool prefers_windows{false};
    /// For code or data; if preferred often one with a small window.
    std::uint64_t take_page() {
        if (!prefers_windows || chance(3)) return take_island();
        auto const page = (h.v.pmp.addr[2 * pick(7)] << 2U) & ~0xfffULL;
        std::erase_if(free_islands, [&](unsigned index) { return island(index) == page; });
        return page;
    }
    /// Where in a page, if it has a small window: in it or near its ends.
    std::optional<std::uint64_t> near_window(std::uint64_t page) {
        for (unsigned i = 0; i < 14; i += 2) {
            auto const low = h.v.pmp.addr[i] << 2U, size = (h.v.pmp.addr[i + 1] << 2U) - low;
            if (low - page < 4096) return (low - 8 + pick(size + 16)) % 4096;
        }
        return std::nullopt;
    }
    /// The guest physical page for an island, mapped by the G-stage if there is one.
    std::map<std::uint64_t, std::uint64_t> guest_pages{};
    std::uint64_t to_guest(std::uint64_t page) {
        if (!mode.virt || h.hart.read_csr(csr::Hgatp) == 0) return page;
        for (auto const& [guest, where] : guest_pages)
            if (where == page) return guest;
        auto const guest = 0x1000 * (1 + pick(1U << 16U));
        guest_pages[guest] = page;
        auto const levels = static_cast<unsigned>(h.hart.read_csr(csr::Hgatp) >> 60U) - 5;
        map(guest_root, levels, guest, page, bit::guest_all, false);
        return guest;
    }
    std::uint64_t to_host(std::uint64_t guest) {
        auto const found = guest_pages.find(guest);
        return found == guest_pages.end() ? guest : found->second;
    }
    /// Maps one page. `first`: in the first stage, whose tables a guest has in its own memory.
    void map(std::uint64_t table, unsigned levels, std::uint64_t from, std::uint64_t to,
             std::uint64_t bits, bool first) {
        for (auto level = levels; level-- > 0;) {
            auto const at = table + 8 * (from >> (12 + 9 * level) & 0x1ffU);
            ptes.insert(at);
            if (level == 0) return bench.poke(at, reference::pte(to, bits));
            auto const old = bench.peek(at);
            if ((old & 1U) != 0) {
                table = (old & 0x3f'ffff'ffff'fc00U) << 2U;
                if (first) table = to_host(table);
                continue;
            }
            table = take_island();
            bench.poke(at, reference::pte(first ? to_guest(table) : table, bit::v));
        }
    }

    std::uint64_t leaf_bits() {
        auto out = bit::all;
        if (mode.priv == Priv::U || chance(8)) out |= bit::u;
        if (chance(6)) out &= ~bit::ad;
        return out;
    }
    /// Breaks one PTE.
    void break_pte() {
        auto at = ptes.begin();
        std::advance(at, pick(ptes.size()));
        auto pte = bench.peek(*at);
        switch (pick(9)) {
        case 0: pte &= ~bit::v; break;
        case 1: pte &= ~bit::w; break;
        case 2: pte &= ~bit::x; break;
        case 3: pte &= ~bit::r; break;
        case 4: pte ^= bit::u; break;
        case 5: pte = (pte & 0x3ff) | reference::pte(island(3) + 0x1000, 0); break; // denied
        case 6: pte = (pte & 0x3ff) | reference::pte(0x8000'0000, 0); break;        // the monitor
        case 7: pte = (pte & 0x3ff) | reference::pte(0x1'0000'0000, 0); break;      // nothing there
        case 8: pte ^= bit::a; break;
        }
        bench.poke(*at, pte);
    }

    std::uint64_t some_address(unsigned levels) {
        if (levels == 0) return take_island();
        std::uint64_t out = 0;
        for (unsigned level = 0; level < levels; ++level) out |= pick(512) << (12 + 9 * level);
        return sign_extend(out, 12 + 9 * levels);
    }
    unsigned new_root(bool first) {
        auto const name = chance(8) ? 0 : reference::sv39 + pick(3);
        auto const levels = name == 0 ? 0 : static_cast<unsigned>(name) - 5;
        if (!first) h.hart.write_csr(csr::Hgatp, name == 0 ? 0 : reference::atp(name, guest_root));
        if (!first) return levels;
        auto const root = name == 0 ? 0 : take_island();
        auto const value = name == 0 ? 0 : reference::atp(name, to_guest(root));
        root_ = root;
        h.hart.write_csr(mode.virt ? csr::Vsatp : csr::Satp, value);
        return levels;
    }
    std::uint64_t root_{0};
    /// Puts a page of the host where its code sees it; the address there.
    std::uint64_t put_page(unsigned levels, std::uint64_t where, std::uint64_t page) {
        if (levels != 0) map(root_, levels, where, to_guest(page), leaf_bits(), true);
        return levels == 0 ? to_guest(page) : where;
    }

    void clear_scene() {
        for (unsigned i = 0; i < islands; ++i)
            std::ranges::fill(bench.bytes(island(i), 0x1000), std::uint8_t{0});
        std::ranges::fill(bench.bytes(guest_root, guest_root_size), std::uint8_t{0});
        ptes.clear();
        guest_pages.clear();
        free_islands.resize(islands);
        for (unsigned i = 0; i < islands; ++i) free_islands[i] = i;
    }
    void new_scene() {
        good_scene();
        if (!ptes.empty() && chance(3)) break_pte();
        if (!ptes.empty() && chance(12)) break_pte();
    }
    /// New tables, code and data of one instruction.
    void good_scene() {
        clear_scene();
        if (mode.virt) new_root(false);
        auto const levels = new_root(true);
        auto const code = place(levels), data = place(levels);
        // Near the end of the page often, so that the next one is needed.
        pc = code + (chance(3) ? 4094 : 2 * pick(2048));
        address = data + (chance(4) ? 4088 + pick(8) : pick(4096));
        write_instruction();
    }
    std::map<std::uint64_t, std::uint64_t> pages{}; ///< by address, where they are
    /// Two neighbouring pages.
    std::uint64_t place(unsigned levels) {
        auto const where = some_address(levels) & ~0x1000ULL;
        auto const one = take_page();
        auto const first = put_page(levels, where, one);
        pages[first] = one;
        if (levels == 0) return first;
        auto const two = take_island();
        put_page(levels, where + 0x1000, two);
        pages[where + 0x1000] = two;
        return first;
    }

    std::uint32_t some_instruction() {
        auto const atomic = [](unsigned operation, unsigned width, unsigned rs2) {
            return operation << 27U | rs2 << 20U | 8U << 15U | (width == 4 ? 2U : 3U) << 12U |
                   9U << 7U | 0x2fU;
        };
        switch (pick(10)) {
        case 0:
        case 1: return encode_load(static_cast<unsigned>(pick(7)), 9, 8, 0);
        case 2:
        case 3: return encode_store(static_cast<unsigned>(pick(4)), 10, 8, 0);
        case 4: return atomic(chance(2) ? 0 : 2, chance(2) ? 4 : 8, 0) | (10U << 20U);
        case 5: return encode_load(chance(2) ? 2 : 3, 9, 8, 0) | 4U;
        case 6: return encode_store(chance(2) ? 2 : 3, 10, 8, 0) | 4U;
        case 7: return 0x6000 | (8 - 8) << 7U | (9 - 8) << 2U;  // c.ld s1, 0(s0)
        case 8: return 0xe000 | (8 - 8) << 7U | (10 - 8) << 2U; // c.sd a0, 0(s0)
        default: return chance(2) ? insn_nop : insn_c_nop;
        }
    }
    void write_instruction() {
        word = some_instruction();
        if ((word & 0x7fU) == 0x2f && (word >> 27U) == 2) word &= ~(31U << 20U); // LR: rs2 is 0
        auto const insn = decode_memory(word);
        if (insn && insn->atomic()) address &= ~std::uint64_t{insn->width - 1};
        put_word();
    }
    /// Puts the instruction at pc.
    void put_word() {
        for (unsigned i = 0; i < ((word & 3U) == 3 ? 4U : 2U); ++i) {
            auto const at = pc + i;
            auto const page = pages.find(at & ~0xfffULL);
            if (page == pages.end()) continue;
            bench.bytes(page->second + (at & 0xfffU), 1)[0] =
                static_cast<std::uint8_t>(word >> (8 * i));
        }
    }

    // --- one instruction ------------------------------------------------------------------------

    reference::Translation controls() {
        auto const status = [](std::uint64_t value) {
            return reference::Status{.sum = mstatus::Sum::get(value) != 0,
                                     .mxr = mstatus::Mxr::get(value) != 0};
        };
        return {.mode = static_cast<reference::Mode>(mode.priv),
                .virt = mode.virt,
                .satp = h.hart.read_csr(csr::Satp),
                .vsatp = h.hart.read_csr(csr::Vsatp),
                .hgatp = h.hart.read_csr(csr::Hgatp),
                .sstatus = status(h.v.mstatus),
                .vsstatus = status(h.hart.read_csr(csr::Vsstatus)),
                .menvcfg = {.adue = true},
                .henvcfg = {.adue = true},
                .svnapot = true};
    }

    struct State {
        std::array<std::uint64_t, 32> x;
        FpState fp;
        std::uint64_t pc, mstatus, vsstatus, hstatus;
    };
    State state() {
        return {h.regs.guest.x_,
                h.hart.fp,
                h.regs.guest.pc,
                h.v.mstatus,
                h.hart.read_csr(csr::Vsstatus),
                h.hart.read_csr(csr::Hstatus)};
    }

    /// Everything at random but pc and the address; nothing counted yet.
    void new_registers() {
        h.regs.guest.pc = pc;
        for (unsigned i = 1; i < 32; ++i) h.regs.guest.set(i, random());
        h.regs.guest.set(8, address);
        for (auto& f : h.hart.fp.f) f = random();
        constexpr auto bits = mstatus::Sum::mask | mstatus::Mxr::mask | mstatus::Spp::mask |
                              mstatus::Spie::mask | mstatus::Sie::mask;
        h.v.mstatus = mstatus::Fs::set(merge(h.v.mstatus, random(), bits), 1);
        h.hart.write_csr(csr::Vsstatus, mstatus::Fs::set(random() & bits, 1));
        h.hart.write_csr(csr::Hstatus, random() & 0x1c0);
        h.v.mie = 0; // no interrupt of the host
        cpu.retired = cpu.delegated = cpu.trapped = 0;
        h.hart.trace.clear();
    }

    void effect(Image& memory, Memory const& insn, std::vector<std::uint64_t> const& where,
                State& after) {
        std::uint64_t old = 0;
        for (unsigned i = 0; i < insn.width; ++i)
            old |= std::uint64_t{memory.at(where[i])} << (8 * i);
        auto const bits = 8 * insn.width;
        auto const extended = insn.sign ? sign_extend(old, bits) : old;
        auto const value = insn.op == Op::StoreFp ? after.fp.f[insn.data] : after.x[insn.data];
        auto const stored = insn.op == Op::Amo ? old + value : value;
        for (unsigned i = 0; !insn.loads() && i < insn.width; ++i)
            memory.at(where[i]) = static_cast<std::uint8_t>(stored >> (8 * i));
        if (insn.op == Op::Load) after.x[insn.data] = extended;
        if (insn.op == Op::Lr || insn.op == Op::Amo) after.x[insn.result] = extended;
        if (insn.op != Op::LoadFp) return;
        after.fp.f[insn.data] = bits == 32 ? old | 0xffff'ffff'0000'0000U : old;
        after.mstatus = mstatus::Fs::set(after.mstatus, 3);
        if (mode.virt) after.vsstatus = mstatus::Fs::set(after.vsstatus, 3);
    }

    std::string text() {
        std::ostringstream out;
        out << std::hex << "word " << word << " pc " << pc << " address " << address << " mode "
            << static_cast<int>(mode.priv) << (mode.virt ? "v" : "") << " satp "
            << h.hart.read_csr(csr::Satp) << " vsatp " << h.hart.read_csr(csr::Vsatp) << " hgatp "
            << h.hart.read_csr(csr::Hgatp) << " medeleg " << h.v.medeleg << " faults "
            << cpu.trapped << " delegated " << cpu.delegated;
        return out.str();
    }

    /// As many fences as changes of the PMP, each behind its change.
    void expect_fences() {
        auto open = false;
        for (auto const event : h.hart.trace) {
            if (event == Hart::Event::FenceAll) {
                ASSERT_TRUE(open) << "a fence though nothing changed";
                open = false;
            }
            if (event == Hart::Event::PmpWrite) {
                ASSERT_FALSE(open);
                open = true;
            }
        }
        ASSERT_FALSE(open);
    }

    void expect_memory(Image& wanted, bool updates) {
        for (unsigned i = 0; i < islands; ++i)
            for (auto at = island(i); at < island(i) + 4096; at += 8) {
                auto const mask = ptes.contains(at) && !updates ? ~bit::ad : ~0ULL;
                ASSERT_EQ(bench.peek(at) & mask, wanted.word(at) & mask)
                    << std::hex << at << " " << text();
            }
    }
};

} // namespace plinth::fake
