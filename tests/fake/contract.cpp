// SPDX-License-Identifier: Apache-2.0
#include "contract.hpp"

#include "reference/pmp_reference.hpp"

namespace plinth::fake {
namespace {

using namespace arch;
using monitor::HartState;
using monitor::World;
using reference::Kind;

constexpr std::uint64_t below_m = 0x3666; // SSI VSSI STI VSTI SEI VSEI SGEI LCOFI
constexpr Kind kinds[] = {Kind::Read, Kind::Write, Kind::Execute};

/// The rows that do not hold.
class Rows {
  public:
    void expect(bool holds, char const* row) {
        if (!holds) broken_ += std::string{row} + " ";
    }
    std::string broken_{};
};

class Checker {
  public:
    Checker(HartState& h, GuestContext const& guest) : h_{h}, hart_{h.hart}, guest_{guest} {}

    std::string run() {
        common();
        protection();
        switch (h_.world) {
        case World::Firmware: firmware(); break;
        case World::Host: host(); break;
        case World::Enclave: enclave(); break;
        }
        return rows_.broken_;
    }

  private:
    bool has(char letter) const { return hart_.features().has(letter); }
    std::uint64_t csr_or(CsrNumber number, std::uint64_t otherwise = 0) const {
        return hart_.exists(number) ? hart_.read_csr(number) : otherwise;
    }
    std::uint64_t read_only_ones() const { return has('H') ? 0x1444 : 0; }
    std::uint64_t mpp() const { return mstatus::Mpp::get(guest_.mstatus); }

    void common() {
        auto const& status = guest_.mstatus;
        rows_.expect(mstatus::Mprv::get(status) == 0, "MPRV");
        rows_.expect(mpp() != 3 && mpp() != 2, "MPP");
        rows_.expect(mstatus::Uxl::get(status) == 2 && mstatus::Sxl::get(status) == 2, "XL");
        rows_.expect((status & (1ULL << 6U | 3ULL << 36U)) == 0, "endianness");
        rows_.expect((hart_.read_csr(csr::Mie) & 0x88) == 0x88, "mie.MSI,MTI");
        rows_.expect(hart_.read_csr(csr::Misa) == hart_.features().misa, "misa");
        rows_.expect(hart_.fenced(), "fence");
    }

    bool allows(std::uint64_t at, unsigned width, Kind kind) const {
        auto const count = hart_.features().pmp_entries;
        auto const& image = hart_.loaded();
        auto const s = reference::pmp_allows({image.cfg.data(), count}, {image.addr.data(), count},
                                             reference::Mode::S, at, width, kind);
        auto const u = reference::pmp_allows({image.cfg.data(), count}, {image.addr.data(), count},
                                             reference::Mode::U, at, width, kind);
        return s || u;
    }
    /// Whether any access of 1 or 8 bytes that touches an edge or the middle is allowed.
    bool reachable(PhysRange range) const {
        auto const base = range.base().raw;
        auto const last = range.last();
        for (auto const kind : kinds) {
            for (auto const at : {base, base + (last - base) / 2, last})
                if (allows(at, 1, kind)) return true;
            for (auto const at : {base, base - 4, last - 7, last - 3})
                if (allows(at, 8, kind)) return true;
        }
        return false;
    }

    void protection() {
        auto const& image = hart_.loaded();
        for (unsigned i = 0; i < max_pmp_entries; ++i) {
            rows_.expect((image.cfg[i] & 0xe0) == 0, "pmpcfg.L");
            auto const unused = i >= image.used || i >= hart_.features().pmp_entries;
            if (unused) rows_.expect(image.cfg[i] == 0 && image.addr[i] == 0, "unused entries");
        }
        rows_.expect(image.used <= hart_.features().pmp_entries, "entries");
        rows_.expect(!reachable(board::monitor), "monitor denied");
        for (auto const& device : board::owned_devices)
            rows_.expect(!reachable(device), "devices denied");
        for (auto const& enclave : h_.monitor->registry.seize().all())
            if (enclave.memory && &enclave != h_.enclave)
                rows_.expect(!reachable(enclave.layout->epm), "EPM denied");
    }

    void no_hypervisor() {
        rows_.expect((hart_.read_csr(csr::Mie) & irq::vs_bits) == 0, "hie");
        if (!has('H')) return;
        rows_.expect(hart_.read_csr(csr::Hvip) == 0, "hvip");
        rows_.expect(hart_.read_csr(csr::Hgeie) == 0, "hgeie");
        rows_.expect(hstatus::Hu::get(hart_.read_csr(csr::Hstatus)) == 0, "hstatus.HU");
        auto const taken_by_s =
            hart_.read_csr(csr::Mip) & hart_.read_csr(csr::Mie) & hart_.read_csr(csr::Mideleg);
        rows_.expect(taken_by_s == 0, "no interrupt behind the monitor");
    }

    void firmware() {
        auto const& status = guest_.mstatus;
        rows_.expect(mpp() == 0, "MPP");
        rows_.expect(mstatus::Mpv::get(status) == 0, "MPV");
        auto const wait = has('S') ? 0 : 1ULL << 21U; // TW: there, too, wfi traps
        rows_.expect((status & (7ULL << 20U)) == wait, "TVM,TW,TSR");
        rows_.expect(csr_or(csr::Satp) == 0, "satp");
        rows_.expect(csr_or(csr::Medeleg) == 0, "medeleg");
        rows_.expect(csr_or(csr::Mideleg, read_only_ones()) == read_only_ones(), "mideleg");
        auto const& v = h_.v.mstatus;
        // Enabled is only what vM would take at once; with no delegation it comes to the monitor.
        auto const taken = mstatus::Mie::get(v) == 0 ? 0 : h_.v.mie & ~h_.v.mideleg;
        rows_.expect((hart_.read_csr(csr::Mie) & below_m & ~taken) == 0, "mie.S");
        no_hypervisor();
        if (mstatus::Mprv::get(v) != 0 && mstatus::Mpp::get(v) != 3) {
            rows_.expect(!allows(board::firmware.base().raw, 1, Kind::Read), "vMPRV loads trap");
            rows_.expect(!allows(board::firmware.base().raw, 1, Kind::Write), "vMPRV stores trap");
        }
    }

    /// What the firmware's PMP denies to S-mode is denied: where its entries begin and end, and in
    /// some places that no one owns.
    bool beyond_virtual_pmp() const {
        auto const& pmp = h_.v.pmp;
        std::vector<std::uint64_t> places{0, board::Uart::base, phys_last,
                                          board::firmware.base().raw};
        for (auto const addr : pmp.addr)
            for (auto const below : {0U, 1U}) places.push_back(((addr << 2U) - below) & phys_last);
        for (auto const at : places)
            for (auto const kind : kinds)
                if (allows(at, 1, kind) &&
                    !reference::pmp_allows(pmp.cfg, pmp.addr, reference::Mode::S, at, 1, kind))
                    return true;
        return false;
    }

    void host() {
        rows_.expect(!beyond_virtual_pmp(), "vPMP");
        auto const& status = guest_.mstatus;
        rows_.expect(mpp() == static_cast<std::uint64_t>(h_.regs.priv), "MPP");
        rows_.expect((mstatus::Mpv::get(status) != 0) == h_.regs.virt, "MPV");
        constexpr std::uint64_t owned = 7ULL << 20U | mstatus::s_writable;
        rows_.expect((status & owned) == (h_.v.mstatus & owned), "sstatus,TVM,TW,TSR");
        // Faults that come of a cached plan are nobody's but the monitor's: 1, 5, 7, 20, 21, 23.
        constexpr std::uint64_t plan_faults = 0xb0'00a2;
        auto const kept = h_.host_plan.cached() ? ~plan_faults : ~0ULL;
        rows_.expect(csr_or(csr::Medeleg) == (h_.v.medeleg & kept), "medeleg");
        rows_.expect(csr_or(csr::Mideleg) == h_.v.mideleg, "mideleg");
        rows_.expect((hart_.read_csr(csr::Mie) & below_m) == (h_.v.mie & below_m), "mie.S");
        rows_.expect(csr_or(csr::Menvcfg) == h_.v.menvcfg, "menvcfg");
        rows_.expect(csr_or(csr::Mcounteren) == h_.v.mcounteren, "mcounteren");
        if (has('H')) rows_.expect(hart_.read_csr(csr::Hgeie) == h_.v.hgeie, "hgeie");
    }

    void enclave() {
        auto const& status = guest_.mstatus;
        rows_.expect(mpp() <= 1, "MPP");
        rows_.expect(mstatus::Mpv::get(status) == 0, "MPV");
        rows_.expect((status & (7ULL << 20U)) == 0, "TVM,TW,TSR");
        rows_.expect(hart_.read_csr(csr::Medeleg) == 0xb109, "medeleg");
        rows_.expect(hart_.read_csr(csr::Mideleg) == read_only_ones(), "mideleg");
        rows_.expect(csr_or(csr::Menvcfg) == 0, "menvcfg.STCE");
        rows_.expect(hart_.read_csr(csr::Mcounteren) == 7, "mcounteren");
        constexpr std::uint64_t s = 0x2222;
        rows_.expect((hart_.read_csr(csr::Mie) & s) == (h_.v.mie & s), "mie.S");
        no_hypervisor();
        for (auto const number : {csr::Hgatp, csr::Vsatp, csr::Hideleg, csr::Hedeleg, csr::Vsstatus,
                                  csr::Vstvec, csr::Vsscratch, csr::Henvcfg, csr::Hcounteren})
            rows_.expect(csr_or(number) == 0, "H registers");
        own_memory();
    }

    void own_memory() {
        auto const& layout = *h_.enclave->layout;
        for (auto const kind : kinds)
            for (auto const at : {layout.epm.base().raw, layout.epm.last()})
                rows_.expect(allows(at, 1, kind), "own EPM");
        for (auto const at : {layout.utm.base().raw, layout.utm.last()}) {
            rows_.expect(allows(at, 1, Kind::Read) && allows(at, 1, Kind::Write), "own UTM");
            rows_.expect(!allows(at, 1, Kind::Execute), "UTM not executed");
        }
        rows_.expect(!reachable(board::firmware), "firmware denied");
        for (auto const& other : h_.monitor->registry.seize().all())
            if (&other != h_.enclave && other.layout)
                rows_.expect(!reachable(other.layout->utm), "other UTM denied");
    }

    HartState& h_;
    Hart& hart_;
    GuestContext const& guest_;
    Rows rows_{};
};

} // namespace

std::string broken_rows(HartState& h, GuestContext const& guest) { return Checker{h, guest}.run(); }

} // namespace plinth::fake
