// SPDX-License-Identifier: Apache-2.0
/// Reference model of address translation: where does this access go, what does it touch on the
/// way, and which fault ends it?
///
/// Written from the RISC-V privileged specification 1.12, sections 4.3.1 and 4.3.2 (the algorithm,
/// whose steps are cited by their numbers there), 4.4 to 4.6 (Sv39, Sv48, Sv57), 8.5 (two stages),
/// 3.1.15 and 8.6.1 (priority), and of 1.13 where it says more (PTE update as compare and store,
/// A and D of the G-stage, MXR for explicit loads only), with Svadu, Svnapot and Svpbmt, by someone
/// who has not seen src/.
///
/// Where the specification leaves a choice the model takes one: no translation cache, no access
/// that is not needed, A and D set exactly. Hardware may have set more A bits than it says, and D
/// bits of G-stage PTEs that map page tables. PTEs are little-endian (SBE = VSBE = 0).
#pragma once

#include "access.hpp"
#include "walk_pte_reference.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace plinth::reference {

/// One access, or one page's piece of one (see `split`): it must not cross a page boundary.
struct Access {
    std::uint64_t va;
    unsigned width;
    Use use;

    constexpr bool operator==(Access const&) const = default;
};

/// Why the walk touched memory: a PTE read, the read-modify-write that sets A or D, the access.
enum class Touch : std::uint8_t { PteRead, PteUpdate, Final };

/// One access to physical memory. `refused` if it was attempted and memory said no.
struct Touched {
    Touch what;
    Kind kind;
    std::uint64_t pa;
    unsigned width;
    bool refused = false;

    constexpr bool operator==(Touched const&) const = default;
};

/// What memory did with a PTE update: stored it, found another value there and left it, or refused.
enum class Update : std::uint8_t { Stored, Changed, Refused };

/// How a walk ended: `pa`, or `cause` with the encoding of mcause.
struct Walk {
    std::optional<std::uint64_t> pa;
    std::optional<std::uint64_t> cause;
    /// Of a guest-page fault: the guest physical address that faulted, all bits of it (8.5.2).
    std::optional<std::uint64_t> gpa;
    /// Of a guest-page fault: set if the VS-stage's read (write) of a PTE met it, not the access.
    std::optional<Kind> implicit;
    std::vector<Touched> touched; ///< in order
};

namespace detail {

enum class Fault : std::uint8_t { Access, Page, GuestPage };

/// mcause of a fault: always that of the original access (4.3.2, 8.5.1; codes of 8.6.1).
constexpr std::uint64_t cause_of(Fault fault, Use use) {
    bool const fetch = use == Use::Fetch;
    switch (fault) {
    case Fault::Access: return fetch ? 1 : (is_store(use) ? 7 : 5);
    case Fault::Page: return fetch ? 12 : (is_store(use) ? 15 : 13);
    case Fault::GuestPage: return fetch ? 20 : (is_store(use) ? 23 : 21);
    }
    return 0;
}

/// Translates one access. Functions that return no value have written the fault into `walk`.
template <typename ReadPte, typename UpdatePte> class Walker {
  public:
    Walker(Translation const& how, Access const& access, ReadPte& read, UpdatePte& update)
        : how_{how}, access_{access}, read_{read}, update_{update} {}

    Walk run() {
        require(how_.mode != Mode::M, "Walker: M-mode is not translated");
        require(access_.width >= 1 && access_.width <= page_size, "Walker: width of an access");
        require((access_.va & (page_size - 1)) + access_.width <= page_size, "Walker: split it");
        std::optional<std::uint64_t> pa;
        if (how_.virt) {
            GuestTables tables{*this};
            std::optional<std::uint64_t> const gpa = first(tables);
            if (gpa) pa = second(*gpa, access_.use, true);
        } else {
            PhysicalTables tables{*this};
            pa = first(tables);
        }
        if (pa) final_access(*pa);
        return std::move(walk_);
    }

  private:
    /// Page tables at physical addresses, those of satp and hgatp: memory may refuse (step 2, 7).
    struct PhysicalTables {
        Walker& walker;

        std::optional<std::uint64_t> read(std::uint64_t pa) {
            std::optional<std::uint64_t> const pte = walker.read_(pa);
            walker.touch(Touch::PteRead, Kind::Read, pa, pte.has_value());
            return pte;
        }

        std::optional<Update> update(std::uint64_t pa, std::uint64_t old, std::uint64_t wanted) {
            Update const done = walker.update_(pa, old, wanted);
            walker.touch(Touch::PteUpdate, Kind::Write, pa, done != Update::Refused);
            return done == Update::Refused ? std::nullopt : std::optional{done};
        }
    };

    /// Page tables at guest physical addresses, those of vsatp: the G-stage translates every access
    /// to them, as a load or a store whatever the original access is (8.5.1).
    struct GuestTables {
        Walker& walker;

        std::optional<std::uint64_t> read(std::uint64_t gpa) {
            std::optional<std::uint64_t> const pa = walker.second(gpa, Use::Load, false);
            return pa ? PhysicalTables{walker}.read(*pa) : std::nullopt;
        }

        std::optional<Update> update(std::uint64_t gpa, std::uint64_t old, std::uint64_t wanted) {
            std::optional<std::uint64_t> const pa = walker.second(gpa, Use::Store, false);
            return pa ? PhysicalTables{walker}.update(*pa, old, wanted) : std::nullopt;
        }
    };

    template <typename Tables> std::optional<std::uint64_t> first(Tables& tables) {
        return walk_stage(first_stage(how_), access_.va, access_.use, tables);
    }

    /// The G-stage, for the access itself or for one to a VS-level page table.
    std::optional<std::uint64_t> second(std::uint64_t gpa, Use use, bool explicit_access) {
        PhysicalTables tables{*this};
        std::optional<std::uint64_t> const pa =
            walk_stage(guest_stage(how_, explicit_access), gpa, use, tables);
        if (!pa && walk_.gpa && !explicit_access) {
            walk_.implicit = use == Use::Load ? Kind::Read : Kind::Write;
        }
        return pa;
    }

    /// The algorithm of 4.3.2 for one stage; `use` is what this stage checks.
    template <typename Tables>
    std::optional<std::uint64_t> walk_stage(Stage const& stage, std::uint64_t address, Use use,
                                            Tables& tables) {
        if (stage.levels == 0) return address;
        if (!in_range(stage, address)) return page_fault(stage, address);
        std::uint64_t table = stage.root;
        unsigned level = stage.levels - 1;
        for (unsigned reads = 0; reads < 1000; ++reads) {
            std::uint64_t const at = table + vpn(stage, address, level) * pte_size;
            std::optional<std::uint64_t> const pte = tables.read(at);
            if (!pte) return std::nullopt;
            if (!is_valid(stage, *pte, level)) return page_fault(stage, address);
            if (!is_leaf(*pte)) {
                if (level == 0) return page_fault(stage, address);
                --level;
                table = ppn(*pte) << page_bits;
                continue;
            }
            if (!mode_permits(stage, *pte, use) || !rights_permit(stage, *pte, use) ||
                is_misaligned(*pte, level)) {
                return page_fault(stage, address);
            }
            std::uint64_t const wanted = *pte | pte_a | (is_store(use) ? pte_d : 0);
            if (wanted != *pte) {
                if (!stage.env.adue) return page_fault(stage, address);
                std::optional<Update> const done = tables.update(at, *pte, wanted);
                if (!done) return std::nullopt;
                if (*done == Update::Changed) continue; // back to step 2
            }
            return leaf_address(*pte, level, address);
        }
        require(false, "Walker: the PTE changes each time it is looked at");
        return std::nullopt;
    }

    std::nullopt_t page_fault(Stage const& stage, std::uint64_t address) {
        walk_.cause = cause_of(stage.guest ? Fault::GuestPage : Fault::Page, access_.use);
        if (stage.guest) walk_.gpa = address;
        return std::nullopt;
    }

    /// Notes an access to a PTE; one that memory refused is an access fault.
    void touch(Touch what, Kind kind, std::uint64_t pa, bool done) {
        walk_.touched.push_back({what, kind, pa, pte_size, !done});
        if (!done) walk_.cause = cause_of(Fault::Access, access_.use);
    }

    /// The access itself; what HLVX reads must be executable and readable (8.3.1).
    void final_access(std::uint64_t pa) {
        auto const note = [&](Kind kind) {
            walk_.touched.push_back({Touch::Final, kind, pa, access_.width});
        };
        if (access_.use == Use::Fetch || access_.use == Use::LoadExecutable) note(Kind::Execute);
        if (access_.use == Use::Load || access_.use == Use::LoadExecutable) note(Kind::Read);
        if (is_store(access_.use)) note(Kind::Write);
        walk_.pa = pa;
    }

    Translation const& how_;
    Access const& access_;
    ReadPte& read_;
    UpdatePte& update_;
    Walk walk_{};
};

} // namespace detail

/// Translates an access that stays within a page. Every access to a page table goes through one of
/// two callables, at a physical address that is a multiple of 8, and each may ask whether memory
/// grants it (PMP asks as for S-mode, 3.7.1): `read(pa)`, an implicit read, returns the 8 bytes or
/// nothing for an access fault; `update(pa, old, wanted)`, an implicit write, stores `wanted` if it
/// finds `old`, at once, and returns an `Update`. The final access is only noted, see `perform`.
template <typename ReadPte, typename UpdatePte>
Walk translate(Translation const& how, Access const& access, ReadPte&& read, UpdatePte&& update) {
    return detail::Walker{how, access, read, update}.run();
}

/// Translates as above and asks `allows(pa, width, kind)` of the final access: refused, it is an
/// access fault of the original kind, after all others (3.1.15), and A and D stay set (4.3.1).
template <typename ReadPte, typename UpdatePte, typename Allows>
Walk perform(Translation const& how, Access const& access, ReadPte&& read, UpdatePte&& update,
             Allows&& allows) {
    Walk walk = translate(how, access, read, update);
    for (Touched& touched : walk.touched) {
        if (touched.what != Touch::Final) continue;
        touched.refused = !allows(touched.pa, touched.width, touched.kind);
        if (!touched.refused) continue;
        walk.pa.reset();
        walk.cause = detail::cause_of(detail::Fault::Access, access.use);
    }
    return walk;
}

/// The pieces of an access, one for each page that it touches, in the order of their addresses,
/// which wrap at 2^64. Each is translated by itself and a fault reports its piece's address (4.1.9,
/// 8.5.2); which piece goes first is the implementation's choice.
inline std::vector<Access> split(Access const& access) {
    require(access.width >= 1, "split: an access has at least one byte");
    std::vector<Access> pieces;
    for (unsigned done = 0; done < access.width;) {
        std::uint64_t const va = access.va + done;
        std::uint64_t const room = detail::page_size - (va & (detail::page_size - 1));
        unsigned const left = access.width - done;
        unsigned const width = room < left ? static_cast<unsigned>(room) : left;
        pieces.push_back({va, width, access.use});
        done += width;
    }
    return pieces;
}

} // namespace plinth::reference
