# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What the user sees: errors that name the step and the log, and progress while it lasts."""
import os
import sys
import time


class LabError(Exception):
    """A failure that the user can act on; `log` is the file that tells more."""

    def __init__(self, message, log=None, status=1):
        super().__init__(message)
        self.message = message
        self.log = log
        self.status = status


class UsageError(LabError):
    def __init__(self, message):
        super().__init__(message, status=2)


def colour(text, code, stream):
    if stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb":
        return f"\033[{code}m{text}\033[0m"
    return text


def error(message):
    print(f"{colour('shmlab:', 31, sys.stderr)} {message}", file=sys.stderr)


def note(message):
    print(f"shmlab: {message}", file=sys.stderr)


class Progress:
    """One status line, rewritten on a terminal; elsewhere a plain line for each step."""

    def __init__(self):
        self.step = "starting"
        self.began = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.width = 0

    def begin(self, step):
        """Names what is being done from here on; a failure is reported with this name."""
        self.step = step
        if not self.terminal:
            note(step)
        self.update()

    def update(self, detail=""):
        if not self.terminal:
            return
        seconds = time.monotonic() - self.began
        line = f"shmlab: {self.step}{': ' if detail else ''}{detail} ({seconds:.0f} s)"
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        line = line[: columns - 1]
        print(f"\r{line:<{self.width}}", end="", file=sys.stderr, flush=True)
        self.width = len(line)

    def line(self, message):
        """A line that stays."""
        self.clear()
        note(message)

    def clear(self):
        if self.terminal and self.width:
            print(f"\r{'':<{self.width}}\r", end="", file=sys.stderr, flush=True)
            self.width = 0
