#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X-15: every line that comes out of the serial port is one of a list: the monitor's lines hold
numbers that everybody may know and no address of its own, digests are those of the files that boot,
and nothing of a secret is printed. And the monitor has no call that its interface does not name.

  log_lines.py --build DIR [--variant release] [--timeout SECONDS]

`release` is the image that a board would get: it accepts no test key. Lines of the monitor's
failure are judged by monitor_failure.py, its warning by the native tests."""
import hashlib
import pathlib
import re
import struct
import tempfile

from machine import BANNER_END, FIRMWARES, Failure, Machine, command_line, pack, run_main
from needles import canary, monitor_secrets

HEX = "[0-9a-f]"
BOOT_PAGE = 0xFF000
OWN, KEYSTONE, NOT_SUPPORTED = 0x08504C4E, 0x08424B45, 2**64 - 2
REPORT = re.compile(r"-----BEGIN PLINTH REPORT-----\n(.*\n)*?-----END PLINTH REPORT-----\n")
# Not the monitor's. (The host says nothing that is not in its own image or the enclave's text.)
OTHERS = (
    r"OpenSBI v1\.\d\S*",
    r"[ _|/\\()<>.,'`-]+",  # OpenSBI's name in big letters
    r"(Platform|Firmware|Runtime|Standard|Experimental|Boot HART|Domain\d) [\w ()-]*: .*",
    r"(host|endings|sbimem|locks): .*",
    r"enclave says: .*",
)


def monitors_lines(files):
    """The list. `files` are the digests of what boots."""
    root = r"none: attestation answers 100100|test: THE PUBLIC TEST KEY, worth nothing"
    entropy = r"/chosen/rng-seed \(weak: the loader knows it\)|none: enclaves are refused"
    return (
        r"Plinth \d+\.\d+\.\d+ on QEMU virt, boot hart \d of \d, \d\d? PMP entries"
        r"(, Sstc)?(, H)?(, V)?",
        rf"  monitor   {files['monitor']}",
        rf"  tree      {HEX}{{128}}",
        rf"  firmware  {files['firmware']}, {files['length']} bytes",
        r"  firmware  at 0x80100000, unmeasured: there is no boot page",
        rf"  root      ({root})",
        rf"  entropy   ({entropy})",
        re.escape(BANNER_END),
        r"Plinth: cannot boot: device tree, boot page or memory not as they must be \(\d\d?\)",
        r"Plinth: hart \d cannot run below the monitor: it has no U-mode, fewer than 6 PMP "
        r"entries, regions over 4 KiB or a locked entry\. It stops here\.",
    )


def parse():
    parser = command_line(__doc__, 40)
    parser.add_argument("--variant", choices=("release",))
    return parser.parse_args()


class Boots:
    """Machines with one monitor, and the judge of what they print."""

    def __init__(self, arguments, work):
        self.arguments, self.work = arguments, work
        directory = arguments.build
        if arguments.variant:
            directory = directory / "variants" / arguments.variant
        self.monitor = directory / "plinth.bin"
        self.kind = "none" if arguments.variant else "test"
        monitor, firmware = self.monitor.read_bytes(), FIRMWARES["1.6"].read_bytes()
        self.secrets = monitor_secrets(monitor) | {"canary": canary()}
        self.lines = monitors_lines(
            {
                "monitor": hashlib.sha3_512(monitor).hexdigest(),
                "firmware": hashlib.sha3_512(firmware).hexdigest(),
                "length": len(firmware),
            }
        )
        self.seen = set()

    def machine(self, kernel=None, append=None, page=None, kind=None, **more):
        """`page` replaces the image's boot page."""
        image = pack(self.monitor, FIRMWARES["1.6"], self.work / "image.bin", kind or self.kind)
        if page is not None:
            data = bytearray(image.read_bytes())
            data[BOOT_PAGE : BOOT_PAGE + len(page)] = page
            image.write_bytes(data)
        return Machine(
            bios=image,
            kernel=kernel and self.arguments.build / "payloads" / f"{kernel}.bin",
            append=append,
            timeout=self.arguments.timeout,
            echo=False,
            **more,
        )

    def judge(self, what, output):
        print(f"--- {what}\n{output}")
        whole = output[: output.rfind("\n") + 1]
        rest, reports = REPORT.subn("", whole)
        for line in filter(None, rest.splitlines()):
            patterns = [p for p in self.lines if re.fullmatch(p, line)]
            self.seen.update(patterns)
            if not patterns and not any(re.fullmatch(p, line) for p in OTHERS):
                raise Failure(f"{what}: a line that is on no list: {line!r}")
        self.expect_no_secret(what, whole)
        return reports

    def expect_no_secret(self, what, text):
        low = text.lower()
        for name, needles in self.secrets.items():
            for needle in needles:
                for piece in (needle[i : i + 8] for i in range(0, len(needle) - 7, 8)):
                    forms = (piece.hex(), piece[::-1].hex(), piece.decode("latin-1").lower())
                    if any(form in low for form in forms):
                        raise Failure(f"{what}: the {name} is printed")


def check_demo(boots):
    with boots.machine("host", append="plinth.nonce=" + "5a" * 32, smp=2) as machine:
        machine.expect_end()
        reports = boots.judge("demo", machine.output)
    if reports != (0 if boots.arguments.variant else 1):
        raise Failure(f"{reports} reports")


def check_endings(boots):
    for end in ("attest", "shutdown"):
        with boots.machine("endings", append=f"plinth.end={end}", smp=2) as machine:
            machine.expect_end()
            boots.judge(end, machine.output)
    again = boots.machine("endings", append="plinth.end=reboot", smp=2)
    again.command.remove("-no-reboot")
    with again as machine:
        for _ in range(2):
            machine.expect(r"^endings: resetting\n")
        boots.judge("reboot", machine.output)


def check_refusals(boots):
    """Boots that end with one line, and a board that nobody has provisioned."""
    refused = {"a broken boot page": {"page": b"no page"}}
    if boots.arguments.variant:
        refused["a test key"] = {"kind": "test"}
    for what, how in refused.items():
        with boots.machine(**how) as machine:
            machine.expect(r"^Plinth: cannot boot: .*\n")
            boots.judge(what, machine.output)
    with boots.machine(cpu="rv64,pmp=off") as machine:
        machine.expect(r"^Plinth: hart 0 cannot run below the monitor: .*\n")
        boots.judge("a hart without PMP", machine.output)
    with boots.machine("endings", append="plinth.end=shutdown", page=bytes(160)) as machine:
        machine.expect_end()
        boots.judge("no boot page", machine.output)


def undocumented():
    """(call, answer): functions that the two extensions of the monitor have not."""
    edges = [2**power + more for power in (8, 12, 16, 31, 32, 63) for more in (-1, 0, 1)]
    own = [*range(4, 24), *edges, 2**64 - 1]
    calls = [((OWN, number, 0x85000000), NOT_SUPPORTED) for number in own]
    for number, answer in ((0, 100099), (1999, 100099), (2000, 100100), (2004, 100100)):
        calls.append(((KEYSTONE, number, 0x85000000), answer))
    for number, answer in ((3001, 100014), (3999, 100014), (4000, 100100), (2**64 - 1, 100100)):
        calls.append(((KEYSTONE, number, 0x85000000), answer))
    return calls


def check_calls(boots):
    calls = undocumented()
    text = "".join(struct.pack(">7Q", *call, *(0,) * (7 - len(call))).hex() for call, _ in calls)
    with boots.machine("sbimem", append=f"plinth.calls={text}", smp=2) as machine:
        machine.expect(r"^sbimem: end\n")
        boots.judge("undocumented calls", machine.output)
    answers = re.findall(r"^sbimem: answer 0x([0-9a-f]+) ", machine.output, re.MULTILINE)
    wrong = [
        (hex(call[0]), call[1], answer)
        for (call, wanted), answer in zip(calls, answers)
        if int(answer, 16) != wanted
    ]
    if wrong or len(answers) != len(calls):
        raise Failure(f"{len(answers)} of {len(calls)} calls, answered otherwise: {wrong}")


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        boots = Boots(arguments, pathlib.Path(work))
        for check in (check_demo, check_endings, check_refusals, check_calls):
            check(boots)
    unseen = [pattern for pattern in boots.lines if pattern not in boots.seen]
    if unseen:
        raise Failure(f"lines that never came: {unseen}")
    print(f"{len(boots.seen)} kinds of lines of the monitor")


run_main(main)
