# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The guests of a campaign: commands, faults, and what their module tells."""
import concurrent.futures
import contextlib
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/lab"))

from lab import channel, guest, kernel, lifecycle, record  # noqa: E402 (the path must be set first)
from lab.report import LabError  # noqa: E402

CTL = str(ROOT / "build/bin/shmnetctl")
PULSE = str(ROOT / "tests/faults/pulse")
DRIVER = "/sys/bus/pci/drivers/shmnet"
DEVICE = "0000:00:08.0"
NEIGHBOURS = "/proc/net/stat/arp_cache"
FAULT = "/sys/kernel/debug/shmnet/fault"
QUICK_BOOT = "mitigations=off cryptomgr.notests"
# A busy host leaves a guest without a processor for seconds: its agent shall take nobody for gone.
PATIENT_AGENT = "shmlab.doubt=20"

# include/uapi/linux/shmnet_shm.h
AREAS_OFFSET, AREA, AREAS_MAX, AREA_CLAIMS = 2048, struct.Struct("<IIIIQQ"), 96, 2


# Every wait is so many times as long, where kernels are slow.
PATIENCE = 1


class Failure(Exception):
    """Something that must hold does not."""


class NoDevice(Failure):
    """A node that is being bound has no device yet."""


def until(seconds, what, true, pause=0.05):
    """Waits until true() returns something, and returns it; until all that it asks have a device."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            value = true()
        except NoDevice:
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds * PATIENCE:g} s: {what}")
        time.sleep(pause)


def each(guests, function):
    """What function(guest) returns, of all at once: a program takes a third of a second there."""
    with concurrent.futures.ThreadPoolExecutor(len(guests)) as pool:
        return dict(zip(guests, pool.map(function, guests)))


class Program(channel.Run):
    """A program in a guest that stays while the guest stands still. Its output comes by lines."""

    def __init__(self, directory, command, on_line, source=None):
        super().__init__(directory, command)
        self.on_line, self.source, self.pending = on_line, source, b""
        self.end = None  # why it is not there any more
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.end = f"it ended with code {self.run(self._write, self.source)}"
        except LabError as error:
            self.end = str(error)

    def _write(self, kind, data):
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            self.on_line(line)

    def _check_guest(self):
        if not guest.alive(self.directory):
            raise LabError("the guest is dead")


MARK = "--- end of "


class Shell:
    """A shell in a guest, for one command after the other."""

    def __init__(self, directory):
        self.number, self.directory = 0, directory
        self.lines = queue.Queue()
        reader, self.writer = os.pipe()
        self.program = Program(directory, ["sh"], self.lines.put, reader)

    def begin(self, script):
        """Does not wait for its end."""
        self.number += 1
        # Its errors are its output; its input is none of what comes after it.
        end = f"code=$?; echo; echo '{MARK}{self.number}' $code"
        os.write(self.writer, f"{{ {script}\n}} </dev/null 2>&1; {end}\n".encode())

    def run(self, script, timeout):
        self.begin(script)
        mark, output = f"{MARK}{self.number} ", []
        end = time.monotonic() + timeout * PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0, min(1, end - time.monotonic()))).decode()
            except queue.Empty:
                if self.program.end or time.monotonic() > end:
                    where, why = guest.title(self.directory), self.program.end or "no word"
                    raise Failure(f"{where} does not answer to: {script}: {why}") from None
                continue
            if line.startswith(mark):
                return int(line[len(mark) :]), "\n".join(output).strip()
            # Of what was begun before, nobody wants to know.
            output = [] if line.startswith(MARK) else output + [line]


class Guest:
    def __init__(self, lab, number, nodes):
        self.lab, self.number, self.nodes = lab, number, nodes
        self.directory = lab.node_directory(number)
        self.events = []  # of (time here, event)
        self.away, self.booting = False, None
        self.booted()

    @property
    def address(self):
        return f"192.0.2.{self.number + 1}"

    def run(self, script, timeout=30):
        code, output = self.shell.run(script, timeout)
        if code != 0:
            raise Failure(f"node {self.number}: {script}: {code}: {output}")
        return output

    def ask(self, what):
        try:
            return json.loads(self.run(f"{CTL} {what} --json"))
        except Failure as failure:
            if "the module uses no device here" in str(failure):
                raise NoDevice(str(failure)) from None
            raise

    # ---- Faults ------------------------------------------------------------------------------

    def arm(self, step, way, trigger):
        arm = f"echo {step} {way} >{FAULT}"
        if trigger == "rob":
            self.run(arm)  # nothing in the guest brings it to that step
        else:
            self.shell.begin(arm)  # it may be there before the shell can say that it is armed

    def disarm(self):
        self.run(f"echo none >{FAULT}")

    def stands_still(self):
        return guest.state(self.directory) == "panicked"

    def go_on(self):
        with guest.Monitor(self.directory) as monitor:
            monitor.command("cont")

    def kill(self):
        lifecycle.kill(self.lab, self.number)

    def begin_boot(self, way):
        """In the background: without the module, nobody else hears of it."""
        if way == "panic":
            self.kill()

        def boot():
            if way == "reboot":
                channel.wait_ready(self.directory, lifecycle.BOOT_TIMEOUT)
            else:
                lifecycle.boot(self.lab, self.number)

        self.booting = threading.Thread(target=boot, daemon=True)
        self.booting.start()

    def end_boot(self):
        self.booting.join()
        self.away, self.booting = False, None
        lifecycle.load(self.lab, self.number)
        self.booted()

    def booted(self):
        self.shell = Shell(self.directory)
        self.watch()
        self.start_pulse()

    # ---- Triggers ----------------------------------------------------------------------------

    def trigger(self, how):
        """In the background, as it may stop half-way."""
        up = f"ip address replace {self.address}/24 dev shml0; ip link set shml0 up"
        rebind = f"echo {DEVICE} >unbind; echo {DEVICE} >bind"
        appears = "for i in $(seq 200); do [ -e /sys/class/net/shml0 ] && break; sleep 0.05; done"
        script = {
            "up": "ip link set shml0 down; ip link set shml0 up",
            "down": "ip link set shml0 down; sleep 0.2; ip link set shml0 up",
            "bind": f"cd {DRIVER}; {rebind}; {appears}; {up}",
            "appear": f"{appears}; {up}",
        }.get(how)
        if script:
            self.run(f"setsid -f sh -c '{script}' >/dev/null 2>&1 </dev/null")
        elif how == "rob":
            self.rob()
        elif how == "burst":
            self.run("read -r pid </run/pulse.pid; kill -USR1 $pid")

    def rob(self):
        """Writes over its claim, as its twin would that claimed the slot while it was frozen."""
        with open(self.lab.region, "r+b") as region:
            region.seek(AREAS_OFFSET)
            areas = AREA.iter_unpack(region.read(AREA.size * AREAS_MAX))
            _, _, _, _, offset, stride = next(area for area in areas if area[0] == AREA_CLAIMS)
            region.seek(offset + self.slot * stride)
            (word,) = struct.unpack("<Q", region.read(8))
            region.seek(offset + self.slot * stride)
            region.write(struct.pack("<Q", word + (1 << 32)))

    def begin_end_of_module(self, way):
        """The request is in the guest before its processors go on."""
        script = f"echo {DEVICE} >{DRIVER}/unbind" if way == "unbind" else "rmmod shmnet"
        thread = threading.Thread(target=self.run, args=(script,), daemon=True)
        thread.start()
        time.sleep(0.05)
        return thread

    def begin_anew(self, way):
        if way == "unbind":
            self.trigger("bind")
        else:
            self.run("pkill -f '[s]hmnetctl monitor'; true")
            self.run("insmod /run/shmnet.ko")  # where the lab has put it
            self.trigger("appear")
            self.watch()

    def restart_pulse(self):
        """Its sockets were bound to an interface that is gone."""
        self.run("read -r pid </run/pulse.pid; kill $pid")
        self.start_pulse()

    # ---- What it says ------------------------------------------------------------------------

    def watch(self):
        """Events, by the clock of this machine."""
        def event(line):
            with contextlib.suppress(ValueError):
                self.events.append((time.monotonic(), json.loads(line)))

        self.monitor = Program(self.directory, [CTL, "monitor", "--json"], event)

    def start_pulse(self):
        self.run(
            "rm -f /run/pulse.json;"
            f" setsid -f {PULSE} {self.number} {self.nodes} >/run/pulse.log 2>&1;"
            " for i in $(seq 400); do [ -e /run/pulse.json ] && break; sleep 0.1; done;"
            " [ -e /run/pulse.json ] || { cat /run/pulse.log; false; }",
            timeout=90,
        )
        self.slot = next(n["node"] for n in self.ask("node") if n["state"] == "self")

    def pulse(self):
        return json.loads(self.run("read -r report </run/pulse.json; echo \"$report\""))

    def missed_casts(self):
        return int(self.run("ethtool -S shml0 | sed -n 's/^ *rx_cast_missed: //p'"))

    def tell_all(self):
        """For who looks into a failure."""
        asked = "; ".join(f"{CTL} {what} --json" for what in ("node", "ring", "tape"))
        counted = f"nstat -asz; ip -s -s neigh; cat {NEIGHBOURS}; ip -s -s link show shml0"
        return self.run(f"cat /run/pulse.json /run/pulse.log; {asked}; {counted}")

    def hold_pulse(self, held):
        self.run(f"read -r pid </run/pulse.pid; kill -{'STOP' if held else 'CONT'} $pid")

    def log_size(self):
        return (self.directory / "console.log").stat().st_size

    def log_since(self, offset):
        with open(self.directory / "console.log", "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")


def begin_lab(name, count, series, module):
    """Guests with a fault build."""
    command = [str(ROOT / "tools/lab/shmlab"), "up", "--name", name, "--nodes", str(count)]
    command += ["--kernel", series, "--load", "--module", str(module)]
    command += ["--append", f"{QUICK_BOOT} {PATIENT_AGENT}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    lab = record.open_lab(name)
    return [Guest(lab, number, count) for number in lab.nodes()]


def end_lab(name):
    with contextlib.suppress(LabError):
        lifecycle.down(name)


def kernel_release(series):
    return kernel.resolve(series).release
