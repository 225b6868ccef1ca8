#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""P3 of the invariants: what writes the PMP fences before it returns (3.7.2). Read from the
disassembly of plinth.elf: from every write of a pmpcfg register control can reach sfence.vma before
it reaches a return. The emulator cannot show the difference: it forgets its translations at every
PMP write. Probing at bring-up is left out: no lower world has run, and the first plan that is
loaded differs from it."""
import argparse
import pathlib
import re
import subprocess
import sys

PROBING = "find_pmp"


def instructions(listing):
    """Address -> (function, text), in the order of addresses."""
    found, current = {}, None
    for line in listing.splitlines():
        start = re.match(r"[0-9a-f]+ <(.+)>:$", line)
        if start:
            current = start.group(1)
            continue
        instruction = re.match(r"\s+([0-9a-f]+):\s+(.+)$", line)
        if instruction and current is not None:
            text = re.sub(r"\s+", " ", instruction.group(2))
            found[int(instruction.group(1), 16)] = (current, text)
    return found


def followers(text, following):
    """Addresses where control may go: calls come back, returns and computed jumps lead nowhere."""
    mnemonic = text.split(" ")[0]
    if mnemonic in ("ret", "mret", "jr"):
        return []
    target = re.search(r"\b([0-9a-f]{4,16})( <|$)", text)
    if mnemonic == "j":
        return [int(target.group(1), 16)]
    if mnemonic.startswith("b"):
        return [following, int(target.group(1), 16)]
    return [following]


def reaches_fence(code, after, start):
    """Whether sfence.vma can follow before control returns. Harts without S have no translations
    to forget, so that it need not be on every path."""
    seen, waiting = set(), [after[start]]
    while waiting:
        address = waiting.pop()
        if address in seen or address not in code:
            continue
        seen.add(address)
        text = code[address][1]
        if text.startswith("sfence.vma"):
            return True
        waiting += followers(text, after[address])
    return False


def unfenced(listing):
    """Functions that write pmpcfg and return without a fence; how many writes there are."""
    code = instructions(listing)
    addresses = list(code)
    after = dict(zip(addresses, addresses[1:] + [None]))
    wrong, writes = set(), 0
    for address, (name, text) in code.items():
        if PROBING in name or not re.match(r"csr(w|s|c|rw|rs|rc)i? (\w+,)?pmpcfg\d+", text):
            continue
        writes += 1
        if not reaches_fence(code, after, address):
            wrong.add(name)
    return sorted(wrong), writes


def self_test():
    write, fence, ret = "csrw\tpmpcfg0,a5", "sfence.vma", "ret"
    cases = [
        ([write, fence, ret], [], 1),
        ([write, ret, fence], ["f"], 1),
        ([write, fence, write, ret], ["f"], 2),
        ([fence, write, ret], ["f"], 1),
        (["csrwi\tpmpcfg2,0", ret], ["f"], 1),
        (["csrr\ta0,pmpcfg0", ret], [], 0),
        ([fence, ret], [], 0),
        ([write, "beqz\ta0,1004 <f+0x4>", ret], ["f"], 1),
        ([fence, ret, write, "j\t1000 <f>"], [], 1),
        ([fence, ret, write, "bnez\ta0,1000 <f>", ret], [], 1),
    ]
    for body, wrong, writes in cases:
        lines = [f"    {0x1000 + 4 * i:x}:\t{text}" for i, text in enumerate(body)]
        if unfenced("\n".join(["0000000000001000 <f>:", *lines])) != (wrong, writes):
            sys.exit(f"fences: judged wrongly: {body}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--objdump", default="riscv64-unknown-elf-objdump")
    arguments = parser.parse_args()
    self_test()
    listing = subprocess.run(
        [arguments.objdump, "-d", "--no-show-raw-insn", str(arguments.build / "plinth.elf")],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    wrong, writes = unfenced(listing)
    if writes == 0:
        sys.exit("fences: no function writes the PMP: the listing was misread")
    if wrong:
        sys.exit(f"fences: no fence behind the PMP writes of {' '.join(wrong)}")
    print(f"fences: {writes} writes of pmpcfg, all with a fence behind them")


if __name__ == "__main__":
    main()
