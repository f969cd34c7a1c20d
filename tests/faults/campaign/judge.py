# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What must hold after a fault: among those whom it did not hit, and among all once it is over."""
import re
import time

from .guests import Failure, Guest, each, until

KINDS = ["broadcast", "multicast", "changing", "datagram", "stream"]
COMPLAINTS = re.compile(
    r"WARNING:|BUG:|Oops|Call Trace:|refcount_t:|UBSAN:|NETDEV WATCHDOG|blocked for more"
    r"|stalls? on CPU|Kernel panic - not"
)
# A panic at a step, with all that the kernel says then, up to the next boot.
ASKED_FOR = re.compile(r"[^\n]*as was asked for.*?(--- shmlab: QEMU starts|\Z)", re.DOTALL)
# New messages of every kind from everybody: this many, within so long.
MESSAGES, FLOW_PATIENCE = 2, 20
SETTLE_PATIENCE = 20


def counts(pulse, sender):
    heard = pulse["heard"].get(str(sender.number), {})
    return {kind: heard.get(kind, {}).get("count", 0) for kind in KINDS}


def missing(guests):
    """Messages that did not come, among these guests, by kind."""
    lost = dict.fromkeys(KINDS, 0)
    for pulse in each(guests, Guest.pulse).values():
        heard = pulse["heard"]
        for sender in guests:
            for kind, entry in heard.get(str(sender.number), {}).items():
                lost[kind] += entry["missing"]
    return lost


def dropped(guests):
    """What their modules counted as dropped on the rings among them, and as missed on tapes."""
    slots = {guest.slot for guest in guests}
    rings = [
        value
        for shown in each(guests, lambda guest: guest.ask("ring")).values()
        for ring in shown
        if ring["node"] in slots
        for name, value in ring["counters"].items()
        if "_drop_" in name or name == "tx_unread"
    ]
    return sum(rings), sum(each(guests, Guest.missed_casts).values())


def all_counted(lost, drops):
    """No message is lost of which no module knows. (But for groups that change tapes.)"""
    pairs, casts = drops
    if lost.get("datagram", 0) > pairs:
        raise Failure(f"of {lost} only {pairs} were counted on rings")
    if lost.get("broadcast", 0) + lost.get("multicast", 0) > casts:
        raise Failure(f"of {lost} only {casts} were counted on tapes")


def suspicions(guests):
    """Whether one of these took another for dead: the host did not run that one for a second. Who
    is alone then has no carrier, and its kernel drops frames of which the module does not know."""
    return any(gone(guest, other) for guest in guests for other in guests if guest is not other)


def flows(guests):
    """Casts and pair traffic of all kinds from each to each, and all of it as it was sent."""
    before = each(guests, Guest.pulse)

    def flowing():
        for to, now in each(guests, Guest.pulse).items():
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
    pulses = each(guests, Guest.pulse)
    return sum(
        pulses[guest]["breaks"].get(str(other.number), 0)
        for guest in guests
        for other in guests
        if other is not guest
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
        views = list(each(guests, view).values())
        agree.views = views
        return all(one == views[0] for one in views)

    agree.views = []
    try:
        until(SETTLE_PATIENCE, "the same directory", agree)
    except Failure as failure:
        raise Failure(f"{failure}: {agree.views}") from None


def connected(guests):
    """Whether each sees each up and connected."""
    for guest, shown in each(guests, lambda guest: guest.ask("node")).items():
        nodes = {node["node"]: node for node in shown}
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
        for guest, rings in each(guests, lambda guest: guest.ask("ring")).items():
            for ring in rings:
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


def clean_log(guest, offset):
    text = ASKED_FOR.sub("", guest.log_since(offset))
    for line in text.splitlines():
        if COMPLAINTS.search(line):
            raise Failure(f"node {guest.number}'s kernel says: {line}")


def gone(guest, victim):
    """When @guest told, if it did, that @victim is gone."""
    events = {"node-died", "node-left", "node-suspected"}
    return [
        when
        for when, what in list(guest.events)
        if what["event"] in events and what.get("node") == victim.slot
    ]


def knows(guest, victim):
    """Whether @victim lives, as @guest sees it."""
    return any(
        node["node"] == victim.slot and node["state"] == "up" for node in guest.ask("node")
    )


def noticed(guest, victim, seconds):
    what = f"node {guest.number} misses node {victim.number}"
    try:
        return until(seconds, what, lambda: gone(guest, victim), pause=0.01)[0]
    except Failure as failure:
        raise Failure(f"{failure}; its monitor: {guest.monitor.end or 'runs'}") from None


def wait_connected(guests, seconds):
    began = time.monotonic()
    until(seconds, "all connected", lambda: connected(guests), pause=0.1)
    return time.monotonic() - began
