# SPDX-License-Identifier: Apache-2.0
"""Counts executed instructions from outside the machine, with a plugin of QEMU. instret would not
do here: with -icount it goes on while the hart sleeps."""
import dataclasses
import os
import re
import shlex
import subprocess

from machine import ROOT, Failure, Machine

SOURCE = ROOT / "tests/bench/count_plugin.cpp"
# One instruction is one nanosecond of the guest's time, so every count is the same each time. The
# seed decides what the device tree holds as rng-seed.
DETERMINISTIC = ("-icount", "shift=0,sleep=off", "-seed", "1")


@dataclasses.dataclass
class Counts:
    """What the plugin wrote: marks in the order in which they were reached."""

    marks: list
    ranges: dict
    total: int
    measures: list  # (how often, first address of a range -> instructions), as first reached


def compiled(work, source, *options):
    """What the compiler of this machine makes of one C++ source, in the directory `work`."""
    output = work / source.stem
    if not output.exists():
        compiler = shlex.split(os.environ.get("CXX") or "c++")
        options = ["-std=c++20", "-O2", "-Wall", "-Wextra", *options]
        command = [*compiler, *options, "-o", str(output), str(source)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Failure(f"{source.name} does not build: {result.stderr}")
    return output


def built_plugin(work, source):
    return compiled(work, source, "-shared", "-fPIC")


def counted(context, judge, *, ranges=(), marks=(), measures=(), extra=(), **options):
    """Runs a machine until it powers off; `judge(machine)` looks at what it printed."""
    plan, out = context.work / "plan", context.work / "counts"
    lines = [f"range {r.start:x} {r.stop - 1:x}" for r in ranges] + [f"mark {m:x}" for m in marks]
    lines += [f"measure {first:x} {end:x}" for first, end in measures]
    plan.write_text("\n".join(lines) + "\n")
    out.unlink(missing_ok=True)
    plugin = f"{built_plugin(context.work, SOURCE)},plan={plan},out={out}"
    words = (*DETERMINISTIC, "-plugin", plugin, *map(str, extra))
    with Machine(timeout=context.timeout, echo=False, extra=words, **options) as machine:
        machine.expect_end()
        judge(machine)
    return read_counts(out, len(ranges))


def read_counts(path, how_many):
    text = path.read_text() if path.exists() else ""
    marks = re.findall(r"^mark ([0-9a-f]+) (\d+)$", text, re.MULTILINE)
    ranges = re.findall(r"^range ([0-9a-f]+) (\d+)$", text, re.MULTILINE)
    total = re.findall(r"^total (\d+)$", text, re.MULTILINE)
    if len(total) != 1 or len(ranges) != how_many or int(total[0]) == 0:
        raise Failure("QEMU's plugin counted nothing")
    return Counts(
        [(int(address, 16), int(count)) for address, count in marks],
        {int(first, 16): int(count) for first, count in ranges},
        int(total[0]),
        read_measures(text),
    )


def read_measures(text):
    measures = []
    for line in re.findall(r"^(measured \d+|part [0-9a-f]+ \d+)$", text, re.MULTILINE):
        word, *numbers = line.split()
        if word == "measured":
            measures.append((int(numbers[0]), {}))
        else:
            measures[-1][1][int(numbers[0], 16)] = int(numbers[1])
    return measures
