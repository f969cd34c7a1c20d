# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Inputs that the tree keeps, a line of hexadecimal for each: those in tests/fuzz/corpus/NAME reach all
lines of code between them, those in tests/fuzz/corpus/NAME.mutants find what tests/fuzz/mutants leaves
out."""
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests/fuzz/corpus"
# Longer inputs reach nothing that a few operations do not.
LENGTH_MAX = 512


def kept(name):
    """The inputs of that file, if there is one."""
    path = KEPT / name
    return [bytes.fromhex(line) for line in path.read_text().splitlines()] if path.exists() else []


def keep(name, inputs):
    """They take the place of those in the file; returns how many they are."""
    lines = sorted(content.hex() for content in set(inputs))
    (KEPT / name).write_text("".join(f"{line}\n" for line in lines))
    return len(lines)


def unpack(name, directory):
    """Makes the directory, a file for each input of that program, for libFuzzer."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for number, content in enumerate(kept(name) + kept(f"{name}.mutants")):
        (directory / str(number)).write_bytes(content)
