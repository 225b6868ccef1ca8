# SPDX-License-Identifier: Apache-2.0
"""Rows of a Linux boot, from reset to power-off: instructions with and without the monitor, and the
traps that the firmware in vM-mode took, from QEMU's log of traps."""
import collections
import dataclasses
import hashlib
import re
import subprocess
import sys

from counting import counted
from machine import FIRMWARES, ROOT, Failure
from payload_rows import packed
from rows import make_row, single
from start_rows import reached

LINUX = ROOT / "build/cache/linux"
INIT = ROOT / "tests/bench/linux.init"
NONCE = "00112233445566778899aabbccddeeff"
ROUNDS = 8
FIRMWARE = range(0x80100000, 0x80200000)
MONITOR = range(0x80000000, 0x80100000)
# What the monitor keeps from the firmware: CLINT, test finisher, fw_cfg.
DEVICES = (
    range(0x02000000, 0x02010000),
    range(0x00100000, 0x00101000),
    range(0x10100000, 0x10100018),
)
TRAP = re.compile(
    r"^riscv_cpu_do_interrupt: hart:0, async:([01]), cause:([0-9a-f]+), "
    r"epc:0x([0-9a-f]+), tval:0x([0-9a-f]+), desc=(\w+)$"
)
ILLEGAL, BREAKPOINT, ACCESS_FAULTS, CALL_FROM_U, CALL_FROM_S = 2, 3, (5, 7), 8, 9
SYSTEM, ECALL, EBREAK, C_EBREAK = 0x73, 0x00000073, 0x00100073, 0x9002
# own: ecall and ebreak, which trap in a firmware on the bare machine as well.
CLASSES = ("csr", "privileged", "device", "own", "interrupt", "other")


def marker():
    value = NONCE
    for _ in range(ROUNDS):
        value = hashlib.sha256(value.encode()).hexdigest()
    return value


def make_initramfs(context, init=INIT):
    output = context.work / "initrd"
    tool = [sys.executable, ROOT / "scripts/initramfs", "--busybox", LINUX / "busybox"]
    tool += ["--init", init, "--output", output]
    result = subprocess.run(tool, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"scripts/initramfs: {result.stderr}")
    return output


def judge(machine):
    found = re.search(r"^linux: marker (\w*)$", machine.output, re.MULTILINE)
    if not found or found.group(1) != marker():
        machine.fail(f"a wrong result: user space should have computed {marker()}")


def boot(context, cpu, bios, log):
    """Boots and powers off."""
    # The clock on the board's bus goes with the guest's time, like all others.
    extra = ("-initrd", make_initramfs(context), "-rtc", "base=2026-01-01,clock=vm")
    return counted(
        context,
        judge,
        ranges=(MONITOR, FIRMWARE),
        marks=(FIRMWARE.start,),
        extra=(*extra, "-d", "int", "-D", log),
        bios=bios,
        kernel=LINUX / "Image",
        append=f"plinth.nonce={NONCE} loglevel=4",
        cpu=cpu,
    )


def vm_class(interrupt, cause, tval, instruction):
    """Why a trap of the firmware came to the monitor; other: for no reason that the design has."""
    if interrupt:
        return "interrupt"
    if cause == CALL_FROM_U and instruction == ECALL:
        return "own"
    if cause == BREAKPOINT and (instruction == EBREAK or instruction & 0xFFFF == C_EBREAK):
        return "own"
    if cause in ACCESS_FAULTS and any(tval in device for device in DEVICES):
        return "device"
    if cause == ILLEGAL and instruction & 0x7F == SYSTEM and instruction not in (ECALL, EBREAK):
        return "csr" if instruction >> 12 & 3 else "privileged"
    return "other"


def host_class(interrupt, cause):
    """Traps that leave S-mode and U-mode of the host for M-mode, as OpenSBI delegates."""
    if interrupt:
        return {3: "software", 7: "timer"}.get(cause)
    return {ILLEGAL: "illegal", CALL_FROM_S: "call"}.get(cause)


@dataclasses.dataclass
class Traps:
    """Traps of a boot: of the firmware by class, cause and CSR, of the host by kind."""

    vm: collections.Counter
    causes: collections.Counter
    csrs: collections.Counter
    host: collections.Counter
    others: collections.Counter
    after_handover: int = 0


def count_traps(log, image):
    """Reads QEMU's log; `image` is the firmware, for the instructions that trapped."""
    traps = Traps(*(collections.Counter() for _ in range(5)))
    handed_over = False
    for line in log.read_text().splitlines():
        match = TRAP.match(line)
        if not match:
            continue
        interrupt, cause = match[1] == "1", int(match[2], 16) & 0xFF
        epc, tval = int(match[3], 16), int(match[4], 16)
        if epc in FIRMWARE:
            offset = epc - FIRMWARE.start
            instruction = int.from_bytes(image[offset : offset + 4], "little")
            kind = vm_class(interrupt, cause, tval, instruction)
            traps.vm[kind] += 1
            traps.causes[f"{'interrupt' if interrupt else 'cause'}_{cause}"] += 1
            traps.after_handover += handed_over
            if kind == "csr":
                traps.csrs[instruction >> 20] += 1
            if kind == "other":
                traps.others[f"cause {cause} at {epc:#x} tval {tval:#x} ({match[5]})"] += 1
        elif epc not in MONITOR:
            handed_over = True
            if host_class(interrupt, cause):
                traps.host[host_class(interrupt, cause)] += 1
    return traps


def instruction_rows(config, plinth, native):
    """The instructions of a boot by who executes them. Linux' own are not the same on both sides,
    since it tries for a fixed time how fast it can do some things: so linux.overhead.in_m_mode
    compares what runs for it in M-mode natively, without the monitor's start, which has rows of its
    own; linux.overhead compares everything."""
    monitor, firmware = (plinth.ranges[part.start] for part in (MONITOR, FIRMWARE))
    native_firmware = native.ranges[MONITOR.start]
    start = reached(plinth.marks, FIRMWARE.start)
    others = plinth.total - monitor - firmware
    in_m_mode = monitor - start + firmware - native_firmware
    values = {
        "linux.instructions": (plinth.total, native.total),
        "linux.instructions.monitor": (monitor, None),
        "linux.instructions.monitor.start": (start, None),
        "linux.instructions.firmware": (firmware, native_firmware),
        "linux.instructions.others": (others, native.total - native_firmware),
    }
    rows = [
        make_row(name, config, single(n), bare and single(bare))
        for name, (n, bare) in values.items()
    ]
    for name, more in (("", plinth.total - native.total), (".in_m_mode", in_m_mode)):
        permille = single(more * 1000 // native.total)
        rows.append(make_row(f"linux.overhead{name}", config, permille, None, "per mille"))
    return rows


def trap_rows(config, traps):
    total = sum(traps.vm.values())
    if total == 0:
        raise Failure("no trap of the firmware is in QEMU's log")
    values = {"linux.vm_traps": total, "linux.vm_traps.after_handover": traps.after_handover}
    values |= {f"linux.vm_traps.{kind}": traps.vm[kind] for kind in CLASSES}
    values |= {f"linux.vm_traps.{cause}": n for cause, n in sorted(traps.causes.items())}
    for kind in ("call", "timer", "software", "illegal"):
        values[f"linux.host_traps.{kind}"] = traps.host[kind]
    return [make_row(name, config, single(n), None, "traps") for name, n in values.items()]


def tell(config, traps):
    """What has no place in the table."""
    csrs = ", ".join(f"{number:#05x} {count:,}" for number, count in traps.csrs.most_common(16))
    print(f"vM traps by CSR, {config}: {csrs}")
    for text, count in traps.others.most_common(10):
        print(f"vM traps without a reason, {config}: {count} with {text}")


def linux_rows(context, cpu):
    """A Linux boot."""
    for name in ("Image", "busybox"):
        if not (LINUX / name).exists():
            raise Failure(f"build/cache/linux/{name} is missing: run scripts/setup --linux")
    rows = []
    for version in context.firmwares:
        firmware, log = FIRMWARES[version], context.work / "traps"
        config = f"{cpu}, OpenSBI {version}"
        native = None if context.quick else boot(context, cpu, firmware, log)
        plinth = boot(context, cpu, packed(context, firmware), log)
        traps = count_traps(log, firmware.read_bytes())
        tell(config, traps)
        rows += [] if context.quick else instruction_rows(config, plinth, native)
        rows += trap_rows(config, traps)
    return rows
