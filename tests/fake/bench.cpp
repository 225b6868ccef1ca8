// SPDX-License-Identifier: Apache-2.0
#include "bench.hpp"

#include "attest/keys.hpp"
#include "contract.hpp"

#include <cstring>

namespace plinth::fake {

using namespace arch;
using monitor::World;

namespace {

constexpr std::uint64_t letters(char const* names) {
    std::uint64_t bits = 0;
    for (; *names != '\0'; ++names) bits |= 1ULL << static_cast<unsigned>(*names - 'A');
    return bits;
}
constexpr std::uint64_t misa_of(char const* names) { return 2ULL << 62U | letters(names); }

} // namespace

Features features(Wanted const& wanted) {
    Features f{.misa = misa_of("ACDFIMSU"),
               .pmp_entries = wanted.pmp_entries,
               .pmp_granule = wanted.pmp_granule};
    if (!wanted.supervisor) f.misa &= ~letters("S");
    if (!wanted.floating) f.misa &= ~letters("FD");
    if (wanted.hypervisor) f.misa |= misa_of("H");
    if (wanted.vector) f.misa |= misa_of("V");
    f.vlenb = wanted.vector ? 16 : 0;
    f.envcfg = f.countinhibit = wanted.envcfg;
    f.scountovf = wanted.overflow;
    f.sstc = wanted.sstc;
    return f;
}

Bench::Bench(Wanted const& wanted)
    : machine{wanted.ram}, monitor{std::make_unique<plinth::monitor::Monitor>()} {
    {
        std::lock_guard const hold{board::outside.lock};
        board::outside.uart.clear();
        board::outside.resets.clear();
        board::outside.divisor_latch = board::outside.stuck = false;
    }
    auto& boot = monitor->boot;
    boot.harts = wanted.harts;
    for (auto& hart : monitor->harts) hart.vmtimecmp = ~0ULL; // as prepare() does
    boot.fdt = 0x8030'0000;
    boot.fw_dynamic = board::firmware_info.base().raw;
    boot.ram[0] = *PhysRange::make({Machine::ram_base}, wanted.ram);
    boot.monitor_hash.fill(0x11);
    boot.firmware_hash.fill(0x22);
    boot.tree_hash.fill(0x33);
    if (wanted.keys) {
        attest::BootPage const root{.kind = attest::RootKind::Test,
                                    .secret = attest::test_secret()};
        if (!monitor->identity.seize().derive(root, boot.monitor_hash)) throw Violation{"no keys"};
    }
    std::array<std::uint8_t, 48> entropy;
    entropy.fill(0xa5);
    if (wanted.entropy && !monitor->drbg.seize().seed(entropy, {})) throw Violation{"no generator"};
    for (unsigned id = 0; id < wanted.harts; ++id) {
        auto& h = monitor->harts[id];
        h.monitor = monitor.get();
        h.hart.attach(machine, id, features(wanted));
        h.hart.before_entry = [this, &h](GuestContext& guest) {
            if (perturb) perturb(h, guest);
            auto const rows = broken_rows(h, guest);
            if (!rows.empty() && !collect) throw Violation{"entry contract: " + rows};
            broken += rows;
        };
        go_online(h);
    }
}

void Bench::play(Hart::Step step, unsigned id) {
    auto& h = hart(id);
    h.hart.script.push_back(std::move(step));
    for (unsigned turns = 0; !h.hart.script.empty(); ++turns) {
        if (turns == 100) throw Violation{"the guest makes no progress"};
        turn(h);
    }
}

void Bench::write_csr(unsigned number, std::uint64_t value, unsigned id) {
    play(csr_write(number, value), id);
}

std::uint64_t Bench::read_csr(unsigned number, unsigned id) {
    play(csr(CsrOp::Rs, 6, number, 0), id);
    return hart(id).regs.guest.get(6);
}

void Bench::to_host(unsigned id) {
    write_csr(csr::Mtvec, vm_handler, id);
    write_csr(csr::Pmpaddr0, ~0ULL, id);
    write_csr(csr::Pmpcfg0, 0x1f, id);
    write_csr(csr::Medeleg, 0xb109, id);
    write_csr(csr::Mideleg, 0x222, id);
    write_csr(csr::Mepc, host_pc, id);
    write_csr(csr::Mstatus, 1ULL << 11U, id);
    play(illegal(insn_mret), id);
    if (hart(id).world != World::Host) throw Violation{"mret did not enter the host"};
}

Answer Bench::call(std::uint64_t extension, std::uint64_t function,
                   std::array<std::uint64_t, 3> args, unsigned id) {
    auto& h = hart(id);
    auto const step = [=](Hart&, GuestContext& guest) {
        for (unsigned i = 0; i < args.size(); ++i) guest.set(reg::a0 + i, args[i]);
        guest.set(reg::a6, function);
        guest.set(reg::a7, extension);
        return Trap{.cause =
                        raw(mstatus::Mpp::get(guest.mstatus) == 0 ? Cause::EcallU : Cause::EcallS)};
    };
    play(step, id);
    return {h.regs.guest.get(reg::a0), h.regs.guest.get(reg::a1)};
}

Answer Bench::keystone(std::uint64_t function, std::array<std::uint64_t, 3> args, unsigned id) {
    return call(enclave::keystone_extension, function, args, id);
}

std::span<std::uint8_t> Bench::bytes(std::uint64_t address, std::uint64_t size) {
    return std::span{machine.ram}.subspan(address - Machine::ram_base, size);
}
void Bench::poke(std::uint64_t address, std::uint64_t word) {
    std::memcpy(bytes(address, 8).data(), &word, 8);
}
std::uint64_t Bench::peek(std::uint64_t address) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes(address, 8).data(), 8);
    return word;
}

enclave::CreateArgs Bench::default_args(unsigned index) {
    auto const base = epm + 0x1'0000ULL * index;
    return {.epm_base = base,
            .epm_size = 0x1'0000,
            .utm_base = utm + 0x2000ULL * index,
            .utm_size = 0x2000,
            .runtime = base + 0x1000,
            .user = base + 0x3000,
            .free = base + 0x4000,
            .free_requested = 0};
}

void Bench::put_args(enclave::CreateArgs const& args) {
    std::memcpy(bytes(args_at, sizeof args).data(), &args, sizeof args);
}

Answer Bench::create(unsigned index, unsigned id) {
    put_args(default_args(index));
    return keystone(enclave::fid::Create, {args_at}, id);
}

} // namespace plinth::fake
