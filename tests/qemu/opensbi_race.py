# SPDX-License-Identifier: Apache-2.0
"""OpenSBI 1.1 sometimes starts a hart where the boot hart entered the kernel: a race of its own
(docs/opensbi-1.1-race.md). This tells it from every other silence, and boots again only then.

What is asked for below is what that race leaves behind and a lost interrupt, a lost wake-up or a
hart that hangs cannot: a second hart has run the boot entry. The test payloads say so themselves.
Of Linux it is seen in the registers. The boot hart is in the kernel, whose variables and page tables
that hart has cleared under it: mostly it faults for ever in its own trap handler, but not always."""
import re
import struct
import time

from control import Debugger
from machine import Failure

BOOTS_AGAIN = 2
LOOKS, LOOK_PAUSE, SIGHTINGS, QUESTION_SECONDS = 20, 0.1, 2, 30
SUPERVISOR = 1
REGISTERS = ("mhartid", "priv", "pc", "sp", "gp", "tp", "satp", "stvec", "sepc", "scause")
# What the payloads print: payloads/lib/start_s.S.
PAYLOAD_LINE = r"^payload: hart (\d) entered as the boot hart did$"


class Raced(Failure):
    """OpenSBI 1.1's race has happened."""

    def __init__(self, hart):
        super().__init__(
            f"OpenSBI 1.1 started hart {hart} at the boot hart's address: "
            "a race of its own, see docs/opensbi-1.1-race.md"
        )


def possible(firmware, smp):
    return firmware == "1.1" and smp > 1


def past_race(boot):
    """Calls boot(), and again, at most twice, when it says that the race has happened."""
    for _ in range(BOOTS_AGAIN):
        try:
            return boot()
        except Raced as raced:
            print(f"\n{raced}; booting again", flush=True)
    return boot()


def entered_as_boot_hart(hart, image):
    """Whether a hart has run the kernel's boot entry and not gone further: with the MMU off that
    points tp, gp, sp and stvec at the kernel's own variables, stack and code. A hart that is
    started in the ordinary way gets tp and sp as virtual addresses."""
    own = all(hart[name] in image for name in ("tp", "gp", "sp", "stvec"))
    return own and hart["priv"] == SUPERVISOR


def in_kernel(hart):
    """Whether a hart runs the kernel with the MMU on."""
    return hart["priv"] == SUPERVISOR and hart["satp"] >> 60 != 0 and hart["stvec"] >> 63 == 1


def suspect(harts, boot_hart, image):
    """The hart that OpenSBI started at the wrong address, or None."""
    found = [
        hart["mhartid"]
        for hart in harts
        if hart["mhartid"] != boot_hart and entered_as_boot_hart(hart, image)
    ]
    boot = [hart for hart in harts if hart["mhartid"] == boot_hart]
    if len(found) != 1 or len(boot) != 1 or not in_kernel(boot[0]):
        return None
    return found[0]


def look_repeatedly(machine, boot_hart, image):
    """The suspect that was seen twice. A look may catch a hart in M-mode; the next one tells."""
    seen = []
    debugger = Debugger(machine, running=True)
    debugger.attach()
    for _ in range(LOOKS):
        harts = [
            {name: debugger.register(thread, name) for name in REGISTERS}
            for thread in debugger.threads
        ]
        hart = suspect(harts, boot_hart, image)
        if hart is not None:
            seen.append(hart)
        if seen.count(hart) == SIGHTINGS:
            return hart
        debugger.go()
        time.sleep(LOOK_PAUSE)  # between samples of a machine that runs
        debugger.stop()
    for hart in harts:
        print(" ".join(f"{name} {value:#x}" for name, value in hart.items()))
    return None


def last_boot(machine):
    """What was printed since the firmware started, and which hart it booted on; None if it did not
    come that far."""
    text = machine.output[machine.output.rfind("\nOpenSBI v") + 1 :]
    hart = re.search(r"^Boot HART ID +: (\d+)$", text, re.MULTILINE)
    return (text, int(hart.group(1))) if text.startswith("OpenSBI v1.1\n") and hart else None


def check_payload(machine):
    """Raises Raced if one hart has said that it entered the payload as the boot hart did."""
    text, boot_hart = last_boot(machine) or ("", None)
    harts = [int(hart) for hart in re.findall(PAYLOAD_LINE, text, re.MULTILINE)]
    if len(harts) == 1 and harts[0] != boot_hart:
        raise Raced(harts[0])


def kernel_range(text, kernel):
    """Where Linux' image lies: at the address that the firmware starts; U-Boot moves it there."""
    base = re.search(r"^Domain0 Next Address +: (0x[0-9a-f]+)$", text, re.MULTILINE).group(1)
    with open(kernel, "rb") as file:
        size = struct.unpack("<Q", file.read(24)[16:])[0]
    return range(int(base, 16), int(base, 16) + size)


def check_linux(machine, kernel):
    """Raises Raced if Linux is silent because of the race; returns if it is not, or if that
    cannot be found out."""
    text, boot_hart = last_boot(machine) or ("", None)
    if boot_hart is None or re.search(r"^(\[ *\d+\.\d+\]|linux:) ", text, re.MULTILINE):
        return  # a kernel that has spoken has all its harts
    machine.deadline = time.monotonic() + QUESTION_SECONDS
    try:
        hart = look_repeatedly(machine, boot_hart, kernel_range(text, kernel))
    except Failure as failure:
        print(f"\nwhy the boot is silent cannot be found out: {failure}")
        return
    if hart is not None:
        raise Raced(hart)
