#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A program before the monitor, at every reset (payloads/stage).

  stage.py --build DIR --case CASE [--smp N] [--firmware 1.1|1.6] [--timeout SECONDS]

  leftovers  it leaves its registers as no stage should: then every CSR of every hart is, at the
             firmware's first instruction, as it is without; and the host's probes pass
  triggers   it arms every debug trigger, on the firmware's and an enclave's first instruction: both
             run, and then no trigger of any hart is armed
  locked     it locks a PMP entry: one line, and nothing below the monitor runs
  reboot     OpenSBI reboots while an enclave keeps a canary: after the warm reset, which leaves RAM
             as it is, the program finds no word of it in all RAM
  reset      the same, but the machine is reset from outside: the program finds it, so it sees
  create-reboot, create-shutdown, create-reset
             OpenSBI, or somebody outside, ends the machine while another hart is within create
             (--at settle: it waits for the other harts, --at measure: it has hashed a part):
             nothing of that enclave's memory is found either"""
import pathlib
import re
import struct
import tempfile
import time

from control import Debugger
from machine import (
    BANNER_END,
    FIRMWARES,
    MONITOR_FAILED,
    Failure,
    Machine,
    command_line,
    function_address,
    loader,
    pack,
    run_main,
)
from needles import MIB, canary, expect_absent, lcg_words, monitor_secrets, places

STAGE, PARAMETERS, MEMORY_MIB = 0x86000000, 0x86010000, 128
ARMED, EPM = 0x86011100, 0x80800000
PLAIN, LEFTOVERS, LOCKED, SCAN, TRIGGERS = range(5)
TYPES = (2, 6)  # of triggers: mcontrol, mcontrol6; QEMU 7.2 has no others
TYPE = 0xF << 60
SPIN = struct.pack("<I", 0x0000006F) * 4
# Counters go on, and what is pending depends on time.
MOVING = re.compile(r"cycleh?|instreth?|timeh?|m(cycle|instret)h?|mip|sip|vstimecmp")


CREATE = ("create-reboot", "create-shutdown", "create-reset")
CASES = ("leftovers", "locked", "reboot", "reset", "triggers", *CREATE)
# Where the hart that creates is caught: what it is about to execute, one after the other.
UPDATE, INNER = "plinth::attest::Sha3::update", "mbedtls_sha3_update"
PLACES = {"settle": ["plinth::monitor::settle"], "measure": [UPDATE, INNER, UPDATE, INNER, UPDATE]}


def parse():
    parser = command_line(__doc__, 55)
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--at", choices=sorted(PLACES), default="measure")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--firmware", choices=sorted(FIRMWARES), default="1.6")
    return parser.parse_args()


def boot(arguments, work, mode, firmware, needles=(), **more):
    """A machine that starts every hart in the stage."""
    words = (mode, MEMORY_MIB * MIB, len(needles))
    file = work / f"parameters{mode}"
    file.write_bytes(struct.pack("<3Q", *words) + b"".join(needles))
    stage = arguments.build / "payloads/stage.bin"
    extra = [*loader(stage, STAGE), *loader(file, PARAMETERS)]
    for hart in range(arguments.smp):
        extra += ["-device", f"loader,addr={STAGE:#x},cpu-num={hart}"]
    image = pack(arguments.build / "plinth.bin", firmware, work / "image.bin")
    return Machine(
        bios=image,
        smp=arguments.smp,
        memory=f"{MEMORY_MIB}M",
        timeout=arguments.timeout,
        extra=extra,
        **more,
    )


def registers(arguments, work, mode):
    """All registers of all harts, each at the firmware's first instruction, which it repeats."""
    firmware = work / "spin"
    firmware.write_bytes(SPIN)
    machine = boot(arguments, work, mode, firmware)
    debugger = Debugger(machine)
    with machine:
        machine.expect(rf"^{BANNER_END}\n")
        debugger.attach()
        while set(pcs := program_counters(debugger)) != {0x80100000}:
            if time.monotonic() > machine.deadline:
                raise Failure(f"harts are at {[hex(pc) for pc in pcs]}")
            debugger.go()
            debugger.stop()
        seen = [all_registers(debugger, thread) for thread in debugger.threads]
        debugger.close()
    if len(seen) != arguments.smp:
        raise Failure(f"gdb sees {len(seen)} harts")
    return seen


def program_counters(debugger):
    return [debugger.register(thread, "pc") for thread in debugger.threads]


def all_registers(debugger, thread):
    debugger.expect_ok(f"Hg{thread}")
    answers = {name: debugger.command(f"p{n:x}") for name, n in debugger.numbers.items()}
    return {name: value for name, value in answers.items() if not MOVING.fullmatch(name)}


def check_leftovers(arguments, work):
    plain, left = (registers(arguments, work, mode) for mode in (PLAIN, LEFTOVERS))
    for hart, (expected, seen) in enumerate(zip(plain, left)):
        different = [name for name in expected if seen.get(name) != expected[name]]
        # The boot hart's stack is deeper, and it is drawn by lot: that shows in mscratch only.
        wrong = [name for name in different if name != "mscratch"]
        if wrong or len(expected) < 150:
            shown = [f"{name} {expected[name]} {seen.get(name)}" for name in wrong]
            raise Failure(f"hart {hart}: {len(expected)} registers, different: {shown}")
    print(f"{len(plain[0])} registers of {len(plain)} harts are as they should be")
    kernel = arguments.build / "payloads/probe.bin"
    with boot(arguments, work, LEFTOVERS, FIRMWARES[arguments.firmware], kernel=kernel) as machine:
        machine.expect(r"^probe: PASS [1-9][0-9]* probes$")
        machine.expect_end()


def check_triggers(arguments, work):
    for kind in TYPES:
        places = (kind, 0x80100000, EPM, EPM + 8)
        machine = boot(
            arguments,
            work,
            TRIGGERS,
            FIRMWARES[arguments.firmware],
            [struct.pack("<Q", word) for word in places],
            kernel=arguments.build / "payloads/endings.bin",
            append="plinth.end=wait",
        )
        debugger = Debugger(machine)
        with machine:
            machine.expect(rf"^endings: enclave in {EPM:#x} ")
            machine.expect(r"^endings: waiting\n")
            debugger.attach()
            seen = [triggers(debugger, thread) for thread in debugger.threads]
            words = debugger.read(ARMED, 8 * arguments.smp)
            debugger.close()
            machine.forbid()
        armed = struct.unpack(f"<{arguments.smp}Q", words)
        print(f"type {kind}: {armed} triggers were armed, tdata1 is now {[list(map(hex, hart)) for hart in seen]}")
        if min(armed) == 0 or any(len(hart) < n for hart, n in zip(seen, armed)):
            raise Failure("the stage armed no trigger, or gdb does not see it")
        if any(tdata1 & ~TYPE for hart in seen for tdata1 in hart):
            raise Failure("a trigger is still armed")


def triggers(debugger, thread):
    """tdata1 of all triggers of a hart."""
    found = []
    for number in range(64):
        debugger.set_register(thread, "tselect", number)
        if debugger.register(thread, "tselect") != number:
            break
        found.append(debugger.register(thread, "tdata1"))
    return found


def check_locked(arguments, work):
    with boot(arguments, work, LOCKED, FIRMWARES[arguments.firmware]) as machine:
        line = machine.expect(r"^Plinth: hart \d+ cannot run below the monitor: .*\n")
        check_parked(machine)
        if "locked" not in line.group() or machine.output.strip() != line.group().strip():
            raise Failure(f"printed: {machine.output!r}")


def check_parked(machine):
    """Waits until every hart is in the monitor, past the stage; none may ever be below it."""
    seen = 0
    while seen < 3:
        text = machine.registers()
        pcs = [int(pc, 16) for pc in re.findall(r"^ pc +([0-9a-f]+)", text, re.MULTILINE)]
        if not pcs or any(0x80100000 <= pc < STAGE for pc in pcs):
            raise Failure(f"harts are at {[hex(pc) for pc in pcs]}")
        seen += all(0x80000000 <= pc < 0x80100000 for pc in pcs)
        if time.monotonic() > machine.deadline:
            raise Failure(f"harts are still at {[hex(pc) for pc in pcs]}")


def scanned(machine):
    machine.expect(r"^stage: boot 2\n")
    words, hits = machine.expect(r"^stage: scanned (\d+) words, hits (\d+)\n").groups()
    if int(words) < (MEMORY_MIB * MIB - 0x20000) // 8:
        raise Failure(f"only {words} words were looked at")
    return int(hits)


def check_reset(arguments, work):
    wait = arguments.case == "reset"
    machine = boot(
        arguments,
        work,
        SCAN,
        FIRMWARES[arguments.firmware],
        canary(),
        kernel=arguments.build / "payloads/endings.bin",
        append=f"plinth.end={'wait' if wait else 'reboot'}",
    )
    machine.command.remove("-no-reboot")
    with machine:
        machine.expect(r"^stage: boot 1\n")
        machine.expect(r"^endings: waiting\n" if wait else r"^endings: resetting\n")
        if wait:
            machine.command_monitor("system_reset")
        hits = scanned(machine)
        machine.expect_end()
    if wait and hits == 0:
        raise Failure("the canary is in memory and was not found")
    if not wait and hits != 0:
        raise Failure(f"{hits} words of the canary survive the reboot")
    print(f"found after the {arguments.case}: {hits} words")


def catch_in_create(debugger, arguments, go):
    """Freezes the hart that creates, and the machine when another hart begins to end it."""
    build = arguments.build
    debugger.write(go, struct.pack("<Q", 1))
    for name in PLACES[arguments.at]:
        creating = debugger.run_until(function_address(build, name))
    caught = debugger.register(creating, "pc")
    print(f"hart {creating} is within create, at {caught:#x}")
    if arguments.case == "create-reset":
        return
    debugger.write(go, struct.pack("<Q", 2))
    others = [thread for thread in debugger.threads if thread != creating]
    ending = debugger.run_until(function_address(build, "plinth::monitor::wipe_everything"), others)
    if debugger.register(creating, "pc") != caught:
        raise Failure("create has gone on")
    print(f"hart {ending} is about to end the machine")


def boot_creating(arguments, work, needles):
    """The machine of check_create; a shutdown leaves its memory in a file."""
    scan = arguments.case != "create-shutdown"
    machine = boot(
        arguments,
        work,
        SCAN if scan else PLAIN,
        FIRMWARES[arguments.firmware],
        needles if scan else (),
        kernel=arguments.build / "payloads/endings.bin",
        append=f"plinth.end={'create-reboot' if scan else 'create-shutdown'}",
    )
    if scan:
        machine.command.remove("-no-reboot")
        return machine, None
    ram = pathlib.Path(machine.work) / "ram"
    backend = f"memory-backend-file,id=ram,size={MEMORY_MIB}M,mem-path={ram},share=on"
    machine.command += ["-object", backend, "-machine", "memory-backend=ram"]
    return machine, ram


def check_create(arguments, work):
    needles = lcg_words(2, 0, 4)
    machine, ram = boot_creating(arguments, work, [*needles, *canary()])
    debugger = Debugger(machine)
    with machine:
        line = r"^endings: creating in 0x([0-9a-f]+) size 0x([0-9a-f]+), go at 0x([0-9a-f]+)\n"
        epm, size, go = (int(text, 16) for text in machine.expect(line).groups())
        debugger.attach()
        catch_in_create(debugger, arguments, go)
        if debugger.read(epm + size - 32, 32) != b"".join(needles):
            raise Failure("the canary is not where create has not been")
        if ram is not None and not places(ram.read_bytes(), needles):
            raise Failure("the canary is not in the file: the search sees nothing")
        if arguments.case == "create-reset":
            machine.command_monitor("system_reset")
        debugger.go()
        hits = scanned(machine) if ram is None else 0
        machine.expect_end()
        debugger.close()
        machine.forbid(MONITOR_FAILED, "^endings: FAIL")
        if ram is not None:
            memory = ram.read_bytes()
            secrets = monitor_secrets((arguments.build / "plinth.bin").read_bytes())
            needs = {"what create was given": needles, "the canary": canary(), **secrets}
            for what, words in needs.items():
                expect_absent(memory, what, words, "after the end")
    if arguments.case == "create-reset" and hits < size // 8:
        raise Failure(f"only {hits} words are found after a reset that wipes nothing")
    if arguments.case != "create-reset" and hits != 0:
        raise Failure(f"{hits} words of the enclaves' memory survive")
    print(f"found after the end: {hits} words")


def main():
    arguments = parse()
    checks = {
        **{case: check_create for case in CREATE},
        "leftovers": check_leftovers,
        "triggers": check_triggers,
        "locked": check_locked,
    }
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        checks.get(arguments.case, check_reset)(arguments, pathlib.Path(work))


run_main(main)
