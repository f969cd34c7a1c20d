# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A lab's network: everything of it lies in namespaces of its own, unseen by the host's network.

    shmlab-LAB                  QEMU and the hub run here; a bridge br-SEGMENT for each segment,
                                with a tap nNODEwWIRE for each wire of a guest
    shmlab-LAB.SEGMENT.CLIENT   a client, for `shmlab outside`: its eth0 is a port of the bridge

The namespaces are also how `down` finds every process of a lab, whatever became of its records.
"""
import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

from .report import LabError

NAMESPACES = Path("/run/netns")


def namespace(lab, *client):
    """The lab's own; with (segment, client), that client's."""
    return ".".join((f"shmlab-{lab}", *client))


def inside(lab, command):
    """The command line that runs `command` in the lab's namespace, with the same pid."""
    return ["nsenter", f"--net={NAMESPACES / namespace(lab)}", "--", *command]


def mac(*identity):
    """The same for the same card, also when a lab of that name comes up again."""
    digest = hashlib.sha256("/".join(map(str, identity)).encode()).digest()
    # 52 says: of one station, administered locally.
    return ":".join(f"{byte:02x}" for byte in (0x52, 0x54, *digest[:4]))


def create(lab, segments, wires):
    own = namespace(lab)
    _ip("netns", "add", own)
    # Bridges and taps carry frames; addresses of their own would answer and announce.
    _run(
        *("ip", "netns", "exec", own, "sh", "-c"),
        "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 2>/dev/null || true",
    )
    commands = []
    for segment in segments:
        commands += [
            # Snooping without a querier would starve multicast groups after minutes.
            f"link add br-{segment} type bridge forward_delay 0 mcast_snooping 0",
            f"link set br-{segment} up",
        ]
    for wire in wires:
        commands += [
            f"tuntap add {wire.tap} mode tap",
            f"link set {wire.tap} master br-{wire.segment} up",
        ]
    batch(own, commands)


def add_client(lab, segment, client):
    place = namespace(lab, segment, client)
    _ip("netns", "add", place)
    address = mac(lab, "client", segment, client)
    # Its name at the bridge would be too long with the client's in it.
    port = f"link add cl%d up master br-{segment}"
    batch(namespace(lab), [f"{port} type veth peer name eth0 address {address} netns {place}"])
    batch(place, ["link set lo up", "link set eth0 up"])


def remove_client(lab, segment, client):
    """One that may not exist."""
    if (NAMESPACES / namespace(lab, segment, client)).exists():
        _ip("netns", "delete", namespace(lab, segment, client))


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


def batch(name, commands):
    """Runs commands of ip(8) in a namespace."""
    _run("ip", "-n", name, "-batch", "-", input="\n".join(commands) + "\n")


def _ip(*arguments):
    _run("ip", *arguments)


def _run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, **options)
    if result.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {result.stderr.strip()}")


