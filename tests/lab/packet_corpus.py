#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""packet_corpus.py HOST SHARED SOURCE: sends sequences of packets, which tables make, to an ordinary host and to a
shared address, and compares what they answer. Both have a `serve` of TCP at port 80 and of UDP at port 53. SOURCE
is nobody's address, whose packets come to this machine. Prints TAP: a line for each class of inputs. What may
differ is in DIFFERENCES, and must differ."""
import collections
import itertools
import queue
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from scapy.all import ICMP, IP, TCP, UDP, IPOption_NOP, IPOption_RR, IPOption_Router_Alert, Raw, fragment, raw

HOST, SHARED, SOURCE = sys.argv[1:4]
OPEN, ECHOES, CLOSED = 80, 53, 81
FIRST_PORT = 2000
# Seconds: of silence after which nothing more is awaited, and from one try of a stray packet to the next.
QUIET, AGAIN = 0.8, 0.45
STRAY_TRIES = 4
AT_ONCE = 24

# Inputs by their name, and why the answers differ.
DIFFERENCES = {
    r"^ttl 1,": "the entry is one hop before the node that serves",
    r"^(no flags|[FPU]+) to 80$": "what cannot be of a connection the entry's own stack answers, which has no such listener",
}

Input = collections.namedtuple("Input", "kind name come")


class Wire:
    """What comes for SOURCE, by the port, or the identification of an echo, that it belongs to."""

    def __init__(self):
        self.out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.heard = {}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            packet = IP(self.wire.recv(65536))
            if packet.dst == SOURCE:
                self.of(*belongs_to(packet)).put(packet)

    def of(self, target, number):
        return self.heard.setdefault((target, number), queue.Queue())


def belongs_to(packet):
    """To what was sent where; an error to what it quotes, whoever it comes from."""
    if ICMP not in packet:
        upper = packet.getlayer(TCP) or packet.getlayer(UDP)
        return packet.src, upper.dport if upper else None
    if packet[ICMP].type not in (3, 11, 12):
        return packet.src, packet[ICMP].id
    quoted = raw(packet[ICMP].payload)
    upper = quoted[(quoted[0] & 15) * 4 :]
    # Of an echo, the identification; of all else, the port that it came from.
    number = upper[4:6] if quoted[9] == socket.IPPROTO_ICMP else upper[:2]
    return socket.inet_ntoa(quoted[16:20]), int.from_bytes(number, "big")


NO_DATA = "[] [] "


def acknowledged_by(answer):
    words = answer.split(" ")
    return words[3] if words[0] == "tcp" else None


class Talk:
    """An input's packets to one of the two, and the answers."""

    def __init__(self, wire, target, port):
        self.wire, self.target, self.port = wire, target, port
        self.number, self.answers, self.first = 1000, [], None

    def send(self, upper, **fields):
        self.put(IP(src=SOURCE, dst=self.target, **fields) / upper)

    def put(self, packet):
        self.wire.out.sendto(raw(packet), (self.target, 0))

    def segment(self, flags, number=None, acknowledged=0, data=b"", port=OPEN):
        self.number = self.number if number is None else number
        self.send(TCP(sport=self.port, dport=port, flags=flags, seq=self.number % 2**32,
                      ack=acknowledged % 2**32, window=64000) / Raw(data))

    def hear(self, seconds=QUIET):
        """The next packet, or None."""
        try:
            packet = self.wire.of(self.target, self.port).get(timeout=seconds)
        except queue.Empty:
            return None
        if TCP in packet and "S" in packet[TCP].flags and self.first is None:
            self.first = packet[TCP].seq
        self.answers.append(self.told(packet))
        return packet

    def hear_all(self):
        while self.hear():
            pass
        # Once, however often it was sent, and in whatever order it came.
        answers = sorted(set(self.answers))
        # What another one acknowledges as well is a matter of time.
        return [answer for answer in answers
                if not (answer.endswith(NO_DATA) and answer.startswith("tcp A ") and
                        any(other != answer and acknowledged_by(other) == acknowledged_by(answer) for other in answers))]

    def told(self, packet):
        """What of a packet must be alike. Names of nodes are as long as each other."""
        if TCP in packet:
            tcp = packet[TCP]
            begin = (tcp.seq - self.first) % 2**32 if self.first is not None else tcp.seq
            acknowledged = (tcp.ack - 1000) % 2**32 if "A" in tcp.flags else 0
            # A window's size depends on the memory of the machine.
            kinds = [option[0] for option in tcp.options]
            sizes = [option[1] for option in tcp.options if option[0] == "MSS"]
            return f"tcp {tcp.flags} {begin} {acknowledged} {kinds} {sizes} {self.data(tcp.payload)}"
        if UDP in packet:
            return f"udp {packet[UDP].sport} {self.data(packet[UDP].payload)}"
        if ICMP in packet:
            return f"icmp {packet[ICMP].type} {packet[ICMP].code}"
        return f"protocol {packet.proto}"

    @staticmethod
    def data(payload):
        return re.sub(rb"node\d", b"node", raw(payload).rstrip(b"\0")).decode("latin-1")


# ---- The tables ----------------------------------------------------------------------------------

FLAGS = ["".join(some) for length in range(7) for some in itertools.combinations("FSRPAU", length)]


def first_packet(flags, port):
    """Of no connection. What begins none may be refused by a later one only (docs/global.md)."""
    stray = "R" not in flags and not ("S" in flags and "A" not in flags)

    def come(talk):
        for _ in range(STRAY_TRIES if stray else 1):
            talk.segment(flags, 1000, 5000, port=port)
            if talk.hear(AGAIN if stray else QUIET):
                break
        return talk.hear_all()

    return come


def established(talk):
    """Its greeting acknowledged; returns what the other end's next number is."""
    talk.segment("S", 1000)
    if not talk.hear(5):
        return None
    talk.number += 1
    talk.segment("A", acknowledged=talk.first + 1)
    greeting = talk.hear(5)
    if not greeting:
        return None
    after = talk.first + 1 + len(greeting[TCP].payload)
    talk.segment("A", acknowledged=after)
    return after


def later_packet(flags, ahead, acknowledged, data):
    def come(talk):
        after = established(talk)
        if after is None:
            return ["it is not established"]
        talk.segment(flags, talk.number + ahead, after + acknowledged, data)
        answers = talk.hear_all()
        talk.segment("R", 1001, after)
        return answers

    return come


def datagram(length, port, checksum):
    def come(talk):
        upper = UDP(sport=talk.port, dport=port) / Raw(b"?" * length)
        if checksum == "wrong":
            upper = UDP(raw(IP(src=SOURCE, dst=talk.target) / upper)[20:])
            upper.chksum ^= 1
        elif checksum == "none":
            upper.chksum = 0
        for part in fragment(IP(src=SOURCE, dst=talk.target, id=talk.port) / upper, 1480):
            talk.put(part)
        return talk.hear_all()

    return come


def control(kind, size):
    def come(talk):
        packet = IP(src=SOURCE, dst=talk.target, id=talk.port) / ICMP(type=kind, id=talk.port) / Raw(b"!" * size)
        for part in fragment(packet, 1480):
            talk.put(part)
        return talk.hear_all()

    return come


def dressed(upper, fields):
    def come(talk):
        talk.send(upper(talk), **fields)
        return talk.hear_all()

    return come


def question(talk):
    return UDP(sport=talk.port, dport=ECHOES) / Raw(b"?")


def beginning(talk):
    return TCP(sport=talk.port, dport=OPEN, flags="S", seq=1000)


HEADERS = {
    "nop": {"options": [IPOption_NOP()] * 4},
    "record route": {"options": [IPOption_RR(length=7, pointer=4, routers=["0.0.0.0"])]},
    "router alert": {"options": [IPOption_Router_Alert()]},
    "do not fragment": {"flags": "DF"},
    "a first fragment alone": {"flags": "MF"},
    "a last fragment alone": {"frag": 2},
    "ttl 1": {"ttl": 1},
    "ttl 255": {"ttl": 255},
    "tos 0xb8": {"tos": 0xB8},
    "congestion": {"tos": 3},
    "a wrong sum": {"chksum": 1},
    "version 5": {"version": 5},
}


def inputs():
    for flags, port in itertools.product(FLAGS, (OPEN, CLOSED)):
        yield Input("first packets", f"{flags or 'no flags'} to {port}", first_packet(flags, port))
    for flags, ahead, acknowledged in itertools.product(
        ("A", "PA", "FA", "R", "RA", "S", "SA", "F", "PAU", "FPU"), (0, -1, 1, 70000, -70000), (0, 1, -1)
    ):
        data = b"0123456789" if "P" in flags else b""
        yield Input("later packets", f"{flags} {ahead} {acknowledged}", later_packet(flags, ahead, acknowledged, data))
    for length, port, checksum in itertools.product((0, 1, 8, 512, 1472, 4000), (ECHOES, CLOSED), ("right", "wrong", "none")):
        yield Input("datagrams", f"{length} bytes to {port}, checksum {checksum}", datagram(length, port, checksum))
    for kind, size in itertools.product((8, 13, 15, 17, 10, 0), (0, 12, 1400, 3000)):
        yield Input("control", f"type {kind}, {size} bytes", control(kind, size))
    for (name, fields), upper in itertools.product(HEADERS.items(), (question, beginning)):
        yield Input("headers", f"{name}, {upper.__name__}", dressed(upper, fields))


# ---- The comparison ------------------------------------------------------------------------------


def compare(wire, port, one):
    answers = {}

    def talk(target):
        answers[target] = one.come(Talk(wire, target, port))

    both = [threading.Thread(target=talk, args=(target,)) for target in (HOST, SHARED)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    return one, answers.get(HOST), answers.get(SHARED)


def main():
    wire, all_inputs = Wire(), list(inputs())
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        compared = list(pool.map(lambda numbered: compare(wire, FIRST_PORT + numbered[0], numbered[1]),
                                 enumerate(all_inputs)))
    failed, number = 0, 0
    for kind in dict.fromkeys(one.kind for one in all_inputs):
        bad, tried, answered = [], 0, 0
        for one, host, shared in compared:
            if one.kind != kind:
                continue
            tried, answered = tried + 1, answered + bool(host)
            reason = next((why for what, why in DIFFERENCES.items() if re.search(what, one.name)), None)
            if (host == shared) == (reason is not None) or host is None:
                bad.append(f"# {one.name}: the host {host}, the address {shared}")
            elif reason:
                print(f"# {one.name}: {reason}: {host}, {shared}")
        number += 1
        failed += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {number} - {kind}: {tried} inputs, {answered} of them answered")
        print(*bad[:40], sep="\n", end="\n" * bool(bad))
    print(f"# {len(all_inputs)} inputs in {time.monotonic() - begun:.0f} s")
    print(f"1..{number}")
    return int(failed > 0)


sys.exit(main())
