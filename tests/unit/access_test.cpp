// SPDX-License-Identifier: Apache-2.0
/// The access emulator against a model that knows nothing of it: every encoding of a load, store or
/// atomic instruction at every offset, in and across pages of all kinds. The model looks at one
/// byte after the other; it was written from the specifications, and the encodings are made here.
#include "bench.hpp"
#include "monitor/guest_memory.hpp"
#include "monitor/handlers.hpp"
#include "monitor/harts.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <sstream>

namespace plinth::fake {
namespace {

/// What an emulator decided, and the trap as it left it.
struct Outcome {
    monitor::Next::Kind kind;
    std::uint64_t length;
    arch::Trap trap;
};
Outcome outcome(monitor::Next (*emulate)(monitor::HartState&), monitor::HartState& h,
                arch::Trap const& trap) {
    h.trap = trap;
    h.hart.status = monitor::current_rights(h); // whom the trap interrupted
    auto const next = emulate(h);
    return {next.kind(), next.length(), h.trap};
}

using namespace arch;
using monitor::Next;
using monitor::World;

// --- encodings ----------------------------------------------------------------------------------

enum class Op { Load, Store, LoadFp, StoreFp, Lr, Sc, Amo };

/// One encoding with what it means. `data`: the register loaded or stored; atomic instructions
/// return their result in `result`.
struct Form {
    std::string name;
    Op op;
    std::uint32_t word;
    unsigned length, width, data, base;
    std::int64_t offset{0};
    bool sign{true};
    unsigned result{0}, operation{0};

    bool atomic() const { return op == Op::Lr || op == Op::Sc || op == Op::Amo; }
    bool loads() const { return op == Op::Load || op == Op::LoadFp || op == Op::Lr; }
    bool fp() const { return op == Op::LoadFp || op == Op::StoreFp; }
};

constexpr std::uint32_t fp_opcode = 4; // LOAD-FP and STORE-FP are LOAD and STORE with this bit

constexpr std::uint32_t encode_atomic(unsigned operation, unsigned width, unsigned rd, unsigned rs1,
                                      unsigned rs2) {
    return operation << 27U | rs2 << 20U | rs1 << 15U | (width == 4 ? 2U : 3U) << 12U | rd << 7U |
           0x2fU;
}

/// Bits hi … lo of a value, moved to `at`.
constexpr std::uint32_t field(unsigned value, unsigned hi, unsigned lo, unsigned at) {
    return (value >> lo & ((2U << (hi - lo)) - 1U)) << at;
}

/// CL and CS formats: registers x8 … x15 (unprivileged 16.3).
constexpr std::uint32_t encode_short(unsigned funct3, unsigned data, unsigned base, unsigned offset,
                                     unsigned width) {
    auto const scattered =
        width == 4 ? field(offset, 2, 2, 6) | field(offset, 6, 6, 5) : field(offset, 7, 6, 5);
    return funct3 << 13U | field(offset, 5, 3, 10) | (base - 8) << 7U | scattered |
           (data - 8) << 2U;
}
/// CI format, base sp.
constexpr std::uint32_t encode_load_sp(unsigned funct3, unsigned data, unsigned offset,
                                       unsigned width) {
    auto const scattered = width == 4 ? field(offset, 4, 2, 4) | field(offset, 7, 6, 2)
                                      : field(offset, 4, 3, 5) | field(offset, 8, 6, 2);
    return funct3 << 13U | field(offset, 5, 5, 12) | data << 7U | scattered | 2U;
}
/// CSS format, base sp.
constexpr std::uint32_t encode_store_sp(unsigned funct3, unsigned data, unsigned offset,
                                        unsigned width) {
    auto const scattered = width == 4 ? field(offset, 5, 2, 9) | field(offset, 7, 6, 7)
                                      : field(offset, 5, 3, 10) | field(offset, 8, 6, 7);
    return funct3 << 13U | scattered | data << 2U | 2U;
}

/// The loads and stores of 4 bytes, for any data and base register.
std::vector<Form> full_length(unsigned data, unsigned base) {
    std::vector<Form> out;
    char const* const loads[] = {"lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"};
    char const* const stores[] = {"sb", "sh", "sw", "sd"};
    for (unsigned f = 0; f < 7; ++f)
        out.push_back({loads[f], Op::Load, encode_load(f, data, base, -5), 4, 1U << (f & 3U), data,
                       base, -5, f < 4});
    for (unsigned f = 0; f < 4; ++f)
        out.push_back({stores[f], Op::Store, encode_store(f, data, base, 0x7ff), 4, 1U << f, data,
                       base, 0x7ff});
    for (unsigned f = 2; f < 4; ++f) {
        out.push_back({f == 2 ? "flw" : "fld", Op::LoadFp,
                       encode_load(f, data, base, -2048) | fp_opcode, 4, 1U << f, data, base,
                       -2048});
        out.push_back({f == 2 ? "fsw" : "fsd", Op::StoreFp,
                       encode_store(f, data, base, 33) | fp_opcode, 4, 1U << f, data, base, 33});
    }
    return out;
}

std::vector<Form> compressed() {
    struct Row {
        char const* name;
        Op op;
        unsigned funct3, width;
    };
    std::vector<Form> out;
    for (auto const& row : {Row{"c.lw", Op::Load, 2, 4}, Row{"c.ld", Op::Load, 3, 8},
                            Row{"c.sw", Op::Store, 6, 4}, Row{"c.sd", Op::Store, 7, 8},
                            Row{"c.fld", Op::LoadFp, 1, 8}, Row{"c.fsd", Op::StoreFp, 5, 8}}) {
        auto const load = row.op == Op::Load || row.op == Op::LoadFp;
        for (unsigned const offset : {0U, row.width, row.width == 4 ? 0x7cU : 0xf8U})
            out.push_back({row.name, row.op, encode_short(row.funct3, 12, 15, offset, row.width), 2,
                           row.width, 12, 15, offset});
        for (unsigned const offset : {0U, row.width, row.width == 4 ? 0xfcU : 0x1f8U}) {
            auto const word = load ? encode_load_sp(row.funct3, 29, offset, row.width)
                                   : encode_store_sp(row.funct3, 29, offset, row.width);
            out.push_back(
                {std::string{row.name} + "sp", row.op, word, 2, row.width, 29, 2, offset});
        }
    }
    return out;
}

constexpr unsigned amo_operations[] = {0, 1, 4, 8, 12, 16, 20, 24, 28};

Form atomic_form(Op op, unsigned operation, unsigned width, unsigned rd = 14, unsigned rs1 = 9,
                 unsigned rs2 = 21) {
    if (op == Op::Lr) rs2 = 0;
    auto const name = op == Op::Lr ? "lr" : op == Op::Sc ? "sc" : "amo";
    return {.name = name + std::to_string(operation) + "." + std::to_string(width),
            .op = op,
            .word = encode_atomic(operation, width, rd, rs1, rs2),
            .length = 4,
            .width = width,
            .data = rs2,
            .base = rs1,
            .result = rd,
            .operation = operation};
}
std::vector<Form> atomics() {
    std::vector<Form> out;
    for (unsigned const width : {4U, 8U}) {
        out.push_back(atomic_form(Op::Lr, 2, width));
        out.push_back(atomic_form(Op::Sc, 3, width));
        for (auto const operation : amo_operations)
            out.push_back(atomic_form(Op::Amo, operation, width));
    }
    return out;
}

std::vector<Form> all_forms(bool with_atomics) {
    auto out = full_length(7, 9);
    for (auto const& form : compressed()) out.push_back(form);
    if (with_atomics)
        for (auto const& form : atomics()) out.push_back(form);
    return out;
}

// --- the model ----------------------------------------------------------------------------------

/// A page of a kind; without `present` no translation leads there.
struct PageKind {
    char const* name;
    std::uint64_t frame;
    bool r{true}, w{true}, x{true}, user{false}, present{true};
};

/// Whose rights an access has.
struct Rights {
    std::uint64_t mode; ///< 0 U, 1 S
    bool sum, mxr;
    std::uint64_t bits() const {
        return (sum ? mstatus::Sum::mask : 0) | (mxr ? mstatus::Mxr::mask : 0);
    }
};
std::vector<Rights> all_rights() {
    std::vector<Rights> out;
    for (unsigned i = 0; i < 8; ++i) out.push_back({i & 1U, (i & 2U) != 0, (i & 4U) != 0});
    return out;
}

template <typename Signed, typename Unsigned>
Unsigned amo_of(unsigned operation, Unsigned a, Unsigned b) {
    switch (operation) {
    case 0: return static_cast<Unsigned>(a + b);
    case 1: return b;
    case 4: return a ^ b;
    case 8: return a | b;
    case 12: return a & b;
    case 16: return static_cast<Signed>(a) < static_cast<Signed>(b) ? a : b;
    case 20: return static_cast<Signed>(a) > static_cast<Signed>(b) ? a : b;
    case 24: return a < b ? a : b;
    case 28: return a > b ? a : b;
    }
    throw Violation{"no such AMO"};
}
std::uint64_t amo_model(unsigned operation, unsigned width, std::uint64_t a, std::uint64_t b) {
    if (width == 8) return amo_of<std::int64_t>(operation, a, b);
    return amo_of<std::int32_t>(operation, static_cast<std::uint32_t>(a),
                                static_cast<std::uint32_t>(b));
}

std::uint64_t widened(std::uint64_t value, unsigned width, bool sign) {
    switch (width) {
    case 1: return sign ? static_cast<std::uint64_t>(static_cast<std::int8_t>(value)) : value;
    case 2: return sign ? static_cast<std::uint64_t>(static_cast<std::int16_t>(value)) : value;
    case 4: return sign ? static_cast<std::uint64_t>(static_cast<std::int32_t>(value)) : value;
    }
    return value;
}

struct Fault {
    std::uint64_t cause, tval;
};

/// Memory as a world with some rights sees it: a copy of the RAM, and pages.
class Model {
  public:
    std::vector<std::uint8_t> ram{};
    std::map<std::uint64_t, PageKind> pages{};
    bool bare{false};                                           ///< no translation
    std::function<bool(std::uint64_t, bool store)> reachable{}; ///< what the world's plan opens
    bool by_hardware{true}; ///< one access of the hart; else byte by byte, the lowest fault counts
    std::optional<std::pair<std::uint64_t, unsigned>> reservation{};
    std::uint64_t reserved_value{0};

    std::uint8_t& byte(std::uint64_t physical) { return ram.at(physical - Machine::ram_base); }

    std::optional<std::uint64_t> translate(std::uint64_t address) const {
        if (bare) return address;
        auto const page = pages.find(address & ~0xfffULL);
        if (page == pages.end() || !page->second.present) return std::nullopt;
        return page->second.frame + (address & 0xfffU);
    }
    /// Why one byte may not be accessed: a page or an access fault's cause; 0: it may.
    std::uint64_t byte_fault(std::uint64_t address, bool store, Rights const& rights) const {
        if (!bare) {
            auto const found = pages.find(address & ~0xfffULL);
            if (found == pages.end() || !found->second.present) return store ? 15 : 13;
            auto const& page = found->second;
            auto const mode = page.user ? rights.mode == 0 || rights.sum : rights.mode == 1;
            auto const kind = store ? page.w : page.r || (page.x && rights.mxr);
            if (!mode || !kind) return store ? 15 : 13;
        }
        return reachable(*translate(address), store) ? 0 : store ? 7 : 5;
    }
    std::optional<Fault> fault(std::uint64_t address, unsigned width, bool store,
                               Rights const& rights) const {
        std::optional<Fault> access;
        for (unsigned i = 0; i < width; ++i) {
            auto const cause = byte_fault(address + i, store, rights);
            if (cause == 0) continue;
            if (!by_hardware || cause >= 13) return Fault{cause, address + i};
            if (!access) access = Fault{cause, address}; // this hart names the access as a whole
        }
        return access;
    }
    std::uint64_t load(std::uint64_t address, unsigned width) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < width; ++i)
            value += std::uint64_t{byte(*translate(address + i))} << (8 * i);
        return value;
    }
    void store(std::uint64_t address, unsigned width, std::uint64_t value) {
        for (unsigned i = 0; i < width; ++i)
            byte(*translate(address + i)) = static_cast<std::uint8_t>(value >> (8 * i));
    }
};

/// Registers before and after.
struct Files {
    std::array<std::uint64_t, 32> x{};
    FpState fp{};
    bool fp_dirty{false};
    void set(unsigned number, std::uint64_t value) {
        if (number != 0) x[number] = value;
    }
};

std::optional<Fault> atomic_by_model(Model& model, Files& files, Form const& form,
                                     std::uint64_t address, Rights const& rights) {
    auto const store = form.op != Op::Lr;
    if (address % form.width != 0) return Fault{store ? 6U : 4U, address};
    if (form.op == Op::Sc) {
        auto const held = model.reservation;
        model.reservation.reset();
        if (held != std::pair{address, form.width}) {
            files.set(form.result, 1);
            return std::nullopt;
        }
    }
    // What is only read, or cannot be read, faults as the instruction does.
    if (auto const fault = model.fault(address, form.width, store, rights)) return fault;
    auto const old = model.load(address, form.width);
    auto const operand = files.x[form.data];
    switch (form.op) {
    case Op::Lr:
        model.reservation = {address, form.width};
        model.reserved_value = old;
        files.set(form.result, widened(old, form.width, true));
        break;
    case Op::Sc:
        files.set(form.result, old == model.reserved_value ? 0 : 1);
        if (old == model.reserved_value) model.store(address, form.width, operand);
        break;
    default:
        model.store(address, form.width, amo_model(form.operation, form.width, old, operand));
        files.set(form.result, widened(old, form.width, true));
    }
    return std::nullopt;
}

/// Executes the instruction in the model; the fault that it raises instead.
std::optional<Fault> by_model(Model& model, Files& files, Form const& form, std::uint64_t address,
                              Rights const& rights) {
    if (form.atomic()) return atomic_by_model(model, files, form, address, rights);
    if (auto const fault = model.fault(address, form.width, !form.loads(), rights)) return fault;
    switch (form.op) {
    case Op::Load:
        files.set(form.data, widened(model.load(address, form.width), form.width, form.sign));
        break;
    case Op::LoadFp:
        files.fp.f[form.data] = model.load(address, form.width);
        if (form.width == 4) files.fp.f[form.data] += 0xffff'ffff'0000'0000U; // 12.2
        files.fp_dirty = true;
        break;
    case Op::Store: model.store(address, form.width, files.x[form.data]); break;
    default: model.store(address, form.width, files.fp.f[form.data]);
    }
    return std::nullopt;
}

// --- running both -------------------------------------------------------------------------------

constexpr std::uint64_t mon = board::monitor.base().raw, mon_end = board::monitor.last() + 1;
constexpr std::uint64_t epm = Bench::epm, epm_end = epm + 0x1'0000, utm = Bench::utm;
constexpr std::uint64_t satp = 8ULL << 60U | 0x80300;

/// A world whose accesses are emulated. Addresses: every page pair (kind, kind) has a place.
class Emulated : public testing::Test {
  protected:
    explicit Emulated(Wanted const& wanted = {}) : bench{wanted}, h{bench.hart()} {}

    /// Maps kinds × kinds as neighbours. The second of a pair of equals lies 16 pages further, if
    /// it is a page with data of its own.
    void map(std::vector<PageKind> const& list, std::uint64_t root, std::uint64_t apart) {
        kinds = list;
        for (std::size_t i = 0; i < kinds.size(); ++i)
            for (std::size_t j = 0; j < kinds.size(); ++j) {
                put(place(i, j), kinds[i], root);
                auto second = kinds[j];
                if (model.reachable(second.frame, true)) second.frame += apart;
                put(place(i, j) + 0x1000, second, root);
            }
    }
    void put(std::uint64_t address, PageKind const& page, std::uint64_t root) {
        model.pages[address] = page;
        if (page.present)
            h.hart.translations[root][address] = {
                .frame = page.frame, .r = page.r, .w = page.w, .x = page.x, .user = page.user};
    }
    std::uint64_t place(std::size_t first, std::size_t second) const {
        return 0x1000'0000 + (first * kinds.size() + second) * 0x2000;
    }
    /// Random bytes everywhere below; the model's copy of it.
    void fill(std::uint64_t base, std::uint64_t size) {
        for (auto& byte : bench.bytes(base, size)) byte = static_cast<std::uint8_t>(random());
    }
    void copy_ram() { model.ram = bench.machine.ram; }
    void put_code(std::uint64_t at, std::uint32_t word, unsigned length) {
        for (unsigned i = 0; i < length; ++i)
            model.byte(at + i) = bench.bytes(at, length)[i] =
                static_cast<std::uint8_t>(word >> (8 * i));
    }

    /// Fills the registers at random, the base so that the access is made at `address`.
    Files fresh(Form const& form, std::uint64_t address) {
        Files files;
        for (unsigned i = 1; i < 32; ++i) files.x[i] = random();
        for (auto& f : files.fp.f) f = random();
        files.fp.fcsr = 0x5a;
        files.x[form.base] = address - static_cast<std::uint64_t>(form.offset);
        return files;
    }
    void load(Files const& files) {
        for (unsigned i = 1; i < 32; ++i) h.regs.guest.set(i, files.x[i]);
        h.hart.fp = files.fp;
        h.hart.trace.clear();
    }
    static std::string text(Form const& form, std::uint64_t address, Rights const& rights) {
        std::ostringstream out;
        out << form.name << " at 0x" << std::hex << address << (rights.mode != 0 ? " S" : " U")
            << (rights.sum ? " SUM" : "") << (rights.mxr ? " MXR" : "");
        return out.str();
    }
    /// What `Next` says, what registers and memory around the access hold.
    void compare(Outcome const& next, std::optional<Fault> const& fault, Files const& files,
                 Form const& form, std::uint64_t address) {
        ++(fault ? faults : successes);
        ASSERT_EQ(next.kind, fault ? Next::Kind::Reflect : Next::Kind::Skip);
        if (fault) {
            ASSERT_EQ(next.trap.cause, fault->cause);
            ASSERT_EQ(next.trap.tval, fault->tval);
            ASSERT_EQ(next.trap.tval2 | next.trap.tinst, 0U);
        } else {
            ASSERT_EQ(next.length, form.length);
        }
        for (unsigned i = 0; i < 32; ++i) {
            ASSERT_EQ(h.regs.guest.get(i), files.x[i]) << "x" << i;
            ASSERT_EQ(h.hart.fp.f[i], files.fp.f[i]) << "f" << i;
        }
        ASSERT_EQ(h.hart.fp.fcsr, files.fp.fcsr);
        for (auto at = address - 16; at != address + 24; ++at) {
            auto const physical = model.translate(at);
            if (!physical || *physical - Machine::ram_base >= model.ram.size()) continue;
            ASSERT_EQ(bench.bytes(*physical, 1)[0], model.byte(*physical)) << std::hex << *physical;
        }
    }
    /// Nothing anywhere else changed either.
    void compare_all() {
        ASSERT_EQ(std::memcmp(model.ram.data(), bench.machine.ram.data(), model.ram.size()), 0);
    }
    /// Every form at offsets 0 … 7 of a page of each kind, and across two pages of which one is
    /// among the first `good` kinds.
    template <typename Body>
    void sweep(std::vector<Form> const& forms, std::size_t good, Body body) {
        for (auto const& form : forms) {
            faults = successes = 0;
            for (auto const& rights : all_rights())
                for (std::size_t i = 0; i < kinds.size(); ++i)
                    for (std::size_t j = 0; j < kinds.size(); ++j) {
                        if (i >= good && j >= good) continue;
                        for (unsigned k = j == 0 ? 0 : 8; k < 15; ++k) {
                            auto const offset = k < 8 ? 0x7c0 + k : 0xff1 + k;
                            body(form, place(i, j) + offset, rights);
                            if (HasFatalFailure()) return;
                        }
                    }
            compare_all();
            if (HasFatalFailure()) return;
            ASSERT_GT(faults, 100U) << form.name;
            if (model.by_hardware || !form.atomic()) {
                ASSERT_GE(successes, 10U) << form.name;
            }
        }
    }

    Bench bench;
    monitor::HartState& h;
    Model model{};
    std::vector<PageKind> kinds{};
    unsigned faults{0}, successes{0}; ///< what the model expected so far
    std::mt19937_64 random{7};
};

/// Whether RAM that no one but the monitor or an enclave owns holds this byte.
bool of_the_host(std::uint64_t physical, bool) {
    if (physical < Machine::ram_base || physical >= Machine::ram_base + (16U << 20U)) return false;
    return !(physical >= mon && physical < mon_end) && !(physical >= epm && physical < epm_end);
}

// --- vMPRV --------------------------------------------------------------------------------------

class MprvAccess : public Emulated {
  protected:
    static constexpr std::uint64_t code = board::firmware.base().raw + 0x1000;
    static constexpr std::uint64_t data = 0x8050'0000, apart = 0x1'0000, no_ram = 0x3000'0000;

    /// `table`: the register by which the pages are found.
    explicit MprvAccess(Wanted const& wanted = {}, unsigned table = csr::Satp) : Emulated{wanted} {
        bench.to_host();
        EXPECT_EQ(bench.create().error, 0U);
        bench.call(0x10, 0);
        bench.write_csr(table, satp);
        fill(data, 2 * apart);
        copy_ram();
        model.reachable = of_the_host;
        map({{"S rw", data},
             {"U rw", data + 0x1000, true, true, true, true},
             {"S ro", data + 0x2000, true, false},
             {"S xo", data + 0x3000, false, false},
             {"U ro", data + 0x4000, true, false, true, true},
             {"U xo", data + 0x5000, false, false, true, true},
             {"absent", 0, true, true, true, false, false},
             {"monitor", mon},
             {"monitor, U", mon, true, true, true, true},
             {"EPM", epm},
             {"EPM, U", epm, true, true, true, true},
             {"CLINT", board::clint.base().raw}},
            satp, apart);
        put(no_ram, {"no RAM", 0x8200'0000}, satp);
    }
    /// One instruction by emulator and model.
    void run(Form const& form, std::uint64_t address, Rights const& rights) {
        run(form, address, rights, fresh(form, address));
    }
    void run(Form const& form, std::uint64_t address, Rights const& rights, Files files) {
        SCOPED_TRACE(text(form, address, rights));
        load(files);
        put_code(code, form.word, form.length);
        h.regs.guest.pc = code;
        auto const status = mstatus::Mprv::mask | mstatus::Mpp::set(0, rights.mode) |
                            mstatus::Fs::set(0, 1) | rights.bits();
        h.v.mstatus = status;
        monitor::load_current_plan(h);
        auto const image = h.hart.loaded();
        auto const cause = form.loads() ? Cause::LoadAccess : Cause::StoreAccess;
        auto const next = outcome(monitor::emulate_mprv, h, {.cause = raw(cause), .tval = address});
        auto const fault = by_model(model, files, form, address, rights);
        compare(next, fault, files, form, address);
        if (HasFatalFailure()) return;
        ASSERT_EQ(h.v.mstatus, files.fp_dirty ? mstatus::Fs::set(status, 3) : status);
        ASSERT_EQ(h.regs.guest.pc, code);
        ASSERT_EQ(h.hart.read_csr(csr::Satp), 0U);
        ASSERT_TRUE(h.hart.loaded() == image && h.hart.fenced());
    }
    void forget_reservation() {
        h.reservation = {};
        model.reservation.reset();
    }
    static Form lr(unsigned width) { return atomic_form(Op::Lr, 2, width); }
    static Form sc(unsigned width) { return atomic_form(Op::Sc, 3, width); }

    static constexpr Rights s{1, false, false};
};

TEST_F(MprvAccess, F03_EveryLoadAndStoreAtEveryOffsetInAndAcrossPagesOfAllKinds) {
    sweep(all_forms(false), 2, [&](Form const& form, std::uint64_t address, Rights const& rights) {
        run(form, address, rights);
    });
}

TEST_F(MprvAccess, F03_EveryAtomicAtEveryOffsetInAndAcrossPagesOfAllKinds) {
    sweep(atomics(), 2, [&](Form const& form, std::uint64_t address, Rights const& rights) {
        forget_reservation();
        if (form.op == Op::Sc) run(lr(form.width), address, rights);
        if (!HasFatalFailure()) run(form, address, rights);
    });
}

TEST_F(MprvAccess, F03_WithoutTranslationNothingReachesIntoMonitorOrEnclave) {
    bench.write_csr(csr::Satp, 0);
    copy_ram();
    model.bare = true;
    for (auto const& form : all_forms(true))
        for (auto const edge : {mon_end, epm, epm_end, data})
            for (unsigned k = 0; k < 16; ++k)
                for (std::uint64_t const mode : {0U, 1U}) {
                    run(form, edge - 8 + k, {mode, false, false});
                    if (HasFatalFailure()) return;
                }
    compare_all();
}

/// vPMPs that open to vM what they deny to S and U: one page nothing, the next only reading.
TEST_F(MprvAccess, F03_TheHostsPlanCountsAndNotTheFirmwares) {
    constexpr std::uint64_t none = data + 0x8000, read_only = data + 0x9000, end = data + 0xa000;
    bench.write_csr(csr::Pmpaddr0 + 2, ~0ULL);
    bench.write_csr(csr::Pmpcfg0, 0x1f'0000 | bench.read_csr(csr::Pmpcfg0));
    bench.write_csr(csr::Pmpaddr0 + 1, read_only >> 2U | 0x1ff);
    bench.write_csr(csr::Pmpaddr0, none >> 2U | 0x1ff);
    bench.write_csr(csr::Pmpcfg0, 0x1f'1918);
    bench.write_csr(csr::Satp, 0);
    copy_ram();
    model.bare = true;
    model.reachable = [](std::uint64_t at, bool store) {
        if (at >= none && at < read_only) return false;
        return of_the_host(at, store) && !(store && at >= read_only && at < end);
    };
    for (auto const& form : all_forms(true))
        for (auto const edge : {none, read_only, end})
            for (unsigned k = 0; k < 16; ++k)
                for (std::uint64_t const mode : {0U, 1U}) {
                    auto const address = edge - 8 + k;
                    // The hart refuses what matches one entry in part, whatever both allow (3.7.1).
                    if (edge == end && address < end && address + form.width > end) continue;
                    forget_reservation();
                    if (form.op == Op::Sc) run(lr(form.width), address, {mode, false, false});
                    run(form, address, {mode, false, false});
                    if (HasFatalFailure()) return;
                }
    compare_all();
}

TEST_F(MprvAccess, F03_EveryRegisterAsDataAndAsBaseAndZeroStaysZero) {
    std::vector<Form> forms;
    for (unsigned data_register = 0; data_register < 32; ++data_register)
        for (unsigned const base : {data_register, 1U, 31U}) {
            if (base == 0) continue;
            for (auto const& form : full_length(data_register, base)) forms.push_back(form);
            for (auto const op : {Op::Lr, Op::Sc, Op::Amo})
                for (unsigned const width : {4U, 8U}) {
                    auto const number = op == Op::Lr ? 2U : op == Op::Sc ? 3U : 0U;
                    forms.push_back(atomic_form(op, number, width, data_register, base, 21));
                    forms.push_back(atomic_form(op, number, width, 21, base, data_register));
                    forms.push_back(atomic_form(op, number, width, base, base, base));
                }
        }
    for (auto const& form : forms)
        for (std::size_t const kind : {0U, 6U, 9U}) { // one that succeeds, both kinds of faults
            auto const address = place(kind, 0) + 0x100;
            forget_reservation();
            if (form.op == Op::Sc) run(lr(form.width), address, s);
            run(form, address, s);
            if (HasFatalFailure()) return;
        }
    compare_all();
}

TEST_F(MprvAccess, F03_WhereNoMemoryIsEveryFormIsAnAccessFault) {
    for (auto const& form : all_forms(true))
        for (unsigned k = 0; k < 8; ++k) {
            forget_reservation();
            run(form, no_ram + 0x600 + k, s);
            if (HasFatalFailure()) return;
        }
    compare_all();
}

TEST_F(MprvAccess, F03_AmoOfCornerOperands) {
    constexpr std::uint64_t corners[] = {0,
                                         1,
                                         2,
                                         ~0ULL,
                                         1ULL << 63U,
                                         (1ULL << 63U) - 1,
                                         0x80000000,
                                         0x7fffffff,
                                         0xffffffff,
                                         1ULL << 32U,
                                         ~0ULL << 31U,
                                         0x8000'0000'7fff'ffff,
                                         0x55555555,
                                         0x1'8000'0000,
                                         0xaaaa'aaaa'5555'5555};
    auto const address = place(0, 0) + 0x200;
    for (unsigned const width : {4U, 8U})
        for (auto const operation : amo_operations)
            for (auto const old : corners)
                for (auto const operand : corners)
                    for (unsigned const at : {0U, 4U}) {
                        if (at % width != 0) continue;
                        bench.poke(data + 0x200 + at, old);
                        for (unsigned i = 0; i < 8; ++i)
                            model.byte(data + 0x200 + at + i) =
                                static_cast<std::uint8_t>(old >> (8 * i));
                        auto const form = atomic_form(Op::Amo, operation, width);
                        auto files = fresh(form, address + at);
                        files.x[form.data] = operand;
                        run(form, address + at, s, files);
                        if (HasFatalFailure()) return;
                    }
}

/// All words hold the same value in either width, so that only address and width can tell them
/// apart.
TEST_F(MprvAccess, F03_AnScSucceedsOnceAfterAnLrOfTheSameWordWithTheSameWidth) {
    auto const address = place(0, 0) + 0x300;
    auto const store_conditional = [&](unsigned width, std::uint64_t at) {
        run(sc(width), at, s);
        auto const failed = h.regs.guest.get(14);
        for (unsigned i = 0; i < 64; ++i)
            model.byte(data + 0x300 + i) = bench.bytes(data + 0x300 + i, 1)[0] = 0;
        return failed;
    };
    EXPECT_EQ(store_conditional(8, address), 1U); // no LR before
    for (unsigned const width : {4U, 8U}) {
        run(lr(width), address, s);
        EXPECT_EQ(store_conditional(width, address), 0U);
        EXPECT_EQ(store_conditional(width, address), 1U); // used up
        run(lr(width), address, s);
        EXPECT_EQ(store_conditional(width, address + width), 1U); // another word
        EXPECT_EQ(store_conditional(width, address), 1U); // and a failing SC ends a reservation
        run(lr(width), address, s);
        EXPECT_EQ(store_conditional(12 - width, address), 1U); // another width
        run(lr(width), address, s);
        run(lr(width), address + width, s);
        EXPECT_EQ(store_conditional(width, address), 1U); // the last LR counts
    }
    EXPECT_EQ(store_conditional(4, 0), 1U); // 0 and 0 are no reservation
    compare_all();
}

TEST_F(MprvAccess, F03_AnScFailsWhereTheWordWasChangedSinceTheLr) {
    auto const address = place(0, 0) + 0x300;
    for (unsigned const width : {4U, 8U})
        for (unsigned i = 0; i < 2 * width; ++i) {
            run(lr(width), address, s);
            auto& byte = bench.bytes(data + 0x300 + i, 1)[0];
            byte ^= 0x80U; // another hart
            model.byte(data + 0x300 + i) = byte;
            run(sc(width), address, s);
            if (HasFatalFailure()) return;
            EXPECT_EQ(h.regs.guest.get(14), i < width ? 1U : 0U) << i;
        }
    compare_all();
}

TEST_F(MprvAccess, F03_AnScWhoseWordBecameReadOnlyFaultsAndStoresNothing) {
    auto const address = place(0, 0) + 0x400;
    for (unsigned const width : {4U, 8U}) {
        put(place(0, 0), {"S rw", data}, satp);
        run(lr(width), address, s);
        put(place(0, 0), {"S ro", data, true, false}, satp);
        run(sc(width), address, s);
        if (HasFatalFailure()) return;
        put(place(0, 0), {"S rw", data}, satp);
        run(sc(width), address, s);
        EXPECT_EQ(h.regs.guest.get(14), 1U); // the fault ended the reservation
    }
    compare_all();
}

/// Other harts get in between: the AMO works on what they left, or, if they never stop, it is
/// executed again later and has done nothing.
TEST_F(MprvAccess, F03_AnAmoThatLosesItsReservationWorksOnTheNewWord) {
    auto const address = place(0, 0) + 0x600;
    auto const form = atomic_form(Op::Amo, 0, 8); // amoadd.d
    for (unsigned losses = 0; losses < 130; losses += losses < 4 ? 1 : 9) {
        bench.poke(data + 0x600, 100);
        bench.write_csr(csr::Mstatus, s.mode << 11U | mstatus::Mprv::mask);
        put_code(code, form.word, form.length);
        h.regs.guest.pc = code;
        h.regs.guest.set(form.base, address);
        h.regs.guest.set(form.data, 5);
        h.regs.guest.set(form.result, 0xdead);
        unsigned asked = 0;
        h.hart.loses_reservation = [&] {
            if (asked++ >= losses) return false;
            bench.poke(data + 0x600, bench.peek(data + 0x600) + 1); // another hart's own AMO
            return true;
        };
        bench.play(exception(Cause::StoreAccess, address));
        auto const done = h.regs.guest.pc == code + 4;
        auto const others = std::min(asked, losses);
        EXPECT_EQ(bench.peek(data + 0x600), 100 + others + (done ? 5 : 0));
        EXPECT_EQ(h.regs.guest.get(form.result), done ? 100 + others : 0xdead) << losses;
        EXPECT_EQ(done, asked > losses) << losses;
        EXPECT_TRUE(done || losses > 20) << losses;
        EXPECT_TRUE(done || h.regs.guest.pc == code);
        EXPECT_LT(asked, 100U) << "the monitor's time is bounded";
    }
}

TEST_F(MprvAccess, F03_AnScThatLosesItsReservationFails) {
    auto const address = place(0, 0) + 0x700;
    for (unsigned const width : {4U, 8U}) {
        run(lr(width), address, s);
        if (HasFatalFailure()) return;
        h.hart.loses_reservation = [] { return true; }; // though the word is the same
        auto const before = bench.peek(data + 0x700);
        put_code(code, sc(width).word, 4);
        h.regs.guest.pc = code;
        h.v.mstatus = mstatus::Mprv::mask | mstatus::Mpp::set(0, s.mode);
        monitor::load_current_plan(h);
        h.regs.guest.set(sc(width).base, address);
        auto const next = outcome(monitor::emulate_mprv, h, {.cause = 7, .tval = address});
        EXPECT_EQ(next.kind, Next::Kind::Skip);
        EXPECT_EQ(h.regs.guest.get(sc(width).result), 1U);
        EXPECT_EQ(bench.peek(data + 0x700), before);
        h.hart.loses_reservation = nullptr;
    }
}

/// An instruction that is no access of memory, or one that the monitor does not emulate.
TEST_F(MprvAccess, WhatIsNotEmulatedGetsTheTrapThatCameFromTheHart) {
    for (auto const word : {0x0000'0073U, insn_mret, encode_csr(CsrOp::Rw, 1, 0x340, 2),
                            0x0205'6007U /* vle32.v */, 0x2820'a02fU /* amocas.w */, 0x0000'0013U})
        for (auto const cause : {Cause::LoadAccess, Cause::StoreAccess}) {
            put_code(code, word, 4);
            h.regs.guest.pc = code;
            h.v.mstatus = mstatus::Mprv::mask | mstatus::Mpp::set(0, 1);
            monitor::load_current_plan(h);
            auto const next =
                outcome(monitor::emulate_mprv, h, {.cause = raw(cause), .tval = 0x1234});
            EXPECT_EQ(next.kind, Next::Kind::Reflect) << std::hex << word;
            EXPECT_EQ(next.trap.cause, raw(cause));
            EXPECT_EQ(next.trap.tval, 0x1234U);
        }
    compare_all();
}

/// Another hart may have put an FP instruction where a plain one trapped: then the hart itself
/// would have refused it. No access of the monitor may be made for it, and no f register touched.
void expect_illegal(Bench& bench, std::uint32_t word, unsigned length, std::uint64_t pc) {
    auto& h = bench.hart();
    for (unsigned i = 0; i < 4; ++i)
        bench.bytes(pc, 4)[i] = static_cast<std::uint8_t>(word >> (8 * i));
    h.regs.guest.pc = pc;
    h.regs.guest.set(9, 0x8050'1000);
    auto const status = h.v.mstatus;
    auto const fp = h.hart.fp;
    bench.poke(0x8050'1000, 0x1122'3344'5566'7788);
    monitor::load_current_plan(h);
    auto const next =
        outcome(monitor::emulate_mprv, h, {.cause = raw(Cause::LoadAccess), .tval = 8});
    EXPECT_EQ(next.kind, Next::Kind::Reflect);
    EXPECT_EQ(next.trap.cause, raw(Cause::IllegalInstruction));
    EXPECT_EQ(next.trap.tval, length == 2 ? word & 0xffffU : word);
    EXPECT_EQ(h.v.mstatus, status);
    EXPECT_EQ(h.hart.fp.f, fp.f);
    EXPECT_EQ(bench.peek(0x8050'1000), 0x1122'3344'5566'7788U);
}
constexpr std::uint32_t fp_words[] = {
    encode_load(2, 3, 9, 0) | fp_opcode, encode_load(3, 3, 9, 0) | fp_opcode,
    encode_store(2, 3, 9, 0) | fp_opcode, encode_store(3, 3, 9, 0) | fp_opcode};
constexpr std::uint32_t compressed_fp_words[] = {encode_short(1, 8, 9, 0, 8),
                                                 encode_short(5, 8, 9, 0, 8)};

TEST(MprvWithoutFp, F03_AHartWithoutDoublesHasNoFpAccessesToEmulate) {
    for (auto const letters : {0x28ULL /* F and D */, 0x08ULL /* D */}) {
        Bench bench;
        auto& h = bench.hart();
        auto features_without = features({});
        features_without.misa &= ~letters;
        h.hart.attach(bench.machine, 0, features_without);
        monitor::go_online(h);
        bench.write_csr(csr::Pmpaddr0, ~0ULL);
        bench.write_csr(csr::Pmpcfg0, 0x1f);
        h.v.mstatus |= mstatus::Mprv::mask | mstatus::Mpp::set(0, 1) | mstatus::Fs::set(0, 1);
        for (auto const word : fp_words) expect_illegal(bench, word, 4, 0x8010'1000);
        for (auto const word : compressed_fp_words) expect_illegal(bench, word, 2, 0x8010'1000);
    }
}

TEST(MprvWithoutFp, F03_WithVirtualFsOffAnFpAccessIsIllegal) {
    Bench bench;
    auto& h = bench.hart();
    bench.write_csr(csr::Pmpaddr0, ~0ULL);
    bench.write_csr(csr::Pmpcfg0, 0x1f);
    h.v.mstatus = mstatus::Fs::set(h.v.mstatus, 0) | mstatus::Mprv::mask | mstatus::Mpp::set(0, 1);
    for (auto const word : fp_words) expect_illegal(bench, word, 4, 0x8010'1000);
    for (auto const word : compressed_fp_words) expect_illegal(bench, word, 2, 0x8010'1000);
}

/// A whole turn: the trap from the hart, emulation, the next entry with its contract.
TEST_F(MprvAccess, F03_AWholeTurnCompletesFpAndAtomicAccesses) {
    auto const address = place(0, 0) + 0x500;
    auto const play = [&](Form const& form) {
        put_code(code, form.word, form.length);
        bench.write_csr(csr::Mstatus, s.mode << 11U | mstatus::Mprv::mask | mstatus::Fs::set(0, 1));
        h.regs.guest.pc = code;
        bench.play([&](Hart&, GuestContext& guest) {
            guest.set(form.base, address - static_cast<std::uint64_t>(form.offset));
            guest.set(21, 0x10);
            auto const cause = form.loads() ? Cause::LoadAccess : Cause::StoreAccess;
            return Trap{.cause = raw(cause), .tval = address};
        });
        EXPECT_EQ(h.regs.guest.pc, code + form.length) << form.name;
    };
    bench.poke(data + 0x500, 0x0102'0304'0506'0708);
    play(atomic_form(Op::Amo, 0, 8));
    EXPECT_EQ(bench.peek(data + 0x500), 0x0102'0304'0506'0718U);
    for (auto const& form : compressed()) {
        if (form.name != "c.fld") continue;
        h.hart.fp.f[12] = 1;
        play(form);
        EXPECT_EQ(h.hart.fp.f[12], 0x0102'0304'0506'0718U);
        EXPECT_EQ(bench.read_csr(csr::Mstatus) & mstatus::Fs::mask, mstatus::Fs::mask);
    }
}

/// With H, a fault says whether its address is a guest's, and carries the registers that only such
/// a hart has.
TEST(MprvWithHypervisor, F03_AFaultOfAnAccessWithMpvNamesAGuestsAddress) {
    Bench bench{{.hypervisor = true}};
    auto& h = bench.hart();
    constexpr std::uint64_t code = 0x8010'1000;
    bench.write_csr(csr::Pmpaddr0, ~0ULL);
    bench.write_csr(csr::Pmpcfg0, 0x1f);
    for (auto const word : {encode_load(3, 7, 9, 0), encode_store(3, 7, 9, 0) | fp_opcode,
                            encode_atomic(0, 8, 7, 9, 8)})
        for (std::uint64_t const mpv : {0U, 1U}) {
            bench.poke(code, word);
            h.regs.guest.pc = code;
            h.regs.guest.set(9, mon + 0x100);
            auto const mode = mstatus::Mpp::set(mstatus::Mprv::mask, 1) | mstatus::Fs::set(0, 1);
            h.v.mstatus = mstatus::Mpv::set(mode, mpv);
            monitor::load_current_plan(h);
            auto const next = outcome(monitor::emulate_mprv, h, {.cause = 5, .tval = mon + 0x100});
            EXPECT_EQ(next.kind, Next::Kind::Reflect);
            EXPECT_EQ(next.trap.cause, word == encode_load(3, 7, 9, 0) ? 5U : 7U);
            EXPECT_EQ(next.trap.tval, mon + 0x100);
            EXPECT_EQ(mstatus::Mpv::get(next.trap.mstatus), mpv);
        }
}

// --- hypervisor loads and stores ----------------------------------------------------------------

constexpr std::uint32_t encode_hyper(unsigned funct7, unsigned rs2, unsigned rs1, unsigned rd) {
    return funct7 << 25U | rs2 << 20U | rs1 << 15U | 4U << 12U | rd << 7U | 0x73U;
}

/// HLV and HSV (9.3.1; the unprivileged manual's table of RV64 H), as the loads and stores that
/// they are.
std::vector<Form> hypervisor_forms(unsigned data, unsigned base) {
    struct Row {
        char const* name;
        unsigned funct7, rs2, width;
        bool sign;
    };
    std::vector<Form> out;
    for (auto const& row : {Row{"hlv.b", 0x30, 0, 1, true}, Row{"hlv.bu", 0x30, 1, 1, false},
                            Row{"hlv.h", 0x32, 0, 2, true}, Row{"hlv.hu", 0x32, 1, 2, false},
                            Row{"hlv.w", 0x34, 0, 4, true}, Row{"hlv.wu", 0x34, 1, 4, false},
                            Row{"hlv.d", 0x36, 0, 8, true}})
        out.push_back({row.name, Op::Load, encode_hyper(row.funct7, row.rs2, base, data), 4,
                       row.width, data, base, 0, row.sign});
    for (auto const& row : {Row{"hsv.b", 0x31, 0, 1, true}, Row{"hsv.h", 0x33, 0, 2, true},
                            Row{"hsv.w", 0x35, 0, 4, true}, Row{"hsv.d", 0x37, 0, 8, true}})
        out.push_back({row.name, Op::Store, encode_hyper(row.funct7, data, base, 0), 4, row.width,
                       data, base});
    return out;
}
std::vector<std::uint32_t> hypervisor_words(unsigned data, unsigned base) {
    std::vector<std::uint32_t> out;
    for (auto const& form : hypervisor_forms(data, base)) out.push_back(form.word);
    return out;
}

/// The firmware executes them; their pages are those of vsatp. Page tables of satp lead nowhere.
class HyperAccess : public MprvAccess {
  protected:
    HyperAccess() : MprvAccess{{.hypervisor = true}, csr::Vsatp} { h.v.satp = satp + 1; }

    /// The trap of an instruction at `code`, which U-mode may not execute.
    Outcome trap(std::uint32_t word) {
        put_code(code, word, 4);
        h.regs.guest.pc = code;
        monitor::load_current_plan(h);
        return outcome(monitor::handle_firmware, h,
                       {.cause = raw(Cause::IllegalInstruction), .tval = word});
    }
    /// What decides about them: hstatus.SPVP, vsstatus.SUM, either MXR. What does not is the
    /// contrary.
    std::uint64_t set(Rights const& rights) {
        auto const either = random() % 3;
        auto const mxr = [&](unsigned without) {
            return rights.mxr && either != without ? mstatus::Mxr::mask : 0;
        };
        h.hart.write_csr(csr::Vsstatus, (rights.sum ? mstatus::Sum::mask : 0) | mxr(0));
        h.v.hstatus = hstatus::Hu::mask | rights.mode << 8U;
        auto const other = mstatus::Mpp::set(mstatus::Mprv::mask, 1 - rights.mode);
        h.v.mstatus = (rights.sum ? 0 : mstatus::Sum::mask) | mxr(1) | mstatus::Fs::set(0, 1) |
                      (random() % 2 == 0 ? other : mstatus::Mpp::set(0, 3));
        return h.v.mstatus;
    }
    void run(Form const& form, std::uint64_t address, Rights const& rights) {
        SCOPED_TRACE(text(form, address, rights));
        auto files = fresh(form, address);
        load(files);
        auto const status = set(rights);
        auto const next = trap(form.word);
        auto const fault = by_model(model, files, form, address, rights);
        compare(next, fault, files, form, address);
        if (HasFatalFailure()) return;
        if (fault) {
            ASSERT_EQ(mstatus::Mpv::get(next.trap.mstatus), 1U);
        } // for GVA
        ASSERT_EQ(h.v.mstatus, status);
        ASSERT_EQ(h.hart.read_csr(csr::Satp), 0U);
        ASSERT_EQ(h.v.satp, satp + 1);
        ASSERT_TRUE(h.loaded == &monitor::current_lowered(h) && h.hart.fenced());
    }
    void expect_reflected(Outcome const& next, Cause cause, std::uint64_t tval) {
        EXPECT_EQ(next.kind, Next::Kind::Reflect);
        EXPECT_EQ(next.trap.cause, raw(cause));
        EXPECT_EQ(next.trap.tval, tval);
    }
};

TEST_F(HyperAccess, F29_EveryHlvAndHsvAtEveryOffsetInAndAcrossPagesOfAllKinds) {
    sweep(hypervisor_forms(7, 9), 2,
          [&](Form const& form, std::uint64_t address, Rights const& rights) {
              run(form, address, rights);
          });
}

TEST_F(HyperAccess, F29_WithoutTranslationNothingReachesIntoMonitorOrEnclave) {
    bench.write_csr(csr::Vsatp, 0);
    copy_ram();
    model.bare = true;
    for (auto const& form : hypervisor_forms(7, 9))
        for (auto const edge : {mon_end, epm, epm_end, data})
            for (unsigned k = 0; k < 16; ++k) {
                run(form, edge - 8 + k, s);
                if (HasFatalFailure()) return;
            }
    compare_all();
    EXPECT_GT(faults, 100U);
    EXPECT_GT(successes, 100U);
}

TEST_F(HyperAccess, EveryRegisterAsDataAndAsBaseAndZeroStaysZero) {
    for (unsigned data_register = 0; data_register < 32; ++data_register)
        for (unsigned const base : {1U, 9U, 31U})
            for (auto const& form : hypervisor_forms(data_register, base)) {
                if (base != data_register) run(form, place(0, 0) + 0x508, s);
                if (HasFatalFailure()) return;
            }
    compare_all();
}

/// The hart refuses at the second stage; what it says beyond cause and address is passed on.
TEST_F(HyperAccess, GuestPageFaultsNameTheGuestsPhysicalAddress) {
    constexpr std::uint64_t hgatp = 8ULL << 60U | 0x80400, there = data, nowhere = data + 0x1000;
    h.hart.translations[hgatp][there] = {.frame = there, .user = true};
    h.hart.write_csr(csr::Hgatp, hgatp);
    for (auto const quirk : {false, true})
        for (std::uint64_t const mtinst : {0x0000'3020U, 0x0000'3301U})
            for (auto const& form : hypervisor_forms(7, 9)) {
                h.hart.guest_faults_lose_their_cause = quirk;
                run(form, place(0, 0) + 0x508, {1, false, false});
                if (HasFatalFailure()) return;
                h.hart.write_csr(csr::Mtinst, mtinst);
                auto const address = place(1, 0) + 0x508;
                h.regs.guest.set(9, address);
                set({0, false, false});
                auto const next = trap(form.word);
                expect_reflected(next, form.loads() ? Cause::LoadGuestPage : Cause::StoreGuestPage,
                                 address);
                EXPECT_EQ(next.trap.tval2, (nowhere + 0x508) >> 2U);
                // A transformed instruction would name the registers of the monitor's own access.
                EXPECT_EQ(next.trap.tinst, mtinst == 0x3020 ? mtinst : 0U) << form.name;
                EXPECT_EQ(mstatus::Mpv::get(next.trap.mstatus), 1U);
            }
    compare_all();
}

/// What a firmware finds in its registers, and where it goes on.
TEST_F(HyperAccess, AWholeTurnLoadsOrDeliversTheFault) {
    auto const play = [&](std::uint64_t address) {
        h.hart.write_csr(csr::Vsstatus, 0);
        h.v.hstatus = hstatus::Spvp::mask;
        h.regs.guest.pc = code;
        bench.play([&](Hart&, GuestContext& guest) {
            guest.set(9, address);
            return Trap{.cause = raw(Cause::IllegalInstruction),
                        .tval = encode_hyper(0x36, 0, 9, 7)};
        });
    };
    bench.poke(data + 0x500, 0x0102'0304'0506'0708);
    play(place(0, 0) + 0x500);
    EXPECT_EQ(h.regs.guest.pc, code + 4);
    EXPECT_EQ(h.regs.guest.get(7), 0x0102'0304'0506'0708U);
    auto const refused = place(1, 0) + 0x500;
    play(refused);
    auto const went_to = h.regs.guest.pc;
    EXPECT_EQ(went_to, bench.read_csr(csr::Mtvec) & ~3ULL);
    EXPECT_EQ(bench.read_csr(csr::Mepc), code);
    EXPECT_EQ(bench.read_csr(csr::Mcause), raw(Cause::LoadPage));
    EXPECT_EQ(bench.read_csr(csr::Mtval), refused);
    auto const status = bench.read_csr(csr::Mstatus);
    EXPECT_EQ(mstatus::Gva::get(status), 1U);
    EXPECT_EQ(mstatus::Mpv::get(status), 0U);
    EXPECT_EQ(mstatus::Mpp::get(status), 3U);
}

/// HLVX and what the tables do not have.
TEST_F(HyperAccess, EveryOtherWordOfTheirShapeIsIllegal) {
    unsigned illegal = 0;
    for (unsigned funct7 = 0x20; funct7 < 0x40; ++funct7)
        for (unsigned rs2 = 0; rs2 < 32; ++rs2)
            for (unsigned const rd : {0U, 7U}) {
                auto const word = encode_hyper(funct7, rs2, 9, rd);
                auto const is_load = (funct7 & 0x39U) == 0x30 && rs2 < 2 && word >> 20U != 0x6c1;
                auto const is_store = (funct7 & 0x39U) == 0x31 && rd == 0;
                if (is_load || is_store) continue;
                h.regs.guest.set(9, place(0, 0));
                set(s);
                expect_reflected(trap(word), Cause::IllegalInstruction, word);
                ++illegal;
            }
    EXPECT_EQ(illegal, 32 * 32 * 2 - 7 * 2 - 4 * 32);
    compare_all();
}

TEST_F(MprvAccess, WithoutHHypervisorLoadsAndStoresAreIllegal) {
    for (auto const word : hypervisor_words(7, 9)) {
        h.regs.guest.set(9, data);
        h.v.mstatus = mstatus::Mpp::set(0, 1);
        put_code(code, word, 4);
        h.regs.guest.pc = code;
        monitor::load_current_plan(h);
        auto const next = outcome(monitor::handle_firmware, h,
                                  {.cause = raw(Cause::IllegalInstruction), .tval = word});
        EXPECT_EQ(next.kind, Next::Kind::Reflect);
        EXPECT_EQ(next.trap.cause, raw(Cause::IllegalInstruction));
        EXPECT_EQ(next.trap.tval, word);
    }
    compare_all();
}

/// Another hart has put one where a plain access trapped: the rights of that trap are not its own.
TEST_F(HyperAccess, M12_APlainAccessThatBecameAHypervisorAccessIsNotMade) {
    for (auto const word : hypervisor_words(7, 9))
        for (auto const cause : {Cause::LoadAccess, Cause::StoreAccess})
            for (auto const address : {place(0, 0), board::clint.base().raw + 0x4000}) {
                h.regs.guest.set(9, address);
                set(s);
                auto const mprv = mstatus::Mpp::set(mstatus::Mprv::mask, 1);
                h.v.mstatus = address == place(0, 0) ? mprv : mstatus::Mpp::set(0, 3);
                put_code(code, word, 4);
                h.regs.guest.pc = code;
                monitor::load_current_plan(h);
                auto const was = h.regs.guest.get(7);
                expect_reflected(
                    outcome(monitor::handle_firmware, h, {.cause = raw(cause), .tval = address}),
                    cause, address);
                EXPECT_EQ(h.regs.guest.get(7), was);
            }
    compare_all();
}

/// The contrary: an access with the rights of vM, or of what its MPRV says, is not made because an
/// instruction was illegal.
TEST_F(HyperAccess, M12_AHypervisorAccessThatBecameAPlainOneIsIllegal) {
    auto forms = full_length(7, 9);
    for (auto const& form : atomics()) forms.push_back(form);
    for (auto const& form : forms) {
        load(fresh(form, place(0, 0)));
        set(s);
        expect_reflected(trap(form.word), Cause::IllegalInstruction, form.word);
    }
    compare_all();
}

// --- misaligned accesses of an enclave ----------------------------------------------------------

/// Runs an enclave whose own page tables map pages of all kinds; a second enclave exists.
class MisalignedAccess : public Emulated {
  protected:
    static constexpr std::uint64_t code = epm + 0x1000, s_code = 0x5000, u_code = 0x6000;
    static constexpr std::uint64_t apart = 0x8000;

    MisalignedAccess() {
        bench.to_host();
        EXPECT_EQ(bench.create(1).error, 0U);
        auto const made = bench.create(0);
        EXPECT_EQ(made.error, 0U);
        bench.keystone(enclave::fid::Run, {made.value});
        EXPECT_EQ(h.world, World::Enclave);
        monitor::load_current_plan(h);
        h.hart.write_csr(csr::Stvec, s_code + 0x100);
        fill(epm, epm_end - epm);
        fill(utm, 0x2000);
        copy_ram();
        model.by_hardware = false;
        model.reachable = [](std::uint64_t at, bool) {
            return (at >= epm && at < epm_end) || (at >= utm && at < utm + 0x2000);
        };
        put(s_code, {"code", code, true, false}, satp);
        put(u_code, {"code", code, true, false, true, true}, satp);
        map_kinds();
        h.hart.write_csr(csr::Satp, satp);
    }
    void map_kinds() {
        map({{"S rw", epm + 0x2000},
             {"U rw", epm + 0x3000, true, true, true, true},
             {"S ro", epm + 0x4000, true, false},
             {"S xo", epm + 0x5000, false, false},
             {"U xo", epm + 0x6000, false, false, true, true},
             {"absent", 0, true, true, true, false, false},
             {"host", 0x8050'0000},
             {"host, U", 0x8050'1000, true, true, true, true},
             {"another EPM", epm_end},
             {"monitor", mon},
             {"firmware", board::firmware.base().raw},
             {"CLINT", board::clint.base().raw}},
            satp, apart);
        for (std::size_t i = 0; i < kinds.size(); ++i) { // the shared memory behind a good page
            put(shared(i), kinds[i], satp);
            put(shared(i) + 0x1000, {"UTM", utm}, satp);
        }
    }
    static std::uint64_t shared(std::size_t kind) { return 0x2000'0000 + kind * 0x2000; }

    void run(Form const& form, std::uint64_t address, Rights const& rights) {
        SCOPED_TRACE(text(form, address, rights));
        auto files = fresh(form, address);
        load(files);
        put_code(code, form.word, form.length);
        h.regs.guest.pc = model.bare ? code : rights.mode == 1 ? s_code : u_code;
        h.regs.priv = static_cast<Priv>(rights.mode);
        auto const status = mstatus::Fs::set(rights.bits(), 1);
        h.enclave->supervisor.sstatus = status;
        auto const root = h.hart.read_csr(csr::Satp);
        auto const image = h.hart.loaded();
        auto const cause = form.loads() ? Cause::LoadMisaligned : Cause::StoreMisaligned;
        auto const next =
            outcome(monitor::emulate_misaligned, h, {.cause = raw(cause), .tval = address});
        auto const fault = form.atomic() ? Fault{raw(cause), address}
                                         : by_model(model, files, form, address, rights);
        compare(next, fault, files, form, address);
        if (HasFatalFailure()) return;
        ASSERT_EQ(h.enclave->supervisor.sstatus,
                  files.fp_dirty ? mstatus::Fs::set(status, 3) : status);
        ASSERT_EQ(h.hart.read_csr(csr::Satp), root);
        ASSERT_TRUE(h.hart.loaded() == image && image == h.enclave_plan.image() && h.hart.fenced());
    }
};

TEST_F(MisalignedAccess, E13_EveryEncodingAtEveryOffsetHasTheEnclavesOwnRights) {
    sweep(all_forms(true), 2, [&](Form const& form, std::uint64_t address, Rights const& rights) {
        run(form, address, rights);
    });
}

TEST_F(MisalignedAccess, E13_AcrossPrivateAndSharedMemory) {
    for (auto const& form : all_forms(false))
        for (auto const& rights : all_rights())
            for (std::size_t i = 0; i < kinds.size(); ++i)
                for (unsigned k = 1; k < 8; ++k) {
                    run(form, shared(i) + 0x1000 - k, rights);
                    if (HasFatalFailure()) return;
                }
    compare_all();
}

TEST_F(MisalignedAccess, E13_AtTheEdgesOfItsMemoryNothingIsStoredOutside) {
    h.hart.write_csr(csr::Satp, 0);
    model.bare = true;
    for (auto const& form : all_forms(false))
        for (auto const edge : {epm, epm_end, utm, utm + 0x2000, mon_end})
            for (unsigned k = 0; k < 16; ++k) {
                run(form, edge - 8 + k, {1, false, false});
                if (HasFatalFailure()) return;
            }
    compare_all();
}

TEST_F(MisalignedAccess, E13_WhatDoesNotFitTheTrapIsReflectedUntouched) {
    auto const address = place(0, 0) + 0x101;
    auto const check = [&](std::uint32_t word, Cause cause) {
        put_code(code, word, 4);
        h.regs.guest.pc = s_code;
        h.regs.priv = Priv::S;
        h.regs.guest.set(9, address);
        h.regs.guest.set(7, 0x1111);
        auto const next =
            outcome(monitor::emulate_misaligned, h, {.cause = raw(cause), .tval = 77});
        EXPECT_EQ(next.kind, Next::Kind::Reflect) << std::hex << word;
        EXPECT_EQ(next.trap.cause, raw(cause));
        EXPECT_EQ(next.trap.tval, 77U);
        EXPECT_EQ(h.regs.guest.get(7), 0x1111U);
    };
    check(encode_store(3, 7, 9, 0), Cause::LoadMisaligned);
    check(encode_store(3, 7, 9, 0) | fp_opcode, Cause::LoadMisaligned);
    check(encode_load(3, 7, 9, 0), Cause::StoreMisaligned);
    check(encode_load(3, 7, 9, 0) | fp_opcode, Cause::StoreMisaligned);
    for (auto const cause : {Cause::LoadMisaligned, Cause::StoreMisaligned}) {
        check(insn_wfi, cause);
        check(encode_csr(CsrOp::Rw, 7, 0x340, 9), cause);
        check(0x0000'0013, cause);
        for (auto const word : hypervisor_words(7, 9)) check(word, cause);
    }
    put_code(code, encode_load(3, 7, 9, 0), 4);
    h.regs.guest.pc = 0x7fff'0000; // what cannot be fetched any more
    auto const next = outcome(monitor::emulate_misaligned, h, {.cause = 4, .tval = 77});
    EXPECT_EQ(next.kind, Next::Kind::Reflect);
    EXPECT_EQ(next.trap.cause, 4U);
    compare_all();
}

/// A whole turn: success goes on behind the instruction, a fault enters the enclave's own handler.
TEST_F(MisalignedAccess, E13_AWholeTurnCompletesOrTrapsIntoTheEnclave) {
    auto const play = [&](std::uint32_t word, std::uint64_t address, Cause cause) {
        put_code(code, word, 4);
        h.regs.guest.pc = s_code;
        bench.play([=](Hart&, GuestContext& guest) {
            guest.set(9, address);
            guest.set(7, 0x1111);
            return Trap{.cause = raw(cause), .tval = address};
        });
        EXPECT_EQ(h.world, World::Enclave);
    };
    h.regs.priv = Priv::S;
    auto const inside = place(0, 0) + 0xffd, outside = place(0, 6) + 0xffd;
    play(encode_load(3, 7, 9, 0), inside, Cause::LoadMisaligned);
    EXPECT_EQ(h.regs.guest.pc, s_code + 4);
    EXPECT_EQ(h.regs.guest.get(7), model.load(inside, 8));
    play(encode_store(3, 7, 9, 0), outside, Cause::StoreMisaligned);
    EXPECT_EQ(h.regs.guest.pc, s_code + 0x100);
    EXPECT_EQ(h.hart.read_csr(csr::Scause), 7U);
    EXPECT_EQ(h.hart.read_csr(csr::Stval), place(0, 6) + 0x1000);
    EXPECT_EQ(h.hart.read_csr(csr::Sepc), s_code);
    compare_all();
}

// --- misaligned accesses of firmware and host ---------------------------------------------------

/// The monitor is nobody's deputy there: vM gets the trap, and emulates with vMPRV.
TEST(Misaligned, O40_TrapsOfFirmwareAndHostArriveInVirtualMachineModeUntouched) {
    for (auto const host : {false, true})
        for (auto const cause : {Cause::LoadMisaligned, Cause::StoreMisaligned})
            for (auto const address : {mon_end - 3, epm + 0xffd, std::uint64_t{0x8050'0001}}) {
                Bench bench;
                bench.to_host();
                EXPECT_EQ(bench.create().error, 0U);
                if (!host) bench.call(0x10, 0);
                auto& h = bench.hart();
                auto const pc = host ? Bench::host_pc : board::firmware.base().raw + 0x1000;
                h.regs.guest.pc = pc;
                bench.poke(pc, cause == Cause::LoadMisaligned ? encode_load(3, 7, 9, 0)
                                                              : encode_store(3, 7, 9, 0));
                h.regs.guest.set(9, address);
                h.regs.guest.set(7, 0x1111);
                auto const ram = bench.machine.ram;
                bench.play(exception(cause, address));
                EXPECT_EQ(h.world, World::Firmware);
                EXPECT_EQ(h.v.mcause, raw(cause));
                EXPECT_EQ(h.v.mtval, address);
                EXPECT_EQ(h.v.mepc, pc);
                EXPECT_EQ(mstatus::Mpp::get(h.v.mstatus), host ? 1U : 3U);
                EXPECT_EQ(h.regs.guest.get(7), 0x1111U);
                EXPECT_TRUE(bench.machine.ram == ram);
            }
}

/// What a firmware does then for a host: a misaligned access under vMPRV, at the edges of what the
/// host may touch.
TEST_F(MprvAccess, O40_TheFirmwareEmulatesWithTheHostsRightsOnly) {
    for (auto const& form : all_forms(true))
        for (std::size_t second = 6; second < kinds.size(); ++second)
            for (std::uint64_t const mode : {0U, 1U})
                for (unsigned k = 1; k < form.width; ++k) {
                    auto const address = place(mode == 1 ? 0 : 1, second) + 0x1000 - k;
                    run(form, address, {mode, true, true});
                    if (HasFatalFailure()) return;
                }
    compare_all();
    EXPECT_EQ(successes, 0U);
    EXPECT_GT(faults, 1000U);
}

} // namespace
} // namespace plinth::fake
