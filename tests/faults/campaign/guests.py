# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The guests of a campaign: commands, faults, and what their module tells."""
import contextlib
import json
import struct
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/lab"))

from lab import channel, guest, lifecycle, record  # noqa: E402 (the path must be set first)
from lab.report import LabError  # noqa: E402

CTL = str(ROOT / "build/bin/shmnetctl")
PULSE = str(ROOT / "tests/faults/pulse")
DRIVER = "/sys/bus/pci/drivers/shmnet"
DEVICE = "0000:00:08.0"
FAULT = "/sys/kernel/debug/shmnet/fault"

# include/uapi/linux/shmnet_shm.h
AREAS_OFFSET, AREA, AREAS_MAX, AREA_CLAIMS = 2048, struct.Struct("<IIIIQQ"), 96, 2


class Failure(Exception):
    """Something that must hold does not."""


def until(seconds, what, true, pause=0.05):
    """Waits until true() returns something, and returns it."""
    end = time.monotonic() + seconds
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds:g} s: {what}")
        time.sleep(pause)


class Guest:
    def __init__(self, lab, number, nodes):
        self.lab, self.number, self.nodes = lab, number, nodes
        self.directory = lab.node_directory(number)
        self.events = []  # of (time here, event)
        self.listener = None
        self.booted()

    @property
    def address(self):
        return f"192.0.2.{self.number + 1}"

    def run(self, *command, timeout=30):
        code, output = channel.capture(self.directory, list(command), timeout)
        if code != 0:
            raise Failure(f"node {self.number}: {' '.join(command)}: {code}: {output}")
        return output

    def shell(self, script, timeout=30):
        return self.run("sh", "-c", script, timeout=timeout)

    def ask(self, *arguments):
        return json.loads(self.run(CTL, *arguments, "--json"))

    # ---- Faults ------------------------------------------------------------------------------

    def arm(self, step, way):
        self.shell(f"echo {step} {way} >{FAULT}")

    def disarm(self):
        self.shell(f"echo none >{FAULT}")

    def stands_still(self):
        return guest.state(self.directory) == "panicked"

    def go_on(self):
        with guest.Monitor(self.directory) as monitor:
            monitor.command("cont")

    def kill(self):
        lifecycle.kill(self.lab, self.number)

    def boot(self):
        """After a kill, or a panic."""
        if guest.alive(self.directory):
            self.kill()
        lifecycle.start(self.lab, self.number)
        self.booted()

    def reboot_done(self):
        """It rebooted by itself; the module is loaded as a boot script would."""
        channel.wait_ready(self.directory, lifecycle.BOOT_TIMEOUT)
        lifecycle.load(self.lab, self.number)
        self.booted()

    def booted(self):
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
        }.get(how)
        if script:
            self.shell(f"setsid -f sh -c '{script}' >/dev/null 2>&1 </dev/null")
        elif how == "rob":
            self.rob()

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
        thread = threading.Thread(target=self.shell, args=(script,), daemon=True)
        thread.start()
        time.sleep(0.05)
        return thread

    def begin_anew(self, way):
        if way == "unbind":
            self.trigger("bind")
        else:
            self.shell("pkill -f 'shmnetctl monitor'; true")
            lifecycle.load(self.lab, self.number)
            self.watch()

    # ---- What it says ------------------------------------------------------------------------

    def watch(self):
        """Events, by the clock of this machine."""
        def listen():
            run = channel.Run(self.directory, [CTL, "monitor", "--json"])
            pending = b""

            def write(kind, data):
                nonlocal pending
                *lines, pending = (pending + data).split(b"\n")
                now = time.monotonic()
                self.events += [(now, json.loads(line)) for line in lines if kind == "output"]

            with contextlib.suppress(LabError, ValueError):
                run.run(write)

        self.listener = threading.Thread(target=listen, daemon=True)
        self.listener.start()

    def start_pulse(self):
        self.shell(
            "mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug;"
            f" setsid -f {PULSE} {self.number} {self.nodes} </dev/null >/run/pulse.log 2>&1"
        )
        self.slot = next(n["node"] for n in self.ask("node") if n["state"] == "self")

    def pulse(self):
        return json.loads(self.run("cat", "/run/pulse.json"))

    def hold_pulse(self, held):
        self.shell(f"pkill -{'STOP' if held else 'CONT'} -f {PULSE}")

    def log_size(self):
        return (self.directory / "console.log").stat().st_size

    def log_since(self, offset):
        with open(self.directory / "console.log", "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")


def begin_lab(name, kernel, module):
    """Three guests with a fault build; returns them."""
    import subprocess

    subprocess.run(
        [str(ROOT / "tools/lab/shmlab"), "up", "--name", name, "--nodes", "3", "--kernel", kernel]
        + ["--load", "--module", str(module)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    lab = record.open_lab(name)
    return [Guest(lab, number, 3) for number in lab.nodes()]


def end_lab(name):
    with contextlib.suppress(LabError):
        lifecycle.down(name)


def resolve_release(series):
    from lab import kernel

    return kernel.resolve(series).release
