#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots Debian's Linux above the monitor and judges it by what its user space computes.

  linux.py --build DIR --firmware 1.1|1.6 [--path direct|uboot] [--smp N] [--cpu rv64,...]
           [--memory MIB] [--end poweroff|reboot] [--bare] [--timeout SECONDS]

direct: QEMU loads kernel and initial RAM disk, the firmware starts the kernel.
uboot:  the firmware starts U-Boot, which finds both and the command line on a virtio disk.

The run draws a nonce and puts it on the kernel's command line. On every hart user space hashes it
over and over, each time in a new process; the results are compared with those computed here. It
lists its memory, which must be all RAM but the monitor's and the firmware's, sleeps by a timer and
waits for a line on the serial port, which says how to end: power off, or reboot, after which
everything must happen once more. --bare does the same on the firmware alone.

With OpenSBI 1.1 and several harts, a boot that is silent for a race of that firmware's, and for
nothing else, is done again, at most twice: opensbi_race.py."""
import hashlib
import pathlib
import re
import secrets
import struct
import subprocess
import sys
import tempfile

import opensbi_race
from machine import (
    BANNER_END,
    FIRMWARES,
    ROOT,
    Failure,
    Machine,
    Silence,
    command_line,
    pack,
    run_main,
)

LINUX = ROOT / "build/cache/linux"
INIT = ROOT / "tests/qemu/linux.init"
MIB = 1 << 20
RAM = 0x80000000
MONITOR = (RAM, RAM + MIB - 1)
KERNEL = RAM + 2 * MIB  # the first address that neither monitor nor firmware may claim
CHAIN_LENGTH = 24
MOST_OVERHEAD_MIB = 80  # of the kernel itself, its page structures, reserved memory
SLEEP_SECONDS = (1, 5)
DISK_MIB, PARTITION_SECTOR, SECTOR = 64, 2048, 512
KERNEL_TROUBLE = (
    r"Kernel panic|Oops|BUG:|WARNING: CPU|soft lockup|rcu: INFO|Unable to handle|Call Trace"
)
EXTLINUX = "default linux\nlabel linux\n    kernel /Image\n    initrd /initrd\n    append {}\n"


def parse():
    parser = command_line(__doc__, 85)
    parser.add_argument("--firmware", choices=sorted(FIRMWARES), required=True)
    parser.add_argument("--path", choices=("direct", "uboot"), default="direct")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--memory", type=int, default=256)
    parser.add_argument("--end", choices=("poweroff", "reboot"), default="poweroff")
    parser.add_argument("--bare", action="store_true")
    return parser.parse_args()


def run_tool(*command):
    """Runs a program of the development machine; what it prints appears only when it fails."""
    try:
        result = subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
    except FileNotFoundError:
        raise Failure(f"{command[0]} is missing: run scripts/setup --linux") from None
    if result.returncode != 0:
        raise Failure(f"{command[0]} ended with {result.returncode}: {result.stdout}")


def make_initramfs(output):
    run_tool(
        sys.executable,
        ROOT / "scripts/initramfs",
        "--busybox",
        LINUX / "busybox",
        "--init",
        INIT,
        "--output",
        output,
    )


def make_disk(work, initramfs, append):
    """A disk with one FAT32 partition (type 0x0c, active) that holds what U-Boot looks for."""
    disk, menu = work / "disk", work / "extlinux.conf"
    menu.write_text(EXTLINUX.format(append))
    sectors = DISK_MIB * MIB // SECTOR - PARTITION_SECTOR
    no_chs = b"\xff\xff\xff"
    entry = struct.pack("<B3sB3sII", 0x80, no_chs, 0x0C, no_chs, PARTITION_SECTOR, sectors)
    with open(disk, "wb") as file:
        file.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
        file.truncate(DISK_MIB * MIB)
    partition = f"{disk}@@{PARTITION_SECTOR * SECTOR}"
    run_tool("mformat", "-i", partition, "-F", "-T", sectors, "-h", 64, "-s", 32, "::")
    run_tool("mmd", "-i", partition, "::/extlinux")
    run_tool("mcopy", "-i", partition, menu, "::/extlinux/extlinux.conf")
    run_tool("mcopy", "-i", partition, initramfs, "::/initrd")
    run_tool("mcopy", "-i", partition, LINUX / "Image", "::/Image")
    return disk


def make_machine(arguments, work, nonce):
    append = f"plinth.nonce={nonce} loglevel=5"
    initramfs = work / "initrd"
    make_initramfs(initramfs)
    firmware = FIRMWARES[arguments.firmware]
    if not arguments.bare:
        firmware = pack(arguments.build / "plinth.bin", firmware, work / "image.bin")
    options = {"kernel": LINUX / "Image", "append": append, "extra": ("-initrd", initramfs)}
    if arguments.path == "uboot":
        drive = f"file={make_disk(work, initramfs, append)},format=raw,if=none,id=disk"
        device = "virtio-blk-device,drive=disk"
        options = {"kernel": LINUX / "u-boot.bin", "extra": ("-drive", drive, "-device", device)}
    machine = Machine(
        bios=firmware,
        smp=arguments.smp,
        memory=f"{arguments.memory}M",
        cpu=arguments.cpu,
        timeout=arguments.timeout,
        **options,
    )
    if arguments.end == "reboot":
        machine.command.remove("-no-reboot")
    return machine


def expected_marker(nonce, hart):
    """What user space computes on a hart: SHA-256 in hexadecimal of what it had before."""
    value = f"{nonce}.{hart}"
    for _ in range(CHAIN_LENGTH):
        value = hashlib.sha256(value.encode()).hexdigest()
    return value


def check_markers(text, nonce, smp):
    found = re.findall(r"^linux: hart (\d+) marker (\w*)$", text, re.MULTILINE)
    expected = [(str(hart), expected_marker(nonce, hart)) for hart in range(smp)]
    if sorted(found) != sorted(expected):
        raise Failure(f"the markers are {found}, expected {expected}")


def resources(text):
    """/proc/iomem: (first, last, name)."""
    pattern = r"^linux: iomem +([0-9a-f]+)-([0-9a-f]+) : (.*)$"
    return [
        (int(first, 16), int(last, 16), name)
        for first, last, name in re.findall(pattern, text, re.MULTILINE)
    ]


def uncovered(first, last, ranges):
    """The parts of first..last that no range covers."""
    missing = []
    for low, high in sorted(ranges):
        if low > first:
            missing.append((first, min(low - 1, last)))
        first = max(first, high + 1)
        if first > last:
            return missing
    return [*missing, (first, last)]


def hexadecimal(ranges):
    return ", ".join(f"{low:#x}-{high:#x}" for low, high in ranges)


def firmware_range(log):
    """Where OpenSBI says that it lies."""
    base = int(re.findall(r"^Firmware Base +: (0x[0-9a-f]+)$", log, re.MULTILINE)[-1], 16)
    size = int(re.findall(r"^Firmware Size +: (\d+) KB$", log, re.MULTILINE)[-1])
    return base, base + size * 1024 - 1


def check_memory(text, log, arguments):
    """All RAM above the firmware is System RAM; of monitor and firmware nothing is free to use."""
    lines = resources(text)
    ram = [(first, last) for first, last, name in lines if name == "System RAM"]
    reserved = [(first, last) for first, last, name in lines if name == "Reserved"]
    missing = uncovered(KERNEL, RAM + arguments.memory * MIB - 1, ram)
    if missing:
        raise Failure(f"Linux lacks the memory {hexadecimal(missing)}")
    owned = {"firmware": firmware_range(log)}
    if not arguments.bare:
        owned["monitor"] = MONITOR
        shared = [r for r in ram if r[0] <= MONITOR[1] and MONITOR[0] <= r[1]]
        if shared:
            raise Failure(f"the monitor's memory is System RAM: {hexadecimal(shared)}")
    for owner, (first, last) in owned.items():
        usable = uncovered(first, last, reserved)
        if usable:
            raise Failure(f"of the {owner}'s memory Linux may use {hexadecimal(usable)}")
    total = int(re.search(r"^linux: memory (\d+)$", text, re.MULTILINE).group(1)) // 1024
    if not arguments.memory - MOST_OVERHEAD_MIB <= total <= arguments.memory:
        raise Failure(f"MemTotal is {total} MiB of {arguments.memory}")


def check_extensions(text, arguments):
    """Linux finds the extensions that the emulated processor has, and those only."""
    found = re.findall(r"^linux: isa (\S+)$", text, re.MULTILINE)
    if len(found) != arguments.smp:
        raise Failure(f"/proc/cpuinfo describes {len(found)} harts, not {arguments.smp}")
    rv64 = arguments.cpu.split(",")[0] == "rv64"
    for isa in found:
        letters, *names = isa.removeprefix("rv64").split("_")
        expected = {
            "sstc": rv64 and "sstc=off" not in arguments.cpu,
            "h": rv64 and "h=off" not in arguments.cpu,
            "v": "v=on" in arguments.cpu,
        }
        for name, present in expected.items():
            if (name in letters if len(name) == 1 else name in names) != present:
                raise Failure(f"isa {isa}: {name} should be {'there' if present else 'absent'}")


def check_timers(text, smp):
    before, after = re.search(r"^linux: slept from (\S+) to (\S+)$", text, re.MULTILINE).groups()
    seconds = float(after) - float(before)
    if not SLEEP_SECONDS[0] <= seconds <= SLEEP_SECONDS[1]:
        raise Failure(f"sleeping one second took {seconds:.2f} s")
    counts = re.search(r"^linux: timer interrupts ([\d ]+)$", text, re.MULTILINE).group(1).split()
    if len(counts) != smp or "0" in counts:
        raise Failure(f"timer interrupts on {smp} harts: {counts}")


def boot(machine, arguments, nonce):
    """From reset to where user space waits for a line."""
    start = machine.position
    if not arguments.bare:
        machine.expect(rf"^{re.escape(BANNER_END)}$")
    machine.expect(rf"^OpenSBI v{re.escape(arguments.firmware)}$")
    if arguments.path == "uboot":
        machine.expect(r"^U-Boot \d+\.\d+")
        machine.expect(r"^Starting kernel \.\.\.$")
    machine.expect(r"^linux: kernel 6\.12\.")
    log_end = machine.position
    machine.expect(rf"^linux: harts {arguments.smp}$")
    machine.expect(r"^linux: ready$")
    log, text = machine.output[start:log_end], machine.output[log_end : machine.position]
    check_markers(text, nonce, arguments.smp)
    check_memory(text, log, arguments)
    check_extensions(text, arguments)
    check_timers(text, arguments.smp)


def ask(machine, what, answer):
    machine.send(what + "\n")
    machine.expect(rf"^linux: asked to {what}$")
    machine.expect(rf"reboot: {answer}$")


def judge(machine, arguments, nonce):
    boot(machine, arguments, nonce)
    if arguments.end == "reboot":
        ask(machine, "reboot", "Restarting system")
        boot(machine, arguments, nonce)
    ask(machine, "poweroff", "Power down")
    machine.expect_end(KERNEL_TROUBLE)


def run(arguments, work, meddle=None):
    """One machine from reset to its end. meddle(machine) is called before it starts and may return
    what is called then."""
    nonce = secrets.token_hex(32)
    machine = make_machine(arguments, work, nonce)
    act = meddle and meddle(machine)
    with machine:
        if act:
            act()
        try:
            judge(machine, arguments, nonce)
        except Silence:
            if opensbi_race.possible(arguments.firmware, arguments.smp):
                opensbi_race.check_linux(machine, LINUX / "Image")
            raise


def check_files():
    for name in ("Image", "busybox", "u-boot.bin"):
        if not (LINUX / name).exists():
            raise Failure(f"build/cache/linux/{name} is missing: run scripts/setup --linux")


def main():
    arguments = parse()
    check_files()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        opensbi_race.past_race(lambda: run(arguments, pathlib.Path(work)))


if __name__ == "__main__":
    run_main(main)
