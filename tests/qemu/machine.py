# SPDX-License-Identifier: Apache-2.0
"""Runs a program on QEMU virt and watches its serial port. Standard library only.

Waiting is always for an event (a line of output, the end of the process) with a deadline. Only
the process started here is ever ended."""
import argparse
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIRMWARES = {
    "1.1": ROOT / "build/cache/opensbi-1.1/fw_dynamic.bin",
    "1.6": ROOT / "build/cache/opensbi-1.6/fw_dynamic.bin",
}
# What the monitor prints: a banner up to this line, then single lines with this prefix.
BANNER_END = "Plinth: the firmware runs deprivileged from here"
MONITOR_PREFIX = "Plinth: "
# Never on a good run: the monitor gave up.
MONITOR_FAILED = r"^Plinth: (FAILURE|cannot boot).*"
PROMPT = b"(qemu) "

running = set()  # the processes of the machines that are entered, in all threads


class Failure(Exception):
    """A test failed; the text says what was expected and what was seen."""


class Silence(Failure):
    """What was expected had not come at the deadline."""


class Machine:
    """One QEMU process. Use as a context manager: leaving it ends the process."""

    def __init__(
        self,
        *,
        bios,
        kernel=None,
        append=None,
        smp=1,
        memory="256M",
        cpu="rv64",
        timeout=60,
        extra=(),
        echo=True,
    ):
        self.work = tempfile.mkdtemp(prefix="plinth-")
        self.monitor_path = os.path.join(self.work, "monitor")
        self.output = ""
        self.position = 0
        self.echo = echo
        self.timeout = timeout
        self.deadline = None
        self.process = None
        self.monitor = None
        options = f"-M virt -cpu {cpu} -smp {smp} -m {memory} -display none -no-reboot"
        self.command = [os.environ.get("QEMU") or "qemu-system-riscv64", *options.split()]
        self.command += ["-monitor", f"unix:{self.monitor_path},server=on,wait=off"]
        self.command += ["-serial", "stdio", "-bios", str(bios)]
        if kernel:
            self.command += ["-kernel", str(kernel)]
        if append:
            self.command += ["-append", append]
        self.command += list(extra)

    def __enter__(self):
        self.deadline = time.monotonic() + self.timeout
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        running.add(self.process)
        return self

    def __exit__(self, *_):
        if self.monitor:
            self.monitor.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        running.discard(self.process)
        self.process.stdin.close()
        self.process.stdout.close()
        shutil.rmtree(self.work, ignore_errors=True)

    def fail(self, text, kind=Failure):
        tail = "\n".join(self.output.splitlines()[-15:])
        raise kind(f"{text}; the last lines were:\n{tail}")

    def _read(self):
        """Takes in what the serial port has; returns False at the end of the output."""
        left = self.deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            self.fail(f"nothing more within {self.timeout} s", Silence)
        data = os.read(self.process.stdout.fileno(), 65536)
        text = data.decode("utf-8", "replace").replace("\r", "")
        self.output += text
        if self.echo:
            sys.stdout.write(text)
            sys.stdout.flush()
        return bool(data)

    def expect(self, pattern):
        """Waits until `pattern` (multi-line regular expression) appears behind the last match, in
        lines that have arrived whole."""
        expression = re.compile(pattern, re.MULTILINE)
        while True:
            whole = self.output.rfind("\n") + 1
            match = expression.search(self.output, self.position, whole)
            if match:
                self.position = match.end()
                return match
            if not self._read():
                self.fail(f"the machine ended before /{pattern}/ appeared")

    def send(self, text):
        """Types `text` on the serial port."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait_end(self):
        """Reads until the machine has powered off; returns QEMU's exit code."""
        while self._read():
            pass
        try:
            return self.process.wait(timeout=max(0.1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return self.fail(f"QEMU closed its output and did not end within {self.timeout} s")

    def forbid(self, *patterns):
        """Nothing that was printed says that the monitor failed or matches one of the patterns."""
        for pattern in (MONITOR_FAILED, *patterns):
            if match := re.search(pattern, self.output, re.MULTILINE):
                self.fail(f"forbidden by /{pattern}/: {match.group()}")

    def expect_end(self, *forbidden, code=0):
        """Reads until the machine has powered off, with this exit code and nothing forbidden."""
        ended = self.wait_end()
        self.forbid(*forbidden)
        if ended != code:
            self.fail(f"QEMU ended with {ended}, not with {code}")

    def command_monitor(self, line):
        """Runs one command of QEMU's monitor and returns what it printed."""
        if self.monitor is None:
            self.monitor = socket.socket(socket.AF_UNIX)
            self.monitor.settimeout(max(0.1, self.deadline - time.monotonic()))
            self.monitor.connect(self.monitor_path)
            self._monitor_until_prompt()
        self.monitor.sendall(line.encode() + b"\n")
        return self._monitor_until_prompt()

    def _monitor_until_prompt(self):
        data = b""
        while not data.endswith(PROMPT):
            self.monitor.settimeout(max(0.1, self.deadline - time.monotonic()))
            try:
                piece = self.monitor.recv(65536)
            except TimeoutError:
                self.fail("QEMU's monitor does not answer")
            if not piece:
                self.fail("QEMU closed its monitor")
            data += piece
        return data[: -len(PROMPT)].decode("utf-8", "replace")

    def memory(self, base, size):
        """The physical memory of the machine, seen from outside of it."""
        path = os.path.join(self.work, "memory")
        self.command_monitor(f'pmemsave {base:#x} {size:#x} "{path}"')
        data = pathlib.Path(path).read_bytes()
        if len(data) != size:
            self.fail(f"pmemsave gave {len(data)} of {size} bytes")
        return data

    def registers(self):
        """`info registers -a`: all harts."""
        return self.command_monitor("info registers -a")


def pack(monitor, firmware, output, kind="test"):
    """Puts monitor and firmware into one image for -bios; returns its path."""
    subprocess.run(
        [
            sys.executable,
            str(ROOT / "scripts/pack"),
            "image",
            "--kind",
            kind,
            "--monitor",
            str(monitor),
            "--firmware",
            str(firmware),
            "--output",
            str(output),
        ],
        check=True,
    )
    return output


def loader(file, address):
    """QEMU's arguments for a file that lies in memory from the start."""
    return ("-device", f"loader,file={file},addr={address:#x},force-raw=on")


def binutil(name, *arguments):
    """What a program of binutils prints."""
    command = [f"riscv64-unknown-elf-{name}", *map(str, arguments)]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or error
        raise Failure(f"{' '.join(command)}: {said}") from None


def function_address(build, name):
    """Address of the one function with this name in plinth.elf."""
    symbols = binutil("nm", "--demangle", build / "plinth.elf")
    found = re.findall(rf"^([0-9a-f]+) [tTW] {re.escape(name)}(?:\(|$)", symbols, re.MULTILINE)
    if len(found) != 1:
        raise Failure(f"plinth.elf has {len(found)} functions {name}, expected one")
    return int(found[0], 16)


def must_fail(what, pattern, action):
    """Calls action(), which must fail with this text in its message."""
    try:
        action()
    except Failure as failure:
        if pattern not in str(failure):
            raise Failure(f"{what} fails otherwise: {failure}") from None
        return print(f"{what}: {failure}")
    raise Failure(f"{what} is not noticed")


def command_line(description, timeout=None):
    """A parser with what the tests' command lines have in common."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--build", type=pathlib.Path, required=True)
    if timeout:
        parser.add_argument("--timeout", type=int, default=timeout)
    return parser


def end_machines_on_sigterm():
    """SIGTERM, as from `timeout`, ends this program like an exception, and before that its
    machines: with -icount QEMU ignores the SIGTERM of its own, and threads wait for theirs."""

    def end(number, _):
        for process in tuple(running):
            process.kill()
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, end)


def run_main(main):
    """Turns a Failure into one line and exit code 1."""
    end_machines_on_sigterm()
    try:
        main()
    except Failure as failure:
        print(f"\nFAIL: {failure}")
        sys.exit(1)
