#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots one image on QEMU virt and checks what it prints.

  boot.py --build DIR [--variant NAME] --firmware 1.1|1.6|FILE [--bare] [--kernel NAME|FILE]
          [--smp N] [--memory 256M] [--cpu rv64,...] [--append TEXT]
          --expect REGEX... [--forbid REGEX...]
          [--exit-code N | --running] [--timeout SECONDS]

The --expect patterns must appear in this order; no --forbid pattern and no failure of the
monitor may appear anywhere. The machine must power off with the exit code (default 0), unless
--running says that it is ended after the last match. --bare boots the firmware without the
monitor. --variant takes variants/NAME/plinth.bin of the build tree.

With OpenSBI 1.1 and several harts, a boot that is silent for a race of that firmware's, and for
nothing else, is done again, at most twice: opensbi_race.py."""
import pathlib
import tempfile

import opensbi_race
from machine import FIRMWARES, Failure, Machine, Silence, command_line, pack, run_main


def parse():
    parser = command_line(__doc__, 60)
    parser.add_argument("--variant")
    parser.add_argument("--firmware", default="1.6")
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--kernel")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--append")
    parser.add_argument("--expect", action="append", required=True)
    parser.add_argument("--forbid", action="append", default=[])
    parser.add_argument("--exit-code", type=int, default=0)
    parser.add_argument("--running", action="store_true")
    return parser.parse_args()


def payload(build, name):
    """A payload by name, or any file by its path."""
    path = build / "payloads" / f"{name}.bin"
    return path if path.exists() else pathlib.Path(name)


def image(arguments, work):
    firmware = FIRMWARES.get(arguments.firmware) or payload(arguments.build, arguments.firmware)
    if not firmware.exists():
        raise Failure(f"the firmware {firmware} does not exist")
    if arguments.bare:
        return firmware
    directory = arguments.build
    if arguments.variant:
        directory = directory / "variants" / arguments.variant
    return pack(directory / "plinth.bin", firmware, pathlib.Path(work) / "image.bin")


def check(machine, arguments):
    for pattern in arguments.expect:
        machine.expect(pattern)
    forbidden = (opensbi_race.PAYLOAD_LINE, *arguments.forbid)
    if arguments.running:
        machine.forbid(*forbidden)
    else:
        machine.expect_end(*forbidden, code=arguments.exit_code)


def run(arguments, kernel, work, meddle=None):
    """One machine from reset to its end. meddle(machine) is called before it starts and may return
    what is called then."""
    machine = Machine(
        bios=image(arguments, work),
        kernel=kernel,
        append=arguments.append,
        smp=arguments.smp,
        memory=arguments.memory,
        cpu=arguments.cpu,
        timeout=arguments.timeout,
    )
    act = meddle and meddle(machine)
    with machine:
        if act:
            act()
        try:
            check(machine, arguments)
        except Silence:
            if opensbi_race.possible(arguments.firmware, arguments.smp):
                opensbi_race.check_payload(machine)
            raise


def main():
    arguments = parse()
    kernel = arguments.kernel and payload(arguments.build, arguments.kernel)
    if kernel and not kernel.exists():
        raise Failure(f"the payload {kernel} does not exist")
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        opensbi_race.past_race(lambda: run(arguments, kernel, work))


if __name__ == "__main__":
    run_main(main)
