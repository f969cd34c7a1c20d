# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a campaign consists of: every labelled step, by every victim, by three ways, in an order
that follows from the seed."""
import random
import re
from dataclasses import dataclass
from pathlib import Path

STEPS_HEADER = Path(__file__).resolve().parents[3] / "drivers/net/shmnet/core/steps.h"
VICTIMS = 3

# What brings a node to a step, by the step's name; the first that matches.
TRIGGERS = [
    (r"membership_[JW]", "rob"),
    (r"membership_L[456]", "bind"),
    (r"membership_([SCP]|N3)", "bind"),
    (r"membership_L|connection_A4", "down"),
    (r"membership_N|connection_[OA]", "up"),
    (r"connection_S10", "burst"),
    (r"connection_R8", "flood"),  # of the others, who then wait for the victim
    (r"", "traffic"),
]

# Seconds that a frozen guest stands still: not noticed, just noticed, long gone.
FREEZES = [0.2, 0.5, 0.8, 1.5, 3, 6]
LONG_FREEZES = [20, 60]
LONG_FREEZE_CHANCE = 0.02

# The third way. The module's end cannot come while it begins or ends already.
OTHER_WAYS = {
    "flood": ["panic", "reboot", "unbind", "unbind", "rmmod", "rmmod"],
    "burst": ["panic", "reboot", "unbind", "rmmod"],
    "traffic": ["panic", "reboot", "unbind", "unbind", "rmmod", "rmmod"],
    "up": ["panic", "reboot", "unbind", "rmmod"],
    "down": ["panic", "reboot"],
    "bind": ["panic", "reboot"],
    "rob": ["panic", "reboot"],
}


@dataclass(frozen=True)
class Scenario:
    number: int
    step: str
    victim: int
    way: str
    trigger: str
    seconds: float  # of a freeze

    def __str__(self):
        way = f"freeze {self.seconds:g} s" if self.way == "freeze" else self.way
        return f"{self.step}, node {self.victim}, {way}"


def steps():
    names = re.findall(r"^\tX\((\w+)\)", STEPS_HEADER.read_text(), re.MULTILINE)
    return names


def trigger(step):
    return next(how for pattern, how in TRIGGERS if re.match(pattern, step))


def scenarios(seed):
    """All of them, in the seed's order."""
    chosen = random.Random(seed)
    every = []
    for step in steps():
        for victim in range(VICTIMS):
            how = trigger(step)
            for way in ("kill", "freeze", chosen.choice(OTHER_WAYS[how])):
                lengths = LONG_FREEZES if chosen.random() < LONG_FREEZE_CHANCE else FREEZES
                every.append((step, victim, way, how, chosen.choice(lengths)))
    chosen.shuffle(every)
    return [Scenario(number, *what) for number, what in enumerate(every, 1)]
