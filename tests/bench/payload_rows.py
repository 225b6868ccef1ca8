# SPDX-License-Identifier: Apache-2.0
"""Rows that a payload measures itself, by reading instret around what it does: the payload runs
with and without the monitor."""
import contextlib
import io
import re

from counting import DETERMINISTIC
from machine import FIRMWARES, Failure, Machine, pack
from rows import make_row, pair_rows, printed_rows

# What the calls of the base extension without arguments answer.
BASE_VALUES = {
    "1.1": {"spec_version": 0x1000000, "impl_id": 1, "impl_version": 0x10001},
    "1.6": {"spec_version": 0x2000000, "impl_id": 1, "impl_version": 0x10006},
}
# "c.li a5, -1; csrw mcounteren, a5" in OpenSBI, and the same with TM left out. 1.6 with it refuses
# to emulate `time`.
ALL_COUNTERS = bytes.fromhex("fd57 73906730")
ALL_BUT_TIME = bytes.fromhex("f557 73906730")
FIRMWARE_WITHOUT_TIME = "1.1"


def run(timeout, **options):
    """Boots a machine and returns what it printed when it has powered off."""
    with Machine(timeout=timeout, echo=False, extra=DETERMINISTIC, **options) as machine:
        machine.expect_end()
        return machine.output


def packed(context, firmware):
    """The image of the monitor and a firmware."""
    with contextlib.redirect_stdout(io.StringIO()):
        return pack(context.plinth, firmware, context.work / "image.bin")


def payload(context, name):
    path = context.build / "payloads" / f"{name}.bin"
    if not path.exists():
        raise Failure(f"{path} was not built")
    return path


def vm_rows(context, cpu):
    """Single instructions of a firmware."""
    firmware = payload(context, "bench-vm")
    native = printed_rows(run(context.timeout, bios=firmware, cpu=cpu))
    plinth = printed_rows(run(context.timeout, bios=packed(context, firmware), cpu=cpu))
    return pair_rows(f"{cpu}, own firmware", plinth, native)


def both(context, cpu, config, firmware, **options):
    """Rows of an S-mode payload above a firmware, and what it printed above the monitor."""
    native = run(context.timeout, bios=firmware, cpu=cpu, **options)
    plinth = run(context.timeout, bios=packed(context, firmware), cpu=cpu, **options)
    return pair_rows(config, printed_rows(plinth), printed_rows(native)), plinth


def check_base_values(version, text):
    """A payload's base calls must have been answered as this firmware answers them."""
    found = re.findall(r"^bench: value sbi\.base\.(\w+) (0x[0-9a-f]+)$", text, re.MULTILINE)
    values = {name: int(value, 16) for name, value in found}
    if values != BASE_VALUES[version]:
        raise Failure(f"a wrong result: base calls of OpenSBI {version} answer {values}")


def sbi_rows(context, cpu):
    """Calls and traps of S-mode that the firmware serves."""
    kernel, rows = payload(context, "bench-sbi"), []
    for version in context.firmwares:
        firmware, config = FIRMWARES[version], f"{cpu}, OpenSBI {version}"
        quick = " plinth.quick=yes" if context.quick else ""
        calls = {"kernel": kernel, "append": "plinth.bench=calls" + quick}
        more, text = both(context, cpu, config, firmware, **calls)
        check_base_values(version, text)
        rows += more
        if version == FIRMWARE_WITHOUT_TIME:
            changed = context.work / "without-time.bin"
            original = firmware.read_bytes()
            if ALL_COUNTERS not in original:
                raise Failure(f"OpenSBI {version} writes mcounteren in another way")
            changed.write_bytes(original.replace(ALL_COUNTERS, ALL_BUT_TIME))
            rdtime = {"kernel": kernel, "append": "plinth.bench=rdtime" + quick}
            rows += both(context, cpu, config, changed, **rdtime)[0]
    return rows


def enclave_rows(context, cpu):
    """Enclaves; there is nothing to compare with."""
    kernel, rows = payload(context, "bench-enclave"), []
    for version in context.firmwares:
        bios = packed(context, FIRMWARES[version])
        samples = printed_rows(run(context.timeout, bios=bios, cpu=cpu, kernel=kernel))
        for name, sample in samples.items():
            unit = "instructions/KiB" if name.endswith("_kib") else "instructions"
            config = f"{cpu}, OpenSBI {version}"
            rows.append(make_row(name, config, sample, None, unit))
    return rows
