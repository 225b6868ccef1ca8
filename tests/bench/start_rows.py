# SPDX-License-Identifier: Apache-2.0
"""Rows of the way from reset to the first instruction in S-mode, by phase. The phases are functions
of plinth.elf, found by their symbols; nothing is built in for this."""
import re

from counting import counted
from machine import FIRMWARES, Failure, binutil
from payload_rows import packed, payload
from rows import make_row, single

RAM, FIRMWARE, KERNEL = 0x80000000, 0x80100000, 0x80200000
# Functions by phase. Only the outermost call counts. `start_up` is what is left of the monitor's
# part without those that are CRYPTOGRAPHY.
PHASES = {
    "hashing": r"plinth::attest::(sha3_512|Sha3::(update|finish|reset))\(",
    "keys": r"plinth::attest::Identity::derive\(",
    "random": r"plinth::attest::Drbg::(seed|fill|next)\(",
    "tree": r"plinth::monitor::DeviceTree::\w+\(",
    "banner": r"plinth::monitor::print_banner\(",
}
CRYPTOGRAPHY = ("hashing", "keys", "random")
CALL = re.compile(r"^\s*([0-9a-f]+):\s+([0-9a-f]+)\s+jal\s+([0-9a-f]+)\s+<", re.MULTILINE)
SYMBOL = re.compile(r"^([0-9a-f]{16}) <(.*)>:$", re.MULTILINE)


def disassembly(context):
    return binutil("objdump", "-dC", context.plinth.with_suffix(".elf"))


def phase_entries(text):
    """Address of each function of a phase -> phase; every phase must have one."""
    entries = {}
    for phase, pattern in PHASES.items():
        found = [int(at, 16) for at, name in SYMBOL.findall(text) if re.match(pattern, name)]
        if not found:
            raise Failure(f"plinth.elf has no function of the phase {phase}")
        entries.update(dict.fromkeys(found, phase))
    return entries


def return_points(text, entries):
    """Address of each function of a phase -> where its callers go on."""
    points = {entry: set() for entry in entries}
    for at, code, target in CALL.findall(text):
        if int(target, 16) in points:
            points[int(target, 16)].add(int(at, 16) + len(code) // 2)
    return points


def phase_costs(marks, entries, points):
    """Instructions of each phase, from the marks in the order in which they were reached."""
    spent, inside, since = dict.fromkeys(PHASES, 0), None, 0
    for address, count in marks:
        if inside is None and address in entries:
            inside, since = address, count
        elif inside is not None and address in points[inside]:
            spent[entries[inside]] += count - since
            inside = address if address in entries else None
    if inside is not None:
        raise Failure(f"the call of {inside:#x} does not return to a caller that is known")
    return spent


def reached(marks, address):
    """The instructions before an address was reached for the first time."""
    for at, count in marks:
        if at == address:
            return count
    raise Failure(f"{address:#x} was never reached")


def judge(machine):
    if not re.search(r"^bench: end$", machine.output, re.MULTILINE):
        machine.fail("the payload did not come to its end")


def marks_of(context, cpu, bios, marks):
    kernel = payload(context, "bench-sbi")
    options = {"bios": bios, "kernel": kernel, "append": "plinth.bench=nothing", "cpu": cpu}
    return counted(context, judge, marks=marks, **options).marks


def start_rows(context, cpu):
    """From reset to S-mode."""
    text = disassembly(context)
    entries = phase_entries(text)
    points = return_points(text, entries)
    every = {RAM, FIRMWARE, KERNEL}.union(entries, *points.values())
    rows = []
    for version in context.firmwares:
        firmware, config = FIRMWARES[version], f"{cpu}, OpenSBI {version}"
        native = reached(marks_of(context, cpu, firmware, [KERNEL]), KERNEL)
        marks = marks_of(context, cpu, packed(context, firmware), every)
        begin, left, total = (reached(marks, at) for at in (RAM, FIRMWARE, KERNEL))
        spent = phase_costs([m for m in marks if m[1] < left], entries, points)
        cryptography = sum(spent[phase] for phase in CRYPTOGRAPHY)
        values = {
            "reset.to_s_mode": (total, native),
            "reset.monitor": (left - begin, None),
            **{f"reset.monitor.{phase}": (count, None) for phase, count in spent.items()},
            "reset.start_up": (left - begin - cryptography, None),
            "reset.firmware": (total - left, native - begin),
            "reset.beyond_native": (total - cryptography - native, None),
        }
        for name, (value, bare) in values.items():
            rows.append(make_row(name, config, single(value), bare and single(bare)))
    return rows
