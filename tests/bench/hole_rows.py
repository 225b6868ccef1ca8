# SPDX-License-Identifier: Apache-2.0
"""Rows of a host whose memory has holes (enclaves of one page) and whose plan may not fit the PMP:
plan faults, and what they cost, by the number of holes and the number of PMP entries that the
monitor uses. Each number of entries is an image of its own."""
import dataclasses
import hashlib
import re

from anatomy import places
from counting import counted
from linux_rows import LINUX, make_initramfs
from machine import FIRMWARES, ROOT, Failure, function_address, loader
from payload_rows import packed, payload
from rows import make_row, printed_rows, single
from targets import TARGET_CPU

ENTRIES = (16, 8, 6)
SHIPPED_ENCLAVES, MANY = 64, 200
HOLES = (0, 1, 8, SHIPPED_ENCLAVES, MANY)
ORDERS = ("sweep", "random")
PLAN_FAULT = "plinth::monitor::plan_fault"
ACCESSES, FAULTS, PERMILLE = "instructions/1000 loads", "plan faults", "per mille"
INIT = ROOT / "tests/bench/holes.init"
KERNEL = 0x80200000
LINUX_ENTRIES = (16, 8)
LINUX_PARTS = ("boot", "work")
ROUNDS = 40  # of user space's work
# Without these kernel threads test ciphers for as long as the boot takes: then it is no comparison.
NO_TESTS = "cryptomgr.notests"


def with_image(context, entries, enclaves):
    """The context with another monitor, and the place that each plan fault passes once."""
    plinth = context.image(entries, enclaves)
    at = function_address(plinth.parent, PLAN_FAULT)
    return dataclasses.replace(context, plinth=plinth), range(at, at + 1)


def sweep(context, cpu, version, holes, entries):
    """(order -> instructions per 1000 loads, order -> plan faults)."""
    limited, fault = with_image(context, entries, MANY if holes == MANY else SHIPPED_ENCLAVES)
    program, outputs = payload(context, "bench-holes"), []
    counts = counted(
        limited,
        lambda machine: outputs.append(machine.output),
        ranges=(fault,),
        measures=places(program.with_suffix(".elf"), 0),
        bios=packed(limited, FIRMWARES[version]),
        kernel=program,
        append=f"plinth.holes={holes}",
        memory="512M",
        cpu=cpu,
    )
    samples = printed_rows(outputs[0])
    loads = int(re.search(r"^bench: accesses (\d+)$", outputs[0], re.MULTILINE).group(1))
    if len(counts.measures) != len(ORDERS) or any(times != 1 for times, _ in counts.measures):
        raise Failure(f"the plugin saw {counts.measures}, not each order once")
    costs, faults = {}, {}
    for order, (_, parts) in zip(ORDERS, counts.measures):
        costs[order] = samples[f"holes.{order}"][2] * 1000 // loads
        faults[order] = parts.get(fault.start, 0)
    return costs, faults


def hole_rows(context, cpu):
    """Loads of a host, page after page and at random."""
    rows = []
    for version in context.firmwares if cpu == TARGET_CPU else ():
        config = f"{cpu}, OpenSBI {version}"
        for entries in ENTRIES:
            for holes in HOLES:
                costs, faults = sweep(context, cpu, version, holes, entries)
                for order in ORDERS:
                    name = f"holes.{order}.{holes}.pmp{entries}"
                    rows.append(make_row(name, config, single(costs[order]), None, ACCESSES))
                    name += ".faults"
                    rows.append(make_row(name, config, single(faults[order]), None, FAULTS))
    return rows


def marker():
    """What user space computes."""
    value = "plinth"
    for _ in range(ROUNDS):
        value = hashlib.sha256(value.encode()).hexdigest()
    return value


def judge(machine, enclaves, part):
    found = re.findall(r"^linux: work (\w*)$", machine.output, re.MULTILINE)
    if found != ([marker()] if part == "work" else []):
        machine.fail(f"a wrong result: {found}, user space should have computed {marker()}")
    for line in (f"holes: {enclaves} enclaves, {SHIPPED_ENCLAVES} pages less", "linux: end"):
        if not re.search(rf"^{line}$", machine.output, re.MULTILINE):
            machine.fail(f"the line {line!r} is missing")


def linux_with_holes(context, version, enclaves, part):
    """The machine that boots Linux, as options."""
    initramfs = make_initramfs(context, INIT)
    clock = ("-rtc", "base=2026-01-01,clock=vm")
    return {
        "extra": ("-initrd", initramfs, *clock, *loader(LINUX / "Image", KERNEL)),
        "bios": packed(context, FIRMWARES[version]),
        "kernel": payload(context, "holes").with_suffix(".elf"),
        "append": f"plinth.holes={SHIPPED_ENCLAVES} plinth.enclaves={'yes' if enclaves else 'no'} "
        f"plinth.work={'yes' if part == 'work' else 'no'} loglevel=4 {NO_TESTS}",
        "memory": "512M",
    }


def boot(context, cpu, version, enclaves, entries, part):
    """(instructions, plan faults) from reset to power-off."""
    limited, fault = with_image(context, entries, SHIPPED_ENCLAVES)
    counts = counted(
        limited,
        lambda machine: judge(machine, enclaves, part),
        ranges=(fault,),
        cpu=cpu,
        **linux_with_holes(limited, version, enclaves, part),
    )
    return counts.total, counts.ranges[fault.start]


def linux_hole_rows(context, cpu):
    """A boot of Linux, and what its user space does then, with as many enclaves as there can be and
    without: how much more it is, in thousandths. Linux has the same memory in both cases."""
    rows = []
    for version in context.firmwares if cpu == TARGET_CPU else ():
        config = f"{cpu}, OpenSBI {version}"
        for entries in LINUX_ENTRIES:
            seen = {}
            for enclaves in (0, SHIPPED_ENCLAVES):
                seen[enclaves] = parts_of(
                    *(boot(context, cpu, version, enclaves, entries, part) for part in LINUX_PARTS)
                )
            rows += comparison(config, entries, seen[0], seen[SHIPPED_ENCLAVES])
    return rows


def parts_of(booted, worked):
    """Part -> (instructions, plan faults): the work is what is more than the boot."""
    work = tuple(more - less for more, less in zip(worked, booted))
    return dict(zip(LINUX_PARTS, (booted, work)))


def comparison(config, entries, without, with_holes):
    rows = []
    for part in LINUX_PARTS:
        name = f"linux_holes.{part}.pmp{entries}"
        (less, few), (more, many) = without[part], with_holes[part]
        rows.append(make_row(name, config, single(more), single(less)))
        rows.append(make_row(f"{name}.faults", config, single(many), single(few), FAULTS))
        permille = (more - less) * 1000 // less
        rows.append(make_row(f"{name}.overhead", config, single(permille), None, PERMILLE))
    return rows
