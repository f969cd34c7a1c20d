#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""connect.py ADDRESS PORT RATE SECONDS [NOTICE]: so many connections a second, whether or not earlier ones have come
to anything, each of which must be told a line. Prints how many were, and how many began; fails if more than
one in a thousand was not. With NOTICE, a datagram to that port says that a server's end was noticed: whoever
begins more than 150 ms behind it must be served before its kernel would try again, and that is all that is
asked for. Prints the slowest of these."""
import asyncio
import collections
import sys

TIMEOUT = 20
# Seconds: until no new flow may be a dead node's, and less than a kernel's first try again of a first packet.
SETTLED, AT_ONCE = 0.15, 0.9

Connection = collections.namedtuple("Connection", "begun took served")


class Notice(asyncio.DatagramProtocol):
    def __init__(self):
        self.come = None

    def datagram_received(self, data, sender):
        self.come = self.come or asyncio.get_running_loop().time()


async def connect(address, port):
    loop = asyncio.get_running_loop()
    begun, served = loop.time(), False
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection(address, port)
            served = bool(await reader.readline())
            writer.close()
    except OSError as error:
        print(error, file=sys.stderr)
    return Connection(begun, loop.time() - begun, served)


def judge(notice, connections):
    if notice is None:
        served = sum(connection.served for connection in connections)
        print(served, "of", len(connections))
        return served * 1000 >= len(connections) * 999
    late = [one for one in connections if notice.come and one.begun > notice.come + SETTLED]
    if not late:
        print("nothing was noticed, or too late")
        return False
    print(f"{len(late)} of {len(connections)} began later; the slowest took {max(one.took for one in late):.3f} s")
    return all(one.served and one.took < AT_ONCE for one in late)


async def main():
    address, port, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    loop = asyncio.get_running_loop()
    notice = None
    if len(sys.argv) > 5:
        _, notice = await loop.create_datagram_endpoint(Notice, local_addr=("0.0.0.0", int(sys.argv[5])))
    begin, tasks = loop.time(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, begin + number / rate - loop.time()))
        tasks.append(asyncio.create_task(connect(address, port)))
    return int(not judge(notice, await asyncio.gather(*tasks)))


sys.exit(asyncio.run(main()))
