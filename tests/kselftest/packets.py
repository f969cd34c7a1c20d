# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""IPv4 packets by hand, for programs here and of tests/lab."""
import socket
import struct


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_header(source, destination, protocol, length, identification=0, where=0):
    """@length: of what follows; @where: the word of fragments. Its own sum is the kernel's business."""
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, identification, where, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))


def with_sum(source, destination, protocol, segment, at):
    """The segment, of which the bytes behind @at are 0, with its checksum there."""
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", protocol, len(segment))
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2 :]


def tcp(source, destination, ports, number, acknowledged, flags):
    """A packet without data."""
    header = struct.pack("!HHIIBBHHH", *ports, number, acknowledged, 5 << 4, flags, 64000, 0, 0)
    segment = with_sum(source, destination, socket.IPPROTO_TCP, header, 16)
    return ip_header(source, destination, socket.IPPROTO_TCP, len(segment)) + segment


def udp(source, destination, ports, data):
    """A datagram, without the header of IP."""
    header = struct.pack("!HHHH", *ports, 8 + len(data), 0)
    return with_sum(source, destination, socket.IPPROTO_UDP, header + data, 6)


def way(mark=0):
    """A socket for whole packets."""
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    out.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    return out
