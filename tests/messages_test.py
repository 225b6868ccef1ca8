#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on the way to a run gives one clear line and a non-zero exit code."""
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(script, *arguments, **environment):
    clean = dict(os.environ, PLINTH_NO_BUILD="1")
    for name in ("FIRMWARE", "SMP", "MEM", "QEMU", "CPU", "HOURS", "PORT", "PLINTH_PMP_LIMIT"):
        clean.pop(name, None)
    return subprocess.run(
        [str(ROOT / "scripts" / script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        env=dict(clean, **environment),
    )


def run_with(commands, **environment):
    """The demo with a shell script in place of QEMU."""
    with tempfile.TemporaryDirectory() as work:
        fake = pathlib.Path(work) / "qemu"
        fake.write_text(f"#!/bin/sh\n{commands}\n")
        fake.chmod(0o755)
        return run("run", QEMU=str(fake), **environment)


class Messages(unittest.TestCase):
    def expect(self, result, stdout, stderr):
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stdout, rf"\A{stdout}\Z")
        self.assertRegex(result.stderr, rf"\A{stderr}\Z")

    def test_missing_emulator_names_it_and_what_to_do(self):
        self.expect(
            run("run", QEMU="no-such-emulator"),
            "demo: FAIL: no-such-emulator is missing: run scripts/setup or set QEMU=\n",
            "",
        )
        self.expect(
            run("gdb", QEMU="no-such-emulator"),
            "",
            "gdb: error: no-such-emulator is missing: run scripts/setup or set QEMU=\n",
        )

    def test_number_that_is_none_is_refused(self):
        self.expect(run("run", SMP="two"), "demo: FAIL: SMP=two is not a number\n", "")
        self.expect(run("soak", HOURS="long"), "", "soak: error: HOURS=long is not a number\n")

    def test_missing_firmware_is_named(self):
        self.expect(
            run("run", FIRMWARE="no-such-file"),
            "demo: FAIL: cannot pack FIRMWARE=no-such-file\n",
            "pack: cannot read no-such-file: No such file or directory\n",
        )

    def test_machine_that_ends_with_an_error_is_no_pass(self):
        result = run_with("echo demo: PASS\nexit 3")
        self.expect(result, "demo: PASS\ndemo: FAIL: QEMU ended with status 3\n", "")

    def test_machine_that_says_nothing_is_no_pass(self):
        self.expect(run("run", QEMU="true"), "demo: FAIL: no OpenSBI banner\n", "")

    def test_machine_that_does_not_end_is_no_pass(self):
        result = run_with("exec tail -f /dev/null", DEMO_TIMEOUT="1")
        self.expect(result, "demo: FAIL: the machine did not power off within 1 s\n", "")


if __name__ == "__main__":
    unittest.main()
