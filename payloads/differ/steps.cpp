// SPDX-License-Identifier: Apache-2.0
// The generator: each function writes one kind of step.
#include "program.hpp"

namespace differ {
namespace {

constexpr uint64_t mprv = 1U << 17U, mpv = uint64_t{1} << 39U;
constexpr uint64_t sum_mxr = 3U << 18U;
constexpr uint64_t middle = 0x7e0; ///< of a page: where small vPMPs lie
constexpr uint64_t ssi = 1U << 1U, msi = 1U << 3U, mti = 1U << 7U;

struct Weight {
    Class kind;
    unsigned weight;
};
constexpr Weight weights[] = {
    {Class::Csr, 54},   {Class::Enter, 10}, {Class::Configure, 6}, {Class::Interrupt, 5},
    {Class::Access, 7}, {Class::Mprv, 6},   {Class::Pmp, 3},       {Class::Paging, 5},
    {Class::Simple, 8}, {Class::Return, 3}, {Class::Clint, 4},     {Class::System, 3},
    {Class::Exotic, 5}, {Class::Guest, 9},  {Class::Lock, 8},      {Class::Vector, 16},
};

Class choose(Random& random, uint64_t classes) {
    unsigned total = 0;
    for (auto const& [kind, weight] : weights)
        if ((classes >> static_cast<unsigned>(kind) & 1U) != 0) total += weight;
    auto left = total == 0 ? 0 : random.below(total);
    for (auto const& [kind, weight] : weights) {
        if ((classes >> static_cast<unsigned>(kind) & 1U) == 0) continue;
        if (left < weight) return kind;
        left -= weight;
    }
    return Class::Simple;
}

uint64_t address(void (*code_at)()) { return reinterpret_cast<uint64_t>(code_at); }

} // namespace

void Generator::step(unsigned index, uint64_t classes) {
    constexpr auto lock = uint64_t{1} << static_cast<unsigned>(Class::Lock);
    constexpr auto vector = uint64_t{1} << static_cast<unsigned>(Class::Vector);
    if (!locks) classes &= ~lock;
    if (!has_vector) classes &= ~vector;
    // The first steps set the scene.
    constexpr Class opening[] = {Class::Configure, Class::Pmp, Class::Paging, Class::Configure};
    auto kind = choose(random, classes);
    if (index < 4 && random.chance(60)) {
        auto const wanted = opening[index];
        if ((classes >> static_cast<unsigned>(wanted) & 1U) != 0) kind = wanted;
    }
    slot.kind = static_cast<uint8_t>(kind);
    out.la(reg::gp, out.pc() + slot_size);
    switch (kind) {
    case Class::Csr: csr_step(); break;
    case Class::Enter: enter_step(); break;
    case Class::Configure: configure_step(); break;
    case Class::Interrupt: interrupt_step(); break;
    case Class::Access: access_step(false); break;
    case Class::Mprv: mprv_step(false); break;
    case Class::Pmp: pmp_step(); break;
    case Class::Paging: paging_step(); break;
    case Class::Simple: simple_step(); break;
    case Class::Return: return_step(); break;
    case Class::Clint: clint_step(); break;
    case Class::System: system_step(); break;
    case Class::Exotic:
        if (random.chance(50))
            access_step(true);
        else
            mprv_step(true);
        break;
    case Class::Guest: guest_step(); break;
    case Class::Lock: lock_step(); break;
    case Class::Vector: vector_step(); break;
    case Class::Count: break;
    }
    slot.words = static_cast<uint16_t>(out.offset());
}

/// A register that programs may use; x0 never.
unsigned Generator::any_register() {
    constexpr uint8_t usable[] = {1,  2,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                  17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 31};
    return usable[random.below(sizeof(usable))];
}
unsigned Generator::any_target() { return random.chance(10) ? reg::zero : any_register(); }

/// What follows is for M-mode: elsewhere this traps.
void Generator::guard_machine() { out.csr_read(reg::tp, csr::Mhartid); }

void Generator::csr_step() {
    auto const count = 2 + random.below(3);
    for (unsigned i = 0; i < count && out.has_room(40); ++i) one_csr();
}

void Generator::one_csr() {
    auto const used = has_vector ? known_count : known_count - vector_csrs;
    auto const number = random.chance(95) ? known_csr(random.below(used)) : random.below(4096);
    csr_instruction(is_unused(number) ? csr::Mscratch : number);
}

void Generator::csr_instruction(unsigned number) {
    auto const which = random.below(6);
    auto const form = forms[which];
    if (number == csr::Satp) guard_machine();
    auto rs1 = reg::zero;
    auto const read_only = number >> 10U == 3;
    if (has_immediate(form)) {
        rs1 = static_cast<unsigned>(restrict_operand(number, form, random.below(32)));
        if (read_only && random.chance(85)) rs1 = 0;
    } else if (random.chance(read_only ? 15 : 85)) {
        rs1 = any_register();
        // QEMU 7.2 takes a set or clear of no bits for a read, whatever rs1 is.
        // (It also takes every write of stimecmp for the end of an older STIP.)
        auto const never_zero = read_only || number == csr::Stimecmp || number == csr::Vstimecmp;
        auto const value = interesting(random) | (never_zero ? 1 : 0);
        if (read_only || is_restricted(number) || random.chance(75))
            out.li(rs1, restrict_operand(number, form, value));
    }
    auto const rd = any_target();
    out.csr(form, rd, number, rs1);
    if (auto const index = known_index(number); index >= 0 && slot.ops < 4)
        slot.op[slot.ops++] = {static_cast<uint16_t>(out.offset()), static_cast<uint16_t>(index),
                               static_cast<uint8_t>(which)};
    settle_csr(number);
    hide(number, rd);
}

/// An instruction whose outcomes are counted.
void Generator::watched(uint32_t word, Watched what) {
    out.word(word);
    if (slot.watched < 8) slot.watch[slot.watched++] = {static_cast<uint16_t>(out.offset()), what};
}

/// Puts back what the rest of the program relies on.
void Generator::settle_csr(unsigned number) {
    switch (number) {
    case csr::Mstatus:
        out.li(reg::tp, mprv | mpv);
        out.csr_clear(csr::Mstatus, reg::tp);
        break;
    case csr::Hstatus: // SPV: the next sret would enter VS-mode
        out.li(reg::tp, 0x80);
        out.csr_clear(csr::Hstatus, reg::tp);
        break;
    case csr::Mtvec:
        out.la(reg::tp,
               random.chance(50) ? address(differ_m_direct) : address(differ_m_vectored) + 1);
        out.csr_write(csr::Mtvec, reg::tp);
        break;
    case csr::Stvec:
        out.la(reg::tp,
               random.chance(50) ? address(differ_s_direct) : address(differ_s_vectored) + 1);
        out.csr_write(csr::Stvec, reg::tp);
        break;
    case csr::Vstvec:
        out.la(reg::tp, address(differ_vs_direct));
        out.csr_write(csr::Vstvec, reg::tp);
        break;
    case csr::Satp:
    case csr::Vsatp:
    case csr::Hgatp:
        out.csr_write(number, reg::zero);
        out.word(insn_sfence);
        if (number != csr::Satp) {
            out.word(insn_hfence_vvma);
            out.word(insn_hfence_gvma);
        }
        break;
    }
    if (number == csr::Pmpcfg0 || (number >= csr::Pmpaddr0 && number <= csr::Pmpaddr7))
        settle_pmp();
}

void Generator::settle_pmp() {
    out.li(reg::tp, default_pmpcfg);
    out.csr_write(csr::Pmpcfg0, reg::tp);
    out.li(reg::tp, image_entry_address);
    out.csr_write(csr::Pmpaddr0, reg::tp);
    out.li(reg::tp, all_memory_address);
    out.csr_write(csr::Pmpaddr7, reg::tp);
    out.word(insn_sfence);
}

/// Keeps the bits that a rule hides out of the program.
void Generator::hide(unsigned number, unsigned rd) {
    auto const rule = rule_of(number);
    if (rule < 0 || rd == reg::zero) return;
    auto* const cell = take_cell(rule);
    if (cell == nullptr) {
        out.addi(rd, reg::zero, 0);
        return;
    }
    out.la(reg::tp, reinterpret_cast<uint64_t>(cell));
    out.store(3, rd, reg::tp, 0);
    out.load(3, reg::tp, reg::tp, 8);
    out.and_(rd, rd, reg::tp);
}

/// mret into `mode` to the address in `base`: the next slot; `bits`: of mstatus besides.
void Generator::go(unsigned mode, bool guest, uint64_t bits, unsigned base) {
    out.li(reg::t5, 0x1888 | mpv);
    out.csr_clear(csr::Mstatus, reg::t5);
    out.li(reg::t5, uint64_t{mode} << 11U | (guest ? mpv : 0) | bits);
    out.csr_set(csr::Mstatus, reg::t5);
    out.csr_read(reg::t5, guest ? csr::Vsatp : csr::Satp);
    out.srli(reg::t5, reg::t5, 60);
    out.slli(reg::t5, reg::t5, mode == 0 ? 29 : 63); // 8 << 29: where U-mode sees the image
    out.add(reg::t5, reg::t5, base);
    out.csr_write(csr::Mepc, reg::t5);
    out.word(insn_mret);
}

void Generator::enter_step() {
    if (random.chance(25)) { // sret, from S or M
        auto const user = random.chance(50);
        auto const guest = has_hypervisor && random.chance(30);
        if (has_hypervisor && random.chance(80)) { // not from VS-mode, where hstatus traps
            out.li(reg::t5, 0x80);
            out.csr(guest ? Form::Rs : Form::Rc, reg::zero, csr::Hstatus, reg::t5);
        }
        out.li(reg::t5, 0x122);
        out.csr_clear(csr::Sstatus, reg::t5);
        out.li(reg::t5, (user ? 0 : 0x100) | random.bit(5));
        out.csr_set(csr::Sstatus, reg::t5);
        out.csr_read(reg::t5, guest ? csr::Vsatp : csr::Satp);
        out.srli(reg::t5, reg::t5, 60);
        out.slli(reg::t5, reg::t5, user ? 29 : 63);
        out.add(reg::t5, reg::t5, reg::gp);
        out.csr_write(csr::Sepc, reg::t5);
        out.word(insn_sret);
        return;
    }
    constexpr unsigned modes[] = {0, 0, 0, 1, 1, 1, 1, 3};
    guard_machine();
    go(modes[random.below(8)], false, random.bit(7) | random.bit(5) | random.bit(1));
}

/// What VS-mode depends on.
void Generator::guest_configure() {
    guard_machine();
    auto const write = [this](unsigned number, uint64_t value) {
        out.li(reg::t5, value);
        out.csr_write(number, reg::t5);
    };
    switch (random.below(5)) {
    case 0:
        if (random.chance(60)) write(csr::Medeleg, 0xf0b5ff);
        write(csr::Hedeleg, random.chance(60) ? 0xb1ff : random.next() & 0xb1ff);
        break;
    case 1:
        write(csr::Hideleg, random.next() & 0x444);
        write(csr::Hvip, random.next() & 0x404);
        out.csr_read(reg::sp, csr::Vsip);
        hide(csr::Vsip, reg::sp);
        out.li(reg::t5, 0x400);
        out.csr_clear(csr::Hvip, reg::t5);
        break;
    case 2:
        write(csr::Hie, random.next() & 0x444);
        write(csr::Hcounteren, random.next());
        break;
    case 3: write(csr::Medeleg, random.chance(50) ? 0xf0b5ff : random.next() & 0xf0b5ff); break;
    case 4: guest_translation(); break;
    }
}

/// Both stages of VS-mode's translation.
void Generator::guest_translation() {
    out.li(reg::t5, random.chance(60) ? guest_hgatp() : 0);
    out.csr_write(csr::Hgatp, reg::t5);
    out.li(reg::t5, random.chance(60) ? table_satp(random.below(table_sets)) : 0);
    out.csr_write(csr::Vsatp, reg::t5);
    out.word(insn_hfence_gvma);
    out.word(insn_hfence_vvma);
}

/// HLV and HSV of all widths; then HLVX.
constexpr uint32_t hypervisor_loads = 7, hypervisor_plain = 11, hypervisor_all = 13;
constexpr uint32_t hypervisor_words[hypervisor_all] = {
    0x60004073, 0x60104073, 0x64004073, 0x64104073, 0x68004073, 0x68104073, 0x6c004073,
    0x62004073, 0x66004073, 0x6a004073, 0x6e004073, 0x64304073, 0x68304073};
constexpr uint32_t hypervisor_word(unsigned which, unsigned data, unsigned base) {
    auto const store = which >= hypervisor_loads && which < hypervisor_plain;
    return hypervisor_words[which] | base << 15U | (store ? data << 20U : data << 7U);
}

/// hstatus.SPVP: whether they act as VS- or VU-mode.
void Generator::guest_privilege() {
    out.li(reg::t5, 0x100);
    out.csr(random.chance(50) ? Form::Rs : Form::Rc, reg::zero, csr::Hstatus, reg::t5);
}

void Generator::choose_bits(unsigned number, uint64_t of, uint64_t bits) {
    out.li(reg::t5, of);
    out.csr_clear(number, reg::t5);
    out.li(reg::t5, bits);
    out.csr_set(number, reg::t5);
}

/// HLV and HSV in M-mode, with SUM and MXR of mstatus and vsstatus, now and then with MPRV, which
/// must not count.
void Generator::machine_guest_access() {
    auto const which = random.below(hypervisor_plain);
    auto const base = 8 + random.below(4), data = 12 + random.below(4);
    guard_machine();
    if (random.chance(50)) guest_translation();
    guest_privilege();
    auto const where = some_address(random.chance(30));
    out.li(base, where == 0 ? 16 : where); // see NOT_GENERATED in differ_allowed.py
    if (random.chance(50)) out.li(data, random.next());
    choose_bits(csr::Vsstatus, sum_mxr, random.bit(18) | random.bit(19));
    choose_bits(csr::Mstatus, sum_mxr | mpv | 0x1800,
                random.bit(18) | random.bit(19) |
                    (random.chance(20) ? mprv | uint64_t{random.below(2)} << 11U : 0));
    out.word(insn_hfence_vvma); // QEMU 7.2 keeps translations of the other SPVP
    watched(hypervisor_word(which, data, base),
            which < hypervisor_loads ? Watched::HypervisorLoad : Watched::HypervisorStore);
    out.li(reg::t5, mprv);
    out.csr_clear(csr::Mstatus, reg::t5);
}

/// HLV, HLVX and HSV of all widths, in HS-mode: mret goes there first.
void Generator::guest_access() {
    auto const which = random.below(hypervisor_all);
    auto const base = 8 + random.below(4), data = 12 + random.below(4);
    guard_machine();
    out.li(base, some_address(false));
    guest_privilege();
    out.li(reg::t5, 0x1888 | mpv);
    out.csr_clear(csr::Mstatus, reg::t5);
    out.li(reg::t5, 0x800);
    out.csr_set(csr::Mstatus, reg::t5);
    out.la(reg::t5, out.pc() + 16); // behind la, csrw and mret
    out.csr_write(csr::Mepc, reg::t5);
    out.word(insn_mret);
    out.word(hypervisor_word(which, data, base));
}

void Generator::guest_step() {
    if (!has_hypervisor) return access_step(false);
    auto const choice = random.below(12);
    if (choice < 4) return guest_configure();
    if (choice < 6) return guest_access();
    if (choice < 8) return machine_guest_access();
    guard_machine();
    if (random.chance(40)) { // what can be is passed on to VS-mode
        out.li(reg::t5, 0xf0b5ff);
        out.csr_write(csr::Medeleg, reg::t5);
        out.li(reg::t5, 0xb1ff);
        out.csr_write(csr::Hedeleg, reg::t5);
    }
    go(random.below(2), true, random.bit(7) | random.bit(5) | random.bit(1));
}

void Generator::configure_step() {
    guard_machine();
    auto const write = [this](unsigned number, uint64_t value) {
        out.li(reg::t5, value);
        out.csr_write(number, reg::t5);
    };
    auto const interrupts = has_hypervisor ? 0x1fffU : 0xbbbU;
    switch (random.below(7)) {
    case 0: write(csr::Medeleg, random.next() & 0xb1ff); break;
    case 1: write(csr::Mideleg, random.next() & interrupts); break;
    case 2: write(csr::Mie, random.next() & interrupts); break;
    case 3:
        out.li(reg::t5, 0x7c6000);
        out.csr_clear(csr::Mstatus, reg::t5);
        out.li(reg::t5, random.bit(18) | random.bit(19) | random.below(4) << 13U |
                            (random.chance(15) ? 7U << 20U & random.next() : 0));
        out.csr_set(csr::Mstatus, reg::t5);
        break;
    case 4: write(csr::Menvcfg, random.bit(63) | random.bit(62) | random.below(2)); break;
    case 5:
        write(csr::Mcounteren, random.next());
        write(csr::Scounteren, random.next());
        break;
    case 6:
        write(csr::Medeleg, 0xb1ff);
        write(csr::Mideleg, random.next() & interrupts);
        break;
    }
}

void Generator::interrupt_step() {
    guard_machine();
    constexpr uint64_t sources[] = {1U << 1U, 1U << 5U, 1U << 9U};
    auto const source = sources[random.below(3)];
    out.li(reg::t5, source);
    if (random.chance(80))
        out.csr_set(csr::Mip, reg::t5);
    else
        out.csr_clear(csr::Mip, reg::t5);
    if (random.chance(80)) out.csr_set(csr::Mie, reg::t5);
    if (random.chance(50)) out.csr(Form::Rsi, reg::zero, csr::Mstatus, 8 | (random.below(2) << 1U));
    out.csr_read(any_register(), csr::Mip);
}

/// Addresses on data pages, near the ends of pages, in the window of random translations, and
/// where there is nothing.
uint64_t Generator::some_address(bool exotic) {
    uint64_t offset = random.below(64);
    if (!exotic) offset &= ~uint64_t{7};
    if (random.chance(40)) offset = 4096 - 64 + offset; // the last bytes, perhaps across
    if (locks && random.chance(35)) {
        if (random.chance(40)) offset = middle + (offset & 63U);
        if (offset > 4096 - 8) offset = 4096 - 8;
        return locked_base + (uint64_t{random.below(locked_pages)} << 12U) + offset;
    }
    if (random.chance(15))
        return window + (uint64_t{random.below(window_pages)} << 12U) + middle + (offset & 63U);
    if (random.chance(50)) return window + (uint64_t{random.below(window_pages)} << 12U) + offset;
    if (random.chance(10)) return window + 0x200000 + (uint64_t{random.below(8)} << 12U) + offset;
    // M-mode crosses no page on physical memory: a vPMP could end there.
    if (offset > 4096 - 8) offset = 4096 - 8;
    if (random.chance(85)) return data_base + (uint64_t{random.below(data_pages)} << 12U) + offset;
    constexpr uint64_t nowhere[] = {0,
                                    0x18000000,
                                    0x90000000,
                                    0x8000000000,
                                    0x4000000000,
                                    0x00ffffffffffe000,
                                    0xffffffc000000000,
                                    0xfffffffffffff000};
    // The last two only where nobody is in VS-mode.
    return nowhere[random.below(has_hypervisor ? 6 : 8)] + (offset & 0xff0U);
}

/// The eleven plain loads and stores and their compressed forms; x8 … x15 for the latter.
void Generator::plain_access(unsigned address, unsigned data) {
    auto const kind = random.below(15);
    if (kind < 7) return out.load(kind, data, address, 0);
    if (kind < 11) return out.store(kind - 7, data, address, 0);
    auto const base = (address - 8) << 7U | (data - 8) << 2U;
    constexpr uint32_t compressed[] = {0x4000, 0x6000, 0xc000, 0xe000}; // c.lw c.ld c.sw c.sd
    out.halves(compressed[kind - 11] | base, c_nop);
}

/// FP loads and stores, atomics of both widths; LR with SC if `pairs`.
void Generator::exotic_access(unsigned address, unsigned data, bool pairs) {
    auto const wide = 2 + random.below(2);
    switch (random.below(5)) {
    case 0: return out.load(wide, data, address, 0, 0x07);
    case 1: return out.store(wide, data, address, 0, 0x27);
    case 2: { // c.fld, c.fsd
        auto const base = (address - 8) << 7U | (data - 8) << 2U;
        return out.halves((random.chance(50) ? 0x2000U : 0xa000U) | base, c_nop);
    }
    case 3: {
        constexpr uint32_t operations[] = {0x00, 0x01, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c};
        return out.word(0x2fU | data << 7U | wide << 12U | address << 15U | data << 20U |
                        operations[random.below(9)] << 27U);
    }
    case 4: // lr, sc
        out.word(0x2fU | data << 7U | wide << 12U | address << 15U | 0x02U << 27U);
        if (!pairs) return;
        return out.word(0x2fU | data << 7U | wide << 12U | address << 15U | data << 20U |
                        0x03U << 27U);
    }
}

/// Arithmetic on FP registers: fs must not be off, fcsr collects flags, frm may be invalid.
void Generator::fp_operation() {
    constexpr uint32_t words[] = {0x02007053, 0x1a007053, 0x5a007053, 0xd2207053, 0xc2207053,
                                  0xe2000053, 0xf2000053, 0xe2001053, 0xa2002053, 0x00007053};
    auto const which = random.below(10); // 2 … 7 have no second operand
    auto word = words[which] | any_register() << 7U | any_register() << 15U;
    if (which < 2 || which > 7) word |= any_register() << 20U;
    out.word(word);
}

/// mret into `mode` within this slot.
void Generator::go_on_in(unsigned mode, bool guest) {
    auto const next = out.pc() - 4 * out.offset() + slot_size;
    guard_machine();
    auto const before = out;
    go(mode, guest, 0, reg::tp);
    auto const words = out.offset() - before.offset();
    out = before;
    out.la(reg::tp, out.pc() + 4 * (2 + words));
    go(mode, guest, 0, reg::tp);
    out.la(reg::gp, next);
}

/// VS of mstatus, sstatus or vsstatus; then what the register says.
void Generator::vector_status() {
    constexpr unsigned registers[] = {csr::Mstatus, csr::Mstatus, csr::Sstatus, csr::Vsstatus};
    auto const number = registers[random.below(has_hypervisor ? 4 : 3)];
    if (number == csr::Mstatus) guard_machine();
    out.li(reg::t5, 0x600);
    out.csr_clear(number, reg::t5);
    out.li(reg::t5, random.below(4) << 9U);
    out.csr_set(number, reg::t5);
    out.csr_read(any_register(), number);
}

/// vsetvli, vsetivli, vsetvl; from time to time with a vtype that does not exist.
void Generator::vector_configure() {
    auto const rd = any_target() << 7U, rs1 = any_target() << 15U;
    auto const sound = random.below(4) << 3U | random.below(4) | random.below(4) << 6U;
    auto const vtype = random.chance(85) ? sound : random.below(1024);
    switch (random.below(3)) {
    case 0: return watched(0x7057U | rd | rs1 | vtype << 20U, Watched::VectorConfigure);
    case 1:
        return watched(0xc0007057U | rd | random.below(32) << 15U | vtype << 20U,
                       Watched::VectorConfigure);
    default:
        out.li(reg::t5, random.chance(80) ? vtype : interesting(random));
        return watched(0x80007057U | rd | rs1 | reg::t5 << 20U, Watched::VectorConfigure);
    }
}

/// Results into vector and general registers, vxsat and fflags; vxrm and frm count.
void Generator::vector_arithmetic() {
    constexpr unsigned x_rd = 1, v_vs1 = 2, x_rs1 = 4, v_vs2 = 8, mask = 16;
    constexpr struct {
        uint32_t word;
        unsigned fields;
    } operations[] = {
        {0x00000057, v_vs1 | v_vs2 | mask}, // vadd.vv
        {0x00003057, v_vs1 | v_vs2 | mask}, // vadd.vi
        {0x00004057, x_rs1 | v_vs2 | mask}, // vadd.vx
        {0x5e003057, v_vs1},                // vmv.v.i
        {0x5e004057, x_rs1},                // vmv.v.x
        {0x42002057, x_rd | v_vs2},         // vmv.x.s
        {0x5008a057, mask},                 // vid.v
        {0x80000057, v_vs1 | v_vs2 | mask}, // vsaddu.vv
        {0x20002057, v_vs1 | v_vs2 | mask}, // vaaddu.vv
        {0xa8003057, v_vs1 | v_vs2 | mask}, // vssrl.vi
        {0x68000057, v_vs1 | v_vs2 | mask}, // vmsltu.vv
        {0x00001057, v_vs1 | v_vs2 | mask}, // vfadd.vv
    };
    auto const& [operation, fields] = operations[random.below(12)];
    auto word = operation | ((fields & x_rd) != 0 ? any_register() : vector_register()) << 7U;
    if ((fields & v_vs1) != 0) word |= vector_register() << 15U;
    if ((fields & x_rs1) != 0) word |= any_register() << 15U;
    if ((fields & v_vs2) != 0) word |= vector_register() << 20U;
    if ((fields & mask) != 0 && random.chance(75)) word |= 1U << 25U;
    watched(word, Watched::VectorArithmetic);
}

/// Often one with which LMUL = 8 is legal.
unsigned Generator::vector_register() {
    return random.chance(60) ? random.below(4) * 8 : random.below(32);
}

/// Of at most 64 bytes, none of them outside of the words that are reset and compared: the first
/// and last of each data page.
uint64_t Generator::vector_address() {
    uint64_t const offset = random.chance(50) ? 0 : 4096 - 64 + (random.below(64) & ~7U);
    auto const page = uint64_t{random.below(data_pages - 1)} << 12U;
    if (random.chance(50)) return window + (uint64_t{random.below(window_pages)} << 12U) + offset;
    if (random.chance(15)) return window + 0x200000 + page + offset;
    constexpr uint64_t nowhere[] = {0, 0x18000000, 0x90000000, 0x8000000000};
    return random.chance(90) ? data_base + page + offset : nowhere[random.below(4)] + offset;
}

/// A load or store of up to eight elements, or of one register. It may fault on the way, and vstart
/// says where.
void Generator::vector_access() {
    constexpr unsigned widths[] = {0, 5, 6, 7};
    out.li(8, vector_address());
    watched(0xc0007057U | reg::t5 << 7U | (1 + random.below(8)) << 15U | random.below(4) << 23U,
            Watched::VectorConfigure); // vsetivli x30, 1 … 8, e8 … e64, m1
    auto word = vector_register() << 7U | 8U << 15U;
    if (random.chance(15))
        word |= 0x02800000;
    else
        word |= widths[random.below(4)] << 12U | (random.chance(75) ? 1U << 25U : 0);
    if (random.chance(50)) return watched(word | 0x07U, Watched::VectorLoad);
    watched(word | 0x27U, Watched::VectorStore);
}

void Generator::vector_step() {
    if (random.chance(30)) vector_status();
    if (random.chance(20)) {
        auto const guest = has_hypervisor && random.chance(60);
        if (guest && random.chance(80)) {
            out.li(reg::t5, 0x600);
            out.csr_set(csr::Vsstatus, reg::t5);
        }
        go_on_in(random.below(2), guest);
    }
    auto const count = 1 + random.below(4);
    for (unsigned i = 0; i < count && out.has_room(20); ++i) {
        switch (random.below(7)) {
        case 0:
        case 1: vector_configure(); break;
        case 2:
        case 3: vector_arithmetic(); break;
        case 4:
        case 5: vector_access(); break;
        default: csr_instruction(known_csr(known_count - 1 - random.below(vector_csrs)));
        }
    }
}

void Generator::access_step(bool exotic) {
    auto const address = 8 + random.below(4);
    auto const data = 12 + random.below(4);
    auto const count = 1 + random.below(3);
    for (unsigned i = 0; i < count && out.has_room(20); ++i) {
        out.li(address, some_address(exotic));
        if (random.chance(50)) out.li(data, random.next());
        if (exotic && random.chance(25))
            fp_operation();
        else if (exotic && random.chance(70))
            exotic_access(address, data, true);
        else
            plain_access(address, data);
    }
}

void Generator::mprv_step(bool exotic) {
    auto const address = 8 + random.below(4);
    auto const data = 12 + random.below(4);
    constexpr unsigned modes[] = {0, 0, 1, 1, 1, 3};
    guard_machine();
    out.li(address, some_address(exotic));
    if (random.chance(50)) out.li(data, random.next());
    out.li(reg::t5, 0x1800 | mpv);
    out.csr_clear(csr::Mstatus, reg::t5);
    auto const mode = modes[random.below(6)];
    auto const guest = has_hypervisor && mode != 3 && random.chance(20) ? mpv : 0;
    out.li(reg::t5, mprv | guest | uint64_t{mode} << 11U | random.bit(18) | random.bit(19));
    out.csr_set(csr::Mstatus, reg::t5);
    if (exotic && random.chance(70))
        exotic_access(address, data, false);
    else
        plain_access(address, data);
    out.li(reg::t5, mprv);
    out.csr_clear(csr::Mstatus, reg::t5);
}

/// A vPMP entry as pmp_step chooses it. `edge`: the address may also be the lower end of a TOR
/// entry, since no access of M-mode crosses it: at multiples of 256 bytes, or near the middle of a
/// data page, where only translated accesses go.
struct PmpChoice {
    uint64_t address;
    unsigned mode;
    bool edge;
};
constexpr unsigned pmp_tor = 1, pmp_na4 = 2, pmp_napot = 3;

PmpChoice choose_pmp(Random& random) {
    constexpr unsigned modes[] = {0, pmp_tor, pmp_napot, pmp_napot};
    auto const mode = modes[random.below(4)];
    auto const shape = random.below(4);
    uint64_t where = (data_base + random.below(0x10000)) >> 2U;
    if (shape == 0) where |= (uint64_t{1} << random.below(14)) - 1;
    if (shape == 1) where = random.next() >> (10 + random.below(50));
    if (shape == 2) { // 4, 8 or 16 bytes, or an end of TOR
        where = (data_base + (uint64_t{random.below(data_pages)} << 12U) + middle) >> 2U;
        where += random.below(16);
        constexpr unsigned small[] = {pmp_tor, pmp_na4, pmp_napot};
        return {where, small[random.below(3)], true};
    }
    if (mode == pmp_napot) return {where | 31U, mode, false};
    return {(where & ~uint64_t{63}) | 64U, mode, true};
}

/// Entry 0 stays the image's. At most four entries are TOR or NA4: each may take two of the hart's
/// entries, and all must fit.
void Generator::pmp_step() {
    guard_machine();
    unsigned ranges = 0;
    unsigned const most = locks ? 1 : 4;
    uint64_t cfg = 0x1f;
    PmpChoice below{~uint64_t{0}, 0, false};
    for (unsigned i = 1; i < 8 && out.has_room(24); ++i) {
        uint64_t byte = random.below(8);
        if ((byte & 3U) == 2) byte |= 1U;
        auto entry = choose_pmp(random);
        auto const empty = entry.mode == pmp_tor && (!below.edge || entry.address <= below.address);
        auto const two = entry.mode == pmp_tor || entry.mode == pmp_na4;
        if (empty || (two && ++ranges > most)) entry = {entry.address | 31U, pmp_napot, false};
        if (i == 7 && random.chance(80)) {
            byte = 7;
            entry = {all_memory_address, pmp_napot, false};
        }
        cfg |= (byte | uint64_t{entry.mode} << 3U) << (8 * i);
        out.li(reg::t5, entry.address);
        out.csr_write(csr::Pmpaddr0 + i, reg::t5);
        below = entry;
    }
    out.li(reg::t5, cfg);
    out.csr_write(csr::Pmpcfg0, reg::t5);
    out.word(insn_sfence);
}

/// An entry for locked_base, locked: it binds M-mode, too, and stays until reset. Only the entries
/// 2 and 3 are TOR or NA4.
void Generator::lock_step() {
    guard_machine();
    auto const i = 2 + random.below(5);
    auto const page = locked_base + (uint64_t{random.below(locked_pages)} << 12U);
    auto where = (page + middle) / 4 + random.below(16);
    constexpr unsigned small[] = {pmp_tor, pmp_na4, pmp_napot, pmp_napot};
    auto mode = small[i < 4 ? random.below(4) : 2];
    if (mode == pmp_napot && random.chance(70))
        where = page / 4 | ((uint64_t{32} << random.below(5)) - 1);
    auto clear = uint64_t{0xff} << (8 * i);
    if (mode == pmp_tor) clear |= clear >> 8U; // the entry below is its lower end
    out.li(reg::t5, clear);
    out.csr_clear(csr::Pmpcfg0, reg::t5);
    if (mode == pmp_tor) {
        out.li(reg::t5, page / 4 + (random.chance(50) ? 0 : middle / 4));
        out.csr_write(csr::Pmpaddr0 + i - 1, reg::t5);
    }
    out.li(reg::t5, where);
    out.csr_write(csr::Pmpaddr0 + i, reg::t5);
    uint64_t byte = 0x80U | mode << 3U | random.below(8);
    if ((byte & 3U) == 2) byte |= 1U;
    out.li(reg::t5, byte << (8 * i));
    out.csr_set(csr::Pmpcfg0, reg::t5);
    out.word(insn_sfence);
    out.li(8, mode == pmp_napot && (where & 31U) == 31 ? page : 4 * where & ~uint64_t{7});
    plain_access(8, 12 + random.below(4));
}

void Generator::paging_step() {
    out.li(reg::t5, random.chance(25)
                        ? 0
                        : table_satp(random.below(table_sets)) | uint64_t{random.below(4)} << 44U);
    if (random.chance(70)) guard_machine();
    out.csr_write(csr::Satp, reg::t5);
    out.word(insn_sfence);
}

/// wfi with something pending and enabled: it never waits.
void Generator::wait_step() {
    if (random.chance(50)) {
        guard_machine();
        out.li(reg::t5, ssi);
        out.csr_set(csr::Mie, reg::t5);
        out.csr_set(csr::Mip, reg::t5);
        out.word(insn_wfi);
        return;
    }
    out.csr_read(reg::tp, csr::Sie);
    out.csr_read(reg::t5, csr::Sip);
    out.and_(reg::tp, reg::tp, reg::t5);
    out.beqz_over(reg::tp, 1);
    out.word(insn_wfi);
}

void Generator::simple_step() {
    auto const two = any_target() << 15U | any_target() << 20U;
    switch (random.below(14)) {
    case 0:
    case 1:
    case 2:
    case 3: return out.word(insn_ecall);
    case 4: return out.word(insn_ebreak);
    case 5: return out.halves(0x9002, c_nop); // c.ebreak
    case 6: return out.word(insn_fence_i);
    case 7: return out.word(insn_sfence | two);
    case 8: return out.word((random.chance(50) ? insn_hfence_vvma : insn_hfence_gvma) | two);
    case 9: return out.halves(0, c_nop); // the defined illegal instruction
    case 10: {
        constexpr uint32_t inval[] = {0x16000073, 0x26000073, 0x66000073}; // sinval, hinval
        auto const which = random.below(3);
        return watched(inval[which] | two, static_cast<Watched>(which));
    }
    case 11:
        return random.chance(50) ? watched(0x18000073, Watched::SfenceWInval)
                                 : watched(0x18100073, Watched::SfenceInvalIr);
    default: return wait_step();
    }
}

void Generator::return_step() {
    constexpr uint64_t bad[] = {0,           0x108000000,       0x18000000, 0x8000000000,
                                0x1c0000000, 0xffffffc000000000};
    auto const target = bad[random.below(6)] + (random.below(8) << 1U);
    out.li(reg::t5, target);
    switch (random.below(4)) {
    case 0: // jalr ra, x30
        return out.word(0x67U | reg::ra << 7U | reg::t5 << 15U);
    case 1: out.csr_write(csr::Sepc, reg::t5); return out.word(insn_sret);
    case 2:
        guard_machine();
        out.csr_write(csr::Mepc, reg::t5);
        out.li(reg::t5, 0x1800);
        out.csr_clear(csr::Mstatus, reg::t5);
        out.li(reg::t5, (random.chance(50) ? 0x800 : 0) | random.bit(7));
        out.csr_set(csr::Mstatus, reg::t5);
        return out.word(insn_mret);
    default: return out.word(random.chance(50) ? 0xc0001073U : 0x10200073U | 1U << 7U);
    }
}

void Generator::clint_access(unsigned address, unsigned data) {
    constexpr uint64_t base = 0x2000000, mtimecmp = base + 0x4000;
    auto const low = random.chance(50);
    switch (random.below(5)) {
    case 4: { // widths and places that the device does not have
        auto const kind = random.below(11);
        auto const width = 1U << (kind < 7 ? kind & 3U : kind - 7);
        out.li(address, (low ? base + (random.below(8) & ~(width - 1))
                             : mtimecmp + (random.below(16) & ~(width - 1))));
        if (kind < 7)
            out.load(kind, data, address, 0);
        else
            out.store(kind - 7, data, address, 0);
        break;
    }
    case 0:
        out.li(address, base);
        out.li(data, random.chance(50) ? random.below(2) : random.next() << 1U | random.below(2));
        out.store(2, data, address, 0);
        out.word(insn_fence_i);
        out.load(2, data, address, 0);
        break;
    case 1:
        out.li(address, mtimecmp);
        out.li(data, random.chance(60) ? 0 : ~uint64_t{0});
        out.store(3, data, address, 0);
        out.word(insn_fence_i);
        out.load(low ? 3 : 6, data, address, 0);
        break;
    case 2:
        out.li(address, mtimecmp);
        out.li(data, random.chance(60) ? 0 : ~uint64_t{0});
        out.store(2, data, address, low ? 0 : 4);
        out.word(insn_fence_i);
        out.load(3, data, address, 0);
        break;
    case 3: out.li(address, low ? base : mtimecmp); out.load(low ? 2 : 3, data, address, 0);
    }
}

/// msip and mtimecmp, written with MIE clear so that the interrupt comes at the csrs.
void Generator::clint_step() {
    guard_machine();
    out.csr(Form::Rci, reg::t5, csr::Mstatus, 8);
    clint_access(8 + random.below(4), 12 + random.below(4));
    out.csr_read(any_register(), csr::Mip);
    if (random.chance(60)) {
        out.li(reg::tp, msi | mti);
        out.csr_set(csr::Mie, reg::tp);
    }
    if (random.chance(50)) out.addi(reg::t5, reg::zero, 8);
    out.word(0x13U | 7U << 12U | reg::t5 << 7U | reg::t5 << 15U | 8U << 20U); // andi x30, x30, 8
    out.csr_set(csr::Mstatus, reg::t5);
}

void Generator::system_step() {
    constexpr uint8_t functs[] = {0x00, 0x08, 0x09, 0x0b, 0x0c, 0x10, 0x11,
                                  0x13, 0x18, 0x31, 0x33, 0x3d, 0x71};
    auto const funct7 = random.chance(80) ? functs[random.below(13)] : random.below(128);
    auto word = 0x73U | funct7 << 25U | any_target() << 20U | any_target() << 15U;
    if (random.chance(30)) word |= any_target() << 7U;
    if (random.chance(20)) {
        constexpr uint8_t custom[] = {0x0b, 0x2b, 0x5b, 0x7b, 0x6b, 0x77};
        word = (static_cast<uint32_t>(random.next()) & ~0x7fU) | custom[random.below(6)];
    }
    // wfi might wait for ever.
    out.word(word == insn_wfi ? insn_fence : word);
}

} // namespace differ
