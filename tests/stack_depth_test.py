#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/stack-depth judges small programs: it adds up what is right and refuses what it cannot
understand."""
import importlib.machinery
import importlib.util
import pathlib
import re
import sys

SCRIPT = pathlib.Path(__file__).resolve().parent.parent / "scripts/stack-depth"
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("depth", str(SCRIPT))
depth = importlib.util.module_from_spec(importlib.util.spec_from_loader("depth", loader))
loader.exec_module(depth)

# The frame of every program: two harts' stacks of 4 KiB from 0x90000, a failure stack of 4 KiB.
SYMBOLS = "0000000000090000 b plinth_stacks\n0000000000093000 b plinth_failure_stack_top\n"
FRAME = """
_start:
    csrrs s0,mhartid,zero
    c.li t0,2
    bgeu s0,t0,stop
    lui t0,0x1
    addi t1,s0,1
    mul t0,t0,t1
    lui sp,0x90
    c.add sp,t0
    jal ra,f
.end:
    c.j .end
stop:
    c.j stop
plinth_trap_vector:
    csrrw sp,mscratch,sp
    beq sp,zero,trapped
    csrrw zero,mscratch,zero
    TRAP
    c.addi16sp sp,32
    c.jr ra
trapped:
    lui sp,0x93
    FAILURE
    c.j stop
"""
LEAF = "g:\n c.addi16sp sp,-64\n c.addi16sp sp,64\n c.jr ra\n"
# f has 16 bytes in use, and does this.
IN_F = "f:\n c.addi sp,-16\n {}\n c.addi sp,16\n c.jr ra\n"
TABLE = """
f:
    c.addi sp,-16
    c.li a4,1
    GUARD
    la a3,table
    slli a5,a5,0x20
    srli a5,a5,0x1e
    c.add a5,a3
    c.lw a5,0(a5)
    c.add a5,a3
    c.jr a5
.case:
    c.addi sp,16
    c.jr ra
.other:
    jal ra,g
    c.j .case
    data table: .case-table .other-table MORE
"""
ENTER = "f:\n addi sp,sp,-32\n csrrw zero,mscratch,sp\n ld sp,16(t0)\n mret\n"
VECTOR = (
    "f:\n la a3,.on\n csrrw a3,mtvec,a3\n {}\n lw a4,0(a0)\n .on:\n csrrw zero,mtvec,a3\n c.jr ra\n"
)
ONCE_TEXT = "f:\n la a4,failed\n c.li a5,1\n amoswap.w.aq a5,a5,(a4)\n c.addiw a5,0\n "
ONCE_TEXT += (
    "c.bnez a5,.on\n c.addi sp,-16\n jal ra,f\n c.addi sp,16\n .on:\n c.jr ra\n data failed: 0\n"
)


def table(guard, more=""):
    """f jumps through a table, whose second case calls g."""
    return TABLE.replace("GUARD", guard).replace("MORE", more) + LEAF


# Text; the depth of a hart's stack, or what the refusal says; INDIRECT; RECURSION.
CASES = [
    (IN_F.format("c.nop"), 16),
    (IN_F.format("jal ra,g") + LEAF, 80),
    (IN_F.format("auipc ra,0x0\n jalr ra,16(ra)") + LEAF, 80),
    ("f:\n c.addi sp,-16\n c.addi sp,16\n c.j g\n" + LEAF, 64),
    ("f:\n c.beqz a0,g\n c.addi sp,-16\n c.addi sp,16\n c.jr ra\n" + LEAF, 64),
    ("f:\n c.addi sp,-16\n c.j g\n" + LEAF, "returns with"),
    ("f:\n c.addi sp,-16\n c.jr ra\n", "returns with"),
    ("f:\n c.beqz a0,.on\n c.addi sp,-16\n .on:\n c.jr ra\n", "with sp"),
    ("f:\n .on:\n c.addi sp,-16\n c.j .on\n", "with sp"),
    ("f:\n c.addi sp,16\n c.jr ra\n", "sp above"),
    (
        "f:\n c.lui t0,0xfffff\n addi t0,t0,-16\n c.add sp,t0\n c.sub sp,t0\n c.jr ra\n",
        "exceed 4096",
    ),
    ("f:\n c.lui t0,0xfffff\n c.addi t0,16\n c.add sp,t0\n c.sub sp,t0\n c.jr ra\n", 4080),
    ("f:\n c.mv s0,sp\n c.sub sp,a0\n c.mv sp,s0\n c.jr ra\n", 0),
    ("f:\n c.mv s0,sp\n c.sub sp,a0\n jal ra,g\n c.mv sp,s0\n c.jr ra\n" + LEAF, "sp is not known"),
    ("f:\n c.sub sp,a0\n c.sdsp a0,8(sp)\n c.jr ra\n", "sp is not known"),
    ("f:\n ld sp,0(a0)\n c.jr ra\n", "returns with"),
    (IN_F.format("sd a0,-8(sp)"), "below sp"),
    (IN_F.format("jal ra,f"), "recursion: f -> f"),
    (
        IN_F.format("jal ra,g") + "g:\n c.addi sp,-16\n jal ra,h\nh:\n c.j f\n",
        "recursion: g -> h -> g",
    ),
    (IN_F.format("jal ra,f"), 48, {}, {"f": 3}),
    (IN_F.format("jal ra,g") + LEAF, "is listed", {}, {"f": 3}),
    (IN_F.format("jal t0,g") + LEAF, "links through"),
    (IN_F.format(".4byte 0x6f"), "not expected"),
    (IN_F.format("csrrs zero,mscratch,a0"), "changes a bit"),
    ("f:\n c.beqz a0,h\n c.addi sp,-16\n jal ra,g\nh:\n c.jr ra\ng:\n c.j g\n", 16),
    (IN_F.format("c.jalr a5") + LEAF, "not listed"),
    (IN_F.format("c.jalr a5") + LEAF, 80, {"f": {"g"}}),
    (IN_F.format("c.jalr a5") + LEAF + "data held: g\n", 80, {"f": {"held"}}),
    (IN_F.format("c.jalr a5") + LEAF + "data held: 1\n", "holds none", {"f": {"held"}}),
    (IN_F.format("c.jalr a5") + LEAF + "data held: f\n", "of functions not", {"f": {"g"}}),
    ("f:\n c.jr a5\n" + LEAF, "not listed"),
    ("f:\n c.jr a5\n" + LEAF, 64, {"f": {"g"}}),
    (IN_F.format("jal ra,g") + LEAF, "is listed", {"f": {"g"}}),
    (IN_F.format("la a0,g\n jal ra,g") + LEAF, "of functions not"),
    (IN_F.format("c.nop") + LEAF, "nothing reaches g"),
    (table("bltu a4,a5,.case"), 80),
    (table("bgeu a5,a4,.case"), "nothing reaches"),
    (table("c.nop"), "no such"),
    (table("c.li a4,2\n bltu a4,a5,.case", "1"), "leads to"),
    (table("c.li a4,2\n bltu a4,a5,.case", "g-table"), "leads to"),
    (table("bltu a4,a5,.case\n c.addi a5,1", "1"), "leads to"),
    (table("bltu a4,a5,.case\n jal ra,g"), "no such"),
    (table("bltu a4,s1,.case\n jal ra,g\n c.mv a5,s1"), 80),
    (table("bltu a4,s1,.case\n jal ra,e\n c.mv a5,s1") + ENTER.replace("f:", "e:"), "no such"),
    (table("lw a5,0(a0)\n addiw a2,a5,0\n bltu a4,a2,.case"), 80),
    (table("lw a5,0(a0)\n bltu a4,a5,.case\n lw a5,0(a0)"), "no such"),
    (
        table("lw a5,0(a0)\n addiw a2,a5,0\n bltu a4,a2,.case")
        .replace("slli a5,a5,0x20", "slli a5,a5,0x2")
        .replace("srli a5,a5,0x1e", "c.nop"),
        "not listed",
    ),
    (
        table("bltu a4,a5,.case").replace("c.lw a5,0(a5)", "c.lw a5,0(a5)\n la a3,wrong")
        + "data wrong: 0\n",
        "not listed",
    ),
    (ENTER, 32),
    (ENTER.replace("csrrw zero,mscratch,sp", "c.nop"), "returns with"),
    (ENTER.replace("ld sp", "jal ra,g\n ld sp") + LEAF, 96),
    (VECTOR.format("c.nop"), 0),
    (VECTOR.format("c.addi sp,-16"), "with sp"),
    (VECTOR.format("c.mv a3,a1"), "unknown trap vector"),
    ("f:\n la a3,f\n csrrw zero,mtvec,a3\n c.jr ra\n", "unknown trap vector"),
    (ONCE_TEXT, 16),
    (ONCE_TEXT.replace("li a5,1", "li a5,0"), "something else than 1"),
    (ONCE_TEXT.replace("failed", "passed"), "recursion"),
    ("f:\n c.jr ra\nFAILURE jal ra,g\n" + LEAF, 0),
    ("f:\n c.jr ra\nFAILURE jal ra,g\n" + LEAF.replace("64", "4112"), "failure stack: 4112"),
    (ENTER + LEAF + "TRAP jal ra,g\n", 96),
    (ENTER + "TRAP c.addi sp,-16\n", "returns with"),
]


def placed(text):
    """The frame with the text: instructions, labels, data. la is two instructions."""
    parts = {"TRAP": "c.nop", "FAILURE": "c.nop"}
    for name, line in re.findall(r"^(TRAP|FAILURE) (.*)$", text, re.MULTILINE):
        parts[name] = line
    frame = re.sub("TRAP|FAILURE", lambda found: parts[found.group(0)], FRAME)
    code, labels, data = [], {}, []
    for line in (frame + re.sub(r"(?m)^(TRAP|FAILURE) .*$", "", text)).split("\n"):
        line = line.strip()
        if line.startswith("data "):
            labels[line[5:].split(":")[0]] = 0x80000 + 64 * len(data)
            data.append(line.split(": ")[1].split())
        elif line.endswith(":"):
            labels[line[:-1]] = 0x1000 + 4 * len(code)
        elif line.startswith("la "):
            register, label = line[3:].split(",")
            code += [f"auipc {register},0x0", f"addi {register},{register},={label}"]
        elif line:
            code.append(line)
    return code, labels, data


def assembled(text):
    """What the tools would say of it; names that begin with a dot are no symbols."""
    code, labels, data = placed(text)
    listing, contents, symbols = [], [], [SYMBOLS]
    for address, line in enumerate(code):
        address = 0x1000 + 4 * address
        name, _, operands = line.partition(" ")
        words = operands.split(",")
        for i, word in enumerate(words):
            if word in labels:
                words[i] = f"{labels[word]:x}"
            elif word.startswith("="):
                words[i] = str(labels[word[1:]] - address + 4)
        listing.append(f"    {address:x}:\t{name}\t{','.join(words)}")
    for line, items in enumerate(data):
        raw = b""
        for item in items:
            ends = [labels[end] if end in labels else int(end) for end in item.split("-")]
            raw += (ends[0] - sum(ends[1:])).to_bytes(
                4 if len(ends) > 1 else 8, "little", signed=True
            )
        contents.append(f" {0x80000 + 64 * line:x} {raw.hex()}  .")
    for name, address in labels.items():
        if not name.startswith("."):
            symbols.append(f"{address:x} {'t' if address < 0x80000 else '8 d'} {name}")
    return "\n".join(listing), "\n".join(symbols), "\n".join(contents)


def main():
    for text, want, *lists in CASES:
        indirect, recursion = [*lists, {}, {}][:2]
        try:
            _, stacks = depth.measure(depth.Program(*assembled(text)), indirect, recursion)
            got = stacks[0][2]
        except depth.Refused as refused:
            got = str(refused)
        if got != want if isinstance(want, int) else want not in str(got):
            sys.exit(f"{text}\nwanted {want}, got {got}")
    print(f"{len(CASES)} programs judged right")


if __name__ == "__main__":
    main()
