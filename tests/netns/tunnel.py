#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""tunnel.py NAMESPACE NAMESPACE INTERFACE: carries packets between interfaces of that name (ip tuntap add mode tun) of
two network namespaces, until it is killed."""
import ctypes
import fcntl
import os
import struct
import sys
import threading

# As in linux/if_tun.h and sched.h.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
PACKET_MAX = 1 << 16


def end(namespace, interface):
    with open(f"/run/netns/{namespace}", "rb") as place:
        if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), CLONE_NEWNET) != 0:
            sys.exit(f"{namespace}: {os.strerror(ctypes.get_errno())}")
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", interface.encode(), IFF_TUN | IFF_NO_PI))
    return tunnel


def carry(source, target):
    while True:
        packet = os.read(source, PACKET_MAX)
        try:
            os.write(target, packet)
        except OSError:  # the other end is not up yet: the packet is lost
            pass


def main():
    first, second, interface = sys.argv[1:]
    ends = [end(namespace, interface) for namespace in (first, second)]
    for source, target in (ends, ends[::-1]):
        threading.Thread(target=carry, args=(source, target)).start()


main()
