# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Which kernel the guests boot: image, release, and the directory with its modules."""
import lzma
import os
import re
import shutil
import struct
import subprocess
from collections import namedtuple
from pathlib import Path

from . import process
from .report import LabError, UsageError

CHECKOUT = Path(__file__).resolve().parents[3]
FETCH = CHECKOUT / "tools" / "kernels" / "fetch"
DEFAULT_SERIES = "6.1"
SETUP_HEADER_MAGIC_OFFSET = 0x202
KERNEL_VERSION_OFFSET = 0x20E
SETUP_SECTORS_OFFSET, PAYLOAD_OFFSET = 0x1F1, 0x248
SECTOR = 512
# Behind what is compressed stands its length.
LENGTH_WORD = 4


def cache_directory():
    return Path(os.environ.get("SHMNET_CACHE", "/var/cache/shmnet")).absolute()


# `modules` is the directory lib/modules/RELEASE, or None: all that is needed is built in.
Kernel = namedtuple("Kernel", "image release modules")


def default_module(release):
    return CHECKOUT / "build" / "modules" / release / "shmnet.ko"


def resolve(name):
    """A series (6.1), a release (6.1.0-56-amd64), a directory with boot/ and lib/modules/, or a
    bzImage in which all that a guest needs is built in."""
    if "/" in name:
        path = Path(name).absolute()
        if path.is_dir():
            return _in_directory(path)
        if path.is_file():
            return Kernel(path, image_release(path), None)
        raise UsageError(f"--kernel {name}: no such file or directory")
    if re.fullmatch(r"\d+\.\d+", name):
        return _in_directory(_fetch(name))
    for directory in (cache_directory() / "kernels" / name, Path("/")):
        if (directory / "boot" / f"vmlinuz-{name}").is_file():
            return _in_directory(directory, name)
    raise UsageError(
        f"--kernel {name}: neither cached in {cache_directory() / 'kernels'} nor installed here;"
        " name a series to fetch (6.1 or 6.12), a cached release, or a path"
    )


def _fetch(series):
    code, output, _ = process.run([str(FETCH), series], stdout=subprocess.PIPE)
    if code != 0:
        raise LabError(f"{FETCH} {series} failed (its message is above)")
    return Path(output.strip())


def _in_directory(directory, release=None):
    if release is None:
        releases = [image.name[8:] for image in (directory / "boot").glob("vmlinuz-*")]
        if len(releases) != 1:
            found = ", ".join(sorted(releases)) or "none"
            raise UsageError(f"{directory}/boot must hold one vmlinuz-RELEASE; it holds: {found}")
        release = releases[0]
    modules = directory / "lib" / "modules" / release
    if not (modules / "modules.dep").is_file():
        raise UsageError(f"{modules}/modules.dep is missing; run: depmod -b {directory} {release}")
    return Kernel(directory / "boot" / f"vmlinuz-{release}", release, modules)


def image_release(path):
    """The release that a bzImage names in its setup header (Documentation/x86/boot.rst)."""
    with open(path, "rb") as image:
        start = image.read(0x10000)
    if start[SETUP_HEADER_MAGIC_OFFSET : SETUP_HEADER_MAGIC_OFFSET + 4] != b"HdrS":
        raise UsageError(f"{path} is not a bzImage (arch/x86/boot/bzImage of a kernel's build)")
    (offset,) = struct.unpack_from("<H", start, KERNEL_VERSION_OFFSET)
    return start[offset + 0x200 : offset + 0x300].split(b"\0")[0].split()[0].decode()


def unpacked(image):
    """The ELF file in a bzImage, kept in the cache, which QEMU boots by its PVH entry: without KVM
    a kernel takes seconds to unpack itself. The bzImage itself if that cannot be had."""
    stat = os.stat(image)
    kept = cache_directory() / "unpacked" / f"{stat.st_size}-{stat.st_mtime_ns}-{image.name}"
    if kept.exists():
        return kept
    elf = _unpack(_payload(image.read_bytes()))
    if not elf or not elf.startswith(b"\x7fELF"):
        return image
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Another lab may be doing the same.
    temporary = kept.with_name(f"{kept.name}.{os.getpid()}")
    temporary.write_bytes(elf)
    temporary.rename(kept)
    return kept


def _payload(image):
    """What is compressed in a bzImage (Documentation/x86/boot.rst)."""
    offset, length = struct.unpack_from("<II", image, PAYLOAD_OFFSET)
    start = (image[SETUP_SECTORS_OFFSET] + 1) * SECTOR + offset
    return image[start : start + length - LENGTH_WORD]


def _unpack(payload):
    if payload.startswith(b"\xfd7zXZ"):
        return lzma.decompress(payload)
    if payload.startswith(b"\x28\xb5\x2f\xfd") and shutil.which("zstd"):
        done = subprocess.run(["zstd", "-dc"], input=payload, stdout=subprocess.PIPE, check=False)
        return done.stdout if done.returncode == 0 else None
    return None
