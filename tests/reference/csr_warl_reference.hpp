// SPDX-License-Identifier: Apache-2.0
/// Reference model of what the machine's registers may hold: which bits can be written, what a
/// write becomes, and which values a conforming hart may read back.
///
/// Written from chapters 3 and 8 of the RISC-V privileged specification 1.12 (and Sstc, Sscofpmf,
/// Svadu, Zicbom, Zicboz for the bits they add), by someone who has not seen src/.
///
/// Two answers for each register:
///  * `legal(csr, old, written, read, hart)`: may a conforming hart, holding `old`, read `read`
///    after `written` was written? This leaves every choice that the specification leaves.
///  * `canonical(csr, old, written, hart)`: what a hart reads that implements all that is
///    optional and, where a field is asked for a reserved encoding, keeps the field. One of the
///    legal values; others may be as good, so a test may demand it only of a hart that promises it.
#pragma once

#include "csr_table_reference.hpp"
#include "pmp_reference.hpp"

#include <cstdint>
#include <optional>

namespace plinth::reference {

/// Bits of mstatus on RV64 (3.1.6, and 8.4.1 for GVA and MPV).
namespace mstatus_bits {
inline constexpr std::uint64_t sie = 1ULL << 1, mie = 1ULL << 3, spie = 1ULL << 5, ube = 1ULL << 6;
inline constexpr std::uint64_t mpie = 1ULL << 7, spp = 1ULL << 8, vs = 3ULL << 9, mpp = 3ULL << 11;
inline constexpr std::uint64_t fs = 3ULL << 13, xs = 3ULL << 15, mprv = 1ULL << 17;
inline constexpr std::uint64_t sum = 1ULL << 18, mxr = 1ULL << 19, tvm = 1ULL << 20;
inline constexpr std::uint64_t tw = 1ULL << 21, tsr = 1ULL << 22, uxl = 3ULL << 32;
inline constexpr std::uint64_t sxl = 3ULL << 34, sbe = 1ULL << 36, mbe = 1ULL << 37;
inline constexpr std::uint64_t gva = 1ULL << 38, mpv = 1ULL << 39, sd = 1ULL << 63;
} // namespace mstatus_bits

/// The value of a field given by its mask, shifted down.
constexpr std::uint64_t field_get(std::uint64_t value, std::uint64_t mask) {
    return (value & mask) / (mask & (~mask + 1));
}

/// `value` with the field replaced.
constexpr std::uint64_t field_set(std::uint64_t value, std::uint64_t mask, std::uint64_t field) {
    return (value & ~mask) | ((field * (mask & (~mask + 1))) & mask);
}

/// How single bits of a register answer a write. Bits in no mask are read-only zero.
struct BitFacts {
    std::uint64_t writable = 0;      ///< hold what was written
    std::uint64_t optional_zero = 0; ///< hold what was written, or are read-only zero
    std::uint64_t free = 0;          ///< any value: writable or read-only of either value
    std::uint64_t one = 0;           ///< read-only one

    constexpr bool allow(std::uint64_t written, std::uint64_t read) const {
        std::uint64_t const known = writable | optional_zero | free | one;
        return ((written ^ read) & writable) == 0 && (read & optional_zero & ~written) == 0 &&
               (read & one) == one && (read & ~known) == 0;
    }
    /// Everything optional is there; free bits keep what they held.
    constexpr std::uint64_t apply(std::uint64_t old, std::uint64_t written) const {
        return (written & (writable | optional_zero)) | (old & free) | one;
    }
};

// --- mstatus (3.1.6, 8.4.1) ---------------------------------------------------------------------

namespace detail {

/// The single bits; the fields MPP, FS, VS, SXL, UXL and SD have rules of their own.
constexpr BitFacts mstatus_single_bits(Features const& hart) {
    namespace m = mstatus_bits;
    BitFacts facts{.writable = m::mie | m::mpie, .free = m::mbe};
    if (hart.u) {
        facts.writable |= m::mprv; // "read-only 0 if U-mode is not supported" (3.1.6.3)
        facts.optional_zero |= m::tw;
        facts.free |= m::ube;
    }
    if (hart.s) {
        facts.writable |= m::sie | m::spie | m::spp | m::mxr;
        facts.optional_zero |= m::tvm | m::tsr;
        facts.free |= m::sbe;
        if (hart.va_bits != 0) facts.writable |= m::sum; // else read-only zero
    }
    if (hart.h) facts.writable |= m::gva | m::mpv;
    return facts;
}

/// U and M, and S where there is S; the encoding 2 is reserved (3.1.6.1).
constexpr bool mpp_supported(std::uint64_t mode, Features const& hart) {
    return mode == 3 || (mode == 0 && hart.u) || (mode == 1 && hart.s);
}

constexpr bool mpp_legal(std::uint64_t written, std::uint64_t read, Features const& hart) {
    return mpp_supported(written, hart) ? read == written : mpp_supported(read, hart);
}

/// FS and VS (3.1.6.6): Off and Dirty can always be set; Initial and Clean become Dirty on a hart
/// that does not track. Without the extension, read-only zero, or as above where there is S.
constexpr bool context_legal(std::uint64_t written, std::uint64_t read, bool extension, bool s) {
    if (!extension && read == 0) return true;
    if (!extension && !s) return false;
    return read == written || (written != 0 && read == 3);
}

/// SXL and UXL on RV64 (3.1.6.2): zero without the mode, else the encoding of 32 or 64 bits.
constexpr bool xlen_legal(std::uint64_t read, bool mode_exists) {
    return mode_exists ? read == 1 || read == 2 : read == 0;
}

constexpr bool summary_dirty(std::uint64_t mstatus) {
    return field_get(mstatus, mstatus_bits::fs) == 3 || field_get(mstatus, mstatus_bits::vs) == 3 ||
           field_get(mstatus, mstatus_bits::xs) == 3;
}

} // namespace detail

constexpr bool legal_mstatus(std::uint64_t written, std::uint64_t read, Features const& hart) {
    namespace m = mstatus_bits;
    constexpr std::uint64_t fields = m::mpp | m::fs | m::vs | m::xs | m::sxl | m::uxl | m::sd;
    if (!detail::mstatus_single_bits(hart).allow(written & ~fields, read & ~fields)) return false;
    auto const was = [written](std::uint64_t mask) { return field_get(written, mask); };
    auto const is = [read](std::uint64_t mask) { return field_get(read, mask); };
    return detail::mpp_legal(was(m::mpp), is(m::mpp), hart) &&
           detail::context_legal(was(m::fs), is(m::fs), hart.f, hart.s) &&
           detail::context_legal(was(m::vs), is(m::vs), hart.v, hart.s) && is(m::xs) == 0 &&
           detail::xlen_legal(is(m::sxl), hart.s) && detail::xlen_legal(is(m::uxl), hart.u) &&
           (is(m::sd) == 1) == detail::summary_dirty(read);
}

/// Little-endian, XLEN fixed at 64, FS and VS tracked and read-only zero without their extension;
/// a reserved or unsupported MPP keeps the field.
constexpr std::uint64_t canonical_mstatus(std::uint64_t old, std::uint64_t written,
                                          Features const& hart) {
    namespace m = mstatus_bits;
    BitFacts facts = detail::mstatus_single_bits(hart);
    facts.free = 0;
    std::uint64_t value = facts.apply(old, written);
    std::uint64_t const asked = field_get(written, m::mpp);
    std::uint64_t const held = field_get(old, m::mpp);
    std::uint64_t const kept = detail::mpp_supported(held, hart) ? held : 3;
    value = field_set(value, m::mpp, detail::mpp_supported(asked, hart) ? asked : kept);
    if (hart.f) value |= written & m::fs;
    if (hart.v) value |= written & m::vs;
    if (hart.s) value = field_set(value, m::sxl, 2);
    if (hart.u) value = field_set(value, m::uxl, 2);
    return detail::summary_dirty(value) ? value | m::sd : value;
}

// --- misa and the read-only identification registers (3.1.1-3.1.5, 3.1.17) ----------------------

/// Whether misa may read like this: zero (not implemented), or MXL = 2 and letters that agree with
/// the features and with each other; E is the complement of I, reserved letters are zero.
constexpr bool misa_value_legal(std::uint64_t value, Features const& hart) {
    if (value == 0) return true;
    if (value >> 62 != 2 || (value & 0x3FFFFFFFFC000000) != 0) return false;
    auto const has = [value](char letter) {
        return detail::bit(value, static_cast<unsigned>(letter - 'A'));
    };
    for (char const reserved : {'G', 'K', 'L', 'O', 'R', 'T', 'W', 'Y', 'Z'}) {
        if (has(reserved)) return false;
    }
    if (has('E') == has('I')) return false;
    if ((has('D') && !has('F')) || (has('Q') && !has('D')) || (has('S') && !has('U'))) return false;
    if (has('H') && !has('S')) return false;
    return has('S') == hart.s && has('U') == hart.u && has('F') == hart.f && has('H') == hart.h &&
           has('C') == hart.c && has('V') == hart.v;
}

// --- mtvec (3.1.7) ------------------------------------------------------------------------------

/// BASE is aligned to four bytes by its encoding; MODE is Direct or Vectored. The register may be
/// read-only and may hold any subset of values, so nothing more can be demanded.
constexpr bool legal_mtvec(std::uint64_t read) { return (read & 3) < 2; }

constexpr std::uint64_t canonical_mtvec(std::uint64_t old, std::uint64_t written) {
    std::uint64_t const mode = (written & 3) < 2 ? written & 3 : old & 3;
    return (written & ~std::uint64_t{3}) | mode;
}

// --- delegation (3.1.8, 8.4.2) ------------------------------------------------------------------

/// One bit for each exception that can come from below M: 0-9, 12, 13, 15; with H also 10 (ecall
/// from VS) and 20-23. Bit 11 is read-only zero; none may be read-only one, any may be zero. The
/// bits for custom use, 24-31 and 48-63, are taken as absent.
constexpr BitFacts medeleg_facts(Features const& hart) {
    BitFacts facts{.optional_zero = 0xB3FF};
    if (hart.h) facts.optional_zero |= 0xF00400;
    return facts;
}

/// S-level bits (and local counter overflow) may be fixed either way, machine-level bits not at
/// one. With H, bits 2, 6 and 10 are read-only one, 12 too if there are guest external interrupts;
/// the specification does not say what bit 12 is when there are none.
constexpr BitFacts mideleg_facts(Features const& hart) {
    BitFacts facts{.optional_zero = 0x888, .free = 0x222};
    if (hart.sscofpmf) facts.free |= 1U << 13;
    if (hart.h) {
        facts.one |= 0x444;
        (hart.geilen != 0 ? facts.one : facts.free) |= 1U << 12;
    }
    return facts;
}

/// The usual hart: S-level bits writable, machine-level bits read-only zero.
constexpr std::uint64_t canonical_mideleg(std::uint64_t written, Features const& hart) {
    BitFacts const facts = mideleg_facts(hart);
    std::uint64_t const writable = facts.free & ~(std::uint64_t{1} << 12);
    return (written & writable) | facts.one | (hart.h ? std::uint64_t{1} << 12 : 0);
}

// --- mie, mip (3.1.9, 8.4.3, Sstc, Sscofpmf) ----------------------------------------------------

/// A bit must be writable if its interrupt can ever become pending: timer (mtimecmp), the
/// software-writable supervisor bits, VS bits (hvip), counter overflow. MEIE and MSIE may be
/// read-only zero where nothing raises them.
constexpr BitFacts mie_facts(Features const& hart) {
    BitFacts facts{.writable = 1U << 7, .optional_zero = 1U << 11 | 1U << 3};
    if (hart.s) facts.writable |= 0x222;
    if (hart.h) {
        facts.writable |= 0x444;
        (hart.geilen != 0 ? facts.writable : facts.optional_zero) |= 1U << 12;
    }
    if (hart.sscofpmf) facts.writable |= 1U << 13;
    return facts;
}

/// mip as software state and signals, because a read-modify-write must not latch a signal.
struct MipState {
    std::uint64_t software = 0; ///< what M-mode wrote: the writable bits
    std::uint64_t lines = 0; ///< what controllers and timers drive now: MEIP, MTIP, MSIP, SEIP ...

    constexpr std::uint64_t read() const { return software | lines; }
};

/// Bits of mip that a write can change: SSIP, SEIP, and STIP unless stimecmp drives it
/// (menvcfg.STCE); LCOFIP with Sscofpmf; VSSIP with H, an alias of hvip.VSSIP.
constexpr std::uint64_t mip_writable(Features const& hart, bool stce) {
    std::uint64_t mask = 0;
    if (hart.s) mask |= 1U << 1 | 1U << 9;
    if (hart.s && !(hart.sstc && stce)) mask |= 1U << 5;
    if (hart.sscofpmf) mask |= 1U << 13;
    if (hart.h) mask |= 1U << 2;
    return mask;
}

/// mip after a CSR instruction with this operand. "The signal from the interrupt controller is not
/// used to calculate the value written": only the software bits take part (3.1.9).
constexpr MipState mip_after(MipState state, CsrOp op, std::uint64_t operand, Features const& hart,
                             bool stce) {
    std::uint64_t asked = operand;
    if (op == CsrOp::Rs || op == CsrOp::Rsi) asked = state.software | operand;
    if (op == CsrOp::Rc || op == CsrOp::Rci) asked = state.software & ~operand;
    std::uint64_t const mask = mip_writable(hart, stce);
    state.software = (state.software & ~mask) | (asked & mask);
    return state;
}

/// A write of mip with all signals steady, `seip_line` being what drives SEIP: writable bits hold
/// what was written, SEIP reads ORed with its line, all others stay as they were.
constexpr bool legal_mip(std::uint64_t old, std::uint64_t written, std::uint64_t read,
                         Features const& hart, bool stce, bool seip_line) {
    std::uint64_t const mask = mip_writable(hart, stce);
    std::uint64_t const line = seip_line && hart.s ? 1U << 9 : 0;
    return read == ((old & ~mask) | (written & mask) | line);
}

// --- addresses: mepc, mtval (3.1.14, 3.1.16) ----------------------------------------------------

/// Whether `value` is an address that software can use: a physical address of 56 bits, or one of
/// the widest supported virtual address size, sign-extended.
constexpr bool address_valid(std::uint64_t value, Features const& hart) {
    if (value < physical_limit) return true;
    if (hart.va_bits == 0) return false;
    std::uint64_t const top = value >> (hart.va_bits - 1);
    return top == 0 || top == ~std::uint64_t{0} >> (hart.va_bits - 1);
}

/// mepc[0] is zero, mepc[1] too where IALIGN is 32. All valid addresses are held; an invalid one
/// may become another invalid one.
constexpr bool legal_mepc(std::uint64_t written, std::uint64_t read, Features const& hart) {
    std::uint64_t const zero = hart.c ? 1 : 3;
    if ((read & zero) != 0) return false;
    std::uint64_t const aligned = written & ~zero;
    return address_valid(aligned, hart) ? read == aligned : !address_valid(read, hart);
}

/// mtval is read-only zero, or holds all valid addresses, zero, and (as an instruction) all values
/// below 2^32, which are valid addresses anyway.
constexpr bool legal_mtval(std::uint64_t old, std::uint64_t written, std::uint64_t read,
                           Features const& hart) {
    if (old == 0 && read == 0) return true;
    return address_valid(written, hart) ? read == written : !address_valid(read, hart);
}

// --- mcause (3.1.15, 8.6.1) ---------------------------------------------------------------------

/// Whether the value names an interrupt or exception that a hart with these features can raise.
constexpr bool cause_supported(std::uint64_t value, Features const& hart) {
    bool const interrupt = value >> 63 != 0;
    std::uint64_t const code = value & ~(std::uint64_t{1} << 63);
    if (code > 63) return false;
    std::uint64_t codes = interrupt ? 0x888 : 0x9FF;    // 0-8, 11
    if (hart.s) codes |= interrupt ? 0x222 : 0xB200;    // 9, 12, 13, 15
    if (hart.h) codes |= interrupt ? 0x1444 : 0xF00400; // 10, 20-23
    if (hart.sscofpmf && interrupt) codes |= 1U << 13;
    return detail::bit(codes, static_cast<unsigned>(code));
}

/// The code is WLRL: only supported values need to be held; anything else may read as anything.
constexpr bool legal_mcause(std::uint64_t written, std::uint64_t read, Features const& hart) {
    return !cause_supported(written, hart) || read == written;
}

// --- counters (3.1.11, 3.1.12) ------------------------------------------------------------------

/// 32 bits, any of which may be read-only zero.
constexpr BitFacts mcounteren_facts() { return {.optional_zero = 0xFFFFFFFF}; }

/// As mcounteren, but the time counter cannot be inhibited: bit 1 is zero.
constexpr BitFacts mcountinhibit_facts() { return {.optional_zero = 0xFFFFFFFD}; }

/// The bits of counters that the hart has: cycle, (time,) instret and the hpm counters.
constexpr std::uint64_t counters_present(Features const& hart, bool with_time) {
    std::uint64_t const hpm = ((std::uint64_t{1} << hart.hpm_counters) - 1) << 3;
    return hpm | 5 | (with_time ? 2 : 0);
}

// --- menvcfg (3.1.18; CBIE, CBCFE: Zicbom; CBZE: Zicboz; STCE: Sstc; ADUE: Svadu) ---------------

constexpr BitFacts menvcfg_single_bits(Features const& hart) {
    BitFacts facts;
    (hart.s && hart.va_bits != 0 ? facts.writable : facts.optional_zero) |= 1;
    if (hart.zicbom) facts.writable |= 1U << 6;
    if (hart.zicboz) facts.writable |= 1U << 7;
    if (hart.svadu) facts.writable |= std::uint64_t{1} << 61;
    if (hart.svpbmt) facts.writable |= std::uint64_t{1} << 62;
    if (hart.sstc) facts.writable |= std::uint64_t{1} << 63;
    return facts;
}

/// CBIE (bits 5:4): 0, 1 and 3 are defined, 2 is reserved; read-only zero without Zicbom.
constexpr bool legal_menvcfg(std::uint64_t written, std::uint64_t read, Features const& hart) {
    constexpr std::uint64_t cbie = 0x30;
    if (!menvcfg_single_bits(hart).allow(written & ~cbie, read & ~cbie)) return false;
    std::uint64_t const asked = field_get(written, cbie);
    std::uint64_t const got = field_get(read, cbie);
    if (!hart.zicbom) return got == 0;
    return asked == 2 ? got != 2 : got == asked;
}

constexpr std::uint64_t canonical_menvcfg(std::uint64_t old, std::uint64_t written,
                                          Features const& hart) {
    constexpr std::uint64_t cbie = 0x30;
    std::uint64_t const value = menvcfg_single_bits(hart).apply(old, written);
    if (!hart.zicbom) return value;
    std::uint64_t const asked = field_get(written, cbie);
    return field_set(value, cbie, asked == 2 ? field_get(old, cbie) : asked);
}

// --- pmpcfg, pmpaddr (3.7.1) --------------------------------------------------------------------

/// One byte of a pmpcfg register of an entry that holds anything: locked bytes stay; the rest
/// holds every legal setting. RWX is one WARL field, in which R=0 W=1 is reserved; NA4 cannot be
/// selected with a coarser grain; bits 6:5 are zero.
constexpr bool legal_pmpcfg_byte(std::uint8_t old, std::uint8_t written, std::uint8_t read,
                                 unsigned grain) {
    if ((old & 0x80) != 0) return read == old;
    if (!pmp_entry_legal(read, grain)) return false;
    bool const rwx_reserved = (written & 3) == 2;
    bool const match_reserved = grain > 0 && (written & 0x18) == 0x10;
    std::uint8_t kept = 0x9F;
    if (rwx_reserved) kept = static_cast<std::uint8_t>(kept & ~0x07);
    if (match_reserved) kept = static_cast<std::uint8_t>(kept & ~0x18);
    return ((written ^ read) & kept) == 0;
}

constexpr std::uint8_t canonical_pmpcfg_byte(std::uint8_t old, std::uint8_t written,
                                             unsigned grain) {
    if ((old & 0x80) != 0) return old;
    unsigned value = written & 0x9FU;
    if ((written & 3) == 2) value = (value & ~0x07U) | (old & 0x07U);
    if (grain > 0 && (written & 0x18) == 0x10) value = (value & ~0x18U) | (old & 0x18U);
    return static_cast<std::uint8_t>(value);
}

namespace detail {

constexpr std::uint8_t byte_of(std::uint64_t value, unsigned i) {
    return static_cast<std::uint8_t>(value >> (8 * i));
}

/// First entry of an even pmpcfg register.
constexpr unsigned first_entry(unsigned csr) { return (csr - 0x3A0) * 4; }

} // namespace detail

/// A whole register: entries that the hart does not have are read-only zero.
constexpr bool legal_pmpcfg(unsigned csr, std::uint64_t old, std::uint64_t written,
                            std::uint64_t read, Features const& hart) {
    for (unsigned i = 0; i < 8; ++i) {
        std::uint8_t const got = detail::byte_of(read, i);
        bool const there = detail::first_entry(csr) + i < hart.pmp_entries;
        if (!there && got != 0) return false;
        if (there && !legal_pmpcfg_byte(detail::byte_of(old, i), detail::byte_of(written, i), got,
                                        hart.pmp_grain)) {
            return false;
        }
    }
    return true;
}

constexpr std::uint64_t canonical_pmpcfg(unsigned csr, std::uint64_t old, std::uint64_t written,
                                         Features const& hart) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8 && detail::first_entry(csr) + i < hart.pmp_entries; ++i) {
        std::uint64_t const got = canonical_pmpcfg_byte(
            detail::byte_of(old, i), detail::byte_of(written, i), hart.pmp_grain);
        value |= got << (8 * i);
    }
    return value;
}

/// What pmpaddr `entry` reads after a write, when all 56 bits of physical address are implemented.
/// `own_cfg` and `next_cfg` are the configurations of this entry and the next (0 past the end):
/// a lock, or a locked TOR above, makes the write ignored.
constexpr std::uint64_t canonical_pmpaddr(unsigned entry, std::uint64_t old, std::uint64_t written,
                                          std::uint8_t own_cfg, std::uint8_t next_cfg,
                                          Features const& hart) {
    if (entry >= hart.pmp_entries) return 0;
    bool const ignored = (own_cfg & 0x80) != 0 || (next_cfg & 0x98) == 0x88;
    return ignored ? old : pmpaddr_reads_as(written, own_cfg, hart.pmp_grain);
}

/// As canonical_pmpaddr, but the highest physical address bits may be missing: then the value
/// reads without them, as long as what remains is a run of low bits of what was written.
constexpr bool legal_pmpaddr(unsigned entry, std::uint64_t old, std::uint64_t written,
                             std::uint64_t read, std::uint8_t own_cfg, std::uint8_t next_cfg,
                             Features const& hart) {
    std::uint64_t const whole = canonical_pmpaddr(entry, old, written, own_cfg, next_cfg, hart);
    for (unsigned bits = 54; bits >= 30; --bits) {
        if (read == (whole & ((std::uint64_t{1} << bits) - 1))) return true;
    }
    return false;
}

// --- one door for all ---------------------------------------------------------------------------

/// May `read` be read after `written` was written to a register that read `old`? Nothing if this
/// model does not know the register's contents. For mip all signals are taken as steady with
/// menvcfg.STCE = 0 and no external line; for pmpaddr no entry is taken as locked: ask legal_mip
/// and legal_pmpaddr for the rest.
constexpr std::optional<bool> legal(unsigned csr, std::uint64_t old, std::uint64_t written,
                                    std::uint64_t read, Features const& hart) {
    if (!csr_exists(csr, hart)) return std::nullopt;
    if (csr >= 0x3A0 && csr <= 0x3AF) return legal_pmpcfg(csr, old, written, read, hart);
    if (csr >= 0x3B0 && csr <= 0x3EF) {
        return legal_pmpaddr(csr - 0x3B0, old, written, read, 0, 0, hart);
    }
    switch (csr) {
    case 0x300: return legal_mstatus(written, read, hart);
    case 0x301: return read == old && misa_value_legal(read, hart);
    case 0x302: return medeleg_facts(hart).allow(written, read);
    case 0x303: return mideleg_facts(hart).allow(written, read);
    case 0x304: return mie_facts(hart).allow(written, read);
    case 0x305: return legal_mtvec(read);
    case 0x306: return mcounteren_facts().allow(written, read);
    case 0x30A: return legal_menvcfg(written, read, hart);
    case 0x320: return mcountinhibit_facts().allow(written, read);
    case 0x340: return read == written;
    case 0x341: return legal_mepc(written, read, hart);
    case 0x342: return legal_mcause(written, read, hart);
    case 0x343: return legal_mtval(old, written, read, hart);
    case 0x344: return legal_mip(old, written, read, hart, false, false);
    case 0xF11: return read == old && read >> 32 == 0;
    case 0xF12:
    case 0xF13:
    case 0xF14: return read == old;
    case 0xF15: return read == old && (read & 7) == 0;
    default: return std::nullopt;
    }
}

/// What the hart described at the top of this file reads; nothing if this model does not know the
/// register. Same assumptions about mip and pmpaddr as `legal`.
constexpr std::optional<std::uint64_t> canonical(unsigned csr, std::uint64_t old,
                                                 std::uint64_t written, Features const& hart) {
    if (!csr_exists(csr, hart)) return std::nullopt;
    if (csr >= 0x3A0 && csr <= 0x3AF) return canonical_pmpcfg(csr, old, written, hart);
    if (csr >= 0x3B0 && csr <= 0x3EF) {
        return canonical_pmpaddr(csr - 0x3B0, old, written, 0, 0, hart);
    }
    switch (csr) {
    case 0x300: return canonical_mstatus(old, written, hart);
    case 0x302: return medeleg_facts(hart).apply(old, written);
    case 0x303: return canonical_mideleg(written, hart);
    case 0x304: return mie_facts(hart).apply(old, written);
    case 0x305: return canonical_mtvec(old, written);
    case 0x306: return written & counters_present(hart, true);
    case 0x30A: return canonical_menvcfg(old, written, hart);
    case 0x320: return written & counters_present(hart, false);
    case 0x340:
    case 0x342:
    case 0x343: return written;
    case 0x341: return written & ~std::uint64_t{hart.c ? 1U : 3U};
    case 0x344: return mip_after({old, 0}, CsrOp::Rw, written, hart, false).read();
    case 0x301:
    case 0xF11:
    case 0xF12:
    case 0xF13:
    case 0xF14:
    case 0xF15: return old;
    default: return std::nullopt;
    }
}

// --- views of machine registers from S-mode (4.1.1, 4.1.3) --------------------------------------

/// Bits of mstatus that sstatus shows: SIE, SPIE, UBE, SPP, VS, FS, XS, SUM, MXR, UXL, SD.
inline constexpr std::uint64_t sstatus_view =
    mstatus_bits::sie | mstatus_bits::spie | mstatus_bits::ube | mstatus_bits::spp |
    mstatus_bits::vs | mstatus_bits::fs | mstatus_bits::xs | mstatus_bits::sum | mstatus_bits::mxr |
    mstatus_bits::uxl | mstatus_bits::sd;

/// Bits of mie or mip that sie or sip shows: the delegated ones. With H the VS-level bits are in
/// hie and hip instead (8.2.3). Machine-level bits are not delegatable here.
constexpr std::uint64_t sie_view(std::uint64_t mideleg, Features const& hart) {
    return mideleg & (0x222 | (hart.sscofpmf ? 1U << 13 : 0));
}

/// Bits of sip that S-mode can write: SSIP (and LCOFIP), if delegated.
constexpr std::uint64_t sip_writable(std::uint64_t mideleg, Features const& hart) {
    return sie_view(mideleg, hart) & (0x2 | (hart.sscofpmf ? 1U << 13 : 0));
}

} // namespace plinth::reference
