# SPDX-License-Identifier: Apache-2.0
"""How often whole runs of memory between holes must come into the PMP while Linux boots and works,
under the best eviction there is. Linux runs as in the rows about it (hole_rows.py), without
enclaves but with their pages taken out of its memory; a plugin of QEMU notes the runs that it uses,
and eviction.cpp replays them."""
import dataclasses
import re
import subprocess

from counting import DETERMINISTIC, built_plugin, compiled
from hole_rows import LINUX_PARTS, SHIPPED_ENCLAVES, judge, linux_with_holes
from machine import ROOT, Failure, Machine
from targets import TARGET_CPU, targets

PLUGIN = ROOT / "tests/bench/run_trace_plugin.cpp"
EVICTION = ROOT / "tests/bench/eviction.cpp"
POLICIES = ("best", "lru", "fifo")
FIRMWARE = "1.1"
PAGE, MILLION = 4096, 1_000_000
UPPER_HALF, SIZE, TOP_KEPT = 0x90000000, 256 << 20, 4 << 20
WORDS = 1 << 64


@dataclasses.dataclass
class Part:
    """`misses` by (policy, entries); `distinct` runs in each million of instructions."""

    instructions: int
    misses: dict
    distinct: list


def hole_addresses(count=SHIPPED_ENCLAVES):
    """As payloads/holes and hole_address of payloads/lib compute them."""
    part = (SIZE - TOP_KEPT) // PAGE // count
    mixed = [index * 0x9E3779B97F4A7C15 % WORDS for index in range(1, count + 1)]
    offsets = [(value ^ value >> 32) % part for value in mixed]
    return [UPPER_HALF + (i * part + offset) * PAGE for i, offset in enumerate(offsets)]


def replayed(work, trace, entries):
    """(misses, distinct runs) of a trace."""
    command = [compiled(work, EVICTION), trace, *map(str, entries)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"the trace {trace} cannot be replayed: status {result.returncode}")
    found = re.findall(r"^([a-z]+) (\d+) (\d+)$", result.stdout, re.MULTILINE)
    misses = {(policy, int(room)): int(count) for policy, room, count in found}
    return misses, [int(n) for n in re.findall(r"^distinct (\d+)$", result.stdout, re.MULTILINE)]


def traced(context, part, entries):
    """The run of a machine until it powers off. If the holes were elsewhere than this believes,
    Linux would use what are holes here."""
    holes, trace, counts = (context.work / name for name in ("holes", "trace", "run-counts"))
    holes.write_text("".join(f"{hole:x}\n" for hole in hole_addresses()))
    options = linux_with_holes(context, FIRMWARE, 0, part)
    plugin = f"{built_plugin(context.work, PLUGIN)},holes={holes},trace={trace},counts={counts}"
    words = (*DETERMINISTIC, "-plugin", plugin, *map(str, options.pop("extra")))
    with Machine(
        timeout=context.timeout, echo=False, extra=words, cpu=TARGET_CPU, **options
    ) as machine:
        machine.expect_end()
        judge(machine, 0, part)
    seen = re.fullmatch(r"total (\d+)\nholes (\d+)\n", counts.read_text())
    if not seen or int(seen[2]) != 0:
        raise Failure(f"Linux uses holes, or nothing was counted: {counts.read_text()!r}")
    return Part(int(seen[1]), *replayed(context.work, trace, entries))


def parts_of(booted, worked):
    """The work is what is more than the boot."""
    misses = {key: count - booted.misses[key] for key, count in worked.misses.items()}
    distinct = worked.distinct[booted.instructions // MILLION :]
    work = Part(worked.instructions - booted.instructions, misses, distinct)
    return dict(zip(LINUX_PARTS, (booted, work)))


def bounds(context, entries):
    return parts_of(*(traced(context, part, entries) for part in LINUX_PARTS))


def line(name, part, entries):
    """Of the table: misses, the target, and the most that a miss may cost with the best eviction."""
    permille, _ = targets(f"linux_holes.{name}.pmp{entries}.overhead", f"{TARGET_CPU}, OpenSBI 1.1")
    misses = [part.misses[policy, entries] for policy in POLICIES]
    target, affordable = "–", "–"
    if permille is not None:
        target = f"{permille}"
        affordable = f"{part.instructions * permille // 1000 // misses[0]:,}"
    cells = [name, entries, *(f"{count:,}" for count in misses), f"{part.instructions:,}"]
    return [*map(str, cells), target, affordable]


def show(parts, entries):
    heads = ["part", "entries", *POLICIES, "instructions", "target, per mille", "per miss, at most"]
    lines = [heads, *(line(name, parts[name], e) for name in LINUX_PARTS for e in entries)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    for cells in lines:
        print("  ".join(cell.rjust(width) for cell, width in zip(cells, widths)))
    for name, part in parts.items():
        mean = sum(part.distinct) / len(part.distinct)
        print(f"{name}: {mean:.1f} distinct runs in a million of instructions")
