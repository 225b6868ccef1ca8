#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random M-mode programs on the bare machine and in virtual M-mode: both must do the same.

  differ.py --build DIR [--seed N] [--first N] [--programs N] [--boots N] [--cpu rv64,...]
            [--image FILE]

One image runs at 0x80100000 on both sides, on hart 0 of two: with a single hart QEMU's atomics are
a load and a store, and fault as these. It generates programs from the seed, runs them and
prints one hash for each (payloads/differ). A program whose hashes differ is run again with fewer
and fewer steps until no step can be left out; its code and both logs are printed. What may differ
is in differ_allowed.py. The run counts what it has covered and fails if that is too little."""
import collections
import concurrent.futures
import difflib
import pathlib
import statistics
import struct
import subprocess
import tempfile

import differ_allowed
from machine import BANNER_END, MONITOR_PREFIX, Failure, Machine, command_line, pack, run_main

MAGIC = b"DIFFERPM"
MAX_JOBS = 256
STEPS = 40
LOCKS = 1 << 63  # in a job: the program may lock vPMPs
ALL_STEPS = (1 << STEPS) - 1
FULL_LOG, NO_SWEEP = 1, 2
# auipc t0, 0x100; jr t0: to the image, 1 MiB higher.
TRAMPOLINE = struct.pack("<II", 0x00100297, 0x00028067)
SIDES = ("bare", "virtual")
CLASSES = (
    "csr enter configure interrupt access mprv pmp paging simple return clint system exotic guest"
    " lock vector"
).split()
# Instructions whose outcomes are counted (Watched in program.hpp), with the extension they need.
WATCHED = {
    "sinval.vma": "svinval",
    "hinval.vvma": "svinval",
    "hinval.gvma": "svinval",
    "sfence.w.inval": "svinval",
    "sfence.inval.ir": "svinval",
    "vector configuration": "v",
    "vector arithmetic": "v",
    "vector load": "v",
    "vector store": "v",
    "hypervisor load in M-mode": "h",
    "hypervisor store in M-mode": "h",
}


def parse():
    parser = command_line(__doc__)
    number = lambda text: int(text, 0)  # noqa: E731
    parser.add_argument("--seed", type=number, default=1)
    parser.add_argument("--first", type=number, default=0)
    parser.add_argument("--programs", type=number, default=1000, help="in each boot")
    parser.add_argument("--boots", type=number, default=1)
    parser.add_argument("--cpu", default="rv64")
    parser.add_argument("--classes", default=",".join(CLASSES), help="kinds of steps")
    parser.add_argument("--monitor", type=pathlib.Path, help="another plinth.bin")
    parser.add_argument(
        "--locking", type=int, default=24, help="last programs of each boot, which may lock vPMPs"
    )
    parser.add_argument("--timeout", type=int, default=120, help="for each boot")
    parser.add_argument(
        "--coverage",
        choices=("full", "registers"),
        help="fail if too little is covered; registers: traps aside",
    )
    parser.add_argument(
        "--least", type=int, default=100, help="times that each CSR and form must succeed"
    )
    parser.add_argument("--keep-going", type=int, default=1, help="shrink so many programs")
    return parser.parse_args()


class Allowed:
    """The entries of differ_allowed that are meant for one processor."""

    def __init__(self, cpu):
        def pick(entries):
            return [entry for entry in entries if differ_allowed.applies(entry, cpu)]

        self.legality = pick(differ_allowed.LEGALITY)
        self.reads = pick(differ_allowed.READS)
        self.causes = pick(differ_allowed.CAUSES)
        self.writes = pick(differ_allowed.WRITES)

    def rules(self):
        """As the image knows them: (csr, kind, hidden bits, entry)."""
        out = []
        for entry in self.legality:
            out += [(number, 1, 0, entry) for number in range(entry.first, entry.last + 1)]
        for entry in self.reads:
            out += [(number, 0, entry.bits, entry) for number in range(entry.first, entry.last + 1)]
        for kind, entry in enumerate(self.causes, 2):
            out.append((entry.first, kind, entry.bits, entry))
        return out


class Side:
    """What one boot printed."""

    def __init__(self, lines):
        self.lines = lines
        self.by_kind = collections.defaultdict(list)
        for line in lines:
            kind, _, rest = line.partition(" ")
            self.by_kind[kind].append(rest.split(" "))
        self.programs = {int(words[0]): words[1:] for words in self.by_kind["p"]}

    def only_last(self):
        """Forgets code and log of all programs but the last."""
        text = "\n".join(self.lines)
        last = text.rfind("\nc 0 ")
        for kind in "cl":
            self.by_kind[kind] = []
        for line in text[last + 1 :].splitlines():
            kind, _, rest = line.partition(" ")
            if kind in "cl":
                self.by_kind[kind].append(rest.split(" "))


class Runner:
    def __init__(self, arguments, work):
        self.arguments = arguments
        self.work = pathlib.Path(work)
        firmware = arguments.build / "payloads" / "differ.bin"
        if not firmware.exists():
            raise Failure(f"{firmware} does not exist")
        self.firmware = firmware.read_bytes()
        self.place = self.firmware.index(MAGIC)
        self.monitor = arguments.monitor or arguments.build / "plinth.bin"
        self.allowed = Allowed(arguments.cpu)
        self.rules = self.allowed.rules()
        self.classes = sum(1 << CLASSES.index(name) for name in arguments.classes.split(","))

    def image(self, first, count, flags, jobs):
        """The firmware with its parameters written in (Params in params.hpp)."""
        block = MAGIC + struct.pack(
            "<8Q",
            self.arguments.seed,
            first,
            count,
            flags,
            self.classes,
            len(jobs),
            len(self.rules),
            self.arguments.locking,
        )
        for program, steps in jobs:
            block += struct.pack("<QQ", program, steps)
        block += bytes(16 * (MAX_JOBS - len(jobs)))
        for number, kind, bits, _ in self.rules:
            block += struct.pack("<IIQ", number, kind, bits)
        return self.firmware[: self.place] + block + self.firmware[self.place + len(block) :]

    def run_side(self, side, first, count, flags, jobs):
        firmware = self.work / f"firmware-{side}.bin"
        firmware.write_bytes(self.image(first, count, flags, jobs))
        bios = self.work / f"image-{side}.bin"
        if side == "bare":
            bios.write_bytes(TRAMPOLINE.ljust(0x100000, b"\0") + firmware.read_bytes())
        else:
            pack(self.monitor, firmware, bios)
        # A program alone that takes longer than this hangs.
        timeout = min(20, self.arguments.timeout) if jobs else self.arguments.timeout
        with Machine(
            bios=bios, smp=2, cpu=self.arguments.cpu, timeout=timeout, echo=False
        ) as machine:
            try:
                code = machine.wait_end()
            except Failure:
                code = "nothing, it was stopped"
            lines = machine.output.splitlines()
        if side == "virtual" and BANNER_END not in lines:
            raise Failure("the monitor printed no banner: was it there at all?")
        lines = [line for line in lines if not line.startswith(MONITOR_PREFIX)]
        lines = lines[lines.index("differ: start") :] if "differ: start" in lines else lines
        result = Side(lines)
        result.complete = code == 0 and lines[-1] == "differ: end"
        if not result.complete:
            result.lines.append(f"the machine ended with {code} before the last program")
        return result

    def run(self, first=0, count=0, flags=0, jobs=()):
        """Both sides at the same time."""
        with concurrent.futures.ThreadPoolExecutor(len(SIDES)) as pool:
            runs = [pool.submit(self.run_side, side, first, count, flags, jobs) for side in SIDES]
            return [run.result() for run in runs]


def differing(bare, virtual):
    """Programs whose lines are not the same, in order; one that only one side finished included."""
    numbers = sorted(set(bare.programs) | set(virtual.programs))
    return [n for n in numbers if bare.programs.get(n) != virtual.programs.get(n)]


def without_one_answer(runner, first, programs, virtual):
    """Those of `programs` on which the bare machine, run again, does not answer the same as before
    but as the virtual one: program 2605 of seed 1, on QEMU 7.2, in one run of three."""
    unsteady = set()
    for _ in range(5 if programs else 0):
        again = runner.run_side("bare", first, runner.arguments.programs, 0, ()).programs
        unsteady |= {n for n in programs if n in again and again[n] == virtual.programs.get(n)}
    return unsteady


def jobs_before(runner, program, first):
    """The jobs that must run before `program` of the boot that began with `first`: programs that
    may lock vPMPs follow each other, since locks last until reset. Also the flag of the program."""
    begin = first + runner.arguments.programs - runner.arguments.locking
    if program < max(begin, first):
        return [], 0
    return [(p, ALL_STEPS | LOCKS) for p in range(max(begin, first), program)], LOCKS


def shrink(runner, program, first):
    """The smallest set of steps found with which `program` differs; None if it does not alone (or
    behind those that may have locked something)."""
    before, flag = jobs_before(runner, program, first)
    most = 1 if flag else MAX_JOBS

    def differ(masks):
        """The first mask with which the sides differ. A machine that stops counts, too."""
        for start in range(0, len(masks), most):
            part = masks[start : start + most]
            jobs = before + [(program, mask | flag) for mask in part]
            bare, virtual = runner.run(flags=NO_SWEEP, jobs=jobs)
            lines = list(zip(bare.by_kind["p"], virtual.by_kind["p"]))[len(before) :]
            for mask, (left, right) in zip(part, lines):
                if left != right:
                    return mask
            if len(lines) < len(part) and bare.complete != virtual.complete:
                return part[len(lines)]
        return None

    mask = differ([ALL_STEPS])
    while mask:
        size = bin(mask).count("1")
        candidates = []
        bits = [n for n in range(STEPS) if mask >> n & 1]
        for width in (size // 2, size // 4, size // 8, 1):
            if width == 0:
                continue
            for start in range(0, size, width):
                rest = mask & ~sum(1 << n for n in bits[start : start + width])
                if rest not in candidates:
                    candidates.append(rest)
        smaller = differ([c for c in candidates if c])
        if smaller is None:
            return mask
        mask = smaller
    return None


def shrink_nearby(runner, program, first):
    """(program, steps) that differ when run alone. What a program leaves behind in a register that
    it should not have touched is read at the latest eight programs later: so perhaps it is one of
    those before `program`. None if there is none."""
    for candidate in range(program, max(first, program - 8) - 1, -1):
        mask = shrink(runner, candidate, first)
        if mask is not None:
            return candidate, mask
    return None


def disassemble(words):
    """The code of a step as text, by objdump where it is installed."""
    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(b"".join(struct.pack("<I", word) for word in words))
        file.flush()
        command = "riscv64-unknown-elf-objdump -D -b binary -m riscv:rv64".split()
        try:
            text = subprocess.run(
                [*command, file.name], capture_output=True, text=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            return [f"{word:08x}" for word in words]
    return [line.strip() for line in text.splitlines() if ":\t" in line]


def show(runner, program, mask, first):
    """Prints the code and both logs of a program."""
    before, flag = jobs_before(runner, program, first)
    jobs = before + [(program, mask | flag)]
    bare, virtual = runner.run(flags=FULL_LOG | NO_SWEEP, jobs=jobs)
    for side in (bare, virtual):
        side.only_last()
    print(f"== program {program}, seed {runner.arguments.seed}, steps {mask:#x}")
    for words in bare.by_kind["c"]:
        step, kind = int(words[0]), int(words[1])
        if mask >> step & 1:
            print(f"step {step} ({CLASSES[kind]})")
            for line in disassemble([int(word, 16) for word in words[2:]]):
                print(f"    {line}")
    left, right = ([" ".join(w) for w in side.by_kind["l"]] for side in (bare, virtual))
    for line in difflib.unified_diff(left, right, "bare", "virtual", n=2, lineterm=""):
        print(f"  {line}")


class Totals:
    """Counts over all boots."""

    def __init__(self):
        self.fired = collections.Counter()
        self.applied = collections.Counter()
        self.forms = collections.defaultdict(lambda: [0] * 6)
        self.traps = collections.Counter()
        self.watched = collections.Counter()
        self.executed = []
        self.ended = 0
        self.locked_faults = 0

    def add(self, runner, bare, virtual):
        """Adds what one boot counted; returns what is wrong with it: the sides count the same."""
        for left, right in zip(bare.by_kind["a"], virtual.by_kind["a"]):
            name = runner.rules[int(left[0])][3].name
            self.applied[name] += int(left[1])
            self.fired[name] += left[2] != right[2]
        for words in bare.by_kind["k"]:
            row = self.forms[int(words[0], 16)]
            for form in range(6):
                row[form] += int(words[1 + form])
        for words in bare.by_kind["t"]:
            self.traps[tuple(int(word) for word in words[:3])] += int(words[3])
        for words in bare.by_kind["i"]:
            kind, passed, *trapped = (int(word) for word in words)
            self.watched[kind, "passed", None] += passed
            for mode in MODES:
                self.watched[kind, "illegal", mode] += trapped[mode]
                self.watched[kind, "denied", mode] += trapped[len(trapped) // 2 + mode]
        for words in bare.programs.values():
            self.executed.append(int(words[1]))
            self.ended += words[3] == "1"
        self.locked_faults += sum(int(words[0]) for words in bare.by_kind["m"])
        there = [words for kind in "kti" for words in virtual.by_kind[kind]]
        return [
            f"the bare machine counts {words}, the virtual one does not"
            for kind in "kti"
            for words in bare.by_kind[kind]
            if words not in there
        ]


def compare_sweep(allowed, bare, virtual, totals):
    """The raw reads of all numbers, against the reviewed list."""
    found = []
    sides = [{int(w[0], 16): w[1:] for w in side.by_kind["s"]} for side in (bare, virtual)]
    for number in sorted(set(sides[0]) | set(sides[1])):
        left, right = (side.get(number) for side in sides)
        used = [words[0] for words in bare.by_kind["k"]]
        if left and right and bare.complete and f"{number:#x}" not in used:
            found.append(f"CSR {number:#05x} exists on both sides and no program uses it")
        if left == right:
            continue
        for entry in allowed.legality:
            here, there = (left, right) if entry.exists == "bare" else (right, left)
            if entry.first <= number <= entry.last and here and not there:
                totals.fired[entry.name] += 1
                break
        else:
            for entry in allowed.reads:
                if entry.first <= number <= entry.last and left and right:
                    change = int(left[0], 16) ^ int(right[0], 16)
                    if change & ~entry.bits == 0:
                        totals.fired[entry.name] += 1
                        break
            else:
                found.append(f"CSR {number:#05x}: bare {left}, virtual {right}")
    return found


def compare_writes(allowed, bare, virtual, totals):
    """The special writes, against the reviewed list."""
    found = []
    for left, right in zip(bare.by_kind["w"], virtual.by_kind["w"]):
        if left == right:
            continue
        for entry in allowed.writes:
            expected = [
                [
                    f"{entry.csr:#x}",
                    f"{entry.value:#x}",
                    value if isinstance(value, str) else f"{value:#x}",
                ]
                for value in (entry.bare, entry.virtual)
            ]
            if [left, right] == expected:
                totals.fired[entry.name] += 1
                break
        else:
            found.append(f"write {left[1]} to CSR {left[0]}: bare {left[2]}, virtual {right[2]}")
    return found


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        runner = Runner(arguments, work)
        totals = Totals()
        problems = []
        shown = set()
        for boot in range(arguments.boots):
            first = arguments.first + boot * arguments.programs
            bare, virtual = runner.run(first, arguments.programs)
            problems += compare_sweep(runner.allowed, bare, virtual, totals)
            problems += compare_writes(runner.allowed, bare, virtual, totals)
            bad = differing(bare, virtual)
            unsteady = without_one_answer(runner, first, bad, virtual)
            bad = [program for program in bad if program not in unsteady]
            for program in sorted(unsteady):
                print(f"program {program}: the bare machine gives two answers, one the virtual's")
            print(
                f"boot {boot}: programs {first} to {first + arguments.programs - 1}: "
                f"{len(bare.programs)} bare, {len(virtual.programs)} virtual, {len(bad)} differ",
                flush=True,
            )
            for side, name in zip((bare, virtual), SIDES):
                if not side.complete:
                    problems.append(f"{name}: {side.lines[-1]}")
                    bad.append(first + len(side.programs))
            counts = totals.add(runner, bare, virtual)
            problems += [] if bad else counts
            bad.sort()
            if bad:
                problems.append(f"programs {bad[:20]} differ")
            for program in bad:
                if len(shown) == arguments.keep_going:
                    break
                found = shrink_nearby(runner, program, first)
                if found is None:
                    print(f"program {program} differs only after the ones before it")
                elif found not in shown:
                    show(runner, *found, first)
                shown.add(found)
        report(runner.allowed, totals, arguments, problems)
        if problems:
            raise Failure("\n".join(problems))
    print("differ: PASS")


# Traps that must have happened: (handler, mode it came from): causes, interrupts.
U, S, M, VU, VS = 0, 1, 3, 4, 5
MODES = {U: "U", S: "S", M: "M", VU: "VU", VS: "VS"}
HANDLERS = ("M", "S", "VS")
CAUSES = {
    ("M", U): ({1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15}, {1, 3, 5, 7, 9}),
    ("M", S): ({1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 15}, {1, 3, 5, 7, 9}),
    ("M", M): ({1, 2, 3, 4, 5, 6, 7, 11, 13, 15}, {1, 3, 5, 7, 9}),
    ("S", U): ({1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 15}, {1, 5, 9}),
    ("S", S): ({1, 2, 3, 4, 5, 6, 7, 12, 13, 15}, {1, 5, 9}),
}
GUEST_CAUSES = {
    ("M", VU): ({1, 2, 3, 5, 7, 8, 20, 21, 22, 23}, {1, 3, 5, 7, 9}),
    ("M", VS): ({1, 2, 3, 5, 7, 10, 20, 21, 22, 23}, {1, 3, 5, 7, 9}),
    ("S", VU): ({1, 2, 3, 5, 7, 8, 22}, {1, 2, 5, 9}),
    ("S", VS): ({1, 2, 3, 5, 7, 10, 22}, {1, 2, 5, 9}),
    # QEMU 7.2 turns the exceptions 2, 6 and 10 into 1, 5 and 9 where VS-mode takes them, as is
    # right for interrupts.
    ("VS", VU): ({1, 3, 5, 7, 8}, set()),
    ("VS", VS): ({1, 3, 4, 5, 7, 12, 13, 15}, set()),
}
LEAST_MEDIAN, LEAST_ENDED = 200, 30


def missing_traps(totals, cpu):
    """The traps of CAUSES that never happened."""
    wanted = CAUSES | (GUEST_CAUSES if "h" in differ_allowed.extensions(cpu) else {})
    out = []
    for (handler, mode), (exceptions, interrupts) in wanted.items():
        for number in sorted(exceptions) + [32 + n for n in sorted(interrupts)]:
            if totals.traps[(HANDLERS.index(handler), mode, number)] == 0:
                kind = "exception" if number < 32 else "interrupt"
                out.append(f"no {kind} {number % 32} from {MODES[mode]}-mode to {handler}-mode")
    return out


def missing_watched(totals, cpu):
    """Instructions of extensions that the processor has and that were never executed. Those of V:
    also, in each mode, never illegal (VS off) or never denied their access (VS on). Those of H: also
    never denied it in M-mode, where they are counted."""
    have = differ_allowed.extensions(cpu)
    out = []
    for kind, (name, extension) in enumerate(WATCHED.items()):
        without = extension not in have or ("h" not in have and name.startswith("hinval"))
        if not without and totals.watched[kind, "passed", None] == 0:
            out.append(f"{name} was never executed")
    for kind, (name, extension) in enumerate(WATCHED.items()):
        if extension == "h" and "h" in have and totals.watched[kind, "denied", M] == 0:
            out.append(f"{name} was never denied")
    vector = [kind for kind, extension in enumerate(WATCHED.values()) if extension == "v"]
    for mode in MODES:
        if "v" not in have or ("h" not in have and mode in (VU, VS)):
            continue
        for what in ("illegal", "denied"):
            if sum(totals.watched[kind, what, mode] for kind in vector) == 0:
                out.append(f"vector instructions were never {what} in {MODES[mode]}-mode")
    return out


def missing_forms(totals, least):
    """CSR instructions that succeeded too seldom in M-mode; read-only registers have four forms."""
    names = ("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")
    out = []
    for number, row in sorted(totals.forms.items()):
        for form, name in enumerate(names):
            if number >> 10 == 3 and form in (0, 3):
                continue
            if row[form] < least:
                out.append(f"{name} {number:#05x} succeeded {row[form]} times")
    return out


def missing_entries(allowed, totals):
    entries = [entry for *_, entry in allowed.rules()] + allowed.writes
    names = sorted({entry.name for entry in entries} - set(+totals.fired))
    return [f"the allowed difference {name!r} never showed" for name in names]


def report(allowed, totals, arguments, problems):
    """Prints what was covered; with --coverage what is missing is a problem."""
    for (kind, what, mode), times in sorted(totals.watched.items(), key=str):
        if times:
            print(f"{list(WATCHED)[kind]}: {what} in {MODES.get(mode, 'any')}-mode: {times}")
    median = statistics.median(totals.executed or [0])
    ended = 100 * totals.ended / max(1, len(totals.executed))
    least = min((n for row in totals.forms.values() for n in row if n), default=0)
    for key in sorted(totals.fired):
        applied = f", applied {totals.applied[key]} times" if totals.applied[key] else ""
        print(f"allowed: {key}: made a difference {totals.fired[key]} times{applied}")
    for (handler, mode, cause), times in sorted(totals.traps.items()):
        kind = "exception" if cause < 32 else "interrupt"
        way = f"from {MODES[mode]}-mode to {HANDLERS[handler]}-mode"
        print(f"traps: {kind} {cause % 32} {way}: {times}")
    print(
        f"{len(totals.executed)} programs, median of executed instructions {median}, "
        f"{ended:.1f} % ran to their end, {len(totals.forms)} CSRs, "
        f"each form that can succeed at least {least} times, {sum(totals.traps.values())} traps, "
        f"{totals.locked_faults} accesses of M-mode denied by locked vPMPs"
    )
    if not arguments.coverage:
        return
    if arguments.coverage == "full":
        problems += missing_traps(totals, arguments.cpu)
    if totals.locked_faults == 0:
        problems.append("no locked vPMP denied M-mode anything")
    problems += missing_watched(totals, arguments.cpu)
    problems += missing_forms(totals, arguments.least) + missing_entries(allowed, totals)
    if median < LEAST_MEDIAN:
        problems.append(f"the median program executed {median} instructions")
    if ended < LEAST_ENDED:
        problems.append(f"{ended:.1f} % ran to their end")


run_main(main)
