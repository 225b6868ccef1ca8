#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plinth-opensbi.bin in place of the stock firmware, and plinth.bin alone.

  dropin.py --build DIR --case chosen|memory|alone [--timeout SECONDS]

chosen: -initrd, -append, -m and -smp reach the payload through the device tree, which differs from
        the stock one by what the monitor must change.
memory: the demo on machines of 128 MiB and 2 GiB.
alone:  plinth.bin as -bios with a firmware that a loader device puts behind it: it boots, calls the
        firmware unmeasured, and answers 100100 to attest; the packed image answers 0."""
import hashlib
import os
import pathlib
import re
import struct
import subprocess
import tempfile

from machine import FIRMWARES, Failure, Machine, command_line, run_main

MONITOR = (0x80000000, 0x100000)
FIRMWARE = 0x80100000
TREE_LIMIT = 1 << 20


def parse():
    parser = command_line(__doc__, 40)
    parser.add_argument("--case", choices=sorted(CASES), required=True)
    return parser.parse_args()


def text_at(data, offset):
    return data[offset : data.index(b"\0", offset)].decode()


def parse_tree(data):
    """A flattened device tree as path -> {property: bytes} (Devicetree specification 0.4)."""
    magic, total, struct_at, strings_at = struct.unpack(">4I", data[:16])
    if magic != 0xD00DFEED or total > len(data):
        raise Failure("that is no device tree")
    nodes, path, at = {}, [], struct_at
    while True:
        token = struct.unpack_from(">I", data, at)[0]
        at += 4
        if token == 1:
            path.append(text_at(data, at))
            at += (len(path[-1]) + 4) & ~3
            nodes["/".join(path) or "/"] = {}
        elif token == 2:
            path.pop()
        elif token == 3:
            size, name = struct.unpack_from(">II", data, at)
            value = data[at + 8 : at + 8 + size]
            nodes["/".join(path) or "/"][text_at(data, strings_at + name)] = value
            at += 8 + ((size + 3) & ~3)
        elif token == 9:
            return nodes
        elif token != 4:
            raise Failure(f"device tree: token {token}")


def number(value):
    return int.from_bytes(value, "big")


def expect(what, found, wanted):
    if found != wanted:
        raise Failure(f"{what} is {found!r}, expected {wanted!r}")
    print(f"as it must be: {what}")


def received_tree(machine):
    """The tree that the payload was given, while the machine stands still."""
    address = int(machine.expect(r"^endings: tree at 0x([0-9a-f]+)\n").group(1), 16)
    machine.expect(r"^endings: waiting$")
    machine.command_monitor("stop")
    return parse_tree(machine.memory(address, TREE_LIMIT))


def check_chosen(machine, tree, bootargs, initrd):
    chosen = tree["/chosen"]
    expect("bootargs", chosen["bootargs"], bootargs.encode() + b"\0")
    start, end = (number(chosen[f"linux,initrd-{name}"]) for name in ("start", "end"))
    expect("the size of the initrd", end - start, len(initrd))
    digest = hashlib.sha256(machine.memory(start, len(initrd))).hexdigest()
    expect("the initrd's SHA-256", digest, hashlib.sha256(initrd).hexdigest())
    harts = [path for path in tree if re.fullmatch(r"/cpus/cpu@\d+", path)]
    expect("the number of harts", len(harts), 3)
    expect("memory", tree["/memory@80000000"]["reg"], struct.pack(">QQ", 0x80000000, 512 << 20))


def count_fw_cfg(tree):
    compatible = [node.get("compatible", b"") for node in tree.values()]
    return sum(b"qemu,fw-cfg-mmio" in text for text in compatible)


def stock_tree(work):
    """The device tree that QEMU makes, without anybody's changes."""
    path = work / "stock.dtb"
    qemu = os.environ.get("QEMU") or "qemu-system-riscv64"
    subprocess.run([qemu, "-M", f"virt,dumpdtb={path}"], check=True, timeout=20)
    return parse_tree(path.read_bytes())


def check_changes(tree):
    reserved = [
        node
        for path, node in tree.items()
        if path.startswith("/reserved-memory/") and node.get("reg") == struct.pack(">QQ", *MONITOR)
    ]
    expect("nodes that reserve the monitor", len(reserved), 1)
    expect("no-map of the monitor", reserved[0].get("no-map"), b"")
    expect("nodes of fw_cfg", count_fw_cfg(tree), 0)


def case_chosen(arguments, work):
    bootargs = "plinth.end=wait something=else quiet"
    initrd = bytes(range(256)) * 4097 + b"the end"
    (work / "initrd").write_bytes(initrd)
    with Machine(
        bios=arguments.build / "plinth-opensbi.bin",
        kernel=arguments.build / "payloads/endings.bin",
        append=bootargs,
        smp=3,
        memory="512",
        timeout=arguments.timeout,
        extra=("-initrd", str(work / "initrd")),
    ) as machine:
        tree = received_tree(machine)
        check_chosen(machine, tree, bootargs, initrd)
        check_changes(tree)
        machine.forbid()
    stock = stock_tree(work)
    expect("nodes of fw_cfg in the stock tree", count_fw_cfg(stock), 1)


def case_memory(arguments, _work):
    for memory, mib in (("128M", 128), ("2G", 2048)):
        with Machine(
            bios=arguments.build / "plinth-opensbi.bin",
            kernel=arguments.build / "payloads/host.bin",
            memory=memory,
            timeout=arguments.timeout,
        ) as machine:
            machine.expect(rf"^host: Sv39 on, {mib} MiB of memory$")
            machine.expect(r"^host: done$")
            machine.expect_end()


def attest_answer(arguments, **options):
    with Machine(
        kernel=arguments.build / "payloads/endings.bin",
        append="plinth.end=attest",
        timeout=arguments.timeout,
        **options,
    ) as machine:
        answer = int(machine.expect(r"^endings: attest answered ([0-9]+)\n").group(1))
        machine.expect_end()
        return answer, machine.output


def case_alone(arguments, _work):
    firmware = FIRMWARES["1.6"]
    answer, log = attest_answer(
        arguments,
        bios=arguments.build / "plinth.bin",
        extra=("-device", f"loader,file={firmware},addr={FIRMWARE:#x}"),
    )
    expect("attest without a boot page", answer, 100100)
    unmeasured = re.search(r"^  firmware  at 0x80100000, unmeasured: .*$", log, re.MULTILINE)
    expect("the firmware called unmeasured", bool(unmeasured), True)
    unprovisioned = re.search(r"^  root      none: attestation answers 100100$", log, re.MULTILINE)
    expect("the root called none", bool(unprovisioned), True)
    expect("OpenSBI's banner", bool(re.search(r"^OpenSBI v1\.6", log, re.MULTILINE)), True)
    answer, _ = attest_answer(arguments, bios=arguments.build / "plinth-opensbi.bin")
    expect("attest with a boot page", answer, 0)


CASES = {"chosen": case_chosen, "memory": case_memory, "alone": case_alone}


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        CASES[arguments.case](arguments, pathlib.Path(work))


run_main(main)
