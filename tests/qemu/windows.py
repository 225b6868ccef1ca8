#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host whose memory lies in many windows, each page alone between two enclaves
(payloads/windows): every line that it prints is compared with the table here.

  windows.py --build DIR --case table|race|faults|entries [--entries 16|8|6] [--variant NAME] [--sees]
             [--firmware 1.1|1.6] [--smp N] [--cpu rv64,...] [--timeout SECONDS]

table   All accesses from one hart. How many entries of page tables end in which fault is taken from
        the same program on the bare machine. (QEMU executes an AMO as a load and a store when there
        is one hart, and then names the faults of a load: take two.)
race    The other harts load from every page while one creates and destroys enclaves.
faults  How often the monitor was asked for a window, instruction by instruction, counted from
        outside; at most MOST_FAULTS.
entries The PMP that the hart has at each entry to a lower world, read from outside while page tables
        lie one per window, judged by shadow.py's decoder (D4).

--variant takes variants/NAME of the build tree. With --sees it is one without protection: every line
about what is denied must then say that something is wrong."""
import pathlib
import re
import sys
import tempfile
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[1:1] = [str(ROOT / "tests/bench")]

import opensbi_race  # noqa: E402
import shadow  # noqa: E402
from counting import counted  # noqa: E402
from machine import (  # noqa: E402
    FIRMWARES,
    Failure,
    Machine,
    Silence,
    binutil,
    command_line,
    function_address,
    pack,
    run_main,
)

LEVELS = {"sv39": 3, "sv48": 4, "sv57": 5}
MOST_FAULTS = {16: 4, 8: 10, 6: 10}
ACCESSES, FULL_LENGTH, ENTRIES, OWNERS = 49, 38, 23, 4
LINKS, PAGE, ARENA, MIB = 40, 0x1000, 0x80800000, 1 << 20
HOLES, FOLLOWED = 62, 250
DENIED = re.compile(r" (?:denied|edges|superpage|as they were): \d+ cases, (\d+) wrong$")
OPEN = re.compile(rf"{DENIED.pattern}|^guest ends: ")


def parse():
    parser = command_line(__doc__, 60)
    parser.add_argument("--case", choices=("table", "race", "faults", "entries"), required=True)
    parser.add_argument("--entries", type=int, default=16)
    parser.add_argument("--variant")
    parser.add_argument("--sees", action="store_true")
    parser.add_argument("--firmware", choices=sorted(FIRMWARES), default="1.6")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--cpu", default="rv64")
    return parser.parse_args()


def built(arguments):
    directory = arguments.build
    return directory / "variants" / arguments.variant if arguments.variant else directory


def options(arguments, bios, append):
    return {
        "bios": bios,
        "kernel": arguments.build / "payloads/windows.bin",
        "append": f"windows.entries={arguments.entries} {append}".rstrip(),
        "smp": arguments.smp,
        "cpu": arguments.cpu,
    }


def lines_of(machine):
    return re.findall(r"(?:^|(?<=\w))windows: (.*)$", machine.output, re.MULTILINE)


def boot(arguments, bios, append=""):
    """The payload's lines, without "windows: "."""
    with Machine(**options(arguments, bios, append), timeout=arguments.timeout) as machine:
        try:
            machine.expect_end()
        except Silence:
            if opensbi_race.possible(arguments.firmware, arguments.smp):
                opensbi_race.check_payload(machine)
            raise
        return lines_of(machine)


def cases(name, number):
    return f"{name}: {number} cases, 0 wrong"


def mode_table(mode, arguments, ends):
    levels = LEVELS[mode]
    loops = 2 * levels + 1 > arguments.entries  # of LR and SC, where they cannot succeed
    for who in "SU":
        yield cases(f"{mode} {who} accesses", 208 if loops else 212)
        if loops:
            yield cases(f"{mode} {who} loops that cannot be", 4)
    yield from (cases(f"{mode} {who} jumps", 10) for who in "SU")
    for part in range(levels):
        fits = levels + part + 2 <= arguments.entries
        refused = 0 if fits and not loops else 2 if fits else FULL_LENGTH
        yield cases(f"{mode} split fetches", FULL_LENGTH - refused)
        if refused:
            yield cases(f"{mode} split fetches that cannot be", refused)
    yield cases(f"{mode} entries", levels * ENTRIES * 4 * 4)
    yield ends[mode]
    for who in "SU":
        yield cases(f"{mode} {who} denied", OWNERS * levels * (ACCESSES + 1))
        yield cases(f"{mode} {who} edges", 458)
    yield cases(f"{mode} S superpage", 10 * ACCESSES * 2)
    if "v=true" in arguments.cpu and levels + 2 > arguments.entries:
        yield cases(f"{mode} S vectors that cannot be", 4)
    elif "v=true" in arguments.cpu:
        yield cases(f"{mode} S vectors", 20)
        yield cases(f"{mode} S vectors denied", 2)


def guest_table(arguments, ends):
    if "h=off" in arguments.cpu or arguments.cpu.startswith("sifive"):
        yield "no guest"
        return
    by_pages = arguments.entries >= 7
    for windows in (6, 7, 8, 9) if by_pages else (6, 7):
        loops = 2 if windows > arguments.entries else 0
        yield cases(f"guest of {windows} windows: accesses", ACCESSES - loops)
        if loops:
            yield cases(f"guest of {windows} windows: loops that cannot be", loops)
    yield cases("guest hypervisor accesses", 120 if by_pages else 60)
    tries = ACCESSES + 1
    yield cases("guest page faults", (3 if by_pages else 2) * tries)
    yield cases("guest denied", (6 if by_pages else 4) * tries + 10)
    yield ends["guest"]


def table(arguments, ends):
    yield "64 enclaves"
    yield from (cases(f"bare {who} accesses", 2 * ACCESSES) for who in "SU")
    yield from (cases(f"bare {who} jumps", 10) for who in "SU")
    yield from (cases(f"bare {who} denied", OWNERS * (ACCESSES + 1) + 458) for who in "SU")
    for mode in LEVELS:
        yield from mode_table(mode, arguments, ends)
    yield from guest_table(arguments, ends)
    yield cases("EPMs as they were", 64)
    yield "PASS"


def compare(expected, seen):
    wrong = [line for line in seen if line not in expected]
    missing = [line for line in expected if line not in seen]
    if expected != seen:
        text = "\n  ".join(wrong + [f"not seen: {line}" for line in missing] or ["another order"])
        raise Failure(f"not the table:\n  {text}")


def check_table(arguments, bios, work):
    del work
    bare = boot(arguments, FIRMWARES[arguments.firmware])
    ends = {line.split()[0]: line for line in bare if " ends: " in line}
    if bare[-1] != "PASS" or not set(LEVELS) <= set(ends) or " A 0" in "".join(ends.values()):
        raise Failure("the bare machine does not pass")
    expected = list(table(arguments, ends))
    seen = boot(arguments, bios)
    if not arguments.sees:
        return compare(expected, seen)
    seen = [line for line in seen if not line.startswith("wrong ")]
    blind = [line for line in seen if (m := DENIED.search(line)) and m[1] == "0"]
    if blind or len(seen) != len(expected):
        raise Failure(f"what is open is not seen: {blind}")
    expected, seen = (
        [line for line in lines if not OPEN.search(line)] for lines in (expected, seen)
    )
    return compare(expected[:-1] + ["FAIL"], seen)


def check_race(arguments, bios, work):
    del work
    lines = boot(arguments, bios, "windows.race=1")
    sweep = r"(\d+) sweeps, (\d+) pages, (\d+) denied; (\d+) spurious, (\d+) strange, (\d+) open"
    sweeps = [list(map(int, m.groups())) for line in lines if (m := re.fullmatch(sweep, line))]
    if len(sweeps) != arguments.smp - 1 or cases("race changes", 400) not in lines:
        raise Failure("harts or changes are missing")
    for number, _, denied, *bad in sweeps:
        if arguments.sees:
            if denied or not bad[1]:
                raise Failure("the canary is not seen")
        elif number < 10 or not denied or any(bad):
            raise Failure(f"{number} sweeps, {denied} denied, {bad}")
    if lines[-1] != ("FAIL" if arguments.sees else "PASS"):
        raise Failure(f"the last line is {lines[-1]}")


def marks(arguments):
    """Where code of the tests can lie: at virtual addresses and in the windows themselves."""
    places = [ARENA + PAGE + 2 * PAGE * link for link in range(LINKS)]
    for levels in LEVELS.values():
        root = PAGE << 9 * (levels - 1)
        places += [32 * root + PAGE * link for link in range(LINKS)]
        places += [48 * root + (PAGE << 9 * part) - 2 for part in range(levels - 1)]
        places += [49 * root - 2, 16 * root + 32, 32 * root + PAGE, 32 * root + 512 * PAGE]
    ends = binutil("nm", arguments.build / "payloads/windows.elf")
    trapped = int(re.search(r"^([0-9a-f]+) t s_trapped$", ends, re.MULTILINE)[1], 16)
    code = binutil("objdump", "-d", arguments.build / "payloads/windows.elf")
    starts = [int(at, 16) for at in re.findall(r"^ *([0-9a-f]+):.*\bsret\b", code, re.MULTILINE)]
    if len(starts) != 2:
        raise Failure(f"the payload has {len(starts)} sret, expected 2")
    return {place + i for place in places for i in range(0, 48, 2)}, {trapped, *starts}


def most_faults(events, fault, tried):
    """The most faults of one instruction, and how many instructions had any. Those before it is
    tried (again) are its own; one behind that was not tried again may have been made for it."""
    most, some, mine, since, last = 0, 0, 0, 0, None
    for address, _ in events:
        if address == fault:
            since += 1
            continue
        if address != last:
            mine += since > 0 and last in tried
            most, some = max(most, mine), some + (mine > 0)
            mine = 0
        mine += since if address in tried else 0
        since, last = 0, address
    return most, some


def check_faults(arguments, bios, work):
    fault = function_address(built(arguments), "plinth::monitor::plan_fault")
    tried, others = marks(arguments)
    context = types.SimpleNamespace(work=work, timeout=arguments.timeout)
    result = counted(
        context,
        lambda machine: print("\n".join(lines_of(machine))),
        marks=(fault, *tried, *others),
        **options(arguments, bios, ""),
    )
    most, some = most_faults(result.marks, fault, tried)
    print(f"{some} instructions in windows had plan faults, one of them {most}")
    if some < 1000:
        raise Failure("too few instructions had any")
    if most > MOST_FAULTS[arguments.entries]:
        raise Failure(f"one instruction had {most} plan faults")


class HoleShadow(shadow.Shadow):
    """Judges entries while there are enclaves and none of them runs."""

    def __init__(self, debugger):
        super().__init__(debugger, (0, 0), (0, 0))
        self.opened = set()

    def judge(self, cfg, ranges, mpp, pc):
        super().judge(cfg, ranges, mpp, pc)
        for hole in (ARENA + 2 * PAGE * index for index in range(HOLES)):
            if shadow.reachable(ranges, (hole, hole + PAGE)):
                raise Failure(f"entry to {pc:#x}: the enclave at {hole:#x} is open")
        for window in (ARENA + 2 * PAGE * index + PAGE for index in range(HOLES - 1)):
            if shadow.reachable(ranges, (window, window + PAGE)):
                self.opened.add(window)


def check_entries(arguments, bios, work):
    del work
    machine = Machine(**options(arguments, bios, ""), timeout=arguments.timeout)
    debugger = shadow.Stepper(machine)
    with machine:
        machine.expect(r"windows: sv39 S accesses: ")  # U accesses and jumps come next
        debugger.attach()
        judge = HoleShadow(debugger)
        marks_of_entries = shadow.entry_instructions(built(arguments))
        shadow.follow(debugger, judge, marks_of_entries, FOLLOWED)
        debugger.close()
    print(f"{dict(judge.worlds)} entries, {len(judge.images)} different contents of the PMP,")
    print(f"{len(judge.opened)} windows among them")
    if judge.worlds["host"] < FOLLOWED // 2 or len(judge.images) < 20 or len(judge.opened) < 10:
        raise Failure("too little was seen")


def main():
    arguments = parse()
    checks = {"table": check_table, "race": check_race, "faults": check_faults}
    check = (checks | {"entries": check_entries})[arguments.case]
    with tempfile.TemporaryDirectory(prefix="plinth-") as name:
        work = pathlib.Path(name)
        firmware = FIRMWARES[arguments.firmware]
        bios = pack(built(arguments) / "plinth.bin", firmware, work / "image.bin")
        opensbi_race.past_race(lambda: check(arguments, bios, work))


if __name__ == "__main__":
    run_main(main)
