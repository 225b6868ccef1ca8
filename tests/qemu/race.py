#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes OpenSBI 1.1's race in sbi_hsm_hart_start happen (docs/opensbi-1.1-race.md), and silences of
other kinds at the same place, and checks that linux.py and boot.py boot again after the race only.

  race.py --build DIR --case race|boot-hart|both-harts [--kernel NAME] [--bare]
          [--path direct|uboot] [--smp N] [--cpu rv64,...]

race:       the boot hart is held where the race lies and the others run, until the hart that it
            starts enters the kernel as the boot hart did. Then all run. The boot must be silent,
            that must be recognised, and the next boot must succeed.
boot-hart:  the boot hart hangs just behind that place.
both-harts: so does, at the kernel's entry for it, the hart that is started.
            These must fail as any silence does.
--kernel takes a payload in place of Linux, --bare leaves the monitor away."""
import argparse
import pathlib
import struct
import tempfile
import time

import boot
import linux
import opensbi_race
from control import Debugger, Started
from machine import FIRMWARES, Failure, Silence, command_line, run_main

# Debian's OpenSBI 1.1, offsets in fw_dynamic.bin: the call that writes START_PENDING; behind it,
# the three stores of what to start are still to come; and behind them. The boot hart has the id of
# the hart that it starts in s1, the address in s4.
STATE_CALL, STATE_WRITTEN, STORED = 0x9BDE, 0x9BE2, 0x9C04
STORES = (0x9BF8, bytes.fromhex("23385901 233c4901 23303903"))
FOR_EVER = bytes.fromhex("01a0")  # c.j to itself
SUPERVISOR = 1
BARE_BASE, BASE, KERNEL = 0x80000000, 0x80100000, 0x80200000
MSIP = 0x2000000
SILENCE = 20
APPEND = "plinth.nonce=" + bytes(range(32)).hex()


def parse():
    parser = command_line(__doc__)
    parser.add_argument("--case", choices=("race", "boot-hart", "both-harts"), required=True)
    parser.add_argument("--kernel")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--path", choices=("direct", "uboot"), default="direct")
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--cpu", default="rv64")
    arguments = parser.parse_args()
    more = {"firmware": "1.1", "end": "poweroff", "timeout": 85, "memory": 256}
    if arguments.kernel:
        done = [rf"^host: {arguments.smp} harts$", "^host: done$"]
        more |= {"memory": "256M", "append": APPEND, "variant": None, "running": False}
        more |= {"exit_code": 0, "expect": done, "forbid": ["FAIL"]}
    return argparse.Namespace(**vars(arguments), **more)


def check_firmware():
    place, stores = STORES
    if FIRMWARES["1.1"].read_bytes()[place : place + len(stores)] != stores:
        raise Failure("this OpenSBI 1.1 is another build: the offsets here are wrong for it")


def started_hart(debugger, starter):
    """The thread of the hart that is being started. It may sleep until an interrupt comes: a
    software interrupt wakes it, as any wfi may end early, and it looks at its state."""
    hart = debugger.register(starter, "s1")
    debugger.write(MSIP + 4 * hart, struct.pack("<I", 1))
    thread = next(t for t in debugger.threads if debugger.register(t, "mhartid") == hart)
    if thread == starter:
        raise Failure("a hart starts itself")
    return thread


def run_starter(debugger, base, place):
    """Takes the boot hart to a place behind the state change, the last steps alone: no other hart
    has seen the change. Returns its thread."""
    starter = debugger.run_until(base + STATE_CALL)
    return debugger.run_until(base + place, [starter])


def run_to_kernel(debugger, starter, address):
    """Takes the hart that is started to S-mode; the others run, too, for one may have a lock."""
    started = started_hart(debugger, starter)
    others = [thread for thread in debugger.threads if thread != starter]
    stopped = debugger.run_until(address, others)
    if stopped != started or debugger.register(started, "priv") != SUPERVISOR:
        raise Failure("the hart that is started does not come to S-mode")


def enter_as_boot_hart(debugger, base):
    run_to_kernel(debugger, run_starter(debugger, base, STATE_WRITTEN), KERNEL)


def hang_boot_hart(debugger, base):
    debugger.run_until(base + STORED)
    debugger.write(base + STORED, FOR_EVER)


def hang_both_harts(debugger, base):
    starter = run_starter(debugger, base, STORED)
    entry = debugger.register(starter, "s4")
    run_to_kernel(debugger, starter, entry)
    debugger.write(entry, FOR_EVER)
    debugger.write(base + STORED, FOR_EVER)


CASES = {"race": enter_as_boot_hart, "boot-hart": hang_boot_hart, "both-harts": hang_both_harts}


def meddle(machine, arguments):
    """The machine starts paused, so that the boot hart cannot get ahead."""
    machine.command.append("-S")
    started, debugger = Started(machine), Debugger(machine)

    def act():
        started.wait()
        debugger.attach(paused=True)
        CASES[arguments.case](debugger, BARE_BASE if arguments.bare else BASE)
        debugger.detach()
        machine.deadline = time.monotonic() + SILENCE

    return act


def attempt(arguments, work, ends):
    """The first boot is meddled with; appends how each one ended."""
    hook = None if ends else lambda machine: meddle(machine, arguments)
    ends.append("success")
    try:
        if arguments.kernel:
            boot.run(arguments, boot.payload(arguments.build, arguments.kernel), work, hook)
        else:
            linux.run(arguments, work, hook)
    except Failure as failure:
        ends[-1] = type(failure).__name__
        raise


def main():
    arguments = parse()
    linux.check_files()
    check_firmware()
    ends = []
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        try:
            opensbi_race.past_race(lambda: attempt(arguments, pathlib.Path(work), ends))
        except Silence as silence:
            print(f"\nsilent: {silence}")
    print(f"\nthe boots ended with {', '.join(ends)}")
    if arguments.case == "race":
        good = ends[0] == "Raced" and ends[-1] == "success"
    else:
        good = ends == ["Silence"]
    if not good:
        raise Failure(f"wrong for the case {arguments.case}")


run_main(main)
