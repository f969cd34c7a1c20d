# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The memory that the guests share: the hub that serves it, or a plain file."""
import os
import re
from pathlib import Path

from . import network, process
from .kernel import CHECKOUT
from .report import LabError, UsageError

# tmpfs: on a disk's file system the kernel would write every touched page back to the disk.
SHARED_MEMORY = Path("/dev/shm")


def region_file(lab):
    return SHARED_MEMORY / f"shmlab-{lab}.region"


def remove(lab):
    """With the parts of a hardened one."""
    path = region_file(lab)
    for file in (path, *path.parent.glob(f"{path.name}.[0-9]*")):
        file.unlink(missing_ok=True)


def hub_program():
    """SHMLAB_HUB names another one, for whoever works on a hub."""
    path = Path(os.environ.get("SHMLAB_HUB", CHECKOUT / "build" / "bin" / "shmnet-hub"))
    if not os.access(path, os.X_OK):
        raise LabError(f"there is no hub at {path}; build it with: make -C {CHECKOUT}")
    return str(path)


def parse_size(text):
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise ValueError
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def check_plain_file(path):
    """QEMU aborts on a size that is no power of two."""
    try:
        size = os.path.getsize(path)
    except OSError as error:
        raise UsageError(f"--region {path}: {error.strerror}") from None
    if size < 4096 or size & (size - 1):
        raise UsageError(f"--region {path}: {size} bytes; a device's memory is a power of two")
    return size


def create_plain(lab, format_options, log):
    """A file formatted by the hub, for ivshmem-plain."""
    path = region_file(lab.name)
    with open(log, "ab") as output:
        code, _, _ = process.run(
            [hub_program(), "--create", str(path), *format_options], stdout=output, stderr=output
        )
    if code != 0:
        raise LabError(f"shmnet-hub --create ended with code {code}", log=log)
    return path


def start_hub(lab, format_options, vectors, log):
    """Starts the hub and returns the socket that the guests' QEMUs connect to."""
    path = lab.directory / "hub.sock"
    command = [hub_program(), "--socket", str(path), "--file", str(region_file(lab.name))]
    command += ["--state", str(lab.directory / "hub.state"), "--vectors", str(vectors)]
    hub = process.start_daemon(network.inside(lab.name, command + format_options), log)
    process.wait_for(lambda: path.exists() or not hub.alive(), timeout=30)
    if not hub.alive() or not path.exists():
        state = "has not opened its socket" if hub.alive() else "ended"
        raise LabError(f"shmnet-hub {state}", log=log)
    return hub, path
