#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""disturb.py SECONDS NAMESPACE OTHER-NAMESPACE INTERFACE ADDRESS [PORT]: from one network namespace sends to
an address, or connects to a port there, and takes the other's interface down and up, while one allocation of
fifty fails, of whatever kind and whoever's. One process, for a shell ends when it cannot fork. Says how much
went through."""
import ctypes
import fcntl
import os
import socket
import struct
import sys
import time

FAULTS = "/sys/kernel/debug"
KINDS = ("failslab", "fail_page_alloc")
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 1
CLONE_NEWNET = 0x40000000
PORT = 9  # discard
BURST = 20
TRIES = 1000

seconds, (home, away, interface, address) = float(sys.argv[1]), sys.argv[2:6]
port = int(sys.argv[6]) if len(sys.argv) > 6 else None
PATIENCE = 0.3  # seconds, of a connection
libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    place = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(place, CLONE_NEWNET) != 0:
        sys.exit(f"{namespace}: {os.strerror(ctypes.get_errno())}")


def socket_in(namespace):
    """A UDP socket there."""
    enter(namespace)
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def flags(control, up):
    request = struct.pack("16s24s", interface.encode(), b"")
    now = struct.unpack_from("h", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)[0]
    now = now | IFF_UP if up else now & ~IFF_UP
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh22s", interface.encode(), now, b""))


def fail(percent):
    for kind in KINDS:
        for left in reversed(range(TRIES)):
            try:
                # Opened before: to open a file needs memory.
                os.write(switches[kind], str(percent).encode())
                break
            except OSError:
                if not left:
                    raise


switches = {kind: os.open(f"{FAULTS}/{kind}/probability", os.O_WRONLY) for kind in KINDS}
control, sender = socket_in(away), socket_in(home)
done = {"sent": 0, "not sent": 0, "up or down": 0, "not up or down": 0}


def attempt(what, function, *arguments):
    try:
        function(*arguments)
        done[what] += 1
    except OSError:
        done["not " + what] += 1


def send():
    for _ in range(BURST):
        attempt("sent", sender.sendto, data, (address, PORT))


def connect():
    attempt("sent", lambda: socket.create_connection((address, port), PATIENCE).close())


data = bytes(20000)
end, turn, up = time.monotonic() + seconds, 0.0, True
fail(2)
try:
    while time.monotonic() < end:
        connect() if port else send()
        if time.monotonic() > turn:
            up = not up
            attempt("up or down", flags, control, up)
            turn = time.monotonic() + (0.5 if up else 0.05)
        time.sleep(0.001)
finally:
    fail(0)
print(", ".join(f"{count} {what}" for what, count in done.items()))
# To go up or down needs so little that it may never have failed.
del done["not up or down"]
sys.exit(0 if all(done.values()) else "something never failed, or always")
