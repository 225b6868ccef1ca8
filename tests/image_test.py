#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the shape of a monitor image with objdump: entry and load address, size, that plinth.bin
is what the ELF file says, and that nothing in it depends on an absolute address fixed up later."""
import argparse
import hashlib
import pathlib
import re
import subprocess
import sys

LIMIT = 0x100000 - 4096


def objdump(arguments, *options, file=None):
    command = [arguments.objdump, *options, str(file or arguments.build / "plinth.elf")]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def check_elf(arguments, check):
    header = objdump(arguments, "-f")
    check("elf64-littleriscv" in header, "the file is not elf64-littleriscv")
    entry = int(re.search(r"start address 0x([0-9a-f]+)", header).group(1), 16)
    check(entry == arguments.base, f"the entry is {entry:#x}, not {arguments.base:#x}")
    loads = re.findall(
        r"LOAD off\s+\S+ vaddr 0x(\S+) paddr 0x(\S+) align.*\n\s+filesz 0x(\S+)",
        objdump(arguments, "-p"),
    )
    stored = [int(paddr, 16) for _, paddr, size in loads if int(size, 16)]
    check(
        stored and min(stored) == arguments.base,
        f"the lowest load address is {min(stored or [0]):#x}",
    )
    sections = objdump(arguments, "-h")
    for name in (".init_array", ".ctors", ".dynamic", ".got", ".interp"):
        match = re.search(rf"^\s*\d+ {re.escape(name)}\s+([0-9a-f]+)", sections, re.MULTILINE)
        check(not match or int(match.group(1), 16) == 0, f"section {name} is not empty")


def check_relocations(arguments, check):
    check("R_RISCV_" not in objdump(arguments, "-r", "-w"), "the ELF file has relocations left")
    dynamic = subprocess.run(
        [arguments.objdump, "-R", str(arguments.build / "plinth.elf")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    check("R_RISCV_" not in dynamic.stdout, "the ELF file has dynamic relocations")
    # Code must reach everything relative to pc: an absolute pair works at one address only.
    objects = sorted((arguments.build / "CMakeFiles/plinth.dir").rglob("*.obj"))
    check(bool(objects), "no object files found")
    for file in objects:
        found = re.findall(
            r"R_RISCV_(?:HI20|LO12_I|LO12_S)\s+(\S+)", objdump(arguments, "-r", "-w", file=file)
        )
        check(not found, f"{file.name} addresses absolutely: {', '.join(sorted(set(found))[:3])}")


def check_binary(arguments, check):
    binary = (arguments.build / "plinth.bin").read_bytes()
    check(0 < len(binary) <= LIMIT, f"plinth.bin has {len(binary)} bytes, at most {LIMIT} fit")
    digest = (arguments.build / "plinth.sha3").read_text()
    check(
        digest == hashlib.sha3_512(binary).hexdigest() + "\n",
        "plinth.sha3 is not the hash of plinth.bin",
    )
    first = re.search(
        rf"^\s*{arguments.base:x}:\t([0-9a-f]+)\s",
        objdump(arguments, "-d", f"--stop-address={arguments.base + 4:#x}"),
        re.MULTILINE,
    )
    check(first is not None, "no instruction at the entry")
    if first:
        word = bytes.fromhex(first.group(1))[::-1]
        check(
            binary.startswith(word), "plinth.bin does not start with the entry's first instruction"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--base", type=lambda text: int(text, 0), required=True)
    parser.add_argument("--objdump", required=True)
    arguments = parser.parse_args()
    problems = []

    def check(condition, text):
        if not condition:
            problems.append(text)

    check_elf(arguments, check)
    check_relocations(arguments, check)
    check_binary(arguments, check)
    for problem in problems:
        print(f"FAIL: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
