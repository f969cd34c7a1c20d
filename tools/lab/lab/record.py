# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a lab is: its directory below /run/shmlab and the record in it.

    state.json        written by `up`; what changes later lies in files of its own
    hub.process       pid and start time; nodeN/qemu.process likewise
    nodeN/            sockets of QEMU's monitor, console and agent ports; console.log, qemu.log;
                      wireW.pulled, see wires.py
    clients/          see clients.py
"""
import contextlib
import fcntl
import json
import os
import shutil
from pathlib import Path

from .report import LabError, UsageError
from .wires import Wire

RUN = Path("/run/shmlab")


class Lab:
    def __init__(self, name, **recorded):
        self.name = name
        self.kernel_release = ""
        self.kernel_image = ""
        self.accelerator = ""
        self.plain = False
        self.region = ""  # the file
        self.region_size = 0  # of a plain one
        self.hub_socket = ""
        self.module = ""  # what `up --load` loaded, and `start` loads again
        self.devices = []  # PCI addresses, the same in every guest
        self.wires = []
        self.segments = []  # their names
        self.commands = []  # QEMU's, one for each node
        vars(self).update(recorded)
        self.wires = [Wire(*wire) for wire in self.wires]

    @property
    def directory(self):
        return RUN / self.name

    def node_directory(self, node):
        return self.directory / f"node{node}"

    def nodes(self):
        return range(len(self.commands))

    def save(self):
        temporary = self.directory / "state.new"
        temporary.write_text(json.dumps(vars(self), indent=1) + "\n")
        temporary.rename(self.directory / "state.json")

    @contextlib.contextmanager
    def lock(self, name):
        """Waits for other commands that do the same."""
        with open(self.directory / name, "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def node(self, number):
        """The directory of a node that the user named."""
        if number not in self.nodes():
            raise UsageError(
                f"there is no node {number} in lab {self.name}; they count from 0 to"
                f" {len(self.commands) - 1}"
            )
        return self.node_directory(number)


def names():
    return sorted(path.name for path in RUN.iterdir()) if RUN.is_dir() else []


def open_lab(name):
    try:
        record = json.loads((RUN / name / "state.json").read_text())
    except FileNotFoundError:
        if (RUN / name).exists():
            raise LabError(
                f"lab {name} is only beginning, or its `up` was killed; remove it with:"
                f" shmlab down --name {name}"
            ) from None
        others = ", ".join(names())
        hint = f"; there are: {others} (choose with --name)" if others else ""
        raise LabError(
            f"there is no lab named {name}{hint}; start one with: shmlab up --nodes 2"
        ) from None
    return Lab(**record)


def create(name):
    """The directory is the claim on the name."""
    lab = Lab(name)
    try:
        lab.directory.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        raise LabError(
            f"a lab named {name} exists already; take it down with: shmlab down --name {name},"
            " or choose another --name"
        ) from None
    return lab


def remove(lab):
    shutil.rmtree(lab.directory, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.rmdir(RUN)  # when this was the last lab
