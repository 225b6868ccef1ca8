#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a test firmware on the bare machine and above the monitor: both must print the same text.

  compare.py --build DIR --firmware NAME [--smp N] [--cpu rv64,...] [--minimum LINES]
             [--timeout SECONDS]

What the monitor itself prints is taken out: all up to the line that ends its banner, and whole
lines that start with "Plinth: ". Without the banner's end the comparison fails."""
import difflib
import pathlib
import tempfile

from machine import BANNER_END, MONITOR_PREFIX, Failure, Machine, command_line, pack, run_main


def parse():
    parser = command_line(__doc__, 30)
    parser.add_argument("--firmware", required=True)
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--minimum", type=int, default=5, help="fewer lines are a failure")
    return parser.parse_args()


def run(bios, arguments):
    with Machine(
        bios=bios, smp=arguments.smp, cpu=arguments.cpu, timeout=arguments.timeout
    ) as machine:
        machine.expect_end()
        return machine.output.splitlines()


def main():
    arguments = parse()
    firmware = arguments.build / "payloads" / f"{arguments.firmware}.bin"
    if not firmware.exists():
        raise Failure(f"{firmware} does not exist")
    print("== bare")
    bare = run(firmware, arguments)
    if len(bare) < arguments.minimum:
        raise Failure(f"the firmware printed {len(bare)} lines, fewer than {arguments.minimum}")
    print("== above the monitor")
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        image = pack(arguments.build / "plinth.bin", firmware, pathlib.Path(work) / "image.bin")
        lines = run(image, arguments)
    if BANNER_END not in lines:
        raise Failure("the monitor printed no banner: was it there at all?")
    virtual = [
        line for line in lines[lines.index(BANNER_END) + 1 :] if not line.startswith(MONITOR_PREFIX)
    ]
    if bare != virtual:
        difference = difflib.unified_diff(bare, virtual, "bare", "virtual", lineterm="")
        raise Failure("bare and virtual differ:\n" + "\n".join(difference))


run_main(main)
