#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the monitor's machine code: MPRV is set only between an exchange of mtvec for a recovery
vector and its return, around guest accesses and nothing else, and the vector leads to where MPRV is
cleared and mstatus is put back.

  mprv_audit.py --build DIR --objdump PROGRAM

A window is what lies between the two writes of mtvec. Every write of mstatus outside of windows
must be one that cannot set MPRV: a constant without that bit, or the guest's own mstatus right
before mret. At the end the audit is shown code from which one instruction at a time is missing, and
must refuse each."""
import re
import subprocess

from machine import Failure, command_line, run_main

MPRV = 1 << 17
LINE = re.compile(r"^\s*([0-9a-f]+):\t(\S+)(?:\t(\S+))?")
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:")
ACCESS = re.compile(r"(c\.)?(l|s)[bhwd]u?|lr\.[wd].*|sc\.[wd].*|amo\w+\.[wd].*")
BRANCH = re.compile(r"(c\.)?b\w+")
REQUIRED = {"plinth_guest_load", "plinth_guest_store", "plinth_guest_swap", "plinth_fetch"}
MXR = 1 << 19
# Computes in registers and cannot trap.
PLAIN = {"andi", "addi", "c.addi", "c.andi", "slli", "c.slli", "or", "c.or", "c.mv", "c.li"}
JUMPS = {"c.j", "jal"}


class Refused(Exception):
    """What is wrong with the code."""


class Instruction:
    def __init__(self, address, name, operands):
        self.address, self.name = address, name
        self.operands = operands.split(",") if operands else []

    def __str__(self):
        return f"{self.address:#x} {self.name} {','.join(self.operands)}"

    def is_csr(self, name, csr):
        return self.name == name and len(self.operands) == 3 and self.operands[1] == csr


def functions(text):
    """Name -> instructions."""
    out, current = {}, []
    for line in text.splitlines():
        if head := FUNCTION.match(line):
            current = out.setdefault(head.group(1), [])
        elif found := LINE.match(line):
            current.append(Instruction(int(found.group(1), 16), found.group(2), found.group(3)))
    return out


def constant(code, index, register):
    """The value of the register before code[index], if the last writes of it are of a constant."""
    added = 0
    for before in reversed(code[:index]):
        if not before.operands or before.operands[0] != register:
            continue
        last = before.operands[-1]
        if before.name in ("lui", "c.lui"):
            return (int(last, 0) << 12) + added
        if before.name == "c.li" or (before.name == "addi" and before.operands[1] == "zero"):
            return int(last, 0) + added
        if before.name in ("addi", "addiw", "c.addi", "c.addiw"):
            added += int(last, 0)
            continue
        return None
    return None


def recovery(code, start):
    """The address that the window puts into mtvec: auipc and addi of one register before."""
    register = code[start].operands[2]
    pair = code[max(0, start - 2) : start]
    if [instruction.name for instruction in pair] != ["auipc", "addi"]:
        raise Refused(f"{code[start]}: no address of a recovery vector before it")
    if any(instruction.operands[0] != register for instruction in pair):
        raise Refused(f"{code[start]}: its vector is in another register")
    return pair[0].address + (int(pair[0].operands[1], 16) << 12) + int(pair[1].operands[2], 0)


def check_guarded(code, first, last, register):
    """What runs with MPRV: accesses, and branches to where it is cleared."""
    for instruction in code[first + 1 : last]:
        target = instruction.operands[-1]
        if BRANCH.fullmatch(instruction.name) and int(target, 16) == code[last].address:
            continue
        if not ACCESS.fullmatch(instruction.name):
            raise Refused(f"{instruction}: runs with MPRV")
    if code[last].operands[2] != register:
        raise Refused(f"{code[last]}: clears something else")


def check_window(code, start, end):
    """code[start] exchanges mtvec, code[end] gives it back."""
    vector = recovery(code, start)
    saved = code[start].operands[0]
    if code[end].operands[2] != saved or saved == "zero":
        raise Refused(f"{code[end]}: mtvec does not come back")
    landing = next((i for i in range(start, end) if code[i].address == vector), None)
    if landing is None or vector % 4 != 0:
        raise Refused(f"{code[start]}: its vector {vector:#x} is not in the window")
    sets = [i for i in range(start, end) if code[i].is_csr("csrrs", "mstatus")]
    if code[landing].is_csr("csrrw", "mstatus"):
        check_exchanged(code, sets, landing, end)
        return
    clears = [i for i in range(start, end) if code[i].is_csr("csrrc", "mstatus")]
    if len(sets) != 1 or len(clears) != 2 or clears[1] != landing:
        raise Refused(f"{code[start]}: MPRV is set {len(sets)} times, cleared {len(clears)} times")
    register = code[sets[0]].operands[2]
    if constant(code, sets[0], register) != MPRV or code[landing].operands[2] != register:
        raise Refused(f"{code[sets[0]]}: does not set MPRV alone")
    check_guarded(code, sets[0], clears[0], register)
    for i in range(clears[0] + 1, end):
        if i != landing and code[i].name not in ("c.li", "addi", "c.addi", "c.nop"):
            raise Refused(f"{code[i]}: between the end of the access and mtvec's return")
    check_restored(code, start, end)


def check_exchanged(code, sets, landing, end):
    """The other form: csrrs sets MPRV (and MXR) and keeps mstatus in a register, from which the
    landing writes it back; in between nothing can trap but accesses, and nothing leaves."""
    first = sets[0] if len(sets) == 1 else None
    if first is None or code[first].operands[0] in ("zero", code[first].operands[2]):
        raise Refused(f"{code[landing]}: mstatus is not kept where MPRV is set")
    if constant(code, first, code[first].operands[2]) not in (MPRV, MPRV | MXR):
        raise Refused(f"{code[first]}: does not set MPRV and MXR alone")
    saved = code[first].operands[0]
    if code[landing].operands[2] != saved or end != landing + 1:
        raise Refused(f"{code[landing]}: mstatus does not come back")
    inside = {instruction.address for instruction in code[first + 1 : landing + 1]}
    for instruction in code[first + 1 : landing]:
        jumps = BRANCH.fullmatch(instruction.name) or instruction.name in JUMPS
        if jumps and int(instruction.operands[-1], 16) in inside:
            continue
        if not ACCESS.fullmatch(instruction.name) and instruction.name not in PLAIN:
            raise Refused(f"{instruction}: runs with MPRV")
        if instruction.operands[0] == saved:
            raise Refused(f"{instruction}: loses mstatus")


def check_restored(code, start, end):
    """mstatus is read before the window and written back right behind it."""
    for instruction in code[end + 1 : end + 5]:
        if instruction.is_csr("csrrw", "mstatus"):
            break
    else:
        raise Refused(f"{code[end]}: mstatus does not come back")
    register = instruction.operands[2]
    before = code[max(0, start - 4) : start]
    if not any(i.is_csr("csrrs", "mstatus") and i.operands[0] == register for i in before):
        raise Refused(f"{instruction}: not the mstatus of before")


def check_outside(code, index, end_of_window):
    """A write of mstatus outside of windows."""
    instruction = code[index]
    if instruction.name in ("csrrsi", "csrrci", "csrrc") or instruction.operands[2] == "zero":
        return
    if instruction.name == "csrrw":
        returns = any(later.name == "mret" for later in code[index : index + 40])
        if returns or (end_of_window is not None and index <= end_of_window + 4):
            return
        raise Refused(f"{instruction}: neither right before mret nor behind a window")
    value = constant(code, index, instruction.operands[2])
    if value is None or value & MPRV:
        raise Refused(f"{instruction}: may set MPRV without a recovery vector")


def is_exchange(code, index):
    """mtvec is exchanged: a window if MPRV is set before mtvec comes back, else a probe of CSRs."""
    return code[index].is_csr("csrrw", "mtvec") and code[index].operands[0] != "zero"


def audit(listing):
    """Returns the functions that have windows, and how many windows there are."""
    found, count = set(), 0
    for name, code in listing.items():
        end = None
        index = 0
        while index < len(code):
            window_end = None
            if is_exchange(code, index):
                rest = range(index + 1, min(len(code), index + 40))
                ends = (i for i in rest if code[i].is_csr("csrrw", "mtvec"))
                window_end = next(ends, None)
            inner = code[index + 1 : window_end] if window_end else []
            if any(i.is_csr("csrrs", "mstatus") and i.operands[2] != "zero" for i in inner):
                check_window(code, index, window_end)
                found.add(name)
                count += 1
                end = index = window_end
            elif len(code[index].operands) == 3 and code[index].operands[1] == "mstatus":
                check_outside(code, index, end)
            index += 1
    if not REQUIRED <= found:
        raise Refused(f"guest accesses without a window: {sorted(REQUIRED - found)}")
    return found, count


def check_sight(listing):
    """Without any one instruction of the load's first window, or the three that matter of the
    fetch's, the audit must refuse."""
    fetch = listing["plinth_fetch"]
    for index, instruction in enumerate(fetch):
        pairs = [(name, csr) for name in ("csrrw", "csrrs") for csr in ("mstatus", "mtvec")]
        if not any(instruction.is_csr(*pair) for pair in pairs):
            continue
        try:
            audit({**listing, "plinth_fetch": fetch[:index] + fetch[index + 1 :]})
        except Refused:
            continue
        raise Failure(f"the audit does not miss {instruction}")
    code = listing["plinth_guest_load"]
    start = next(i for i in range(len(code)) if is_exchange(code, i))
    end = next(i for i in range(start + 1, len(code)) if code[i].is_csr("csrrw", "mtvec"))
    keep = ("c.li", "addi", "c.addi", "c.nop")
    tried = 0
    for index in range(start - 3, end + 4):
        text = code[index].operands
        optional = code[index].name in keep and text[0] != code[start].operands[2]
        harmless = index > end and not code[index].is_csr("csrrw", "mstatus")
        guest = code[index].is_csr("csrrw", "mstatus") and start < index < end
        if optional or harmless or guest or ACCESS.fullmatch(code[index].name):
            continue
        try:
            audit({**listing, "plinth_guest_load": code[:index] + code[index + 1 :]})
        except Refused:
            tried += 1
            continue
        raise Failure(f"the audit does not miss {code[index]}")
    if tried < 7:
        raise Failure(f"only {tried} instructions were left out")
    return tried


def main():
    parser = command_line(__doc__)
    parser.add_argument("--objdump", default="riscv64-unknown-elf-objdump")
    arguments = parser.parse_args()
    command = [arguments.objdump, "-d", "--no-show-raw-insn", "-M", "no-aliases"]
    command.append(str(arguments.build / "plinth.elf"))
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    listing = functions(text)
    try:
        found, count = audit(listing)
    except Refused as refused:
        raise Failure(str(refused)) from None
    print(f"MPRV: {count} windows in {sorted(found)}; {check_sight(listing)} omissions refused")


run_main(main)
