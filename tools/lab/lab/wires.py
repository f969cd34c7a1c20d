# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Wires: virtio-net cards of guests, each on a segment, whose cables can be pulled.

A cable that is pulled is recorded by nodeN/wireW.pulled, so that a QEMU started anew, whose cables
are all plugged in, can be told.
"""
from typing import NamedTuple

from . import guest, network, process
from .report import LabError, UsageError


class Wire(NamedTuple):
    node: int
    number: int  # among the wires of the node, in the order of up's options
    segment: str
    mac: str

    @property
    def interface(self):
        """Its name in the guest, where nothing renames cards: the order of PCI addresses."""
        return f"eth{self.number}"

    @property
    def tap(self):
        return f"n{self.node}w{self.number}"

    @property
    def netdev(self):
        return f"wire{self.number}"


def from_options(lab_name, pairs):
    """`pairs` is a list of (node, segment)."""
    wires = []
    for node, segment in pairs:
        number = sum(1 for wire in wires if wire.node == node)
        twins = sum(1 for wire in wires if (wire.node, wire.segment) == (node, segment))
        mac = network.mac(lab_name, "node", node, segment, twins)
        wires.append(Wire(node, number, segment, mac))
    return wires


def of_node(lab, node):
    return [wire for wire in lab.wires if wire.node == node]


def choose(lab, node, segment):
    """The wires that the user named: those of `node` on `segment`, by default on its only one."""
    lab.node(node)
    own = of_node(lab, node)
    if not own:
        raise UsageError(
            f"node {node} of lab {lab.name} has no wire; give up a --wire {node}:SEGMENT"
        )
    choices = sorted({f"{node}:{wire.segment}" for wire in own})
    if segment is None and len(choices) > 1:
        raise UsageError(f"node {node} has several wires; name one: {' or '.join(choices)}")
    chosen = [wire for wire in own if segment in (None, wire.segment)]
    if not chosen:
        raise UsageError(
            f"node {node} has no wire on segment {segment}; there are: {', '.join(choices)}"
        )
    return chosen


def is_pulled(lab, wire):
    return _mark(lab, wire).exists()


def set_cables(lab, wires, plugged):
    """Plugs in or pulls the cables of some wires of one node, which may be dead. Both ends see it:
    the guest's card, and the bridge, which forgets what it learned there."""
    directory = lab.node_directory(wires[0].node)
    with lab.lock("start.lock"):
        if guest.alive(directory):
            try:
                _tell_qemu(directory, wires, plugged)
            except OSError:
                raise LabError(guest.explain(directory)) from None
        state = "up" if plugged else "down"
        network.batch(
            network.namespace(lab.name), [f"link set {wire.tap} {state}" for wire in wires]
        )
        for wire in wires:
            if plugged:
                _mark(lab, wire).unlink(missing_ok=True)
            else:
                _mark(lab, wire).touch()


def pull_again(lab, node):
    """In a QEMU that was just started, long before its guest looks at its cards."""
    pulled = [wire for wire in of_node(lab, node) if is_pulled(lab, wire)]
    directory = lab.node_directory(node)

    def told():
        try:
            _tell_qemu(directory, pulled, False)
        except OSError:
            return not guest.alive(directory)  # else it has not opened its monitor yet
        return True

    if pulled and not process.wait_for(told, guest.MONITOR_TIMEOUT):
        raise LabError(f"the QEMU of node {node} does not answer", log=directory / "qemu.log")


def _tell_qemu(directory, wires, plugged):
    with guest.Monitor(directory) as monitor:
        for wire in wires:
            monitor.command("set_link", name=wire.netdev, up=plugged)


def _mark(lab, wire):
    return lab.node_directory(wire.node) / f"wire{wire.number}.pulled"
