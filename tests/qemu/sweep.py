#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A firmware that tries everything of a kind (payloads/sweep), judged twice: above the monitor it
must find what the reference models say (tests/reference, through sweep_expected.cpp), and the bare
machine must find the same but for the reviewed differences (differ_allowed.py).

  sweep.py --build DIR --what csrs|mstatus [--cpu rv64,...] [--timeout SECONDS]

  csrs     4,096 CSR numbers, six instructions, operand x0 (0) or a register that holds 1 (1), in M,
           S and U-mode, FP and vector registers also with FS and VS off: does it execute, with the
           right destination, or is it illegal, with the right mtval?
  mstatus  every combination of its fields is written: what is read back? The bare machine is asked
           only with H and V: without, QEMU 7.2 stores fields that belong to them"""
import concurrent.futures
import os
import pathlib
import re
import shlex
import struct
import subprocess
import tempfile

import differ_allowed
from machine import BANNER_END, ROOT, Failure, Machine, command_line, loader, pack, run_main

PARAMETERS, MAGIC = 0x81000000, 0x7065657773
STCE_NEEDS = {"sstc", "priv-1.12"}
CASES = {"on": 4096 * 12, "off": (256 + 16) * 12}
MODES = ("M on", "M off", "S on", "S off", "U on", "U off")

SIE, MIE, SPIE, UBE, MPIE, SPP = (1 << n for n in (1, 3, 5, 6, 7, 8))
VS, MPP, FS, XS = (3 << n for n in (9, 11, 13, 15))
MPRV, SUM, MXR, TVM, TW, TSR = (1 << n for n in range(17, 23))
UXL, SXL = 3 << 32, 3 << 34
SBE, MBE, GVA, MPV, SD = (1 << n for n in (36, 37, 38, 39, 63))
HOLD = SIE | MIE | SPIE | MPIE | SPP | VS | FS | MPRV | MPP | SUM | MXR | TVM | TW | TSR | GVA | MPV
FIXED = UBE | XS | SBE | MBE | SXL | UXL | SD
# (all combinations of these, of which these have hashes of their own)
SETS = ((HOLD, MPRV | MPP), (FIXED | MPP | FS | VS, MPP | UXL))


def parse():
    parser = command_line(__doc__, 60)
    parser.add_argument("--what", choices=("csrs", "mstatus"), required=True)
    parser.add_argument("--cpu", default="rv64")
    return parser.parse_args()


def expected_lines(arguments, work):
    """What the reference models say."""
    program = work / "expected"
    source = ROOT / "tests/qemu/sweep_expected.cpp"
    compiler = shlex.split(os.environ.get("CXX") or "c++")
    options = ["-std=c++20", "-O1", "-Wall", "-Wextra", f"-I{ROOT / 'tests'}"]
    build = [*compiler, *options, "-o", str(program), str(source)]
    result = subprocess.run(build, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"{source.name} does not build: {result.stderr}")
    sets = [f"{bits:x}:{outer:x}" for bits, outer in SETS] if arguments.what == "mstatus" else []
    command = [str(program), arguments.what, *sets]
    command += sorted(differ_allowed.extensions(arguments.cpu))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def run(arguments, work, virtual):
    extensions = differ_allowed.extensions(arguments.cpu)
    words = [MAGIC, arguments.what == "mstatus", STCE_NEEDS <= extensions]
    for pair in SETS:
        words += pair
    parameters = work / f"parameters-{virtual}"
    parameters.write_bytes(struct.pack("<7Q", *words))
    image = firmware = arguments.build / "payloads/sweep.bin"
    if virtual:
        image = pack(arguments.build / "plinth.bin", firmware, work / "image.bin")
    with Machine(
        bios=image,
        cpu=arguments.cpu,
        timeout=arguments.timeout,
        extra=loader(parameters, PARAMETERS),
        echo=False,
    ) as machine:
        machine.expect_end()
        lines = machine.output.splitlines()
    if virtual != (BANNER_END in lines):
        raise Failure("the monitor's banner is missing, or it is on the bare machine")
    if lines[-1] != "sweep: end":
        raise Failure(f"the sweep ended with {lines[-1]!r}")
    return lines[lines.index("sweep: start") + 1 : -1]


def first_differences(what, left, right, sides):
    """Fails with the first few lines that only one side has."""
    only = [f"{sides[0]}: {line}" for line in left if line not in set(right)]
    only += [f"{sides[1]}: {line}" for line in right if line not in set(left)]
    if only:
        raise Failure(f"{what}: {len(only)} lines differ:\n" + "\n".join(only[:20]))
    print(f"{what}: {len(left)} lines are the same")


def table(lines):
    """(mode, number) -> outcomes; that every mode was swept to its end is checked."""
    for mode in MODES:
        if f"sweep: {mode} {CASES[mode[2:]]} cases, traps" not in lines:
            raise Failure(f"{mode} was not swept")
    matches = [re.fullmatch(r"([MSU] \w+) (0x[0-9a-f]+) ([.x]{12})", line) for line in lines]
    bad = [n for n, match in zip(lines, matches) if not match and not n.startswith("sweep: ")]
    if bad:
        raise Failure("\n".join(["wrong trap or wrong destination:", *bad[:20]]))
    return {(m[1], int(m[2], 16)): m[3] for m in matches if m}


def as_lines(cells):
    return [f"{mode} {number:#x} {text}" for (mode, number), text in sorted(cells.items())]


def check_csrs(arguments, expected, bare, virtual):
    bare, virtual = table(bare), table(virtual)
    wanted = {}
    for line in expected:
        mode, number, text = line.rsplit(" ", 2)
        wanted[mode, int(number, 16)] = text
    sides = ("reference", "virtual")
    first_differences("specification", as_lines(wanted), as_lines(virtual), sides)
    entries = [e for e in differ_allowed.LEGALITY if differ_allowed.applies(e, arguments.cpu)]
    for entry in entries:
        numbers = range(entry.first, entry.last + 1)
        keys = {key for cells in (bare, virtual) for key in cells if key[1] in numbers}
        if all(bare.get(key) == virtual.get(key) for key in keys):
            raise Failure(f"the allowed difference {entry.name!r} never showed")
        for cells in (bare, virtual):
            for key in keys:
                cells.pop(key, None)
    first_differences("bare machine", as_lines(bare), as_lines(virtual), ("bare", "virtual"))


def comparable(line):
    """Whether QEMU 7.2 follows the specification there: differ_allowed.WRITES says MPP = 2, UXL."""
    outer = int(line.split()[2], 16)
    return outer & MPP != 2 << 11 and outer & UXL in (0, 2 << 32)


def check_mstatus(expected, bare, virtual):
    first_differences("specification", expected, virtual, ("reference", "virtual"))
    virtual = [line for line in virtual if comparable(line)]
    for side in bare:
        left = [line for line in side if comparable(line)]
        first_differences("bare machine", left, virtual, ("bare", "virtual"))


def main():
    arguments = parse()
    with_bare = arguments.what == "csrs" or {"h", "v"} <= differ_allowed.extensions(arguments.cpu)
    with tempfile.TemporaryDirectory(prefix="plinth-") as directory:
        work = pathlib.Path(directory)
        expected = expected_lines(arguments, work)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(run, arguments, work, True)]
            runs += [pool.submit(run, arguments, work, False)] if with_bare else []
            virtual, *bare = (side.result() for side in runs)
    if not expected:
        raise Failure("the reference expects nothing")
    if arguments.what == "csrs":
        check_csrs(arguments, expected, *bare, virtual)
    else:
        check_mstatus(expected, bare, virtual)


run_main(main)
