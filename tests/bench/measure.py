# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Loads, and what they say, in guests of a lab of the bench's own."""
import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHMLAB = ROOT / "tools/lab/shmlab"
UDP_PAYLOAD = 64


class BenchError(SystemExit):
    """Ends the bench with a message."""


class Doorbells:
    """Doorbells and frames sent so far, by both guests."""

    def __init__(self, rung, frames):
        self.rung, self.frames = rung, frames

    def rate_since(self, before):
        return 1000 * (self.rung - before.rung) / max(self.frames - before.frames, 1)


class Lab:
    """A lab for the time of a `with`."""

    def __init__(self, *options):
        self.name = f"bench-{os.getpid()}"
        self.options = options

    def __enter__(self):
        command = [SHMLAB, "up", "--name", self.name, *self.options]
        if subprocess.run(command, stderr=subprocess.PIPE, text=True).returncode:
            raise BenchError(f"bench: the lab did not start: try {' '.join(map(str, command))}")
        return self

    def __exit__(self, *_):
        subprocess.run([SHMLAB, "down", "--name", self.name], stderr=subprocess.DEVNULL)

    def command(self, node, script):
        """What runs a shell script in a guest."""
        return [SHMLAB, "exec", "--name", self.name, "--timeout", "300", str(node), "--",
                "bash", "-euc", textwrap.dedent(script)]

    def run(self, node, script):
        """The output of a shell script in a guest."""
        command = self.command(node, script)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise BenchError(f"bench: failed in node {node} (code {done.returncode}):\n"
                             f"{textwrap.dedent(script)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def load(self):
        if subprocess.run([SHMLAB, "load", "--name", self.name, "0"],
                          stderr=subprocess.DEVNULL).returncode:
            raise BenchError("bench: the module did not load; is it built? (make modules)")

    def wires(self, node):
        """Names of the guest's virtio-net cards."""
        return self.run(node, """
            for card in /sys/class/net/*; do
                driver=$(readlink "$card/device/driver" 2>/dev/null) || continue
                [ "${driver##*/}" != virtio_net ] || echo "${card##*/}"
            done""").split()

    def address_wires(self):
        for node in (0, 1):
            card = self.wires(node)[0]
            self.run(node, f"""
                ip address add 198.51.100.{node + 1}/24 dev {card}
                ip link set {card} up""")

    def serve(self):
        self.run(1, "iperf3 --server --daemon; sockperf server --tcp >/dev/null 2>&1 & sleep 1")

    def measure_between_guests(self, address, seconds):
        self.run(0, f"ping -q -c 3 -i 0.2 {address}")
        tcp = json.loads(self.run(0, f"iperf3 --json --client {address} --time {seconds}"))
        udp = json.loads(self.run(0, f"iperf3 --json --client {address} --time {seconds} --udp "
                                     f"--length {UDP_PAYLOAD} --bitrate 0"))["end"]["sum"]
        ping = self.run(0, f"ping -q -c 400 -i 0.005 {address}")
        talk = self.run(0, f"sockperf ping-pong --tcp -i {address} -t {seconds} 2>&1 || true")
        return {
            "tcp_mbit_per_second": tcp["end"]["sum_received"]["bits_per_second"] / 1e6,
            "udp_delivered_per_second": (udp["packets"] - udp["lost_packets"]) / udp["seconds"],
            "udp_sent_per_second": udp["packets"] / udp["seconds"],
            "ping_us": ping_figure(ping, "avg") * 1000,
            "ping_pong_median_us": percentile(talk, "50.000") * 2,
            "ping_pong_p99_us": percentile(talk, "99.000") * 2,
        }

    def doorbells(self):
        rung = frames = 0
        for node in (0, 1):
            counters = self.run(node, "ethtool -S shml0")
            rung += counter(counters, "doorbells_sent")
            frames += counter(counters, "tx_frames")
        return Doorbells(rung, frames)


class Link:
    """Two namespaces of one guest, a and b, joined by some pair of interfaces."""

    def __init__(self, lab, name, make, interfaces):
        self.lab, self.name, self.make, self.interfaces = lab, name, make, interfaces

    @classmethod
    def veth(cls, lab):
        return cls(lab, "veth", "ip link add benchA type veth peer name benchB",
                   ("benchA", "benchB"))

    @classmethod
    def shmnet(cls, lab):
        return cls(lab, "shmnet", "", ("shml0", "shml1"))

    @classmethod
    def virtio(cls, lab):
        return cls(lab, "virtio-net", "", tuple(lab.wires(0)))

    def __enter__(self):
        a, b = self.interfaces
        self.lab.run(0, f"""
            {self.make}
            for namespace in a b; do
                ip netns add $namespace
                ip -n $namespace link set lo up
            done
            ip link set {a} netns a
            ip link set {b} netns b
            ip -n a address add 203.0.113.1/24 dev {a}
            ip -n b address add 203.0.113.2/24 dev {b}
            ip -n a link set {a} up
            ip -n b link set {b} up
            sleep 1
            ip netns exec b iperf3 --server --daemon
            ip netns exec a ping -q -c 3 -i 0.2 203.0.113.2 >&2""")
        return self

    def __exit__(self, *_):
        self.lab.run(0, "pkill iperf3 || true; sleep 1; ip netns del a; ip netns del b; sleep 1")

    def iperf(self, seconds, options):
        """iperf3's summary, and the share of idle time in the middle of the run."""
        output = self.lab.run(0, f"""
            idle() {{ awk '/^cpu /{{for (i = 2; i <= NF; i++) all += $i; print $5, all}}' /proc/stat; }}
            ip netns exec a iperf3 --json --client 203.0.113.2 --time {seconds + 1} {options} \\
                >/tmp/iperf.json &
            sleep 1
            idle
            sleep {seconds - 1}
            idle
            wait
            cat /tmp/iperf.json""")
        first, second, text = output.split("\n", 2)
        idle = [int(after) - int(before)
                for before, after in zip(first.split(), second.split())]
        return json.loads(text)["end"], idle[0] / max(idle[1], 1)

    def tcp(self, seconds, per):
        end, idle = self.iperf(seconds, "")
        received = end["sum_received"]
        return {"value": received["seconds"] * 1e9 / received["bytes"], "per": per, "idle": idle}

    def udp(self, seconds, per):
        end, idle = self.iperf(seconds, f"--udp --length {UDP_PAYLOAD} --bitrate 0")
        delivered = end["sum"]["packets"] - end["sum"]["lost_packets"]
        return {"value": end["sum"]["seconds"] * 1e9 / delivered, "per": per, "idle": idle}

    def ping(self, count):
        output = self.lab.run(0, f"ip netns exec a ping -q -f -c {count} 203.0.113.2")
        return {"value": ping_figure(output, "min") * 1e6, "per": "round trip, least", "idle": None}


def ping_figure(output, which):
    """min, avg or max, in milliseconds."""
    figures = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", output)
    return float(figures.group(("min", "avg", "max").index(which) + 1))


def percentile(output, which):
    """One-way microseconds of sockperf, or NaN where it measured nothing."""
    figure = re.search(rf"percentile {re.escape(which)} *= *([\d.]+)", output)
    if not figure:
        print(f"bench: sockperf: {output[-300:]}", file=sys.stderr)
    return float(figure.group(1)) if figure else float("nan")


def counter(output, name):
    return int(re.search(rf"\b{name}: (\d+)", output).group(1))
