# SPDX-License-Identifier: Apache-2.0
"""The reviewed list of what may differ between the bare machine and virtual M-mode.

Every entry says which register, which bits, under which condition and why, and on which
processors: `needs` names extensions, with "no" before those that must be absent. differ.py counts
how often each made a difference; one that never does fails the run."""
from dataclasses import dataclass

ALL = (1 << 64) - 1


def extensions(cpu):
    """What QEMU's -cpu text means, as far as the entries ask for it."""
    model, *settings = cpu.split(",")
    have = {"h", "sstc", "pmu", "priv-1.12"} if model == "rv64" else set()
    for setting in settings:
        name, _, value = setting.partition("=")
        have = have | {name} if value in ("on", "true") else have - {name}
    return have


def applies(entry, cpu):
    """Whether an entry is meant for this processor."""
    have = extensions(cpu)
    return all(
        (need[3:] not in have) if need.startswith("no ") else need in have for need in entry.needs
    )


@dataclass(frozen=True)
class Allowed:
    """Reading a register may give other values in `bits`."""

    name: str
    first: int
    last: int
    bits: int
    reason: str
    needs: tuple = ()
    condition: str = "always"


@dataclass(frozen=True)
class Legality:
    """Registers that exist on one side only; programs do not use them."""

    name: str
    first: int
    last: int
    exists: str  # "bare" or "virtual"
    reason: str
    needs: tuple = ()


@dataclass(frozen=True)
class SpecialWrite:
    """A write that programs do not make, tried once per boot: what is read back on each side."""

    name: str
    csr: int
    value: int
    bare: int
    virtual: int
    reason: str
    needs: tuple = ()


QEMU = "QEMU 7.2; the specification is the oracle: "

NO_EVENTS = "no event counters in vM: zero (3.1.10)"
COUNTS_BOTH = "counts the monitor's instructions, too"
QEMU_HAS_16 = "vM has all 29 (3.1.10); QEMU's rv64 has 16"
QEMU_HAS_NONE = "vM has all 29 (3.1.10); QEMU's sifive-u54 has none"

READS = [
    Allowed("cycle", 0xC00, 0xC00, ALL, COUNTS_BOTH),
    Allowed("time", 0xC01, 0xC01, ALL, "the two runs take different times"),
    Allowed("instret", 0xC02, 0xC02, ALL, COUNTS_BOTH),
    Allowed("hpmcounter", 0xC03, 0xC12, ALL, NO_EVENTS, ("pmu",)),
    Allowed("mcycle", 0xB00, 0xB00, ALL, COUNTS_BOTH),
    Allowed("minstret", 0xB02, 0xB02, ALL, COUNTS_BOTH),
    Allowed("mhpmcounter", 0xB03, 0xB12, ALL, NO_EVENTS, ("pmu",)),
    Allowed("mhpmevent", 0x323, 0x33F, ALL, NO_EVENTS),
    Allowed(
        "mcountinhibit",
        0x320,
        0x320,
        ALL & ~5,
        "no event counters in vM, and bit 1 is zero (3.1.12); QEMU 7.2 stores every bit",
        ("priv-1.12",),
    ),
    Allowed(
        "vsip",
        0x244,
        0x244,
        0x220,
        QEMU + "VSTIP and VSEIP are visible in vsip through hideleg (9.2.7)",
        ("h",),
        "hideleg passes VSTI or VSEI on",
    ),
]
# Traps into M-mode of which the cause is not compared: the order of interrupts,
# atomics, GVA; the image knows them by this order.
CAUSES = [
    Allowed(
        "interrupt priority",
        0x342,
        0x342,
        ALL,
        QEMU + "MEI, MSI, MTI, SEI, SSI, STI (3.1.9); QEMU takes the lowest number",
        condition="several interrupts not delegated are pending and enabled",
    ),
    Allowed(
        "atomic without memory",
        0x342,
        0x342,
        ALL,
        QEMU + "cause 7 (3.1.15); where QEMU does load and store separately it says 5",
        condition="an AMO or SC of which the address leads to no memory, cause 5 or 7",
    ),
    Allowed(
        "mstatus.GVA",
        0x300,
        0x300,
        1 << 38,
        QEMU + "GVA says of each trap whether mtval is a guest's address (9.4.1); QEMU never"
        " clears it, sets it for illegal instructions, and does not for accesses with MPRV, HLV and"
        " HSV",
        ("h",),
        "at a trap to M-mode from VS-mode or VU-mode, with MPRV or of its own HLV and HSV; the"
        " handler clears it",
    ),
]
LEGALITY = [
    Legality("triggers", 0x7A0, 0x7A4, "bare", "vM has no debug triggers: tselect is absent"),
    Legality(
        "pmpcfg4-14", 0x3A4, 0x3AE, "virtual", "vM has all 64 entries' registers (3.7.1); QEMU 16"
    ),
    Legality("pmpaddr16-63", 0x3C0, 0x3EF, "virtual", "vM has all 64 entries' registers; QEMU 16"),
    Legality("mhpmcounter19-31", 0xB13, 0xB1F, "virtual", QEMU_HAS_16, ("pmu",)),
    Legality("mhpmcounter3-31", 0xB03, 0xB1F, "virtual", QEMU_HAS_NONE, ("no pmu",)),
    Legality("hpmcounter19-31", 0xC13, 0xC1F, "virtual", QEMU_HAS_16, ("pmu",)),
    Legality("hpmcounter3-31", 0xC03, 0xC1F, "virtual", QEMU_HAS_NONE, ("no pmu",)),
    Legality(
        "vstimecmp without H",
        0x24D,
        0x24D,
        "bare",
        QEMU + "a register of the hypervisor extension (Sstc 2.2)",
        ("no h", "sstc"),
    ),
]
WRITES = [
    SpecialWrite("MPP=2", 0x300, 0x1000, 0xA00001000, 0xA00000000, QEMU + "MPP is WARL (3.1.6.1)"),
    SpecialWrite(
        "UXL=1", 0x300, 1 << 32, 0x900000000, 0xA00000000, "vM fixes UXL and SXL to 64 bits"
    ),
    SpecialWrite(
        "mstatus.VS without V",
        0x300,
        0xFFFFFFFCFFFDE777,
        0x800000CA007C6722,
        0x800000CA007C6122,
        QEMU + "VS may be read-only zero without V (3.1.6.6)",
        ("h", "no v"),
    ),
    SpecialWrite(
        "mstatus.VS, MPV, GVA without V and H",
        0x300,
        0xFFFFFFFCFFFDE777,
        0x800000CA007C6722,
        0x8000000A007C6122,
        QEMU + "MPV and GVA belong to H (9.4.1), VS as above",
        ("no h", "no v"),
    ),
    SpecialWrite(
        "mstatus.MPV, GVA with V, without H",
        0x300,
        0xFFFFFFFCFFFDE777,
        0x800000CA007C6722,
        0x8000000A007C6722,
        QEMU + "MPV and GVA belong to H (9.4.1)",
        ("no h", "v"),
    ),
    SpecialWrite(
        "medeleg 11",
        0x302,
        ALL,
        0xF0BFFF,
        0xF0B7FF,
        QEMU + "bit 11 is read-only zero (3.1.8)",
        ("h",),
    ),
    SpecialWrite(
        "medeleg 10, 11, 20-23 without H",
        0x302,
        ALL,
        0xF0BFFF,
        0xB3FF,
        QEMU + "exceptions that cannot happen have read-only zero bits (3.1.8)",
        ("no h",),
    ),
    SpecialWrite(
        "mideleg LCOFI",
        0x303,
        ALL,
        0x3666,
        0x1666,
        QEMU + "bit 13 belongs to Sscofpmf, absent",
        ("h",),
    ),
    SpecialWrite(
        "mideleg LCOFI, VS without H",
        0x303,
        ALL,
        0x2666,
        0x222,
        QEMU + "bits 2, 6 and 10 belong to H, 13 to Sscofpmf, both absent",
        ("no h",),
    ),
    SpecialWrite(
        "menvcfg.CBIE=3",
        0x30A,
        ALL,
        0xC0000000000000F1,
        0xC0000000000000D1,
        "cbo.inval is done as a flush: it would bring back what a wipe has overwritten",
        ("priv-1.12",),
    ),
    SpecialWrite("mcountinhibit", 0x320, ALL, ALL, 5, "see the entry in READS", ("priv-1.12",)),
    SpecialWrite("mhpmevent", 0x323, ALL, ALL, 0, "see the entry in READS"),
    SpecialWrite("mhpmcounter", 0xB03, ALL, ALL, 0, "see the entry in READS", ("pmu",)),
    SpecialWrite(
        "mhpmcounter on u54", 0xB03, ALL, "trap", 0, "see the entry in LEGALITY", ("no pmu",)
    ),
    SpecialWrite(
        "pmpcfg W without R",
        0x3A0,
        0x1F0000000200001F,
        0x1F0000000200001F,
        0x1F0000000000001F,
        QEMU + "W without R is reserved (3.7.1)",
    ),
    SpecialWrite(
        "pmpaddr high bits", 0x3B3, ALL, ALL, (1 << 54) - 1, QEMU + "bits 63:54 are zero (3.7.1)"
    ),
]

# What the generator leaves out, and why. restrict_operand() in payloads/differ/csrs.cpp and the
# steps in steps.cpp follow this list.
NOT_GENERATED = [
    "mstatus.MPP = 2, UXL other than 2, VS without V: see WRITES",
    "medeleg bit 11, LCOFI bits, CBIE = 3, W without R, pmpaddr bits 63:54: see WRITES",
    "csrrs and csrrc with a zero register on read-only CSRs: illegal by 2.1; QEMU 7.2 reads",
    "mstatus.GVA by CSR instructions: QEMU 7.2 leaves it set at traps that must clear it (9.4.1)",
    "bits of vsstatus that do not exist: QEMU 7.2 stores them and moves them into mstatus",
    "MPRV with MPP = M and MPV = 1: MPV must not count (9.4.1); QEMU 7.2 translates",
    "HLVX in M-mode: illegal in vM; it is tried in HS-mode",
    "HLV and HSV in M-mode at address 0: what the PMP denies there is an access fault in vM; QEMU"
    " 7.2 calls it a guest page fault, as it does elsewhere, where mtval2 tells vM",
    "mip.VSEIP by writes to mip: read-only there (9.4.3); QEMU 7.2 writes hvip",
    "mepc and sepc bit 0: read-only zero (3.1.14); QEMU 7.2 stores it",
    "vsip.SSIP by writes to vsip: QEMU 7.2 does not shift the bit",
    "bits 2, 6 and 10 of writes to vsie: not there (9.2.7); QEMU 7.2 takes them for those of hie",
    "vPMP edges that an access of M-mode can cross: such an access must fail whatever L is",
    "(3.7.1.3), in vM it does not; therefore M-mode crosses no page, and small entries lie where it"
    " does not go",
    "sets and clears of no bits in stimecmp and vstimecmp: no write in QEMU 7.2, a write in vM",
    "empty TOR entries: they match nothing (3.7.1.1), in QEMU 7.2 address 0 or everything above",
    "SC under MPRV: without a reservation of the hart itself it fails and does not trap",
    "medeleg bit 9: an ecall of S-mode is how a program comes back to M-mode",
    "pmpcfg lock bits but in the last programs of a boot: they last until reset",
    "pmpcfg2 with an entry switched on: entry 7 is that for all memory and comes before",
    "bits 5 and 6 of pmpcfg2: zero in vM (WARL, 3.7.1), QEMU keeps them; pmpcfg0 is put back at once",
    "more than four TOR and NA4 vPMPs: what a cached plan does is what windows.* and same.* compare",
    "stimecmp, vstimecmp, htimedelta between 2^12 and 2^44: they would expire during a run",
    "hvip.VSTIP, hip.VSTIP, mip.VSTIP set by writes: QEMU 7.2 ties it to menvcfg.STCE",
    "accesses to the monitor's memory and devices below M-mode: denied above the monitor",
    "hvip.VSEIP across steps: QEMU 7.2 clears it at writes to mip (see above)",
    "addresses from 2^56 where VS-mode exists: QEMU 7.2 calls what the PMP denies there a guest"
    " page fault",
    "msip and mtimecmp of harts that do not exist: zero in QEMU, an access fault in vM",
    "vector instructions with MPRV and on devices: not emulated; fault-only-first loads: how far"
    " they come is for the implementation to choose (Vector 7.7)",
    "mhpmevent for cycles and instructions (1, 2): when such a counter overflows, QEMU 7.2 sets"
    " mip.LCOFIP though Sscofpmf is absent (seen: seed 4, program 12112)",
    "misaligned CLINT accesses: QEMU 7.2 reports a rounded address; mtime",
]
