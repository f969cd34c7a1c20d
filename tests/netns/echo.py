#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""echo.py serve ADDRESS: answers TCP and UDP, on port 7, with what it got.
echo.py whole ADDRESS BYTES: whether so many bytes come back by TCP as they were, and datagrams of all sizes by UDP.
echo.py gap ADDRESS SECONDS: asks each 10 ms by one TCP connection, and prints the longest time without an answer, in
milliseconds."""
import os
import socket
import sys
import threading
import time

PORT = 7
DATAGRAMS = (1, 1232, 1472, 1473, 8000, 20000, 60000)
# Of a TCP connection without an answer, and of a datagram, of which the first may be lost to learn a path's MTU.
SILENCE, WAIT, TRIES = 20, 1, 5


def aside(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echo_stream(connection):
    while data := connection.recv(1 << 16):
        connection.sendall(data)
    connection.close()


def echo_datagrams(address):
    with socket.socket(family(address), socket.SOCK_DGRAM) as answering:
        answering.bind((address, PORT))
        while True:
            try:
                answering.sendto(*answering.recvfrom(1 << 16))
            except OSError:  # what an earlier one met
                pass


def serve(address):
    aside(echo_datagrams, address)
    with socket.create_server((address, PORT), family=family(address), backlog=16) as listener:
        while True:
            aside(echo_stream, listener.accept()[0])


def send(connection, data):
    connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


def received(connection):
    while data := connection.recv(1 << 16):
        yield data


def comes_back(asking, data):
    for _ in range(TRIES):
        try:
            asking.send(data)
            if asking.recv(1 << 16) == data:
                return True
        except OSError:  # not yet
            pass
    return False


def whole(address, count):
    data = os.urandom(int(count))
    with socket.create_connection((address, PORT), SILENCE) as connection:
        aside(send, connection, data)
        if b"".join(received(connection)) != data:
            sys.exit(f"{address}: the stream did not come back as it was")
    with socket.socket(family(address), socket.SOCK_DGRAM) as asking:
        asking.settimeout(WAIT)
        asking.connect((address, PORT))
        for size in DATAGRAMS:
            if not comes_back(asking, os.urandom(size)):
                sys.exit(f"{address}: a datagram of {size} bytes did not come back")


def gap(address, seconds):
    connection = socket.create_connection((address, PORT), SILENCE)
    end = time.monotonic() + float(seconds)

    def ask():
        while time.monotonic() < end:
            connection.sendall(b"?")
            time.sleep(0.01)
        connection.shutdown(socket.SHUT_WR)

    last, longest = time.monotonic(), 0
    aside(ask)
    for _ in received(connection):
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    print(round(longest * 1000))


{"serve": serve, "whole": whole, "gap": gap}[sys.argv[1]](*sys.argv[2:])
