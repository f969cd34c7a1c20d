# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What must hold after a fault: among those whom it did not hit, and among all once it is over."""
import re
import time

from .guests import Failure, until

KINDS = ["broadcast", "multicast", "changing", "datagram", "stream"]
COMPLAINTS = re.compile(
    r"WARNING:|BUG:|Oops|Call Trace:|refcount_t:|UBSAN:|NETDEV WATCHDOG|blocked for more"
    r"|stalls? on CPU|Kernel panic"
)
# New messages of every kind from everybody: this many, within so long.
MESSAGES, FLOW_PATIENCE = 2, 8
SETTLE_PATIENCE = 8


def pairs(guests):
    return [(to, sender) for to in guests for sender in guests if to is not sender]


def counts(pulse, sender):
    heard = pulse["heard"].get(str(sender.number), {})
    return {kind: heard.get(kind, {}).get("count", 0) for kind in KINDS}


def missing(guests):
    """Messages that did not come, among these guests, by kind."""
    lost = dict.fromkeys(KINDS, 0)
    for guest in guests:
        heard = guest.pulse()["heard"]
        for sender in guests:
            for kind, entry in heard.get(str(sender.number), {}).items():
                lost[kind] += entry["missing"]
    return lost


def flows(guests):
    """Casts and pair traffic of all kinds from each to each, and all of it as it was sent."""
    before = {guest: guest.pulse() for guest in guests}

    def flowing():
        for to in guests:
            now = to.pulse()
            if now["errors"]:
                raise Failure(f"node {to.number} heard: {now['errors']}")
            for sender in guests:
                old, new = counts(before[to], sender), counts(now, sender)
                late = [kind for kind in KINDS if new[kind] < old[kind] + MESSAGES]
                if to is not sender and late:
                    flowing.missing = f"{', '.join(late)} from {sender.number} to {to.number}"
                    return False
        return True

    flowing.missing = ""
    try:
        until(FLOW_PATIENCE, "traffic", flowing)
    except Failure as failure:
        raise Failure(f"{failure}: {flowing.missing}") from None


def breaks(guests):
    """Connections among these guests that broke."""
    return sum(
        guest.pulse()["breaks"].get(str(other.number), 0) for guest, other in pairs(guests)
    )


def view(guest):
    """The directory as a node sees it, without what concerns only itself."""
    shown = {}
    for node in guest.ask("node"):
        networks = [(net["network"], net["state"]) for net in node.get("networks", [])]
        state = "up" if node["state"] == "self" else node["state"]
        shown[node["node"]] = (node["incarnation"], state, node.get("name"), tuple(networks))
    return shown


def same_directory(guests):
    def agree():
        views = [view(guest) for guest in guests]
        agree.views = views
        return all(one == views[0] for one in views)

    try:
        until(SETTLE_PATIENCE, "the same directory", agree)
    except Failure as failure:
        raise Failure(f"{failure}: {agree.views}") from None


def connected(guests):
    """Whether each sees each up and connected."""
    for guest in guests:
        nodes = {node["node"]: node for node in guest.ask("node")}
        for other in guests:
            if other is guest:
                continue
            node = nodes.get(other.slot, {})
            local = [net for net in node.get("networks", []) if net["kind"] == "local"]
            if node.get("state") != "up" or not all(net["connected"] for net in local):
                return False
    return True


def all_buffers_home(guests):
    """With no traffic every buffer of every ring is with its sender, who may fill it."""
    for guest in guests:
        guest.hold_pulse(True)

    def home():
        for guest in guests:
            for ring in guest.ask("ring"):
                if ring["state"] != "closed" and (
                    ring["descriptors"] != 0 or ring["buffers"] != ring["pool"]
                ):
                    home.ring = f"node {guest.number}: {ring}"
                    return False
        return True

    home.ring = ""
    try:
        until(SETTLE_PATIENCE, "all buffers home", home)
    except Failure as failure:
        raise Failure(f"{failure}: {home.ring}") from None
    finally:
        for guest in guests:
            guest.hold_pulse(False)


def clean_log(guest, offset, expected=r"(?!)"):
    """@expected: what may stand there all the same."""
    for line in guest.log_since(offset).splitlines():
        if COMPLAINTS.search(line) and not re.search(expected, line):
            raise Failure(f"node {guest.number}'s kernel says: {line}")


def noticed(guest, victim, since, seconds):
    """After how many seconds @guest told that @victim is gone."""
    gone = {"node-died", "node-left", "node-suspected"}

    def event():
        return [
            when - since
            for when, what in list(guest.events)
            if when >= since and what["event"] in gone and what.get("node") == victim.slot
        ]

    return until(seconds, f"node {guest.number} notices", event, pause=0.01)[0]


def wait_connected(guests, seconds):
    began = time.monotonic()
    until(seconds, "all connected", lambda: connected(guests), pause=0.1)
    return time.monotonic() - began
