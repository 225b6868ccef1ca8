# SPDX-License-Identifier: Apache-2.0
"""The generated part of docs/performance.md: all rows, one line each, one column for each
configuration."""
import re

from machine import Failure
from targets import CPUS

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
OWN = "own firmware"
FIRMWARES = ("OpenSBI 1.1", "OpenSBI 1.6")


def number(value):
    return "" if value is None else f"{value:,}"


def cell(row):
    """What was measured, and in brackets the same without the monitor."""
    if row is None:
        return ""
    text = f"**{row.median:,}**" if row.over else f"{row.median:,}"
    return text if row.native is None else f"{text} ({row.native:,})"


def find(rows, name, cpu, firmware):
    """A row that needs no stock firmware stands in the column of the first one."""
    wanted = [firmware, OWN] if firmware == FIRMWARES[0] else [firmware]
    configs = [f"{cpu}, {one}" for one in wanted]
    return next((row for row in rows if row.name == name and row.config in configs), None)


def table(rows):
    columns = [(cpu, firmware) for cpu in CPUS for firmware in FIRMWARES]
    heads = [f"`{cpu}`, {firmware}" for cpu, firmware in columns]
    lines = ["| row | target | later | " + " | ".join(heads) + " |"]
    lines.append("|---|" + "--:|" * (len(columns) + 2))
    for name in dict.fromkeys(row.name for row in rows):
        same = [row for row in rows if row.name == name]
        limits = [next((x for x in map(get, same) if x is not None), None) for get in LIMITS]
        unit = "" if same[0].unit == "instructions" else f" ({same[0].unit})"
        cells = [number(limit) for limit in limits]
        cells += [cell(find(rows, name, *column)) for column in columns]
        lines.append(f"| `{name}`{unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


LIMITS = (lambda row: row.target, lambda row: row.target7)


def write(path, rows, version):
    text = path.read_text(encoding="utf-8")
    parts = re.split(f"{BEGIN}|{END}", text)
    if len(parts) != 3:
        raise Failure(f"{path.name} has no place for the table")
    middle = f"{BEGIN}\n`make bench` on {version}:\n\n{table(rows)}\n{END}"
    path.write_text(parts[0] + middle + parts[2], encoding="utf-8")
