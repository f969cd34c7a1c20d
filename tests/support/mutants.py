# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Mutants: the source with one place changed, which a test program must notice."""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Mutant(NamedTuple):
    path: str  # from the tree's root
    found: str  # what stands there, once
    instead: str
    program: str  # that should notice

    def name(self):
        def short(text):
            return " ".join(text.split()) or "nothing"

        return f"{Path(self.path).name}: {short(self.instead)} for {short(self.found)}"


class Unmade(Exception):
    """The mutant could not be made or built."""


def make(mutant, directories, directory):
    """The tree's directories with that change, in another one; returns what the compiler is to be
    told so that they take the place of the tree's."""
    for source in directories:
        shutil.copytree(ROOT / source, directory / source)
    changed = directory / mutant.path
    text = changed.read_text()
    if text.count(mutant.found) != 1:
        raise Unmade(f"stands there {text.count(mutant.found)} times")
    changed.write_text(text.replace(mutant.found, mutant.instead))
    return " ".join(f"-I{directory / source}" for source in directories)


def build(target, directory, variables):
    """Builds $(BUILD)/target with another BUILD; returns the program."""
    program = directory / "build" / target
    command = ["make", "-s", str(program), f"BUILD={directory}/build", *variables]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True)
    if built.returncode:
        raise Unmade(built.stdout)
    return program


def try_one(mutant, run):
    with tempfile.TemporaryDirectory() as directory:
        try:
            return run(mutant, Path(directory))
        except Unmade as error:
            return False, str(error)


def parser(description):
    """For programs that end in try_all()."""
    made = argparse.ArgumentParser(description=description, allow_abbrev=False)
    made.add_argument("pattern", nargs="?", default="", help="only those whose names match")
    return made


def try_all(mutants, pattern, run):
    """Has run(mutant, directory) return whether the mutant was found, and how. Prints TAP; returns
    what the program returns."""
    wanted = [mutant for mutant in mutants if re.search(pattern, mutant.name())]
    survivors = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda mutant: try_one(mutant, run), wanted)
        for number, (mutant, (found, how)) in enumerate(zip(wanted, results), 1):
            survivors += not found
            print(f"{'ok' if found else 'not ok'} {number} - {mutant.name()}: {how}", flush=True)
    print(f"1..{len(wanted)}")
    return 1 if survivors or not wanted else 0
