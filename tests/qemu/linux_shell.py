#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Uses `make run-linux` as somebody at a terminal would: SMP=, MEM= and APPEND= reach Linux, the
shell computes a marker from what APPEND= brought in, and the machine powers off when it ends.

  linux_shell.py --build DIR [--timeout SECONDS]"""
import hashlib
import os
import secrets
import signal
import subprocess
import time

from machine import ROOT, Machine, command_line, run_main

SMP = 3
MEMORY_MIB = 384
LEAST_MIB = 300  # what is left of it for user space
PROMPT = "plinth:~# "


class Terminal(Machine):
    """scripts/run-linux in place of QEMU itself; both end together."""

    def __init__(self, environment, timeout):
        super().__init__(bios="none", timeout=timeout)
        self.command = [str(ROOT / "scripts/run-linux")]
        self.environment = environment

    def __enter__(self):
        self.deadline = time.monotonic() + self.timeout
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            start_new_session=True,
        )
        return self

    def __exit__(self, *arguments):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # the session that was started above
        super().__exit__(*arguments)

    def expect_prompt(self):
        """The prompt is no whole line: the cursor stays behind it."""
        while (place := self.output.find(PROMPT, self.position)) < 0:
            if not self._read():
                self.fail("the machine ended without a prompt")
        self.position = place + len(PROMPT)

    def ask(self, command, pattern):
        """Types a command; its answer stands on a line of its own."""
        self.expect_prompt()
        self.send(command + "\n")
        return self.expect(pattern)


def main():
    parser = command_line(__doc__, 85)
    arguments = parser.parse_args()
    nonce = secrets.token_hex(32)
    environment = dict(os.environ, PLINTH_NO_BUILD="1", SMP=str(SMP), MEM=f"{MEMORY_MIB}M")
    environment["APPEND"] = f"plinth.nonce={nonce} loglevel=5"
    for name in ("CPU", "FIRMWARE"):
        environment.pop(name, None)
    with Terminal(environment, arguments.timeout) as terminal:
        terminal.expect(r"^exit or poweroff -f powers the machine off")
        marker = hashlib.sha256(nonce.encode()).hexdigest()
        hashing = r"sed 's/.*plinth.nonce=//; s/ .*//' /proc/cmdline | tr -d '\n' | sha256sum"
        terminal.ask(hashing, rf"^{marker} ")
        terminal.ask("echo harts: $(nproc)", rf"^harts: {SMP}$")
        total = terminal.ask("cat /proc/meminfo", r"^MemTotal: +(\d+) kB$").group(1)
        if not LEAST_MIB <= int(total) // 1024 <= MEMORY_MIB:
            terminal.fail(f"MemTotal is {total} kB of {MEMORY_MIB} MiB")
        terminal.expect_prompt()
        terminal.send("exit\n")
        terminal.expect(r"reboot: Power down$")
        terminal.expect_end()


run_main(main)
