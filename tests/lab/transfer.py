#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""transfer.py ADDRESS: from a `serve` at port 80 has sent back what it sends, until SIGTERM, at a pace that leaves
guests something. Says who serves, and in the end how many bytes, and both digests; fails if they differ."""
import hashlib
import os
import signal
import socket
import sys
import threading
import time

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
connection = socket.create_connection((sys.argv[1], 80), 20)
answers = connection.makefile("rb")
print(answers.readline().decode().strip(), flush=True)
back = hashlib.sha256()

def receive():
    while data := answers.read1(65536):
        back.update(data)

receiver = threading.Thread(target=receive)
receiver.start()
sent, count = hashlib.sha256(), 0
while not stop.is_set():
    data = os.urandom(32768)
    connection.sendall(data)
    sent.update(data)
    count += len(data)
    time.sleep(0.03)
connection.shutdown(socket.SHUT_WR)
receiver.join()
print(count, "bytes", sent.hexdigest(), back.hexdigest(), flush=True)
sys.exit(sent.digest() != back.digest())
