# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""What a lab is and how its guests are: the table, and the same as JSON."""
import json
import sys

from . import clients, guest, wires
from .process import Process
from .report import colour

STATE_COLOURS = {"running": 32, "booting": 33, "paused": 33, "dead": 31, "panicked": 31}


def gather(lab):
    hub = Process.load(lab.directory / "hub.process")
    return {
        "name": lab.name,
        "directory": str(lab.directory),
        "kernel": lab.kernel_release,
        "accelerator": lab.accelerator,
        "mode": "plain" if lab.plain else "doorbell",
        "region": lab.region,
        "hub": {"pid": hub.pid, "state": "running" if hub.alive() else "dead"} if hub else None,
        "segments": [
            {"name": segment, "clients": clients.names(lab, segment)} for segment in lab.segments
        ],
        "nodes": [_node(lab, number) for number in lab.nodes()],
    }


def _node(lab, number):
    directory = lab.node_directory(number)
    process = guest.process_of(directory)
    state = guest.state(directory)
    dead = state == "dead"
    return {
        "node": number,
        "state": state,
        "pid": None if dead else process.pid,
        "kernel": lab.kernel_release,
        "uptime": None if dead else round(process.age(), 1),
        "devices": lab.devices,
        "wires": [_wire(lab, wire) for wire in wires.of_node(lab, number)],
    }


def _wire(lab, wire):
    return {
        "segment": wire.segment,
        "interface": wire.interface,
        "mac": wire.mac,
        "link": "down" if wires.is_pulled(lab, wire) else "up",
    }


def show(lab, as_json):
    facts = gather(lab)
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    hub = facts["hub"]
    memory = f"hub {hub['state']}, pid {hub['pid']}" if hub else "plain, no hub"
    print(f"lab {lab.name}: kernel {lab.kernel_release}, {lab.accelerator}; {memory}; {lab.region}")
    rows = [("NODE", "STATE", "PID", "UPTIME", "DEVICES", "WIRES")]
    rows += [_row(node) for node in facts["nodes"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        if row[1] in STATE_COLOURS:
            cells[1] = colour(cells[1], STATE_COLOURS[row[1]], sys.stdout)
        print("  ".join(cells).rstrip())
    for segment in facts["segments"]:
        print(f"segment {segment['name']}: clients {', '.join(segment['clients'])}")


def _row(node):
    uptime = "-" if node["uptime"] is None else f"{node['uptime']:.0f} s"
    devices = " ".join(address.removeprefix("0000:") for address in node["devices"])
    cards = " ".join(_card(wire) for wire in node["wires"]) or "-"
    return (str(node["node"]), node["state"], str(node["pid"] or "-"), uptime, devices, cards)


def _card(wire):
    pulled = "(down)" if wire["link"] == "down" else ""
    return f"{wire['interface']}:{wire['segment']}{pulled}"
