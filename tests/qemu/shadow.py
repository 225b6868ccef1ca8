#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A shadow of the PMP (D4): the machine is stopped at every entry to a lower world, at the
monitor's mret, while an enclave is created, run, stopped, resumed and ends; every time the PMP
registers are read from outside and judged, byte by byte, by a decoder that knows only the
specification.

  shadow.py --build DIR [--variant NAME] [--sees] [--entries N] [--timeout SECONDS]

--sees: the monitor is open in this variant, and that must be found.
Natively the same is asserted at every entry of the fake hart, with the fence (tests/fake)."""
import collections
import pathlib
import re

from control import Debugger
from machine import FIRMWARES, Failure, Machine, binutil, command_line, must_fail, pack, run_main
from needles import MIB, RAM

MPP_U, MPP_S = 0, 1
KINDS = "rwx"
OWNED = {"monitor": (RAM, RAM + MIB), "CLINT": (0x2000000, 0x2010000)}
OWNED |= {"finisher": (0x100000, 0x101000), "fw_cfg": (0x10100000, 0x10101000)}
FIRMWARE = (RAM + MIB, RAM + 2 * MIB)
TOP = 1 << 56


def parse():
    parser = command_line(__doc__, 50)
    parser.add_argument("--variant")
    parser.add_argument("--sees", action="store_true")
    parser.add_argument("--entries", type=int, default=400)
    return parser.parse_args()


def entry_ranges(cfg, addresses):
    """(first, end, rights) of every entry that is on, in order (privileged spec., 3.7.1)."""
    ranges = []
    for index, (byte, address) in enumerate(zip(cfg, addresses)):
        mode = byte >> 3 & 3
        below = addresses[index - 1] << 2 if index else 0
        if mode == 1:
            first, end = below, address << 2
        elif mode == 2:
            first, end = address << 2, (address << 2) + 4
        elif mode == 3:
            ones = 0
            while address >> ones & 1 and ones < 54:
                ones += 1
            size = 8 << ones
            first = (address << 2) & ~(size - 1)
            end = first + size
        if mode and first < end:
            ranges.append((first, end, {k for i, k in enumerate(KINDS) if byte >> i & 1}))
    return ranges


def pieces(ranges):
    """(first, end, rights) over all addresses; rights do not change within a piece."""
    edges = sorted({0, TOP} | {edge for first, end, _ in ranges for edge in (first, min(end, TOP))})
    for first, end in zip(edges, edges[1:]):
        rights = next((r for low, high, r in ranges if low <= first < high), set())
        yield first, end, rights


def reachable(ranges, region):
    """Every right that S or U has to any byte of the region."""
    rights = set()
    for first, end, allowed in pieces(ranges):
        if first < region[1] and region[0] < end:
            rights |= allowed
    return rights


def everywhere(ranges, region, wanted):
    return all(
        wanted <= allowed
        for first, end, allowed in pieces(ranges)
        if first < region[1] and region[0] < end
    )


class Shadow:
    """Judges entries, and counts them by world and by what the PMP held."""

    def __init__(self, debugger, epm, utm):
        self.debugger, self.epm, self.utm = debugger, epm, utm
        self.worlds, self.sealed, self.images = collections.Counter(), 0, set()

    def entry(self, thread):
        read = lambda name: self.debugger.register(thread, name)  # noqa: E731
        words = [read("pmpcfg0"), read("pmpcfg2")]
        cfg = [words[i // 8] >> (8 * (i % 8)) & 0xFF for i in range(16)]
        addresses = [read(f"pmpaddr{i}") for i in range(16)]
        self.images.add((*cfg, *addresses))
        mpp, pc = read("mstatus") >> 11 & 3, read("mepc")
        self.judge(cfg, entry_ranges(cfg, addresses), mpp, pc)

    def judge(self, cfg, ranges, mpp, pc):
        inside = self.epm[0] <= pc < self.epm[1]
        world = "enclave" if inside else "firmware" if FIRMWARE[0] <= pc < FIRMWARE[1] else "host"
        self.worlds[world] += 1
        here = f"entry to {world} at {pc:#x}"
        if any(byte & 0xE0 for byte in cfg):
            raise Failure(f"{here}: a lock bit or a reserved bit in pmpcfg")
        if mpp not in (MPP_U, MPP_S) or (world == "firmware" and mpp != MPP_U):
            raise Failure(f"{here}: MPP is {mpp}")
        for name, region in OWNED.items():
            if rights := reachable(ranges, region):
                raise Failure(f"{here}: {name} is open ({''.join(sorted(rights))})")
        if inside:
            self.judge_enclave(here, ranges)
        else:
            self.sealed += not reachable(ranges, self.epm)
            if reachable(ranges, self.epm) and self.worlds["enclave"]:
                raise Failure(f"{here}: the enclave's memory is open")

    def judge_enclave(self, here, ranges):
        if not everywhere(ranges, self.epm, set(KINDS)):
            raise Failure(f"{here}: its own memory is not open")
        if reachable(ranges, self.utm) != {"r", "w"}:
            raise Failure(f"{here}: rights to the shared memory: {reachable(ranges, self.utm)}")
        for first, end, rights in pieces(ranges):
            if rights and not (self.epm[0] <= first and end <= self.utm[1]):
                raise Failure(f"{here}: {first:#x} to {end:#x} is open")


def entry_instructions(build):
    """The addresses of the monitor's mret instructions, the only way down."""
    text = binutil("objdump", "-d", build / "plinth.elf")
    found = re.findall(r"^\s*([0-9a-f]+):.*\tmret", text, re.MULTILINE)
    if not found:
        raise Failure("plinth.elf has no mret")
    return [int(address, 16) for address in found]


class Stepper(Debugger):
    def stopped(self):
        """Waits until the machine stops; the thread that did."""
        answer = self._packet().decode()
        match = re.match(r"T05thread:([^;]+);", answer)
        if not match:
            raise Failure(f"gdb stub: stopped with {answer}")
        return match.group(1)


def follow(debugger, shadow, addresses, entries):
    """Looks at so many entries. The instruction is stepped over: its registers have been seen."""
    for address in addresses:
        debugger.expect_ok(f"Z1,{address:x},4")
    for _ in range(entries):
        debugger.go()
        thread = debugger.stopped()
        shadow.entry(thread)
        debugger.command(f"Hc{thread}")
        debugger.command("s")
    for address in addresses:
        debugger.expect_ok(f"z1,{address:x},4")
    debugger.command("Hc-1")


def run(arguments):
    build = arguments.build
    directory = build / "variants" / arguments.variant if arguments.variant else build
    firmware = FIRMWARES["1.1"]
    epm = (0x80800000, 0x80810000)  # of payloads/endings
    machine = Machine(
        bios=None,
        kernel=build / "payloads/endings.bin",
        append="plinth.end=attest",
        timeout=arguments.timeout,
    )
    at = machine.command.index("-bios") + 1
    machine.command[at] = str(
        pack(directory / "plinth.bin", firmware, pathlib.Path(machine.work) / "image")
    )
    debugger = Stepper(machine)
    with machine:
        machine.expect(r"^endings: tree at ")
        debugger.attach()
        shadow = Shadow(debugger, epm, (epm[1], epm[1] + 4096))
        follow(debugger, shadow, entry_instructions(directory), arguments.entries)
        debugger.go()
        machine.expect(r"^endings: attest answered ")
        machine.expect_end()
        debugger.close()
    print(f"entries: {dict(shadow.worlds)}, {shadow.sealed} of others with the enclave sealed,")
    print(f"{len(shadow.images)} different contents of the PMP, all as they must be")
    if min(shadow.worlds[w] for w in ("firmware", "host", "enclave")) < 1 or not shadow.sealed:
        raise Failure("not every world was entered")


def main():
    arguments = parse()
    if not arguments.sees:
        return run(arguments)
    must_fail("an open monitor", "monitor is open", lambda: run(arguments))


if __name__ == "__main__":
    run_main(main)
