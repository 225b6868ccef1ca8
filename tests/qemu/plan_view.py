#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The effective plans that the monitor tells the host (payloads/plan-view), all of them, line by
line, before and after three enclaves are created.

  plan_view.py --build DIR [--variant NAME] [--firmware 1.1|1.6] [--smp N] [--timeout SECONDS]

What they must be is computed here: from the regions that OpenSBI says it has programmed into its
PMP, one entry each, of which the first that matches decides; from the addresses of the machine's
devices that no world may touch; and from where the payload puts its enclaves. --variant takes
variants/NAME/plinth.bin of the build tree."""
import difflib
import pathlib
import re
import tempfile

import opensbi_race
from machine import FIRMWARES, Failure, Machine, Silence, command_line, pack, run_main

KIB, MIB = 1 << 10, 1 << 20
RAM, MEMORY_MIB = 0x80000000, 256
END = 1 << 56  # of physical addresses
# CLINT, test finisher, fw_cfg; the monitor's MiB.
DEVICES = ((0x02000000, 64 * KIB), (0x00100000, 4 * KIB), (0x10100000, 4 * KIB))
MONITOR = (RAM, MIB)
HALF = RAM + MEMORY_MIB * MIB // 2
ENCLAVES = (
    (HALF, 64 * KIB),
    (HALF + 16 * MIB, 4 * KIB),
    (HALF + 16 * MIB + 8 * KIB, 12 * KIB),
)
NONE, ALL = "", "rwx"
REGION = re.compile(
    r"^Domain0 Region(\d\d) +: 0x([0-9a-f]{16})-0x([0-9a-f]{16}) "
    r"(?:M: \([A-Z,]*\) S/U: )?\(([A-Z,]*)\)$",
    re.MULTILINE,
)


def parse():
    parser = command_line(__doc__, 55)
    parser.add_argument("--variant")
    parser.add_argument("--firmware", choices=sorted(FIRMWARES), default="1.6")
    parser.add_argument("--smp", type=int, default=1)
    return parser.parse_args()


def regions(log):
    """(base, end, rights) for S-mode and U-mode as OpenSBI prints them, in the order of its PMP."""
    found = REGION.findall(log)
    announced = len(re.findall(r"^Domain0 Region", log, re.MULTILINE))
    numbers = [int(number) for number, *_ in found]
    if numbers != list(range(announced)) or announced < 3:
        raise Failure(f"of {announced} regions these are understood: {found}")
    if any("M" in letters for *_, letters in found):
        raise Failure("OpenSBI has locked a region: then it binds the firmware, too")
    return [
        (int(first, 16), min(int(last, 16) + 1, END), "".join(letters.lower().split(",")))
        for _, first, last, letters in found
    ]


def denied(enclaves):
    return [(base, base + size, NONE) for base, size in (*DEVICES, MONITOR, *enclaves)]


def effective(rules):
    """Runs [base, end) with the rights of the first rule that matches, equal neighbours merged."""
    edges = {0, END}
    for base, end, _ in rules:
        edges |= {base, end}
    edges, runs = sorted(edges), []
    for base, end in zip(edges, edges[1:]):
        rights = next((r for first, behind, r in rules if first <= base < behind), NONE)
        if runs and runs[-1][2] == rights:
            base = runs.pop()[0]
        runs.append((base, end, rights))
    return runs


def size_text(size):
    """In the largest unit that it reaches, rounded down to tenths."""
    unit = max(power for power in range(5) if power == 0 or size >= 1 << 10 * power)
    whole, rest = divmod(size * 10 >> 10 * unit, 10)
    return f"{f'{whole}.{rest}':>7} {('B', 'KiB', 'MiB', 'GiB', 'TiB')[unit]:<3}"


def table(title, rules):
    lines = [f"plan-view: {title}"]
    for base, end, rights in effective(rules):
        letters = "".join(letter if letter in rights else "-" for letter in "rwx")
        lines.append(f"  0x{base:016x}-0x{end - 1:016x} {size_text(end - base)}  {letters}")
    return lines


def expected(host, smp):
    """All that the payload prints."""
    lines = []
    for enclaves in ((), ENCLAVES):
        for base, size in enclaves:
            lines.append(f"plan-view: enclave in {base:#x} size {size:#x}")
        for hart in range(smp):
            lines += table(f"hart {hart}, firmware", [*denied(enclaves), (0, END, ALL)])
            lines += table(f"hart {hart}, host", [*denied(enclaves), *host])
    return [*lines, "plan-view: done"]


def judge(machine, smp):
    machine.expect(r"^Domain0 Next Mode +: S-mode$")
    machine.expect(r"^plan-view: hart 0, firmware$")
    log = machine.output[: machine.position]
    machine.expect_end(opensbi_race.PAYLOAD_LINE, r"^plan-view: FAIL")
    start = machine.output.index("plan-view: ")
    printed = machine.output[start:].splitlines()
    wanted = expected(regions(log), smp)
    if printed != wanted:
        raise Failure("\n".join(difflib.unified_diff(wanted, printed, "expected", "printed")))
    print(f"{len(wanted)} lines are as they should be")


def run(arguments, work):
    directory = arguments.build
    if arguments.variant:
        directory = directory / "variants" / arguments.variant
    image = pack(directory / "plinth.bin", FIRMWARES[arguments.firmware], work / "image.bin")
    machine = Machine(
        bios=image,
        kernel=arguments.build / "payloads/plan-view.bin",
        smp=arguments.smp,
        memory=f"{MEMORY_MIB}M",
        timeout=arguments.timeout,
    )
    with machine:
        try:
            judge(machine, arguments.smp)
        except Silence:
            if opensbi_race.possible(arguments.firmware, arguments.smp):
                opensbi_race.check_payload(machine)
            raise


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        opensbi_race.past_race(lambda: run(arguments, pathlib.Path(work)))


run_main(main)
