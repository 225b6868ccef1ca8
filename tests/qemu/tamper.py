#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo with one byte of the application, the monitor or the nonce changed: it must fail, and
name the link that does not hold.

  tamper.py --build DIR --what none|app|monitor|nonce|firmware --link REGEX

With `none` the demo must pass, so that these three fail for no other reason. It also passes with
one bit of a text in the firmware changed, which the verifier does not ask about: but banner and
host report the measurement of that firmware."""
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from machine import ROOT, Failure, command_line, run_main

MONITOR_SIZE = 0x100000


def letter_in(data, minimum=8):
    """Offset of a letter in the middle of the longest text: its case changes no behaviour."""
    texts = list(re.finditer(rb"[ -~]{%d,}" % minimum, data))
    if not texts:
        raise Failure("there is no text to change")
    longest = max(texts, key=lambda text: text.end() - text.start())
    letters = [
        offset
        for offset in range(longest.start(), longest.end())
        if data[offset : offset + 1].isalpha()
    ]
    if not letters:
        raise Failure("the longest text has no letter")
    return letters[len(letters) // 2]


def changed(data, offset):
    return data[:offset] + bytes([data[offset] ^ 0x20]) + data[offset + 1 :]


def change_app(build, work):
    app = (build / "payloads/enclave-app.bin").read_bytes()
    host = (build / "payloads/host.bin").read_bytes()
    if host.count(app) != 1:
        raise Failure(f"host.bin holds the application {host.count(app)} times, not once")
    path = work / "host.bin"
    path.write_bytes(changed(host, host.index(app) + letter_in(app)))
    return {"PLINTH_KERNEL": str(path)}


def change_monitor(build, work):
    monitor = (build / "plinth.bin").read_bytes()
    image = (build / "plinth-opensbi.bin").read_bytes()
    if image[: len(monitor)] != monitor or len(image) <= MONITOR_SIZE:
        raise Failure("plinth-opensbi.bin does not start with plinth.bin")
    path = work / "image.bin"
    path.write_bytes(changed(image, letter_in(monitor)))
    return {"PLINTH_IMAGE": str(path)}


PRINTED = b"Platform Name"  # by OpenSBI, when it boots


def change_firmware(build, work):
    image = (build / "plinth-opensbi.bin").read_bytes()
    if image.count(PRINTED, MONITOR_SIZE) != 1:
        raise Failure(f"the firmware does not hold {PRINTED} once")
    path = work / "image.bin"
    path.write_bytes(changed(image, image.index(PRINTED, MONITOR_SIZE)))
    return {"PLINTH_IMAGE": str(path)}


def check_measurements(output, build, path):
    """What the monitor says of itself and the firmware, in its banner and to the host."""
    original, image = (
        file.read_bytes()[MONITOR_SIZE:] for file in (build / "plinth-opensbi.bin", path)
    )
    differences = [a ^ b for a, b in zip(original, image, strict=True) if a != b]
    if differences != [0x20] or not re.search(r"^platform Name", output, re.MULTILINE):
        raise Failure("it was not a firmware with one other bit that ran")
    expected = {
        "monitor": hashlib.sha3_512((build / "plinth.bin").read_bytes()).hexdigest(),
        "firmware": hashlib.sha3_512(image).hexdigest(),
    }
    for name, digest in expected.items():
        for prefix in ("  ", "host: measured "):
            said = re.findall(rf"^{prefix}{name} +([0-9a-f]{{128}})\b", output, re.MULTILINE)
            if said != [digest]:
                raise Failure(f"{prefix.strip()} {name} {said}, not {digest}")


def change_nonce(_build, _work):
    return {"PLINTH_SENT_NONCE": "5a" * 32}


CHANGES = {
    "none": lambda _build, _work: {},
    "app": change_app,
    "monitor": change_monitor,
    "nonce": change_nonce,
    "firmware": change_firmware,
}


def main():
    parser = command_line(__doc__)
    parser.add_argument("--what", choices=sorted(CHANGES), required=True)
    parser.add_argument("--link", required=True, help="what the last line must match")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plinth-") as work:
        environment = dict(os.environ, PLINTH_NO_BUILD="1", DEMO_TIMEOUT="60")
        environment["PLINTH_BUILD"] = str(arguments.build)
        for name in ("FIRMWARE", "SMP", "MEM", "CPU", "PLINTH_PMP_LIMIT"):
            environment.pop(name, None)
        environment.update(CHANGES[arguments.what](arguments.build, pathlib.Path(work)))
        run = subprocess.run(
            [str(ROOT / "scripts/run")],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=90,
        )
        if arguments.what == "firmware":
            image = pathlib.Path(environment["PLINTH_IMAGE"])
            check_measurements(run.stdout, arguments.build, image)
    sys.stdout.write(run.stdout)
    last = (run.stdout.splitlines() or [""])[-1]
    if not re.search(arguments.link, last):
        raise Failure(f"the last line is '{last}', it must match /{arguments.link}/")
    if (run.returncode == 0) != (arguments.what in ("none", "firmware")):
        raise Failure(f"the exit code is {run.returncode}")


run_main(main)
