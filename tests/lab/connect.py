#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""connect.py ADDRESS PORT RATE SECONDS: so many connections a second, whether or not earlier ones have come to
anything, each of which must be told a line. Prints how many were, and how many began; fails if more than
one in a thousand was not."""
import asyncio
import sys

TIMEOUT = 20


async def is_served(address, port):
    try:
        async with asyncio.timeout(TIMEOUT):
            reader, writer = await asyncio.open_connection(address, port)
            line = await reader.readline()
            writer.close()
            return bool(line)
    except OSError as error:
        print(error, file=sys.stderr)
        return False


async def main():
    address, port, rate, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    loop = asyncio.get_running_loop()
    begin, connections = loop.time(), []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0, begin + number / rate - loop.time()))
        connections.append(asyncio.create_task(is_served(address, port)))
    served = sum(await asyncio.gather(*connections))
    print(served, "of", len(connections))
    return int(served * 1000 < len(connections) * 999)


sys.exit(asyncio.run(main()))
