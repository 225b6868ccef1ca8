#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The monitor is broken through QEMU's gdb stub while one hart calls the monitor or the firmware,
the others run the host, and an enclave is alive. The monitor must end closed: one line, no guest
data, every hart parked in the monitor, the enclave still denied, the keys gone.

  monitor_failure.py --build DIR [--how HOW] [--smp N] [--timeout SECONDS]

  illegal  an instruction of the monitor is overwritten
  load     its load from the CLINT, found while it runs, goes to a place without a device: bus error
  store    the same with its store"""
import re
import time

from control import Debugger
from machine import Failure, Machine, binutil, command_line, function_address, run_main
from needles import MIB, RAM, canary, expect_absent, monitor_secrets, places

MEMORY_MIB = 128
ILLEGAL = bytes(4)
WFI = 0x10500073
NOWHERE = 0x18000000  # no device and no memory
# Of a watchpoint in the gdb protocol, where the monitor accesses the CLINT, the cause.
ACCESSES = {"load": (3, 0x200BFF8, 5), "store": (2, 0x2004000, 7)}
COUNTER_BYTES = 64


def parse():
    parser = command_line(__doc__, 40)
    parser.add_argument("--smp", type=int, default=2)
    parser.add_argument("--how", choices=("illegal", *ACCESSES), default="illegal")
    return parser.parse_args()


def enclave_memory(machine):
    match = machine.expect(r"^endings: enclave in 0x([0-9a-f]+) size 0x([0-9a-f]+)\n")
    return tuple(int(text, 16) for text in match.groups())


def parked(debugger):
    """Whether every hart stands at or behind a wfi of the monitor that no interrupt ends; returns
    their pcs, too."""
    pcs = [debugger.register(thread, "pc") for thread in debugger.threads]
    if any(debugger.register(thread, "mie") != 0 for thread in debugger.threads):
        return False, pcs
    for pc in pcs:
        if not RAM <= pc < RAM + MIB:
            return False, pcs
        near = (debugger.read(pc, 4), debugger.read(pc - 4, 4))
        if all(int.from_bytes(code, "little") != WFI for code in near):
            return False, pcs
    return True, pcs


def wait_until_parked(debugger, machine):
    """Looks again and again, until the machine's deadline."""
    while True:
        done, pcs = parked(debugger)
        if done:
            return pcs
        print("not yet parked:", [hex(pc) for pc in pcs])
        debugger.go()
        debugger.stop()
        if time.monotonic() > machine.deadline:
            raise Failure(f"harts are not parked: {[hex(pc) for pc in pcs]}")


def pmp_entries(debugger, thread):
    """(cfg, first byte, last byte) of every entry that is on."""
    previous, entries = 0, []
    for index in range(16):
        word = debugger.register(thread, f"pmpcfg{index // 8 * 2}")
        address = debugger.register(thread, f"pmpaddr{index}")
        cfg = word >> (8 * (index % 8)) & 0xFF
        mode = cfg >> 3 & 3
        if mode == 1 and previous < address:
            entries.append((cfg, previous << 2, (address << 2) - 1))
        if mode == 2:
            entries.append((cfg, address << 2, (address << 2) + 3))
        if mode == 3:
            span = address ^ (address + 1)
            entries.append((cfg, (address & ~span) << 2, ((address | span) << 2) + 3))
        previous = address
    return entries


def check_denied(debugger, first, size, name):
    """The entry that matches first gives S and U no right to any byte of the range."""
    for thread in debugger.threads:
        entries = pmp_entries(debugger, thread)
        if not entries:
            raise Failure(f"hart {thread} has no PMP entry on")
        for address in range(first, first + size, 4):
            match = next((cfg for cfg, low, high in entries if low <= address <= high), 0)
            if match & 7:
                raise Failure(f"{name} is open to hart {thread} at {address:#x}, cfg {match:#x}")
    print(f"denied on {len(debugger.threads)} harts: {name}")


def check_open(debugger, address):
    """That the PMP is read rightly: the host's own memory is open."""
    for thread in debugger.threads:
        entries = pmp_entries(debugger, thread)
        match = next((cfg for cfg, low, high in entries if low <= address <= high), 0)
        if match & 7 != 7:
            raise Failure(f"the host's memory is closed to hart {thread}: PMP misread")


def overwrite(debugger, build):
    """Breaks the function that answers a call of the host."""
    place = function_address(build, "plinth::monitor::own_call")
    debugger.write(place, ILLEGAL)
    return place, 2, "host"


def access_near(build, debugger, pc, clint):
    """Address and base register of the access at which QEMU stopped: the instruction at the pc, if
    it is the one, or that before."""
    text = binutil("objdump", "--disassemble", build / "plinth.elf")
    line = r"^ *([0-9a-f]+):\s+([0-9a-f]{4}(?:[0-9a-f]{4})?) +\t(?:ld|sd)\t\S*\((\w+)\)"
    found = re.findall(line, text, re.MULTILINE)
    accesses = [(int(place, 16), len(code) // 2, base) for place, code, base in found]
    thread = debugger.accessor
    for place, _, base in accesses:
        if place == pc and abs(debugger.register(thread, base) - clint) < 4096:
            return place, base
    for place, size, base in accesses:
        if place + size == pc:
            return place, base
    raise Failure(f"at {pc:#x} plinth.elf has no load or store")


def divert(debugger, build, how):
    """Waits for the monitor's next access to the CLINT, and gives the same instruction another
    base when it is about to be executed again."""
    kind, address, cause = ACCESSES[how]
    size = 8 * len(debugger.threads)
    pc = debugger.run_until_accessed(kind, address, size)
    while not RAM <= pc < RAM + MIB:  # the firmware's own access, which is about to trap
        debugger.run_until(function_address(build, "plinth::monitor::program_deadline"))
        pc = debugger.run_until_accessed(kind, address, size)
    place, base = access_near(build, debugger, pc, address)
    debugger.set_register(debugger.run_until(place), base, NOWHERE)
    print(f"diverted: the {how} at {place:#x} through {base}")
    return place, cause, "firmware"


def check_line(machine, position, place, cause, world):
    match = machine.expect(r"^Plinth: FAILURE: .*\n")
    pattern = (
        rf"Plinth: FAILURE: trap in the monitor, cause {cause:#x}, pc {place:#x}, "
        rf"hart [0-9], world {world}\n"
    )
    if not re.fullmatch(pattern, match.group()):
        raise Failure(f"the monitor's line is {match.group()!r}, expected {pattern!r}")
    if machine.output[position:].strip("\n") != match.group().strip("\n"):
        raise Failure(f"more than one line was printed: {machine.output[position:]!r}")


def check_end(machine, debugger, epm, counters, secrets):
    pcs = wait_until_parked(debugger, machine)
    before = debugger.read(counters, COUNTER_BYTES)
    debugger.go()
    debugger.stop()
    done, again = parked(debugger)
    if not done or debugger.read(counters, COUNTER_BYTES) != before:
        raise Failure(f"harts went on: {[hex(pc) for pc in pcs]}, {[hex(pc) for pc in again]}")
    print("parked:", [hex(pc) for pc in again])
    check_denied(debugger, *epm, "the enclave")
    check_denied(debugger, RAM, MIB, "the monitor")
    memory = machine.memory(RAM, MEMORY_MIB * MIB)
    for what, needles in secrets.items():
        expect_absent(memory, what, needles, "after the failure")
    inside = [hit for hit in places(memory, canary()) if hit >= RAM + MIB]
    if not all(epm[0] <= hit < sum(epm) for hit in inside):
        raise Failure("the enclave's canary is outside its memory")


def run(arguments):
    build = arguments.build
    illegal = arguments.how == "illegal"
    secrets = monitor_secrets((build / "plinth.bin").read_bytes())
    machine = Machine(
        bios=build / "plinth-opensbi.bin",
        kernel=build / "payloads/endings.bin",
        append=f"plinth.end={'calls' if illegal else 'timers'}",
        smp=arguments.smp,
        cpu="rv64" if illegal else "rv64,sstc=off",
        memory=f"{MEMORY_MIB}M",
        timeout=arguments.timeout,
    )
    debugger = Debugger(machine)
    with machine:
        epm = enclave_memory(machine)
        calling = machine.expect(r"^endings: calling, counters at 0x([0-9a-f]+)\n")
        counters = int(calling.group(1), 16)
        position = len(machine.output)
        debugger.attach()
        if len(debugger.threads) != arguments.smp:
            raise Failure(f"gdb sees {len(debugger.threads)} harts")
        check_open(debugger, counters)
        if not places(machine.memory(RAM, MIB), secrets["monitor key"]):
            raise Failure("the monitor key is not in the monitor: the search does not know it")
        broken = overwrite(debugger, build) if illegal else divert(debugger, build, arguments.how)
        debugger.go()
        check_line(machine, position, *broken)
        debugger.stop()
        check_end(machine, debugger, epm, counters, secrets)
        debugger.close()


run_main(lambda: run(parse()))
