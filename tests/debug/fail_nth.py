#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""fail_nth.py MODULE PCI...: in a guest whose kernel can make allocations fail. Each action is done
again and again, and the first, second, third ... allocation of it fails, until it needs no more of
them. It must then say that it failed, or have done without; and right after, it succeeds. Prints TAP."""
import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

DRIVER = Path("/sys/bus/pci/drivers/shmnet")
AUTOPROBE = "/sys/bus/pci/drivers_autoprobe"
FAIL_NTH = "/proc/self/fail-nth"
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFMTU, SIOCADDMULTI, SIOCDELMULTI = 0x8913, 0x8914, 0x8922, 0x8931, 0x8932
IFF_UP = 1
MOST = 5000  # more allocations than any action has

module, devices = sys.argv[1], sys.argv[2:]
libc = ctypes.CDLL(None, use_errno=True)
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def interface():
    places = Path(f"/sys/bus/pci/devices/{devices[0]}/net").iterdir()
    return next(place.name for place in places if int((place / "dev_port").read_text()) == 0)


def ioctl(number, value):
    request = struct.pack("16s24s", interface().encode(), value)
    return fcntl.ioctl(control, number, request)[16:]


def flags(up):
    now = struct.unpack("h", ioctl(SIOCGIFFLAGS, b"")[:2])[0]
    ioctl(SIOCSIFFLAGS, struct.pack("h", now | IFF_UP if up else now & ~IFF_UP))


def write(path, text):
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def insert():
    file = os.open(module, os.O_RDONLY)
    try:
        # As insmod does it.
        if libc.syscall(313, file, b"", 0) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(file)


def remove():
    if DRIVER.exists() and libc.syscall(176, b"shmnet", os.O_NONBLOCK) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def bind():
    write(DRIVER / "bind", devices[0])


def unbind():
    if (DRIVER / devices[0]).exists():
        write(DRIVER / "unbind", devices[0])


def bound():
    return (DRIVER / devices[0]).exists()


group = struct.pack("<H6s", 0, bytes.fromhex("01005e010203"))

# What is done, what undoes it, and whether it was done.
ACTIONS = {
    "the module is loaded": (insert, remove, DRIVER.exists),
    "a device is bound": (bind, unbind, bound),
    "an interface goes up": (lambda: flags(True), lambda: flags(False), None),
    "it gets another MTU": (
        lambda: ioctl(SIOCSIFMTU, struct.pack("i", 9000)),
        lambda: ioctl(SIOCSIFMTU, struct.pack("i", 1500)),
        None,
    ),
    "it joins a group": (
        lambda: ioctl(SIOCADDMULTI, group),
        lambda: ioctl(SIOCDELMULTI, group),
        None,
    ),
}


def attempt(action, number):
    """(whether an allocation failed, the error if it said one)"""
    switch = os.open(FAIL_NTH, os.O_RDWR)
    error = None
    try:
        os.write(switch, str(number).encode())
        try:
            action()
        except OSError as caught:
            error = caught
        left = int(os.pread(switch, 32, 0).decode().strip("\0\n ") or 0)
        os.pwrite(switch, b"0", 0)
    finally:
        os.close(switch)
    return left == 0, error


def try_all(name, do, undo, done):
    failed = survived = 0
    try:
        undo()
    except OSError:
        pass  # there was nothing to undo
    for number in range(1, MOST):
        injected, error = attempt(do, number)
        if not injected:
            if error:
                raise error
            return f"{failed} failed with an error, {survived} without"
        if error is None:
            survived += 1
            if done and not done():
                raise RuntimeError(f"{name}: allocation {number} failed, nothing was said or done")
            undo()
        else:
            failed += 1
            if done and done():
                raise RuntimeError(f"{name}: allocation {number}: {error}, and done all the same")
        if number % 50 == 0:
            print(f"# {name}: {number} allocations", flush=True)
    raise RuntimeError(f"{name}: no end of allocations")


def main():
    code = 0
    # A device is bound by an action of its own, and not whenever the module is loaded.
    write(AUTOPROBE, "0")
    for number, (name, (do, undo, done)) in enumerate(ACTIONS.items(), 1):
        try:
            told = try_all(name, do, undo, done)
            print(f"ok {number} - {name} while each allocation fails: {told}", flush=True)
        except (OSError, RuntimeError) as error:
            print(f"not ok {number} - {name} while each allocation fails\n# {error}", flush=True)
            code = 1
    print(f"1..{len(ACTIONS)}")
    # For whoever comes next, all devices are bound.
    remove()
    write(AUTOPROBE, "1")
    insert()
    return code


sys.exit(main())
