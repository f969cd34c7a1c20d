# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Processes that outlive the command that started them, known by pid and start time."""
import os
import resource
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .report import LabError

# Program -> Debian package, for the message about one that is missing.
PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "busybox": "busybox-static",
}


def require(*programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        packages = " ".join(PACKAGES.get(program, program) for program in missing)
        raise LabError(f"{', '.join(missing)} not found; on Debian: apt-get install {packages}")


class Process:
    """A pid may have been given to another process since; pid and start time do not repeat."""

    def __init__(self, pid, start_time):
        self.pid = pid
        self.start_time = start_time

    @classmethod
    def of(cls, pid):
        return cls(pid, _stat(pid)[1])

    @classmethod
    def load(cls, path):
        """None when nothing was ever saved there."""
        try:
            pid, start_time = path.read_text().split()
        except (OSError, ValueError):
            return None
        return cls(int(pid), int(start_time))

    def save(self, path):
        temporary = path.with_suffix(".new")
        temporary.write_text(f"{self.pid} {self.start_time}\n")
        temporary.rename(path)

    def age(self):
        """In seconds."""
        since_boot = float(Path("/proc/uptime").read_text().split()[0])
        return since_boot - self.start_time / os.sysconf("SC_CLK_TCK")

    def alive(self):
        state, start_time = _stat(self.pid)
        return start_time == self.start_time and state not in "ZX"

    def stop(self, signal_number=signal.SIGKILL, timeout=5.0):
        """Signals the process, waits for its end, and kills it when `timeout` has passed."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.alive():
                return
            signal.pidfd_send_signal(handle, signal_number)
            if not _ended(handle, timeout):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                _ended(handle, timeout)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)


def _stat(pid):
    """(state, start time) of a process; ("X", 0) when there is none."""
    try:
        # The second field, the name, may hold blanks and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0
    return fields[0], int(fields[19])


def _ended(handle, timeout):
    poller = select.poll()
    poller.register(handle, select.POLLIN)
    return bool(poller.poll(timeout * 1000))


def start_daemon(command, log):
    """Starts `command` in a session of its own, so that a Ctrl-C here does not reach it."""
    # The hub and QEMU hold an eventfd for each doorbell; they inherit the limit.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with open(log, "ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
        )
    child.returncode = 0  # nobody waits for it here: silences Popen's warning
    return Process.of(child.pid)


def run(command, **options):
    """Runs a step to its end; an interrupted one leaves no process behind."""
    with subprocess.Popen(command, start_new_session=True, text=True, **options) as child:
        try:
            output, errors = child.communicate()
        except BaseException:
            os.killpg(child.pid, signal.SIGTERM)
            raise
    return child.returncode, output, errors


def tail(log, lines=8):
    """The last lines of a log, indented, to show below an error."""
    try:
        text = Path(log).read_bytes()[-16384:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line.rstrip() for line in text.splitlines()[-lines:])


def wait_for(condition, timeout, interval=0.02):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
