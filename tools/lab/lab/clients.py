# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Clients outside of the guests: namespaces whose eth0 is on a segment.

    LAB/clients/SEGMENT.CLIENT      there is such a client, and it is complete
"""
import os
import signal

from . import network
from .report import LabError

# The one that each segment has.
DEFAULT = "outside"
# As shells do, for what cannot be run: 126 and 127.
EXEC = 'exec "$@"'


def ensure(lab, segment, client):
    """Makes the client if there is none yet; one that was only begun is made anew."""
    with lab.lock("clients.lock"):
        mark = _directory(lab) / f"{segment}.{client}"
        if mark.exists():
            return
        network.remove_client(lab.name, segment, client)
        try:
            network.add_client(lab.name, segment, client)
        except LabError:
            # `down` may have passed meanwhile.
            network.remove_client(lab.name, segment, client)
            raise
        mark.parent.mkdir(exist_ok=True)
        mark.touch()


def names(lab, segment):
    """Of a segment's clients."""
    marks = sorted(path.name for path in _directory(lab).glob(f"{segment}.*"))
    return [mark.partition(".")[2] for mark in marks]


def become(lab, segment, client, command):
    """Turns this process into `command`, so that signals and the exit code are the command's."""
    place = network.namespace(lab.name, segment, client)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that is inherited
    os.execvp("ip", ["ip", "netns", "exec", place, "sh", "-c", EXEC, "sh", *command])


def _directory(lab):
    return lab.directory / "clients"
