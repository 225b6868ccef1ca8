#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/gdb: the printed gdb line attaches, symbols load, and the machine stops at the entry; a
port that is taken is refused in one line.

  debug.py --build DIR"""
import os
import re
import select
import shlex
import socket
import subprocess
import time

from machine import ROOT, Failure, command_line, run_main

TIMEOUT = 40


def start(port):
    environment = dict(os.environ, PLINTH_NO_BUILD="1", PORT=str(port), SMP="1")
    return subprocess.Popen(
        [str(ROOT / "scripts/gdb")],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(process, pattern):
    """Reads the process' output until `pattern` appears."""
    text, deadline = "", time.monotonic() + TIMEOUT
    while not re.search(pattern, text):
        ready = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]
        data = os.read(process.stdout.fileno(), 4096) if ready else b""
        if not data:
            raise Failure(f"scripts/gdb did not print /{pattern}/ but:\n{text}")
        text += data.decode("utf-8", "replace")
    return text


def end(process):
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def check_attach(port):
    process = start(port)
    try:
        text = wait_for(process, r"(?m)^Here: ")
        line = re.search(r"^  (gdb-multiarch .*)$", text, re.MULTILINE)
        if not line:
            raise Failure(f"no gdb-multiarch line in:\n{text}")
        command = shlex.split(line.group(1)) + [
            "-batch",
            "-nx",
            "-ex",
            "continue",
            "-ex",
            "info symbol $pc",
        ]
        output = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        ).stdout
    finally:
        end(process)
    print(output)
    if not re.search(r"^Breakpoint 1, \S+ \(\) at .*entry\.S:\d+$", output, re.MULTILINE):
        raise Failure("gdb did not stop at _start with source lines")
    if not re.search(r"^\S+ in section \S+$", output, re.MULTILINE):
        raise Failure("gdb finds no symbol at the entry")


def check_taken(port):
    process = start(port)
    try:
        text = wait_for(process, r"\n")
        code = process.wait(timeout=TIMEOUT)
    finally:
        end(process)
    if code == 0 or not re.fullmatch(rf"gdb: error: port {port} .*PORT=\n", text):
        raise Failure(f"a taken port gives exit code {code} and:\n{text}")


def main():
    command_line(__doc__).parse_args()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        check_taken(port)
    check_attach(port)


run_main(main)
