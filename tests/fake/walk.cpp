// SPDX-License-Identifier: Apache-2.0
// The fake hart's own walk of page tables in its RAM, by the reference of translation, each access
// to a PTE under the PMP that is loaded.
#include "arch/hart.hpp"
#include "reference/pmp_reference.hpp"
#include "reference/walk_reference.hpp"

#include <cstring>

namespace plinth::arch {
namespace {

constexpr std::uint64_t pages_root = 0xf000'0fff'ffff'ffffU; // MODE and PPN

bool pmp_allows(Hart const& hart, std::uint64_t at, unsigned width, reference::Kind kind) {
    auto const count = hart.features().pmp_entries;
    auto const& image = hart.loaded();
    return reference::pmp_allows({image.cfg.data(), count}, {image.addr.data(), count},
                                 reference::Mode::S, at, width, kind);
}

reference::Status status_of(std::uint64_t word) {
    return {.sum = mstatus::Sum::get(word) != 0, .mxr = mstatus::Mxr::get(word) != 0};
}

/// What decides about translation in this hart, for an access with the rights `how`.
reference::Translation translation(Hart const& hart, std::uint64_t how) {
    auto const csr_or_zero = [&](CsrNumber number) {
        return hart.exists(number) ? hart.read_csr(number) & pages_root : 0;
    };
    reference::Translation out{.mode = static_cast<reference::Mode>(mstatus::Mpp::get(how)),
                               .virt = mstatus::Mpv::get(how) != 0,
                               .satp = csr_or_zero(csr::Satp),
                               .vsatp = csr_or_zero(csr::Vsatp),
                               .hgatp = csr_or_zero(csr::Hgatp),
                               .sstatus = status_of(how),
                               .menvcfg = {.adue = true},
                               .henvcfg = {.adue = true},
                               .svnapot = true};
    if (out.virt) out.vsstatus = status_of(hart.read_csr(csr::Vsstatus));
    return out;
}

std::uint8_t* ram(fake::Machine& machine, std::uint64_t at, unsigned width) {
    auto const offset = at - fake::Machine::ram_base;
    auto const size = machine.ram.size();
    return offset < size && size - offset >= width ? &machine.ram[offset] : nullptr;
}

reference::Walk walk(Hart& hart, reference::Translation const& how,
                     reference::Access const& access) {
    using reference::Kind, reference::Update;
    auto const read = [&](std::uint64_t at) -> std::optional<std::uint64_t> {
        auto const* bytes = ram(hart.machine(), at, 8);
        if (bytes == nullptr || !pmp_allows(hart, at, 8, Kind::Read)) return std::nullopt;
        std::uint64_t pte = 0;
        std::memcpy(&pte, bytes, sizeof pte);
        return pte;
    };
    auto const update = [&](std::uint64_t at, std::uint64_t, std::uint64_t wanted) {
        auto* bytes = ram(hart.machine(), at, 8);
        if (bytes == nullptr || !pmp_allows(hart, at, 8, Kind::Write)) return Update::Refused;
        std::memcpy(bytes, &wanted, sizeof wanted);
        return Update::Stored;
    };
    auto const allows = [&](std::uint64_t at, unsigned width, Kind kind) {
        return ram(hart.machine(), at, width) != nullptr && pmp_allows(hart, at, width, kind) &&
               (access.use != reference::Use::Amo || pmp_allows(hart, at, width, Kind::Read));
    };
    return reference::perform(how, access, read, update, allows);
}

} // namespace

bool Hart::has_map(std::uint64_t how) const {
    auto const known = [this](CsrNumber number) {
        return exists(number) && translations.contains(csrs_[number]);
    };
    if (mstatus::Mpv::get(how) != 0) return known(csr::Vsatp) || known(csr::Hgatp);
    return known(csr::Satp);
}

/// A fault's value is the guest physical address as mtval2 has it.
GuestAccess Hart::reach(std::uint64_t address, unsigned width, std::uint64_t how, Use use,
                        std::array<std::uint8_t*, 8>& where) {
    static_assert(static_cast<int>(Use::Amo) == static_cast<int>(reference::Use::Amo));
    if (!fenced_) throw fake::Violation{"an access of a guest before the fence"};
    auto const controls = translation(*this, how);
    unsigned done = 0;
    for (auto const& piece : reference::split({address, width, static_cast<reference::Use>(use)})) {
        auto const found = walk(*this, controls, piece);
        if (!found.pa)
            return {.value = found.gpa.value_or(0) >> 2U, .cause = *found.cause, .tval = piece.va};
        for (unsigned i = 0; i < piece.width; ++i) where[done++] = guest_byte(*found.pa + i);
    }
    return {.ok = true};
}

} // namespace plinth::arch
