# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Commands in guests: the host's end of the protocol that guest/agent.py describes.

A node has a pool of virtio-serial ports, each a unix socket that QEMU listens on. A command takes
a port whose lock file nobody holds; the kernel drops that lock however the holder ends.
"""
import binascii
import fcntl
import json
import os
import select
import signal
import socket
import time
from collections import deque

from . import guest
from .report import LabError

PORTS = 16
# Without a word from the guest for this long, ask QEMU whether it is still well.
SILENCE = 2.0
# How long a command may take to end after the caller's signal, or after its time is up.
GRACE = 3.0
CHUNK = 16384
INPUT_BACKLOG = 131072

TIMED_OUT = 124


class Channel:
    """A session on one port of a node's agent."""

    def __init__(self, directory, deadline):
        self.directory = directory
        self.session = os.urandom(6).hex()
        self.lock, self.number = self._take_port(deadline)
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self._connect(deadline)
        except BaseException:
            self.close()
            raise
        self.socket.setblocking(False)
        self.received = b""
        self.messages = deque()  # of (kind, payload)
        self.unsent = bytearray(b"\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()
        os.close(self.lock)

    def _take_port(self, deadline):
        while True:
            for number in range(PORTS):
                try:
                    lock = os.open(self.directory / f"port{number}.lock", os.O_RDWR | os.O_CREAT)
                except FileNotFoundError:
                    raise LabError("the lab was taken down") from None
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return lock, number
                except BlockingIOError:
                    os.close(lock)
            if time.monotonic() > deadline:
                raise LabError(f"all {PORTS} ports into this node are in use; wait for a command")
            time.sleep(0.05)

    def _connect(self, deadline):
        while True:
            try:
                return self.socket.connect(str(self.directory / f"port{self.number}.sock"))
            except OSError:
                # A QEMU that was just started listens a moment later.
                if guest.state(self.directory) != "booting" or time.monotonic() > deadline:
                    raise LabError(guest.explain(self.directory)) from None
            time.sleep(0.02)

    def send(self, kind, payload=b""):
        line = f"{self.session} {kind} ".encode() + binascii.b2a_base64(payload, newline=False)
        self.unsent += line + b"\n"

    def flush(self):
        try:
            while self.unsent:
                del self.unsent[: self.socket.send(self.unsent[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            raise LabError(guest.explain(self.directory)) from None

    def receive(self, timeout):
        """Waits for what the guest sends; false when nothing came. See `messages`."""
        self.flush()
        if not select.select([self.socket], [], [], timeout)[0]:
            return False
        self.fetch()
        return True

    def fetch(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise LabError(guest.explain(self.directory))
        *lines, self.received = (self.received + data).split(b"\n")
        for line in lines:
            words = line.split(b" ")
            # "hello" belongs to no session: the agent began, and knows of none.
            if len(words) == 3 and (words[0] == self.session.encode() or words[1] == b"hello"):
                self.messages.append((words[1].decode(), binascii.a2b_base64(words[2])))

    def take_messages(self):
        while self.messages:
            yield self.messages.popleft()


def wait_ready(directory, timeout, check=lambda: None):
    """Returns when the node's agent answers; calls `check` once a second."""
    deadline = time.monotonic() + timeout
    try:
        with Channel(directory, deadline) as channel:
            _ping(channel, deadline, check)
    except LabError:
        guest.require_alive(directory)  # whose message names the log
        raise


def _ping(channel, deadline, check):
    channel.send("ping")
    while True:
        channel.receive(1.0)
        for kind, _ in channel.take_messages():
            if kind == "pong":
                return
            if kind == "hello":
                channel.send("ping")
        check()
        guest.require_alive(channel.directory)
        _check_deadline(channel.directory, deadline)


def _check_deadline(directory, deadline):
    if time.monotonic() > deadline:
        message = f"the agent of {guest.title(directory)} does not answer"
        raise LabError(message, log=directory / "console.log")


class Run:
    """A command in a guest, from start to exit code."""

    def __init__(self, directory, command, working_directory="/", timeout=None, patience=30.0):
        self.directory = directory
        self.request = {"command": command, "directory": working_directory}
        self.timeout = timeout
        self.patience = patience  # with an agent that does not answer yet
        self.signals = []  # to pass on; a signal handler may append
        self.wake = None  # a descriptor that becomes readable when `signals` has grown

    def run(self, write, source=None):
        """Gives output to write("output" or "errors", data); takes input from a descriptor."""
        began = time.monotonic()
        deadline = began + self.timeout if self.timeout else float("inf")
        with Channel(self.directory, min(deadline, began + self.patience)) as channel:
            self._start(channel, source, min(deadline, began + self.patience))
            return self._pump(channel, write, source, deadline)

    def _start(self, channel, source, deadline):
        request = json.dumps({**self.request, "stdin": source is not None}).encode()
        channel.send("start", request)
        while True:
            came = channel.receive(SILENCE)
            for kind, _ in channel.take_messages():
                if kind == "started":
                    return  # what came with it stays for _pump
                if kind == "hello":
                    channel.send("start", request)
            if not came and guest.state(self.directory) not in ("running", "booting"):
                raise LabError(guest.explain(self.directory))
            if self.signals:
                raise KeyboardInterrupt
            _check_deadline(self.directory, deadline)

    def _pump(self, channel, write, source, deadline):
        code = None  # what to return for a command that was told to end
        last_word = float("inf")  # when to give up on it
        while True:
            for kind, payload in channel.take_messages():
                if kind == "exit":
                    return code if code == TIMED_OUT else int(payload)
                if kind == "hello":
                    raise LabError(f"{guest.title(self.directory)} rebooted during the command")
                if kind == "gone":
                    raise LabError(f"{guest.title(self.directory)} has lost the command: was it"
                                   " suspended, or without a processor for long?")
                if kind in ("output", "errors"):
                    write(kind, payload)
            if self.signals:
                number = self.signals.pop()
                channel.send("signal", str(number).encode())
                code, last_word = 128 + number, min(last_word, time.monotonic() + GRACE)
            now = time.monotonic()
            if now > deadline:
                channel.send("signal", str(int(signal.SIGTERM)).encode())
                code, deadline, last_word = TIMED_OUT, float("inf"), now + GRACE
            if now > last_word:
                return code  # closing the port makes the agent kill what is left
            channel.flush()
            readable = self._wait(channel, source, min(SILENCE, deadline - now, last_word - now))
            if source in readable and source is not None:
                data = os.read(source, CHUNK)
                if data:
                    channel.send("input", data)
                else:
                    channel.send("end-of-input")
                    source = None
            if self.wake in readable and self.wake is not None:
                os.read(self.wake, CHUNK)
            if channel.socket.fileno() in readable:
                channel.fetch()
            elif not readable:
                self._check_guest()
                if not channel.unsent:
                    channel.send("look")

    def _wait(self, channel, source, timeout):
        # poll, not select or epoll: it takes any descriptor number, and plain files too.
        poller = select.poll()
        poller.register(channel.socket, select.POLLIN | (select.POLLOUT if channel.unsent else 0))
        if source is not None and len(channel.unsent) < INPUT_BACKLOG:
            poller.register(source, select.POLLIN)
        if self.wake is not None:
            poller.register(self.wake, select.POLLIN)
        return [descriptor for descriptor, _ in poller.poll(max(0, timeout) * 1000)]

    def _check_guest(self):
        state = guest.state(self.directory)
        if state == "booting":
            raise LabError(f"{guest.title(self.directory)} rebooted during the command")
        if state not in ("running", "paused"):
            raise LabError(guest.explain(self.directory))


def capture(directory, command, timeout, source=None):
    """(exit code, output and errors as one text): for the lab's own commands."""
    collected = []
    code = Run(directory, command, timeout=timeout).run(
        lambda kind, data: collected.append(data), source
    )
    return code, b"".join(collected).decode(errors="replace").strip()
