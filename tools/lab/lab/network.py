# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A lab's network: everything of it lies in namespaces of its own, unseen by the host's network.

    shmlab-LAB          QEMU and the hub run here; a bridge br-SEGMENT for each segment, with a tap
                        nNODEwWIRE for each wire of a guest
    shmlab-LAB.SEGMENT  the segment's client, for `shmlab outside`: eth0 is a port of the bridge

The namespaces are also how `down` finds every process of a lab, whatever became of its records.
"""
import os
import signal
import subprocess
import time
from pathlib import Path

from .report import LabError

NAMESPACES = Path("/run/netns")


def namespace(lab, segment=None):
    return f"shmlab-{lab}.{segment}" if segment else f"shmlab-{lab}"


def inside(lab, command):
    """The command line that runs `command` in the lab's namespace, with the same pid."""
    return ["nsenter", f"--net={NAMESPACES / namespace(lab)}", "--", *command]


def outside(lab, segment, command):
    return ["ip", "netns", "exec", namespace(lab, segment), *command]


def tap(node, wire):
    return f"n{node}w{wire}"


def mac(node, wire):
    return f"52:54:00:4c:{node:02x}:{wire:02x}"


def create(lab, wires):
    """`wires` is a list of (node, wire, segment)."""
    own = namespace(lab)
    _ip("netns", "add", own)
    # Bridges and taps carry frames; addresses of their own would answer and announce.
    _run(
        *outside(lab, None, ["sh", "-c"]),
        "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true",
    )
    segments = sorted({segment for _, _, segment in wires})
    for segment in segments:
        _ip("netns", "add", namespace(lab, segment))
    commands = []
    for segment in segments:
        commands += [
            # Snooping without a querier would starve multicast groups after minutes.
            f"link add br-{segment} type bridge forward_delay 0 mcast_snooping 0",
            f"link set br-{segment} up",
            f"link add cl-{segment} type veth peer name eth0 netns {namespace(lab, segment)}",
            f"link set cl-{segment} master br-{segment} up",
        ]
    for node, wire, segment in wires:
        commands += [
            f"tuntap add {tap(node, wire)} mode tap",
            f"link set {tap(node, wire)} master br-{segment} up",
        ]
    _batch(own, commands)
    for segment in segments:
        _batch(namespace(lab, segment), ["link set lo up", "link set eth0 up"])
    return segments


def remove(lab):
    """Ends all processes in the lab's namespaces and removes these."""
    names = existing(lab)
    identities = {_identity(NAMESPACES / name) for name in names}
    # The hub first gets a chance to end in order.
    _end_processes(identities, signal.SIGTERM, 2.0)
    _end_processes(identities, signal.SIGKILL, 5.0)
    for name in names:
        _ip("netns", "delete", name)
    # One that was just starting may have entered after the first look; nothing can any more.
    _end_processes(identities, signal.SIGKILL, 5.0)


def existing(lab):
    """The names of the lab's namespaces."""
    own = namespace(lab)
    if not NAMESPACES.is_dir():
        return []
    entries = sorted(os.listdir(NAMESPACES))
    return [name for name in entries if name == own or name.startswith(own + ".")]


def _end_processes(identities, signal_number, timeout):
    deadline = time.monotonic() + timeout
    signalled = set()
    while pids := _pids(identities):
        for pid in pids - signalled:
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
        signalled |= pids
        if time.monotonic() > deadline:
            return
        time.sleep(0.02)


def _identity(path):
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _pids(identities):
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if _identity(f"/proc/{entry}/ns/net") in identities:
                    found.add(int(entry))
            except OSError:
                continue  # it ended, or is a zombie
    return found


def _batch(name, commands):
    _run("ip", "-n", name, "-batch", "-", input="\n".join(commands) + "\n")


def _ip(*arguments):
    _run("ip", *arguments)


def _run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {result.stderr.strip()}")


