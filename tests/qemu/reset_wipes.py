#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is in memory while the host runs, and after the machine was reset with an enclave alive.

  reset_wipes.py --build DIR --end wait|shutdown|reboot [--smp N] [--timeout SECONDS]

The machine's RAM is a file, so that it can be read after QEMU has ended. The search is shown to
see: before the first instruction the secrets are in memory, while the host runs the enclave's
canary is in the enclave's memory."""
import pathlib
import re
import tempfile

from control import Started
from machine import FIRMWARES, MONITOR_FAILED, Failure, Machine, command_line, pack, run_main
from needles import MIB, RAM, canary, expect_absent, monitor_secrets, places, rng_seed

MEMORY_MIB = 128


def parse():
    parser = command_line(__doc__, 40)
    parser.add_argument("--end", choices=("wait", "shutdown", "reboot"), required=True)
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--threads", choices=("single", "multi"), default="multi")
    parser.add_argument("--firmware", choices=sorted(FIRMWARES), default="1.6")
    return parser.parse_args()


def initial_secrets(ram, monitor):
    """The secrets that never come back, taken before the machine runs."""
    memory = ram.read_bytes()
    secrets = monitor_secrets(monitor)
    if not places(memory, secrets["test secret"]):
        raise Failure("the test secret is not in memory before the first instruction")
    if places(memory, canary()):
        raise Failure("the canary is in memory before the enclave computes it")
    return secrets, rng_seed(memory)


def check_living(machine, ram, secrets, seed):
    """The canary is with its owner and the monitor, the keys that are in use with the monitor."""
    match = machine.expect(r"^endings: enclave in 0x([0-9a-f]+) size 0x([0-9a-f]+)\n")
    epm, size = (int(text, 16) for text in match.groups())
    machine.expect(r"^endings: waiting$")
    machine.command_monitor("stop")
    memory = ram.read_bytes()
    hits = places(memory, canary())
    inside = [hit for hit in hits if epm <= hit < epm + size]
    if not inside:
        raise Failure("the canary is not in the enclave's memory: the search sees nothing")
    others = [hit for hit in hits if hit not in inside and hit >= RAM + MIB]
    if others:
        raise Failure(f"the canary is outside the enclave, at {[hex(hit) for hit in others[:8]]}")
    print(f"canary: {len(inside)} times in the enclave, {len(hits) - len(inside)} in the monitor")
    for what in ("monitor key", "sealing root"):
        if not places(memory[:MIB], secrets[what]):
            raise Failure(f"the {what} is not in the monitor: the search does not know it")
        expect_absent(memory[MIB:], what, secrets[what], "outside the monitor")
    for what in ("test secret", "device key"):
        expect_absent(memory, what, secrets[what], "while the host runs")
    expect_absent(memory, "rng-seed", seed, "while the host runs")


def check_reset(machine, ram, secrets, seed):
    machine.expect(r"^endings: resetting$")
    machine.expect_end()
    memory = ram.read_bytes()
    expect_absent(memory, "the enclave's canary", canary(), "after the end")
    for what, needles in secrets.items():
        expect_absent(memory, what, needles, "after the end")
    expect_absent(memory, "rng-seed", seed, "after the end")


def run(arguments, work):
    monitor = arguments.build / "plinth.bin"
    machine = Machine(
        bios=pack(monitor, FIRMWARES[arguments.firmware], work / "image.bin"),
        kernel=arguments.build / "payloads/endings.bin",
        append=f"plinth.end={arguments.end}",
        smp=arguments.smp,
        memory=f"{MEMORY_MIB}M",
        timeout=arguments.timeout,
        extra=("-S", "-machine", "memory-backend=ram", "-accel", f"tcg,thread={arguments.threads}"),
    )
    ram = pathlib.Path(machine.work) / "ram"
    backend = f"memory-backend-file,id=ram,size={MEMORY_MIB}M,mem-path={ram},share=on"
    machine.command += ["-object", backend]
    starting = Started(machine)
    with machine:
        starting.wait()
        secrets, seed = initial_secrets(ram, monitor.read_bytes())
        machine.command_monitor("cont")
        if arguments.end == "wait":
            check_living(machine, ram, secrets, seed)
        else:
            check_reset(machine, ram, secrets, seed)
        if re.search(MONITOR_FAILED, machine.output, re.MULTILINE):
            raise Failure("the monitor failed")


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        run(arguments, pathlib.Path(work))


run_main(main)
