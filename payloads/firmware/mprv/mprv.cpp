// SPDX-License-Identifier: Apache-2.0
// Test firmware: loads and stores of M-mode under MPRV have the rights and the translation of the
// mode in MPP.
#include "firmware.hpp"
#include "sv39.hpp"

extern "C" {
// stubs.S: set mstatus bits a2, one access at a0, clear MPRV.
void mprv_lb();
void mprv_lbu();
void mprv_lh();
void mprv_lhu();
void mprv_lw();
void mprv_lwu();
void mprv_ld();
void mprv_c_lw();
void mprv_c_ld();
void mprv_c_lwsp();
void mprv_c_ldsp();
void mprv_sb();
void mprv_sh();
void mprv_sw();
void mprv_sd();
void mprv_c_sw();
void mprv_c_sd();
void mprv_c_swsp();
void mprv_c_sdsp();
}

namespace {

using namespace payload;

constexpr uint64_t pages = 6;
alignas(4096) uint64_t data[pages][512];
alignas(4096) uint8_t tables[8 * page_size];

constexpr uint64_t window = 0x40000000; // VA of data[0]; the pages follow
constexpr uint64_t pattern = 0x8182838485868788;
constexpr uint64_t mark = 0x1122334455667788;
constexpr uint64_t as_user = status_mprv;
constexpr uint64_t as_supervisor = status_mprv | 1U << status_mpp_shift;
constexpr uint64_t as_machine = status_mprv | 3U << status_mpp_shift;

/// Pages of the window by what their entry permits.
enum Page : uint64_t { SuperReadWrite, SuperRead, SuperExecute, UserReadWrite, UserExecute, None };

struct Case {
    char const* name;
    Stub* stub;
    bool is_store;
};

/// Whether the run ended with the ecall behind the access.
bool finished(Run const& r) { return r.epc == address_of(&run_from_m_ecall); }

/// Prints what an access did: the value, or the trap with mtval counted from `address`.
void show(Run const& r, uint64_t address, bool is_store, uint64_t stored) {
    if (!finished(r)) {
        say("cause ", Dec{r.cause}, " mtval +", Dec{r.tval - address}, " MPP ",
            priv_letter(r.status >> status_mpp_shift & 3U), " MPRV ",
            (r.status & status_mprv) != 0 ? '1' : '0', '\n');
    } else if (is_store) {
        say("stored ", Hex{stored}, '\n');
    } else {
        say("loaded ", Hex{r.a1}, '\n');
    }
}

void access(char const* name, Stub* stub, bool is_store, uint64_t address, uint64_t* memory,
            uint64_t bits) {
    *memory = pattern;
    Run const r = run(Priv::Machine, stub, {.a0 = address, .a1 = mark, .a2 = bits});
    say("mprv: ", name, ": ");
    show(r, address, is_store, *memory);
}

/// Every width and encoding at one address.
void widths(uint64_t address, uint64_t* memory, uint64_t bits) {
    access("lb", mprv_lb, false, address, memory, bits);
    access("lbu", mprv_lbu, false, address, memory, bits);
    access("lh", mprv_lh, false, address, memory, bits);
    access("lhu", mprv_lhu, false, address, memory, bits);
    access("lw", mprv_lw, false, address, memory, bits);
    access("lwu", mprv_lwu, false, address, memory, bits);
    access("ld", mprv_ld, false, address, memory, bits);
    access("c.lw", mprv_c_lw, false, address, memory, bits);
    access("c.ld", mprv_c_ld, false, address, memory, bits);
    access("c.lwsp", mprv_c_lwsp, false, address, memory, bits);
    access("c.ldsp", mprv_c_ldsp, false, address, memory, bits);
    access("sb", mprv_sb, true, address, memory, bits);
    access("sh", mprv_sh, true, address, memory, bits);
    access("sw", mprv_sw, true, address, memory, bits);
    access("sd", mprv_sd, true, address, memory, bits);
    access("c.sw", mprv_c_sw, true, address, memory, bits);
    access("c.sd", mprv_c_sd, true, address, memory, bits);
    access("c.swsp", mprv_c_swsp, true, address, memory, bits);
    access("c.sdsp", mprv_c_sdsp, true, address, memory, bits);
}

/// Load and store on one page of the window under one setting.
void page(char const* name, Page which, uint64_t bits) {
    uint64_t const address = window + which * page_size + 8;
    say("mprv: ", name, '\n');
    access("  load", mprv_ld, false, address, &data[which][1], bits);
    access("  store", mprv_sd, true, address, &data[which][1], bits);
}

bool build_tables(uint64_t& satp) {
    uint64_t const base = address_of(tables);
    sv39::Pool pool{base, base + sizeof(tables), 0};
    uint64_t const root = sv39::take_page(pool);
    satp = sv39::satp(root);
    auto const add = [&](Page which, uint64_t flags) {
        return sv39::map(pool, root, window + which * page_size, address_of(&data[which]),
                         page_size, flags, 0);
    };
    return add(SuperReadWrite, sv39::read | sv39::write) && add(SuperRead, sv39::read) &&
           add(SuperExecute, sv39::execute) &&
           add(UserReadWrite, sv39::user | sv39::read | sv39::write) &&
           add(UserExecute, sv39::user | sv39::execute);
}

void bare() {
    say("mprv: bare, as S\n");
    widths(address_of(&data[0][0]), &data[0][0], as_supervisor);
    say("mprv: bare, as U\n");
    access("ld", mprv_ld, false, address_of(&data[1][3]), &data[1][3], as_user);
    access("sd", mprv_sd, true, address_of(&data[1][3]), &data[1][3], as_user);
    say("mprv: bare, as M\n");
    access("ld", mprv_ld, false, address_of(&data[1][3]), &data[1][3], as_machine);
}

void translated() {
    say("mprv: Sv39, as S\n");
    widths(window, &data[0][0], as_supervisor);
    page("S, page S RW", SuperReadWrite, as_supervisor);
    page("S, page S R", SuperRead, as_supervisor);
    page("S, page S X", SuperExecute, as_supervisor);
    page("S, page S X, MXR", SuperExecute, as_supervisor | status_mxr);
    page("S, page U RW", UserReadWrite, as_supervisor);
    page("S, page U RW, SUM", UserReadWrite, as_supervisor | status_sum);
    page("S, page U X, SUM", UserExecute, as_supervisor | status_sum);
    page("S, page U X, SUM MXR", UserExecute, as_supervisor | status_sum | status_mxr);
    page("S, no page", None, as_supervisor);
    page("U, page S RW", SuperReadWrite, as_user);
    page("U, page U RW", UserReadWrite, as_user);
    page("U, page U RW, SUM", UserReadWrite, as_user | status_sum);
    page("U, page U X", UserExecute, as_user);
    page("U, page U X, MXR", UserExecute, as_user | status_mxr);
    page("U, no page", None, as_user);
    page("S, page S RW again", SuperReadWrite, as_supervisor);
    say("mprv: Sv39, as M: addresses are physical\n");
    access("ld", mprv_ld, false, address_of(&data[1][3]), &data[1][3], as_machine);
}

/// A page that PMP entry 0 closes to S and U; M itself is not bound by it.
void closed_by_pmp() {
    uint64_t* const memory = &data[2][5];
    csr::write<csr::Pmpaddr0>(address_of(&data[2]) >> 2U | (page_size / 8 - 1));
    csr::write<csr::Pmpaddr0 + 1>((uint64_t{1} << 54U) - 1);
    csr::write<csr::Pmpcfg0>(0x1f18);
    asm volatile("sfence.vma" ::: "memory");
    say("mprv: PMP closes the page\n");
    access("as S", mprv_ld, false, address_of(memory), memory, as_supervisor);
    access("as U", mprv_sd, true, address_of(memory), memory, as_user);
    access("as M", mprv_ld, false, address_of(memory), memory, as_machine);
    access("as S, another page", mprv_ld, false, address_of(&data[3][0]), &data[3][0],
           as_supervisor);
    csr::write<csr::Pmpcfg0>(0);
    open_pmp();
}

} // namespace

extern "C" void firmware_main(uint64_t) {
    constexpr uint64_t nowhere = 0x18000000; // no device and no memory on QEMU virt
    say("mprv: start\n");
    csr::write<csr::Medeleg>(0);
    csr::write<csr::Satp>(0);
    open_pmp();
    bare();
    access("as S, no memory", mprv_ld, false, nowhere, &data[0][0], as_supervisor);
    closed_by_pmp();
    uint64_t satp = 0;
    if (!build_tables(satp)) say("mprv: out of table pages\n");
    csr::write<csr::Satp>(satp);
    asm volatile("sfence.vma" ::: "memory");
    translated();
    csr::write<csr::Satp>(0);
    say("mprv: end\n");
    finish();
}
