#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""That the benchmark fails when it must: wrong results of what it measures, rows over their target,
traps of the firmware that have no reason; and that evictions are replayed as they are.

  bench_test.py --build DIR"""
import pathlib
import random
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "qemu")]

from hole_bound import replayed  # noqa: E402
from hole_rows import comparison, parts_of  # noqa: E402
from linux_rows import vm_class  # noqa: E402
from machine import Failure, command_line, must_fail, run_main  # noqa: E402
from payload_rows import check_base_values, run  # noqa: E402
from rows import check_ratchet, make_row, pair_rows, printed_rows, single  # noqa: E402
from targets import OPEN, TARGETS, TARGET_CPU  # noqa: E402

CSRR_T1_MCAUSE, CSRR_T1_MTVAL = 0x34202373, 0x34302373


def changed_payload(build, work):
    """A firmware whose handler does not read mcause; all else is as it was."""
    image = (build / "payloads/bench-vm.bin").read_bytes()
    old, new = (code.to_bytes(4, "little") for code in (CSRR_T1_MCAUSE, CSRR_T1_MTVAL))
    at = image.rindex(old)
    path = work / "changed.bin"
    path.write_bytes(image[:at] + new + image[at + 4 :])
    return path


def wrong_results(build, work):
    bios = changed_payload(build, work)
    must_fail(
        "a handler that reads another CSR",
        "a wrong result: bench: FAIL ecall.four-csr",
        lambda: printed_rows(run(20, bios=bios, cpu=TARGET_CPU)),
    )
    must_fail("a run without end", "to its end", lambda: printed_rows("bench: start\n"))
    must_fail("a run without rows", "no row", lambda: printed_rows("bench: end\n"))
    one, other = {"a": single(1)}, {"b": single(1)}
    must_fail("a missing row", "one side only", lambda: pair_rows("c, d", one, other))
    text = "bench: value sbi.base.impl_id 0x1\n"
    must_fail("a base call's answer", "a wrong result", lambda: check_base_values("1.6", text))


def row_of(name, value):
    return make_row(name, f"{TARGET_CPU}, OpenSBI 1.1", single(value), None)


def targets_are_checked():
    """A target of a row that is not open is an upper bound; one that is open must be missed."""
    for name in ("csr.mscratch.read", "linux.vm_traps.other"):
        limit = TARGETS[name][0]
        met, missed = row_of(name, limit), row_of(name, limit + 1)
        check_ratchet([met], still_open=set())
        check_ratchet([missed], still_open={name})
        must_fail("a target", f"target {limit}", lambda: check_ratchet([missed], still_open=set()))
        must_fail("a target met anew", "OPEN", lambda: check_ratchet([met], still_open={name}))
    unknown = OPEN - TARGETS.keys()
    if unknown:
        raise Failure(f"no such rows: {unknown}")


def classes():
    for interrupt, cause, tval, instruction, expected in (
        (False, 2, 0, 0x34002573, "csr"),  # csrr a0, mscratch
        (False, 2, 0, 0x34045073, "csr"),  # csrwi mscratch, 8
        (False, 2, 0, 0x30200073, "privileged"),  # mret
        (False, 2, 0, 0x10500073, "privileged"),  # wfi
        (False, 2, 0, 0x00053007, "other"),  # fld: the firmware may use its FP registers
        (False, 7, 0x02004000, 0, "device"),
        (False, 5, 0x80300000, 0, "other"),  # memory
        (False, 5, 0x02010000, 0, "other"),  # behind the CLINT
        (False, 1, 0x80100000, 0, "other"),
        (False, 13, 0x80300000, 0, "other"),
        (False, 8, 0, 0x00000073, "own"),
        (False, 3, 0, 0x00109002, "own"),  # c.ebreak
        (False, 3, 0, 0x00000013, "other"),
        (True, 7, 0, 0, "interrupt"),
    ):
        found = vm_class(interrupt, cause, tval, instruction)
        if found != expected:
            raise Failure(f"cause {cause}, instruction {instruction:#x}: {found}, not {expected}")


def holes():
    """How much more enclaves make a boot and the work after it."""
    without = parts_of((1000, 0), (1500, 0))
    rows = comparison(f"{TARGET_CPU}, OpenSBI 1.1", 16, without, parts_of((1050, 7), (1576, 9)))
    found = {row.name.removeprefix("linux_holes."): (row.median, row.over) for row in rows}
    expected = {"boot.pmp16": 1050, "boot.pmp16.faults": 7, "boot.pmp16.overhead": 50}
    expected |= {"work.pmp16": 526, "work.pmp16.faults": 2, "work.pmp16.overhead": 52}
    if found != {name: (n, name.startswith("work.") and n == 52) for name, n in expected.items()}:
        raise Failure(f"of boots with enclaves: {found}")


def farthest(runs, entries):
    """Misses of the eviction of what is used again last, by looking ahead."""
    held, misses = set(), 0
    for at, run in enumerate(runs):
        if run in held:
            continue
        misses += 1
        ahead = runs[at:]
        if len(held) == entries:
            held.remove(max(held, key=lambda one: (ahead + [one]).index(one)))
        held.add(run)
    return misses


def evictions(work):
    """Misses of sequences that are known: one from the textbooks, on which FIFO misses more often
    with more entries, and random ones."""
    trace = work / "trace"
    trace.write_bytes(bytes([1, 2, 3, 4, 1, 2, 5, 1, 2, 255, 3, 4, 5, 255, 0]))
    misses, distinct = replayed(work, trace, (1, 3, 4))
    expected = {"best": (13, 8, 7), "lru": (13, 11, 9), "fifo": (13, 10, 11)}
    expected = {(p, n): m for p, row in expected.items() for n, m in zip((1, 3, 4), row)}
    if misses != expected or distinct != [5, 3]:
        raise Failure(f"a known sequence: {misses}, {distinct}")
    numbers = random.Random(1)
    for _ in range(40):
        runs = [numbers.randrange(9) for _ in range(200)]
        trace.write_bytes(bytes(runs))
        found, _ = replayed(work, trace, range(1, 9))
        expected = [farthest(runs, entries) for entries in range(1, 9)]
        if [found["best", entries] for entries in range(1, 9)] != expected:
            raise Failure(f"the best eviction of {runs}: {found}, not {expected}")


def main():
    arguments = command_line(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        wrong_results(arguments.build, pathlib.Path(work))
        evictions(pathlib.Path(work))
    targets_are_checked()
    classes()
    holes()


run_main(main)
