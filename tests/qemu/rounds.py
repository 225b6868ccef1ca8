#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Software interrupts and timers of all harts, in vM and in S-mode, counted: as many arrive as were
sent (payloads/firmware/rounds).

  rounds.py --build DIR [--bare] [--smp N] [--rounds N] [--passes N] [--exclusive]
            [--hot-machine MASK] [--hot-lower MASK] [--clear] [--restarts N] [--cpu rv64,...]
            [--lose] [--timeout SECONDS]

--rounds is for each hart. --passes: then one lone interrupt goes from hart to hart so often, in
vM and again in S-mode. --exclusive: one software interrupt at a time for each hart, so that
every one of them is a trap of its own. --hot-machine, --hot-lower: harts that spin for ever with
interrupts off, in M-mode and in S-mode; the others finish all the same. --clear: they also clear
the software interrupts of those. --lose: the firmware drops one message, and the run must say so."""
import pathlib
import re
import struct
import tempfile

from machine import Failure, Machine, command_line, loader, must_fail, pack, run_main

PARAMETERS, MAGIC = 0x81000000, 0x73646E756F72
KINDS = ("mipi", "sipi", "mtim", "stim", "sstc")
SINGLE = ("trapped", "unsent", "early", "unexpected", "plans", "starts", "phase")
LINE = re.compile(
    r"^rounds: hart (\d+) "
    + " ".join(rf"{kind} (?P<{kind}_sent>\d+) (?P<{kind}_got>\d+)" for kind in KINDS)
    + "".join(rf" {name} (?P<{name}>\d+)" for name in SINGLE)
    + "$",
    re.MULTILINE,
)


def parse():
    parser = command_line(__doc__, 55)
    number = lambda text: int(text, 0)  # noqa: E731
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--smp", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--passes", type=int, default=500)
    parser.add_argument("--exclusive", action="store_true")
    parser.add_argument("--hot-machine", type=number, default=0)
    parser.add_argument("--hot-lower", type=number, default=0)
    parser.add_argument("--clear", action="store_true")
    parser.add_argument("--restarts", type=int, default=0)
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--lose", action="store_true")
    return parser.parse_args()


def parameters(arguments, work):
    path = work / "parameters"
    words = (
        MAGIC,
        arguments.rounds,
        arguments.passes,
        arguments.exclusive,
        arguments.hot_machine,
        arguments.hot_lower,
        arguments.restarts,
        arguments.lose,
        arguments.clear,
    )
    path.write_bytes(struct.pack("<9Q", *words))
    return path


def check_hart(arguments, hart, line, sstc):
    """One hart's counters; returns how many interrupts it took."""
    got = {name: int(text) for name, text in line.groupdict().items()}
    for kind in KINDS:
        if got[f"{kind}_sent"] != got[f"{kind}_got"]:
            raise Failure(
                f"hart {hart}: {got[f'{kind}_sent']} {kind} sent, {got[f'{kind}_got']} arrived"
            )
        # The least that chance may give: each kind has far more than one per 64 rounds.
        if got[f"{kind}_sent"] < arguments.rounds // 64 and (kind != "sstc" or sstc):
            raise Failure(f"hart {hart}: only {got[f'{kind}_sent']} of {kind}")
    for name in ("unsent", "early", "unexpected"):
        if got[name] != 0:
            raise Failure(f"hart {hart}: {got[name]} interrupts {name}")
    if hart != 0 and got["starts"] != arguments.restarts:
        raise Failure(f"hart {hart} was started {got['starts']} times again")
    return got


def check(machine, arguments):
    totals = machine.expect(r"^rounds: raised (\d+) spinning (\d+) passed (\d+)\n")
    raised, spinning, passed = map(int, totals.groups())
    end = machine.expect(r"^rounds: (\w+)\n").group(1)
    lines = {int(match[1]): match for match in LINE.finditer(machine.output)}
    hot = arguments.hot_machine | arguments.hot_lower
    expected = [hart for hart in range(arguments.smp) if not hot >> hart & 1]
    if end != "end" or sorted(lines) != expected:
        raise Failure(f"the run ended with {end!r}, harts {sorted(lines)} of {expected}")
    if spinning != bin(hot).count("1"):
        raise Failure(f"{spinning} harts spin")
    if passed != (2 * arguments.passes if len(expected) > 1 else 0):
        raise Failure(f"the token was passed {passed} times")
    sstc = "sstc=off" not in arguments.cpu and arguments.cpu.startswith("rv64")
    counts = [check_hart(arguments, hart, line, sstc) for hart, line in lines.items()]
    trapped = sum(count["trapped"] for count in counts)
    if trapped > raised or (arguments.exclusive and trapped != raised):
        raise Failure(f"{raised} software interrupts raised, {trapped} taken")
    plans = counts[0]["plans"]
    if (plans != 0) if arguments.bare else (plans < arguments.rounds // 128):
        raise Failure(f"enclaves were created and destroyed {plans} times")
    total = sum(count[f"{kind}_got"] for count in counts for kind in KINDS)
    print(f"rounds: {total} interrupts, each sent once and taken once; {raised - trapped} merged")


def run(arguments, work):
    firmware = arguments.build / "payloads/fw-rounds.bin"
    image = firmware
    if not arguments.bare:
        image = pack(arguments.build / "plinth.bin", firmware, work / "image.bin")
    with Machine(
        bios=image,
        smp=arguments.smp,
        cpu=arguments.cpu,
        timeout=arguments.timeout,
        extra=loader(parameters(arguments, work), PARAMETERS),
    ) as machine:
        check(machine, arguments)
        machine.expect_end()


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        if not arguments.lose:
            return run(arguments, pathlib.Path(work))
        must_fail("a lost message", " sent, ", lambda: run(arguments, pathlib.Path(work)))


run_main(main)
