# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The initramfs: busybox, the modules that reach the host's root, and the guest's own programs.

It is written anew for each lab, because that takes a tenth of a second: nothing to invalidate,
and a lab keeps what it started with. The format is cpio's "newc", uncompressed: a guest without
KVM would spend longer unpacking it than QEMU does copying it.
"""
import lzma
import shlex
import shutil
from pathlib import Path

from .report import LabError

GUEST = Path(__file__).resolve().parents[1] / "guest"
APPLETS = ("sh", "mount", "mkdir", "insmod", "cp", "switch_root", "uname", "sleep")

# In the order of need; what modules.dep says that they need comes before each.
REQUIRED_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay", "virtio_console")
# A kernel without it still boots; the lab then finds a panic in the console's log.
OPTIONAL_MODULES = ("pvpanic-pci",)


def build(path, kernel):
    archive = _Archive()
    for directory in ("bin", "modules", "shmlab", "proc", "sys", "dev", "lower", "upper", "root"):
        archive.directory(directory)
    archive.file("init", (GUEST / "init").read_bytes(), 0o755)
    archive.file("bin/busybox", Path(shutil.which("busybox")).read_bytes(), 0o755)
    for applet in APPLETS:
        archive.symlink(f"bin/{applet}", "busybox")
    for program in ("boot", "agent.py"):
        archive.file(f"shmlab/{program}", (GUEST / program).read_bytes(), 0o755)
    files = _needed_modules(kernel.modules) if kernel.modules else []
    for file in files:
        archive.file(f"modules/{_module_name(file)}.ko", _uncompressed(file), 0o644)
    settings = [f"modules={shlex.quote(' '.join(_module_name(file) for file in files))}"]
    if kernel.modules:
        settings.append(f"modules_directory={shlex.quote(str(kernel.modules))}")
    archive.file("shmlab/settings", "\n".join(settings + [""]).encode(), 0o644)
    path.write_bytes(archive.finish())


def _module_name(path):
    return Path(path).name.partition(".ko")[0].replace("-", "_")


def _needed_modules(directory):
    """The files to insert, in order."""
    requirements = {}
    for line in (directory / "modules.dep").read_text().splitlines():
        module, _, needs = line.partition(":")
        requirements[_module_name(module)] = (directory / module, needs.split())
    built_in = (directory / "modules.builtin").read_text().splitlines()
    built_in = {_module_name(line) for line in built_in}
    ordered = {}

    def add(name, optional=False):
        name = name.replace("-", "_")
        if name in built_in or name in ordered:
            return
        if name not in requirements:
            if optional:
                return
            raise LabError(f"the kernel has no {name}, which a guest needs (looked in {directory})")
        file, needs = requirements[name]
        for need in needs:
            add(_module_name(need))
        ordered[name] = file

    for name in REQUIRED_MODULES:
        add(name)
    for name in OPTIONAL_MODULES:
        add(name, optional=True)
    return list(ordered.values())


def _uncompressed(path):
    """Busybox inserts plain modules only; Debian 12's backported kernels come with xz."""
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".ko":
        return path.read_bytes()
    raise LabError(f"{path}: modules compressed as {path.suffix} are not supported, use xz or none")


class _Archive:
    def __init__(self):
        self.parts = []
        self.entries = 0

    def directory(self, name):
        self._entry(name, 0o040755, b"")

    def file(self, name, data, mode):
        self._entry(name, 0o100000 | mode, data)

    def symlink(self, name, target):
        self._entry(name, 0o120777, target.encode())

    def finish(self):
        self._entry("TRAILER!!!", 0, b"")
        return b"".join(self.parts)

    def _entry(self, name, mode, data):
        self.entries += 1
        name = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, device and rdevice (2 + 2), name, checksum
        fields = (self.entries, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self.parts += [_padded(header + name), _padded(data)]


def _padded(data):
    return data + bytes(-len(data) % 4)
