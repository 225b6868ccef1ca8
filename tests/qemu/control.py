# SPDX-License-Identifier: Apache-2.0
"""Two more ways to a QEMU process that machine.py starts: knowing that it is there before the guest
runs, and its gdb stub. Both are sockets in the process' own directory."""
import os
import re
import socket
import time

from machine import Failure


class Started:
    """Tells when a machine that starts paused (-S) is there: QEMU then connects to a socket, over
    which it would speak QMP. Made before the machine is entered."""

    def __init__(self, machine):
        self.machine = machine
        path = os.path.join(machine.work, "qmp")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen()
        machine.command += ["-qmp", f"unix:{path}"]

    def wait(self):
        self.listener.settimeout(max(0.1, self.machine.deadline - time.monotonic()))
        try:
            connection = self.listener.accept()[0]
            connection.settimeout(max(0.1, self.machine.deadline - time.monotonic()))
            greeting = connection.recv(65536)
        except TimeoutError:
            raise Failure("QEMU does not start") from None
        if b"QMP" not in greeting:
            raise Failure(f"QEMU does not start: {greeting!r}")
        self.listener.close()
        self.connection = connection
        status = self.machine.command_monitor("info status")  # answered when memory is filled
        if "paused" not in status:
            raise Failure(f"QEMU does not start paused: {status}")


class Debugger:
    """The gdb remote protocol: memory, registers, stop and go. Memory is physical. Made before the
    machine is entered, or of one that is running already."""

    def __init__(self, machine, running=False):
        self.machine = machine
        self.socket = socket.socket(socket.AF_UNIX)
        self.data = b""
        self.path = os.path.join(machine.work, "gdb")
        device = f"unix:{self.path},server=on,wait=off"
        if running:
            machine.command_monitor("gdbserver none")  # QEMU has one at most
            machine.command_monitor(f"gdbserver {device}")
        else:
            machine.command += ["-gdb", device]
        self.numbers = {}
        self.threads = []
        self.accessor = None

    def attach(self, paused=False):
        """Stops the machine, which runs unless it is paused, and learns its harts and registers."""
        self._limit()
        self.socket.connect(self.path)
        if not paused:
            self._packet()  # that the machine has stopped
        self.command("qSupported:multiprocess+;swbreak+")
        self.threads = self._list_threads()
        for annex in ("target.xml", *re.findall(r'href="([^"]+)"', self._document("target.xml"))):
            self._learn(self._document(annex))
        self.expect_ok("Qqemu.PhyMemMode:1")

    def close(self):
        self.socket.close()

    def _limit(self):
        self.socket.settimeout(max(0.1, self.machine.deadline - time.monotonic()))

    def _send(self, data):
        self._limit()
        self.socket.sendall(data)

    def _more(self):
        self._limit()
        try:
            piece = self.socket.recv(65536)
        except TimeoutError:
            raise Failure(f"QEMU does not answer: {self.data[-100:]!r}") from None
        if not piece:
            raise Failure("QEMU closed its socket")
        self.data += piece

    def command(self, text):
        body = text.encode()
        self._send(b"$%s#%02x" % (body, sum(body) % 256))
        return self._packet()

    def expect_ok(self, text):
        answer = self.command(text)
        if answer != b"OK":
            raise Failure(f"gdb stub: {text[:30]} answered {answer!r}")

    def _packet(self):
        while not (match := re.search(rb"\$([^#]*)#[0-9a-f]{2}", self.data)):
            self._more()
        self.data = self.data[match.end() :]
        self._send(b"+")
        return match.group(1)

    def _list_threads(self):
        threads, answer = [], self.command("qfThreadInfo")
        while answer.startswith(b"m"):
            threads += answer[1:].decode().split(",")
            answer = self.command("qsThreadInfo")
        return threads

    def _document(self, annex):
        text = b""
        while True:
            answer = self.command(f"qXfer:features:read:{annex}:{len(text):x},800")
            if answer[:1] not in (b"m", b"l"):
                raise Failure(f"gdb stub: no {annex}: {answer!r}")
            text += answer[1:]
            if answer[:1] == b"l":
                return text.decode()

    def _learn(self, document):
        """Registers are numbered one after the other unless they say otherwise."""
        number = max(self.numbers.values(), default=-1) + 1
        for tag in re.findall(r"<reg [^>]*>", document):
            given = re.search(r'regnum="(\d+)"', tag)
            number = int(given.group(1)) if given else number
            self.numbers[re.search(r'name="([^"]+)"', tag).group(1)] = number
            number += 1

    def register(self, thread, name):
        self.expect_ok(f"Hg{thread}")
        answer = self.command(f"p{self.numbers[name]:x}")
        if not re.fullmatch(rb"[0-9a-f]{16}", answer):
            raise Failure(f"gdb stub: register {name} answered {answer!r}")
        return int.from_bytes(bytes.fromhex(answer.decode()), "little")

    def set_register(self, thread, name, value):
        self.expect_ok(f"Hg{thread}")
        self.expect_ok(f"P{self.numbers[name]:x}={value.to_bytes(8, 'little').hex()}")

    def read(self, address, size):
        return bytes.fromhex(self.command(f"m{address:x},{size:x}").decode())

    def write(self, address, data):
        self.expect_ok(f"M{address:x},{len(data):x}:{data.hex()}")

    def go(self):
        """Lets the machine run; it answers when it stops."""
        self._send(b"$c#63")

    def stop(self):
        self._send(b"\x03")
        self._packet()

    def run_until(self, address, threads=None):
        """Lets the harts of those threads run, else all, until one is about to execute there;
        returns the thread of that hart. The others may have gone on for a while."""
        self.expect_ok(f"Z0,{address:x},2")
        running = [f"c:{thread}" for thread in threads or self.threads]
        answer = self.command(";".join(["vCont", *running]))
        stopped = re.search(rb"thread:([^;]+);", answer)
        thread = stopped.group(1).decode() if stopped else None
        if thread not in self.threads or self.register(thread, "pc") != address:
            raise Failure(f"gdb stub: no stop at {address:#x} but {answer!r}")
        self.expect_ok(f"z0,{address:x},2")
        return thread

    def run_until_accessed(self, kind, address, size):
        """Lets all harts run until one writes (kind 2) or reads (3) there; returns its pc, at the
        access or behind it. `accessor` is its thread."""
        self.expect_ok(f"Z{kind},{address:x},{size:x}")
        answer = self.command("vCont;c")
        match = re.search(rb"thread:([^;]+);.*watch:", answer)
        self.expect_ok(f"z{kind},{address:x},{size:x}")
        if not match:
            raise Failure(f"gdb stub: no access to {address:#x} but {answer!r}")
        self.accessor = match.group(1).decode()
        return self.register(self.accessor, "pc")

    def detach(self):
        """Lets the machine go on without the stub."""
        self.expect_ok("D;1")
        self.close()
