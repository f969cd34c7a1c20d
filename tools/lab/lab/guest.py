# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A guest's QEMU: its process, its monitor, and the state that the two show."""
import contextlib
import fcntl
import json
import os
import socket

from .process import Process
from .report import LabError

MONITOR_TIMEOUT = 10.0
START_MARK = b"--- shmlab: QEMU starts ---"


def title(directory):
    return f"node {directory.name[4:]}"


def process_of(directory):
    """The QEMU that was started last, or None."""
    return Process.load(directory / "qemu.process")


def alive(directory):
    process = process_of(directory)
    return process is not None and process.alive()


def state(directory):
    """dead, booting, running, paused or panicked."""
    if not alive(directory):
        return "dead"
    try:
        with Monitor(directory) as monitor:
            status = monitor.command("query-status")["status"]
            devices = monitor.command("query-chardev")
    except (OSError, ValueError):
        # QEMU ends, or has not opened its sockets yet.
        return "booting" if alive(directory) else "dead"
    if status == "guest-panicked":
        return "panicked"
    if status == "paused":
        return "paused"
    # A kernel without the pvpanic driver tells nobody but its console.
    if _panic_in_log(directory / "console.log"):
        return "panicked"
    # "Open" is what the guest's agent did; a reset closes it again.
    opened = any(device["label"] == "port0" and device["frontend-open"] for device in devices)
    return "running" if opened else "booting"


def mark_start(directory):
    """Separates the boots in the console's log, so that an earlier panic is not taken for a new."""
    with open(directory / "console.log", "ab") as log:
        log.write(START_MARK + b"\n")


def _panic_in_log(log):
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.path.getsize(log) - 65536))
            text = file.read()
    except OSError:
        return False
    began = max(text.rfind(START_MARK), text.rfind(b"] Linux version "))
    return text.rfind(b"Kernel panic - not syncing") > began


def explain(directory):
    """Why a command cannot be run in this guest, and what to do."""
    if not directory.exists():
        return "the lab was taken down"
    name = title(directory)
    return {
        "dead": f"{name} is dead; boot it again with: {_hint('start', directory)}",
        "paused": f"{name} is paused; let it go on with: {_hint('resume', directory)}",
        "panicked": f"{name}'s kernel panicked; see: {_hint('logs', directory)}",
        "booting": f"{name} has not booted yet; wait for it with: {_hint('wait', directory)}",
        "running": f"the connection to {name} broke",
    }[state(directory)]


def _hint(command, directory):
    lab = directory.parent.name
    name = "" if lab == "lab" else f" --name {lab}"
    return f"shmlab {command}{name} {directory.name[4:]}"


def require_alive(directory):
    """For someone who waits for a guest to boot."""
    current = state(directory)
    if current == "dead":
        raise LabError(f"the QEMU of {title(directory)} ended", log=directory / "qemu.log")
    if current == "panicked":
        raise LabError(f"{title(directory)}'s kernel panicked", log=directory / "console.log")
    if current == "paused":
        raise LabError(explain(directory))


class Monitor:
    """QEMU's machine protocol. QEMU talks to one client at a time, so clients take a lock."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            lock = stack.enter_context(open(self.directory / "monitor.lock", "w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            connection = stack.enter_context(socket.socket(socket.AF_UNIX))
            connection.settimeout(MONITOR_TIMEOUT)
            connection.connect(str(self.directory / "monitor.sock"))
            self.stream = stack.enter_context(connection.makefile("rw"))
            self.stream.readline()  # the greeting
            self.command("qmp_capabilities")
            self.resources = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.resources.close()

    def command(self, name, /, **arguments):
        request = {"execute": name, "arguments": arguments}
        self.stream.write(json.dumps(request) + "\n")
        self.stream.flush()
        while line := self.stream.readline():
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise LabError(f"QEMU refused {name}: {answer['error']['desc']}")
        raise ConnectionError("QEMU closed its monitor")
