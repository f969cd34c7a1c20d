#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The agent in a guest: runs commands for the host, one at a time on each virtio-serial port.

The protocol is lines of three words, "SESSION KIND PAYLOAD", the payload in base64 and possibly
empty. The host's client draws a session at random. Lines make it sturdy: where a client vanished
in the middle of one, the next client's leading newline ends it, and what is half or of another
session is skipped.

    host to guest   start {"command": [...], "directory": ..., "stdin": bool}
                    input DATA, end-of-input, signal NUMBER, ping
                    look (in a long silence)
    guest to host   hello (the agent began; what was sent before is lost)
                    started, output DATA, errors DATA, exit CODE, pong
                    gone (to look: there is no such command, or not any more)

When the client goes away, or another session starts, all processes of the command's session die.
What a command that ended left in the background goes on; its output is thrown away.
"""
import binascii
import json
import os
import select
import signal
import sys
import time

CHUNK = 16384
# Beyond this the agent stops reading, so that the writer on the other side waits.
BACKLOG = 131072
PIPE_LIMIT = 1048576
# Seconds of the guest's clock for which a client may seem to be away (shmlab.doubt).
DOUBT = 0.5
PORTS = "/sys/class/virtio-ports"

epoll = select.epoll()
handlers = {}
doubt = DOUBT


def watch(descriptor, handler, events):
    os.set_blocking(descriptor, False)
    handlers[descriptor] = handler
    epoll.register(descriptor, events)


def unwatch(descriptor):
    if handlers.pop(descriptor, None):
        epoll.unregister(descriptor)


def signal_session(leader, number):
    """Signals a whole session: shells and timeout(1) make process groups of their own."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                session = int(file.read().rpartition(")")[2].split()[3])
            if session == leader:
                os.kill(int(entry), number)
        except (OSError, IndexError):
            continue  # it ended meanwhile


class Command:
    """A command, its three pipes, and the port that its output goes to (None: nobody listens)."""

    def __init__(self, port, request):
        self.port = port
        self.pending_input = bytearray()
        self.input_ended = not request["stdin"]
        input_read, self.input = os.pipe()
        output, output_write = os.pipe()
        errors, errors_write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            become(request, (input_read, output_write, errors_write))
        for descriptor in (input_read, output_write, errors_write):
            os.close(descriptor)
        self.streams = {output: "output", errors: "errors"}
        self.paused = False
        for descriptor in self.streams:
            watch(descriptor, self.on_output, select.EPOLLIN)
        os.set_blocking(self.input, False)
        self.write_input()
        self.handle = os.pidfd_open(self.pid)
        watch(self.handle, self.on_exit, select.EPOLLIN)

    def on_output(self, descriptor, events):
        try:
            data = os.read(descriptor, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            unwatch(descriptor)
            os.close(descriptor)
            del self.streams[descriptor]
            return False
        if self.port:
            self.port.send(self.streams[descriptor], data)
            if self.port.backed_up() and not self.paused:
                self.pause()
        return True

    def pause(self):
        # An event mask of zero would still report a hang-up, again and again.
        self.paused = True
        for descriptor in self.streams:
            unwatch(descriptor)

    def resume(self):
        if self.paused:
            self.paused = False
            for descriptor in self.streams:
                watch(descriptor, self.on_output, select.EPOLLIN)

    def on_exit(self, descriptor, events):
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return  # the event was for another descriptor that had this number before
        unwatch(self.handle)
        os.close(self.handle)
        status = os.waitstatus_to_exitcode(status)
        # What the command wrote is in the pipes now; a bound, as its children may go on writing.
        for stream in list(self.streams):
            for _ in range(PIPE_LIMIT // CHUNK):
                if not self.on_output(stream, 0):
                    break
        port = self.port
        self.release()
        if port:
            port.send("exit", str(128 - status if status < 0 else status).encode())
            port.command = None

    def release(self):
        """Nobody listens any more: throws further output away."""
        self.port = None
        self.resume()
        self.close_input()

    def abandon(self):
        signal_session(self.pid, signal.SIGKILL)
        self.release()

    def add_input(self, data):
        if self.input is not None:
            self.pending_input += data
            self.write_input()

    def end_input(self):
        self.input_ended = True
        self.write_input()

    def on_input_writable(self, descriptor, events):
        self.write_input()
        if self.port:
            self.port.read()

    def write_input(self):
        if self.input is None:
            return
        try:
            while self.pending_input:
                del self.pending_input[: os.write(self.input, self.pending_input[:CHUNK])]
        except BlockingIOError:
            if self.input not in handlers:
                watch(self.input, self.on_input_writable, select.EPOLLOUT)
            return
        except BrokenPipeError:
            self.close_input()
            return
        unwatch(self.input)
        if self.input_ended:
            self.close_input()

    def close_input(self):
        if self.input is not None:
            unwatch(self.input)
            os.close(self.input)
            self.input = None
            self.pending_input.clear()


def become(request, descriptors):
    """In the child: turns into the command."""
    try:
        os.setsid()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that is inherited
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("0")
        try:
            os.chdir(request["directory"])
        except OSError:
            os.chdir("/")
        command = request["command"]
        os.execvp(command[0], command)
    except FileNotFoundError:
        os.write(2, f"{request['command'][0]}: command not found\n".encode())
        os._exit(127)
    except BaseException as error:
        os.write(2, f"{request['command'][0]}: {error}\n".encode())
    os._exit(126)


class Port:
    """Edge-triggered, because a port without a client is always readable (end of file): the driver
    wakes us when a client comes, goes, or sends, and an idle agent costs nothing."""

    def __init__(self, name):
        self.descriptor = os.open(f"/dev/{name}", os.O_RDWR | os.O_CLOEXEC)
        self.received = bytearray()
        self.unsent = bytearray()
        self.session = "-"
        self.command = None
        self.alone_since = None
        watch(self.descriptor, self.on_event, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
        self.send("hello")

    def on_event(self, descriptor, events):
        self.alone_since = time.monotonic() if events & select.EPOLLHUP else None
        self.flush()
        self.read()

    def check_alone(self, now):
        """Ends the command of a client that went away; true while that is in doubt.

        The driver learns of connections from another queue than of data: a command may be here
        before its client is, and before the client that came earlier has gone.
        """
        if not self.command or self.alone_since is None:
            return False
        if now - self.alone_since < doubt:
            return True
        self.reset()
        return False

    def read(self):
        while not (self.command and len(self.command.pending_input) > BACKLOG):
            try:
                data = os.read(self.descriptor, CHUNK)
            except BlockingIOError:
                return
            if not data:
                return  # no client; see check_alone
            self.received += data
            *lines, self.received = self.received.split(b"\n")
            for line in lines:
                self.on_line(line)

    def reset(self):
        if self.command:
            self.command.abandon()
            self.command = None
        self.unsent.clear()

    def on_line(self, line):
        try:
            session, kind, payload = line.decode("ascii").split(" ")
            payload = binascii.a2b_base64(payload)
        except ValueError:
            return
        if kind == "start" and session == self.session:
            return  # sent again by a client that saw our hello only after its start
        if kind in ("start", "ping"):
            self.reset()
            self.session = session
            self.unsent += b"\n"
            if kind == "ping":
                self.send("pong")
                return
            self.send("started")
            try:
                self.command = Command(self, json.loads(payload))
            except OSError as error:  # no memory, or too many processes
                self.send("errors", f"shmlab's agent: {error}\n".encode())
                self.send("exit", b"126")
        elif kind == "look" and not (self.command and session == self.session):
            self.unsent += f"{session} gone \n".encode()
            self.flush()
        elif self.command and session == self.session:
            if kind == "input":
                self.command.add_input(payload)
            elif kind == "end-of-input":
                self.command.end_input()
            elif kind == "signal":
                signal_session(self.command.pid, int(payload))

    def send(self, kind, payload=b""):
        line = f"{self.session} {kind} ".encode() + binascii.b2a_base64(payload, newline=False)
        self.unsent += line + b"\n"
        self.flush()

    def backed_up(self):
        return len(self.unsent) > BACKLOG

    def flush(self):
        try:
            while self.unsent:
                del self.unsent[: os.write(self.descriptor, self.unsent[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self.unsent.clear()
        if self.command and not self.backed_up():
            self.command.resume()


def find_ports(expected):
    """The ports by name; the driver makes them known one by one after it was loaded."""
    while True:
        found = []
        for entry in os.listdir(PORTS) if os.path.isdir(PORTS) else []:
            try:
                with open(f"{PORTS}/{entry}/name") as file:
                    if file.read().startswith("shmlab."):
                        found.append(entry)
            except OSError:
                continue
        if len(found) == expected and all(os.path.exists(f"/dev/{port}") for port in found):
            return found
        time.sleep(0.02)


def main():
    global doubt
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("-1000")
    with open("/proc/cmdline") as file:
        words = dict(word.partition("=")[::2] for word in file.read().split())
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    doubt = float(words.get("shmlab.doubt", DOUBT))
    ports = [Port(name) for name in find_ports(int(words["shmlab.ports"]))]
    while True:
        doubtful = [port for port in ports if port.check_alone(time.monotonic())]
        for descriptor, events in epoll.poll(doubt / 2 if doubtful else None):
            # An earlier handler of this round may have closed this one.
            handler = handlers.get(descriptor)
            if handler:
                handler(descriptor, events)


if __name__ == "__main__":
    sys.exit(main())
