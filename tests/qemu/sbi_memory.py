#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SBI calls that make the firmware read or write memory for the host, aimed at an enclave and at
the monitor: the firmware faults or refuses, nothing of them is printed or changed, and the other
hart lives on.

  sbi_memory.py --build DIR --case console|shared [--firmware 1.1|1.6] [--open] [--timeout SECONDS]

  console  the debug console's write and read; one boot for each target, since a firmware that
           faults there does not come back. What lies before the enclave does get through.
  shared   every other call with an address, on memory of enclave and monitor, and set up on free
           memory before that becomes an enclave
--open aims the console at free memory instead: then the bytes must come and go, so the script sees
them."""
import hashlib
import pathlib
import re
import struct
import tempfile

from machine import FIRMWARES, Failure, Machine, command_line, loader, pack, run_main
from needles import RAM, canary

EPM, EPM_SIZE, FREE = 0x84000000, 0x10000, 0x85000000
DBCN, PMU, DBTR, SSE, MPXY, STA, NACL = (
    int.from_bytes(name.encode(), "big")
    for name in ("DBCN", "PMU", "DBTR", "SSE", "MPXY", "STA", "NACL")
)
CREATE, WAIT = (0,), (1,)
TYPED = b"TYPEDbyTheScript"
LENGTH = 64


def parse():
    parser = command_line(__doc__, 30)
    parser.add_argument("--case", choices=("console", "shared"), required=True)
    parser.add_argument("--firmware", choices=sorted(FIRMWARES), default="1.6")
    parser.add_argument("--open", action="store_true")
    return parser.parse_args()


def boot(arguments, work, calls, before=None):
    """A machine that makes the calls; `before`: (address, bytes) that lie in memory at first."""
    text = "".join(struct.pack(">7Q", *call, *(0,) * (7 - len(call))).hex() for call in calls)
    extra = ()
    if before:
        file = work / "before"
        file.write_bytes(before[1])
        extra = loader(file, before[0])
    machine = Machine(
        bios=pack(arguments.build / "plinth.bin", FIRMWARES[arguments.firmware], work / "image"),
        kernel=arguments.build / "payloads/sbimem.bin",
        append=f"plinth.calls={text}",
        smp=2,
        timeout=arguments.timeout,
        extra=extra,
    )
    # What is printed may be no text: QEMU keeps it as it is.
    machine.log = work / "serial"
    at = machine.command.index("-serial")
    log = f"stdio,id=serial,logfile={machine.log}"
    machine.command[at : at + 2] = ["-chardev", log, "-serial", "chardev:serial"]
    return machine


class Owned:
    """Digests of the enclave's memory and of the monitor's image, to be the same afterwards."""

    def __init__(self, machine, image_size):
        self.machine, self.size = machine, image_size
        if not all(word in machine.memory(EPM, EPM_SIZE) for word in canary()):
            raise Failure("the canary is not in the enclave")
        self.before = self.digests()

    def digests(self):
        ranges = ((EPM, EPM_SIZE), (RAM, self.size))
        return [hashlib.sha256(self.machine.memory(*r)).hexdigest() for r in ranges]

    def check(self):
        if self.digests() != self.before:
            raise Failure("memory of the enclave or of the monitor has changed")


def check_output(machine, image):
    raw = machine.log.read_bytes()
    for word in canary():
        if word in raw or word[:4] in raw:
            raise Failure("bytes of the canary were printed")
    if image[:16] in raw or image[8:16] in raw:
        raise Failure("bytes of the monitor were printed")
    machine.forbid(r"^sbimem: FAIL.*")


def outcome(machine, number):
    """How a call ended: its error, or None if its hart never came back."""
    text = machine.expect(rf"sbimem: call {number} (returned|lost its hart)\n").group(1)
    if text != "returned":
        return None
    return re.findall(r"sbimem: answer (0x[0-9a-f]+) ", machine.output, re.MULTILINE)[-1]


MARK = b"<before the edge"
PATTERN = bytes(range(0x41, 0x41 + 26)) + b"0123456789" + bytes(28)
CONSOLE = [
    ("write", 0, EPM, LENGTH),
    ("write", 0, EPM - len(MARK), LENGTH),
    ("write", 0, RAM, LENGTH),
    ("write", 0, 2**64 - 32, LENGTH),
    ("read", 1, EPM, 8),
    ("read", 1, EPM - 8, 16),
    ("read", 1, RAM, 8),
]


def console(arguments, work, image, name, function, address, length):
    """One boot; returns what was printed or arrived, for --open."""
    target = FREE if arguments.open else address
    calls = [CREATE, *([WAIT] if name == "read" else []), (DBCN, function, length, target)]
    before = (EPM - len(MARK), MARK)
    if arguments.open:
        before = (FREE, PATTERN)
    with boot(arguments, work, calls, before) as machine:
        machine.expect(r"^sbimem: enclave\n")
        owned = Owned(machine, len(image))
        if name == "read":
            machine.expect(r"^sbimem: type\n")
            machine.send(TYPED.decode())
        error = outcome(machine, 1)
        owned.check()
        check_output(machine, image)
        arrived = machine.memory(target & ~15 if target < 2**63 else FREE, 32)
        raw = machine.log.read_bytes()
    print(f"console {name} at {target:#x}: {error or 'the firmware faulted'}")
    if arguments.open and not (TYPED[:8] in arrived if name == "read" else PATTERN[:36] in raw):
        raise Failure("what is free did not get through: this test sees nothing")
    if not arguments.open and address == EPM - len(MARK) and MARK not in raw:
        raise Failure("what lies before the enclave was not printed")
    if not arguments.open and address == EPM - 8 and TYPED[:8] not in arrived:
        raise Failure("what lies before the enclave was not read")
    if not arguments.open and error == "0x0":
        raise Failure("the call went through")


def check_console(arguments, work, image):
    for case in CONSOLE[:5:4] if arguments.open else CONSOLE:
        console(arguments, work, image, *case)


def shared_calls():
    """Set up while the memory is free, used when it is an enclave; then all at what is owned."""
    setups = [(PMU, 7), (DBTR, 1), (MPXY, 1), (STA, 0), (NACL, 1)]
    first = [(*call, EPM + 0x1000, 0, 0) for call in setups]
    uses = [(PMU, 4, 0, 1, 2), (DBTR, 2, 0, 1), (DBTR, 3, 1), (MPXY, 2, 0), (NACL, 3)]
    local_event = 0xFFFF0000
    for base in (EPM, EPM - 8, RAM, RAM + 0x80000):
        uses += [(*call, base, 0, 0) for call in setups]
        uses += [(PMU, 8, base, 0, 4, 0), (DBTR, 2, 0, 1), (MPXY, 2, 0)]
        uses += [(SSE, function, local_event, 0, 4, base) for function in (0, 1)]
    return first, uses


def name_of(call):
    return f"{call[0].to_bytes(4, 'big').strip(bytes(1)).decode()}.{call[1]}"


def check_shared(arguments, work, image):
    """Boots again behind every call that cost a hart."""
    first, uses = shared_calls()
    lost, answers, boots = 0, {}, 0
    while uses:
        boots += 1
        with boot(arguments, work, [*first, CREATE, *uses]) as machine:
            for number in range(1, len(first) + 1):
                outcome(machine, number)
            machine.expect(r"^sbimem: enclave\n")
            owned = Owned(machine, len(image))
            while uses:
                call = uses.pop(0)
                number += 1
                error = outcome(machine, number)
                answers.setdefault(error, []).append(name_of(call))
                if error is None:
                    lost += 1
                    break
            owned.check()
            check_output(machine, image)
    for error, calls in sorted(answers.items(), key=str):
        print(
            f"{error or 'the firmware faulted'}: {len(calls)} calls, {' '.join(sorted(set(calls)))}"
        )
    if sum(map(len, answers.values())) != len(shared_calls()[1]) or boots > lost + 1:
        raise Failure("not every call was made")


def main():
    arguments = parse()
    image = (arguments.build / "plinth.bin").read_bytes()
    check = {"console": check_console, "shared": check_shared}[arguments.case]
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        check(arguments, pathlib.Path(work), image)


run_main(main)
