#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A firmware that executes random instructions and calls and jumps to nowhere (payloads/garbage),
above the monitor: everything comes back to it, and the monitor's stacks stay as deep as they were.

  garbage.py --build DIR [--smp N] [--instructions N] [--calls N] [--seed N] [--cpu rv64,...]
             [--compare] [--timeout SECONDS]

First so many instructions and calls, then three times as many; the stacks are looked at from
outside between and after. --compare: the same on the bare machine, cause by cause (with
h=off: what hypervisor loads and stores do there depends on what the monitor denies)."""
import pathlib
import re
import struct
import tempfile

from control import Debugger
from machine import Failure, Machine, binutil, command_line, loader, pack, run_main

PARAMETERS, MAGIC, MAILBOX = 0x81000000, 0x65676162726167, 0x81001000
STACK, HARTS, PAINT = 32768, 8, b"\xa5"
EPM, LEAF = 0x84000000, struct.pack("<Q", 0x2000000F)
MARGIN = 8192  # that must never have been used


def parse():
    parser = command_line(__doc__, 60)
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--instructions", type=int, default=10000)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--compare", action="store_true")
    return parser.parse_args()


def stacks_base(build):
    symbols = binutil("nm", build / "plinth.elf")
    return int(re.search(r"^([0-9a-f]+) \w plinth_stacks$", symbols, re.MULTILINE).group(1), 16)


def watermarks(machine, base):
    """How many bytes of each hart's stack have been written since it was painted, or, where there is
    no such hart, since reset."""
    memory = machine.memory(base, STACK * HARTS)
    stacks = [memory[STACK * hart : STACK * (hart + 1)] for hart in range(HARTS)]
    fills = [PAINT if stack.startswith(PAINT) else b"\0" for stack in stacks]
    return [len(stack.lstrip(fill)) for stack, fill in zip(stacks, fills)]


def forget_depth(debugger, base):
    """Paints what of each hart's stack is not in use: booting went deeper than traps ever do. Not
    with zero, which is also written."""
    left = {thread: base + STACK * number for number, thread in enumerate(debugger.threads)}
    while True:
        for thread, first in list(left.items()):
            # While a guest runs mscratch holds the monitor's stack pointer.
            values = (debugger.register(thread, name) for name in ("mscratch", "sp"))
            top = next((value for value in values if first < value < first + STACK), None)
            if top is not None:
                for place in range(first, top, 1024):
                    debugger.write(place, PAINT * min(1024, top - place))
                del left[thread]
        if not left:
            return
        debugger.go()
        debugger.stop()


def boot(arguments, work, virtual):
    words = (
        MAGIC,
        arguments.instructions,
        arguments.calls,
        arguments.seed,
        arguments.compare,
        virtual,
    )
    (work / "parameters").write_bytes(struct.pack("<6Q", *words))
    firmware = arguments.build / "payloads/garbage.bin"
    image = firmware
    if virtual:
        image = pack(arguments.build / "plinth.bin", firmware, work / "image.bin")
    return Machine(
        bios=image,
        smp=arguments.smp if virtual else 1,
        cpu=arguments.cpu,
        timeout=arguments.timeout,
        extra=loader(work / "parameters", PARAMETERS),
    )


def check_table(machine):
    """The page-table entries in the enclave: not accessed or dirty after walks through them."""
    if machine.memory(EPM, 4096) != LEAF * 512:
        raise Failure("page-table entries inside the enclave have changed")


def check_stacks(before, after, harts):
    print(f"stack bytes used: {before[:harts]}, {after[:harts]} after four times as many traps")
    if before != after:
        raise Failure("the monitor's stacks have become deeper")
    if any(used for used in after[harts:]) or not all(after[:harts]):
        raise Failure("the stacks of the monitor are not where they are looked for")
    if max(after) > STACK - MARGIN:
        raise Failure(f"{max(after)} bytes of {STACK} used")


def run_virtual(arguments, work):
    base = stacks_base(arguments.build)
    machine = boot(arguments, work, True)
    debugger = Debugger(machine)
    marks = []
    with machine:
        for stage in (1, 2, 3):
            machine.expect(rf"^garbage: stage {stage} lost {arguments.smp - 1}\n")
            if stage == 1:
                debugger.attach()
                forget_depth(debugger, base)
            else:
                debugger.stop()
                marks.append(watermarks(machine, base))
                check_table(machine)
            debugger.write(MAILBOX, struct.pack("<Q", stage))
            debugger.go()
        finish(machine, True)
        debugger.close()
    check_stacks(*marks, arguments.smp)
    return machine.output


def run_bare(arguments, work):
    with boot(arguments, work, False) as machine:
        finish(machine, False)
    return machine.output


def finish(machine, virtual):
    machine.expect(r"^garbage: alive, 0 failures\n")
    machine.expect_end(r"^garbage: FAIL.*")
    for line in ("jumps 60", "events 9", "FP accesses 42", "tables") if virtual else ("events 9",):
        if machine.output.count(f"garbage: {line}\n") != 2:
            raise Failure(f"the program did not say {line!r} twice")


def tallies(output):
    """What must be the same on both sides: calls of S-mode may be the monitor's, jumps are fewer on
    the bare machine, and each is checked where it is made."""
    return re.findall(r"^garbage: instructions .*", output, re.MULTILINE)


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as directory:
        work = pathlib.Path(directory)
        virtual = run_virtual(arguments, work)
        if not arguments.compare:
            return
        bare = run_bare(arguments, work)
    if len(tallies(bare)) != 2 or tallies(bare) != tallies(virtual):
        raise Failure(f"bare {tallies(bare)}, above the monitor {tallies(virtual)}")
    print("instructions: the same causes in the same order as on the bare machine")


run_main(main)
