# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A guest's serial console: its log, and the terminal on it."""
import fcntl
import os
import select
import socket
import sys
import termios
import time
import tty

from . import guest
from .report import LabError, note

LEAVE = b"\x1d"  # Ctrl-]


def show_log(directory, follow):
    """Copies the console's log to stdout; with `follow`, what is added as well, until Ctrl-C."""
    try:
        log = open(directory / "console.log", "rb")
    except FileNotFoundError:
        raise LabError(f"{guest.title(directory)} has written nothing yet") from None
    with log:
        while True:
            while data := log.read(65536):
                sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
            if not follow or not directory.exists():
                return
            time.sleep(0.2)


def attach(directory):
    """Connects the terminal with the console until Ctrl-] or the guest's end."""
    if not sys.stdin.isatty():
        raise LabError("the console needs a terminal; use exec for commands and logs for the log")
    if not guest.alive(directory):
        raise LabError(guest.explain(directory))
    with open(directory / "console.lock", "w") as lock, socket.socket(socket.AF_UNIX) as console:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError("somebody else has this console open") from None
        console.connect(str(directory / "console.sock"))
        note(f"console of {guest.title(directory)}; Enter starts a shell, Ctrl-] leaves")
        before = termios.tcgetattr(sys.stdin)
        try:
            tty.setraw(sys.stdin)
            _relay(console)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            print()


def _relay(console):
    terminal = sys.stdin.fileno()
    while True:
        readable, _, _ = select.select([terminal, console], [], [])
        if console in readable:
            data = console.recv(65536)
            if not data:
                return
            os.write(sys.stdout.fileno(), data)
        if terminal in readable:
            data = os.read(terminal, 1024)
            before, found, _ = data.partition(LEAVE)
            console.sendall(before)
            if found or not data:
                return
