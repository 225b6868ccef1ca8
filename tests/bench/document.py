# SPDX-License-Identifier: Apache-2.0
"""The generated parts of docs/performance.md: all rows, one line each, one column for each
configuration; and a host with holes in its memory, a line for each number of holes. A part whose
rows were not measured stays as it is."""
import re

from hole_rows import ENTRIES, HOLES, LINUX_ENTRIES, LINUX_PARTS, ORDERS
from machine import Failure
from targets import CPUS

MARKERS = ("<!-- {}: begin -->", "<!-- {}: end -->")
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


def hole_lines(values):
    """Instructions of a load, and how many plan faults there were."""
    columns = [(order, entries) for entries in ENTRIES for order in ORDERS]
    heads = [f"{order}, {entries} entries" for order, entries in columns]
    lines = ["| holes | " + " | ".join(heads) + " |", "|--:|" + "--:|" * len(columns)]
    for holes in HOLES:
        cells = []
        for order, entries in columns:
            name = f"holes.{order}.{holes}.pmp{entries}"
            cells.append(f"{values[name].median / 1000:,.1f} ({values[name + '.faults'].median:,})")
        lines.append(f"| {holes} | " + " | ".join(cells) + " |")
    return lines


def linux_hole_lines(values):
    heads = ("entries", "without enclaves", "with 64", "more, per mille", "target", "plan faults")
    lines = ["| Linux | " + " | ".join(heads) + " |", "|---|" + "--:|" * len(heads)]
    for part in LINUX_PARTS:
        for entries in LINUX_ENTRIES:
            name = f"linux_holes.{part}.pmp{entries}"
            row, over, faults = (values[name + more] for more in ("", ".overhead", ".faults"))
            cells = [part, entries, number(row.native), number(row.median), cell(over)]
            cells += [number(over.target), number(faults.median)]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def hole_tables(rows):
    """A table for each configuration and group that was measured."""
    lines = []
    for config in dict.fromkeys(row.config for row in rows):
        values = {row.name: row for row in rows if row.config == config}
        for group, table_of in (("holes.", hole_lines), ("linux_holes.", linux_hole_lines)):
            if any(name.startswith(group) for name in values):
                lines += [f"{config}:", "", *table_of(values), ""]
    return "\n".join(lines).rstrip()


def put(text, section, command, version, tables):
    begin, end = (marker.format(section) for marker in MARKERS)
    parts = re.split(f"{begin}|{end}", text)
    if len(parts) != 3:
        raise Failure(f"there is no place for the tables of {section}")
    return f"{parts[0]}{begin}\n`{command}` on {version}:\n\n{tables}\n{end}{parts[2]}"


def write(path, rows, version):
    text = path.read_text(encoding="utf-8")
    with_holes = [row for row in rows if row.name.startswith(("holes.", "linux_holes."))]
    others = [row for row in rows if row not in with_holes]
    if others:
        text = put(text, "bench", "make bench", version, table(others))
    if with_holes:
        command = "scripts/bench --rows holes,linux-holes --document"
        versions = {row.config.rsplit(" ", 1)[1] for row in with_holes}
        command += f" --firmware {versions.pop()}" if len(versions) == 1 else ""
        text = put(text, "bench holes", command, version, hole_tables(with_holes))
    path.write_text(text, encoding="utf-8")
