# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of one row go: by function of plinth.elf, counted by QEMU's plugin between
the two reads of instret that measure the row."""
import re

from counting import counted
from machine import FIRMWARES, Failure, binutil
from payload_rows import packed, payload, printed_rows
from start_rows import SYMBOL, disassembly

MONITOR_END = 0x80100000
RDINSTRET = re.compile(r"^\s*([0-9a-f]+):\s+([0-9a-f]+)\s+rdinstret\s", re.MULTILINE)
# bench-sbi measures these rows, in this order, each at a place of its own; the first one serves all
# base calls without arguments.
SBI_ROWS = (
    "sbi.base.spec_version",
    "sbi.base.probe",
    "sbi.set_timer.far",
    "sbi.set_timer.past",
    "sbi.send_ipi.self",
    "sbi.fence_i.self",
    "sbi.sfence_vma.self",
)


def places(elf, above):
    """(first instruction, its end) of each place where a payload measures something. A firmware is
    linked for the bare machine and runs `above` bytes higher."""
    text = binutil("objdump", "-d", elf)
    reads = [(int(at, 16), len(code) // 2) for at, code in RDINSTRET.findall(text)]
    pairs = [(at + size, end) for (at, size), (end, _) in zip(reads[::2], reads[1::2])]
    return [(first + above, end + above) for first, end in pairs if first != end]


def functions(context):
    """(address, name) of the monitor's functions."""
    return [(int(at, 16), name) for at, name in SYMBOL.findall(disassembly(context))]


def measured(context, row, cpu, version):
    """The row's sample, and its instructions by the address of the function; another address stands
    for all that is not the monitor's."""
    starts = [at for at, _ in functions(context)]
    ranges = [range(*pair) for pair in zip(starts, [*starts[1:], MONITOR_END])]
    firmware_row = not row.startswith("sbi.")
    name = "bench-vm" if firmware_row else "bench-sbi"
    above = MONITOR_END - 0x80000000 if firmware_row else 0
    program = payload(context, name)
    options = {"bios": packed(context, program if firmware_row else FIRMWARES[version])}
    if not firmware_row:
        quick = " plinth.quick=yes"
        options |= {"kernel": program, "append": "plinth.bench=calls" + quick}
    outputs = []
    counts = counted(
        context,
        lambda machine: outputs.append(machine.output),
        ranges=ranges,
        measures=places(program.with_suffix(".elf"), above),
        cpu=cpu,
        **options,
    )
    samples = printed_rows(outputs[0])
    names = list(samples) if firmware_row else SBI_ROWS
    if row not in names:
        raise Failure(f"no anatomy of {row}; there is one of {', '.join(names)}")
    index = names.index(row)
    if index >= len(counts.measures):
        raise Failure(f"{row} was not measured")
    return samples[row], counts.measures[index]


def show(context, row, cpu):
    """Prints the row's instructions by function, the mean of all iterations."""
    version = context.firmwares[0]
    (_, low, _, high), (times, parts) = measured(context, row, cpu, version)
    total = sum(parts.values()) / times
    # The plugin also counts an instruction that traps, QEMU's instret does not.
    if row != SBI_ROWS[0] and not low <= total <= high + max(1, high // 100):
        raise Failure(f"counted {total} from outside, the payload {low} to {high}")
    names = dict(functions(context))
    print(f"{row} on {cpu}: {total:,.1f} instructions, the mean of {times}")
    for address, count in sorted(parts.items(), key=lambda item: -item[1]):
        where = names.get(address, "firmware and payload")
        print(f"{count / times:>12,.1f}  {where}")
