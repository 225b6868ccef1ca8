#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Locked PMP entries (payloads/firmware/locks): the firmware sees the same above the monitor as on
the bare machine, entry by entry and access by access. From outside: on the bare machine the locks
are the hart's, above the monitor no physical entry of any hart is locked.

  locks.py --build DIR [--smp N] [--timeout SECONDS]"""
import difflib
import pathlib
import struct
import tempfile

from control import Debugger
from machine import BANNER_END, Failure, Machine, command_line, pack, run_main

MAILBOX = 0x81001000
LOCK = 0x80
BARE_LOCKS = [True] * 8 + [False] * 8


def parse():
    parser = command_line(__doc__, 40)
    parser.add_argument("--smp", type=int, default=1)
    return parser.parse_args()


def physical_locks(debugger, thread):
    words = [debugger.register(thread, f"pmpcfg{n}") for n in (0, 2)]
    configurations = b"".join(struct.pack("<Q", word) for word in words)
    return [byte & LOCK != 0 for byte in configurations]


def run(bios, arguments):
    """What the firmware printed, and the lock bits of each hart."""
    machine = Machine(bios=bios, smp=arguments.smp, timeout=arguments.timeout)
    debugger = Debugger(machine)
    with machine:
        machine.expect(r"^locks: waiting\n")
        debugger.attach()
        locks = [physical_locks(debugger, thread) for thread in debugger.threads]
        debugger.write(MAILBOX, struct.pack("<Q", 1))
        debugger.detach()
        machine.expect_end()
        return machine.output.splitlines(), locks


def main():
    arguments = parse()
    firmware = arguments.build / "payloads/fw-locks.bin"
    bare, locks = run(firmware, arguments)
    if bare[-1] != "locks: end" or locks[0] != BARE_LOCKS:
        raise Failure(f"on the bare machine hart 0 has the locks {locks}")
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        image = pack(arguments.build / "plinth.bin", firmware, pathlib.Path(work) / "image.bin")
        lines, locks = run(image, arguments)
    virtual = lines[lines.index(BANNER_END) + 1 :]
    if bare != virtual:
        difference = difflib.unified_diff(bare, virtual, "bare", "virtual", lineterm="")
        raise Failure("bare and virtual differ:\n" + "\n".join(difference))
    if len(locks) != arguments.smp or any(any(hart) for hart in locks):
        raise Failure(f"physical entries are locked: {locks}")
    print(f"{len(bare)} lines are the same, no physical lock on {len(locks)} harts")


run_main(main)
