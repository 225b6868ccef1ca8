# SPDX-License-Identifier: Apache-2.0
"""Rows of the benchmark: what was measured, as table and as JSON."""
import dataclasses
import json
import re

from machine import Failure
from targets import OPEN, targets

PRINTED = re.compile(r"^bench: row (\S+) n (\d+) min (\d+) median (\d+) max (\d+)$", re.MULTILINE)


@dataclasses.dataclass
class Row:
    """One measured thing. `native` is the median of the same without the monitor."""

    name: str
    config: str
    n: int
    min: int
    median: int
    max: int
    unit: str
    target: int | None
    target7: int | None
    native: int | None

    @property
    def over(self):
        return self.target is not None and self.median > self.target

    @property
    def over7(self):
        return self.target7 is not None and self.median > self.target7


def make_row(name, config, sample, native, unit="instructions"):
    """`sample` and `native` are (n, min, median, max); native may be None."""
    target, target7 = targets(name, config)
    middle = native[2] if native else None
    return Row(name, config, *sample, unit, target, target7, middle)


def single(value):
    """A sample of one."""
    return (1, value, value, value)


def printed_rows(text):
    """name -> (n, min, median, max) of what a payload printed; it must have come to its end."""
    failed = re.search(r"^bench: FAIL .*$", text, re.MULTILINE)
    if failed:
        raise Failure(f"a wrong result: {failed.group()}")
    if not re.search(r"^bench: end$", text, re.MULTILINE):
        raise Failure("the payload did not come to its end")
    found = {name: tuple(map(int, numbers)) for name, *numbers in PRINTED.findall(text)}
    if not found:
        raise Failure("the payload printed no row")
    return found


def pair_rows(config, plinth, native):
    """Rows from what the same payload measured above the monitor and without it."""
    if plinth.keys() != native.keys():
        raise Failure(f"rows on one side only: {sorted(plinth.keys() ^ native.keys())}")
    return [make_row(name, config, plinth[name], native[name]) for name in plinth]


def write_json(rows, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([dataclasses.asdict(row) for row in rows], indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def number(value):
    return "–" if value is None else f"{value:,}"


def mark(row):
    if row.over:
        return "OVER"
    return "open7" if row.over7 else ""


def print_table(rows):
    """One table for each configuration."""
    layout = "{:<34}{:>6}{:>14}{:>14}{:>14}{:>12}{:>12}{:>14}  {}"
    for config in dict.fromkeys(row.config for row in rows):
        print(f"\n{config}")
        print(
            layout.format(
                "row", "n", "min", "median", "max", "target", "target7", "native", ""
            ).rstrip()
        )
        for row in (row for row in rows if row.config == config):
            values = (row.n, row.min, row.median, row.max, row.target, row.target7, row.native)
            print(layout.format(row.name, *map(number, values), mark(row)).rstrip())


def summary(rows):
    """How many targets are met, and the open ones by name."""
    for what, limit, over in (
        ("target", lambda row: row.target, lambda row: row.over),
        ("target7", lambda row: row.target7, lambda row: row.over7),
    ):
        bound = [row for row in rows if limit(row) is not None]
        missed = [row for row in bound if over(row)]
        if bound:
            print(f"{what}: {len(bound) - len(missed)} of {len(bound)} met", end="")
            print("; open: " + ", ".join(row.name for row in missed) if missed else "")


def check_ratchet(rows, still_open=OPEN):
    """Targets that were met stay met, and those listed as open are open."""
    problems = []
    for row in rows:
        if row.target is None:
            continue
        if row.over and row.name not in still_open:
            problems.append(f"{row.name} takes {row.median:,}, target {row.target:,}")
        if not row.over and row.name in still_open:
            problems.append(f"{row.name} meets its target: take it out of OPEN in targets.py")
    if problems:
        raise Failure("; ".join(problems))
