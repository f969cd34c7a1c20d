#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""syn_flood.py ADDRESS PORT RATE SECONDS NETWORK: sends first packets of TCP connections that nobody will go on
with, so many a second, from the hosts of a network (a.b.c.d/length) in turn. Prints how many."""
import ipaddress
import itertools
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "kselftest")]
sys.dont_write_bytecode = True

import packets  # noqa: E402 (the path must be set first)

SYN = 2


def main():
    address, port, rate, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    hosts = itertools.cycle([str(host) for host in ipaddress.ip_network(sys.argv[5]).hosts()])
    begin, sent = time.monotonic(), 0
    with packets.way() as way:
        while (elapsed := time.monotonic() - begin) < seconds:
            for _ in range(int(elapsed * rate) - sent):
                # Each time another connection: hosts and ports come round at different times.
                packet = packets.tcp(next(hosts), address, (1024 + sent % 64511, port), sent, 0, SYN)
                way.sendto(packet, (address, 0))
                sent += 1
            time.sleep(0.002)
    print(sent, "first packets")


main()
