# SPDX-License-Identifier: Apache-2.0
"""Rows that a payload measures itself, by reading instret around what it does: the payload runs
bare and above the monitor."""
import contextlib
import io
import re

from machine import MONITOR_FAILED, Failure, Machine, pack
from rows import pair_rows, printed_rows

# One instruction is one nanosecond of the guest's time, so every count is the same each time. The
# seed decides what the device tree holds as rng-seed.
DETERMINISTIC = ("-icount", "shift=0,sleep=off", "-seed", "1")


def run(timeout, **options):
    """Boots a machine and returns what it printed when it has powered off."""
    with Machine(timeout=timeout, echo=False, extra=DETERMINISTIC, **options) as machine:
        code = machine.wait_end()
        failed = re.search(MONITOR_FAILED, machine.output, re.MULTILINE)
        if failed:
            machine.fail(failed.group())
        if code != 0:
            machine.fail(f"QEMU ended with {code}")
        return machine.output


def packed(context, firmware):
    """The image of the monitor and a firmware."""
    with contextlib.redirect_stdout(io.StringIO()):
        return pack(context.plinth, firmware, context.work / "image.bin")


def payload(context, name):
    path = context.build / "payloads" / f"{name}.bin"
    if not path.exists():
        raise Failure(f"{path} was not built")
    return path


def vm_rows(context, cpu):
    """Single instructions of a firmware."""
    firmware = payload(context, "bench-vm")
    native = printed_rows(run(context.timeout, bios=firmware, cpu=cpu))
    plinth = printed_rows(run(context.timeout, bios=packed(context, firmware), cpu=cpu))
    return pair_rows(cpu, f"{cpu}, own firmware", plinth, native)
