# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""The command line: arguments in, one function of the lab called, exit code out."""
import argparse
import os
import re
import signal
import sys
from pathlib import Path

from . import channel, clients, console, guest, kernel, lifecycle, process, qemu, record, region
from . import status, wires
from .report import LabError, UsageError, error

# What exec returns when not the command but the lab failed; 124 is a timeout, as in timeout(1).
EXEC_FAILED = 125

EPILOG = """
A node is a guest, counted from 0. See shmlab(1), and `shmlab COMMAND --help`.
Environment: SHMLAB_ACCEL=kvm|tcg, SHMNET_CACHE (/var/cache/shmnet), SHMLAB_HUB (another hub).
"""


def main(arguments):
    arguments, run = _split(arguments)
    options = _parser().parse_args(arguments)
    options.run = run
    try:
        if os.geteuid() != 0:
            raise LabError("a lab needs root: it makes namespaces and shares the root directory")
        code = COMMANDS[options.command](options)
        sys.stdout.flush()
        return code or 0
    except lifecycle.Interrupted as interrupted:
        error(f"{interrupted}; nothing was left behind")
        return 128 + interrupted.number
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # Whoever read our output went away; Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except LabError as failure:
        message = failure.message
        if failure.log:
            message += f"; see {failure.log}"
            tail = process.tail(failure.log)
            message += f", which ends:\n{tail}" if tail else " (empty)"
        error(message)
        if options.command == "exec" and failure.status == 1:
            return EXEC_FAILED
        return failure.status


def _split(arguments):
    """Our own arguments, and what is to be run elsewhere, which holds no options of ours."""
    if arguments[:1] not in (["exec"], ["outside"]) or {"-h", "--help"} & set(arguments[:2]):
        return arguments, []
    ours, run = arguments, []
    if "--" in arguments:
        place = arguments.index("--")
        ours, run = arguments[:place], arguments[place + 1 :]
    if not run:
        where = {"exec": "0", "outside": "SEGMENT"}[arguments[0]]
        error(f"name what to run after --, as in: shmlab {arguments[0]} {where} -- uname -r")
        sys.exit(2)
    return ours, run


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        error(f"{message}\n        see: {self.prog} --help")
        sys.exit(2)


def _parser():
    parser = _Parser(
        prog="shmlab",
        description="QEMU guests that share memory, for trying and testing shmnet.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name, help_text, node=True):
        sub = commands.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
        sub.add_argument("--name", type=_name, default="lab", help="the lab (default: lab)")
        if node:
            sub.add_argument("node", type=_count(0, 63), metavar="NODE")
        return sub

    _add_up_options(add("up", "start a lab", node=False))
    sub = add("exec", "run a command in a guest, and return its exit code")
    sub.add_argument("-i", action="store_true", dest="input", help="pass stdin to the command")
    sub.add_argument("--timeout", type=_seconds, metavar="S", help="end it after S seconds: 124")
    sub.usage = "shmlab exec [--name LAB] [-i] [--timeout S] NODE -- COMMAND..."
    sub = add("outside", "run a command on a segment, outside of the guests", node=False)
    sub.add_argument("segment", metavar="SEGMENT")
    sub.add_argument(
        "--client",
        type=_name,
        default=clients.DEFAULT,
        metavar="NAME",
        help=f"a further client, made when it is first named (default: {clients.DEFAULT})",
    )
    sub.usage = "shmlab outside [--name LAB] [--client NAME] SEGMENT -- COMMAND..."
    sub = add("link", "pull the cable of a guest's card on a segment, or plug it in", node=False)
    sub.add_argument(
        "card",
        type=_card,
        metavar="NODE[:SEGMENT]",
        help="SEGMENT may be left out if there is only one",
    )
    sub.add_argument("state", choices=("up", "down"))
    add("console", "the guest's serial console; Ctrl-] leaves")
    add("logs", "the log of the guest's console").add_argument(
        "-f", action="store_true", dest="follow", help="go on with what is added, until Ctrl-C"
    )
    add("kill", "kill the guest's QEMU, as a power failure would")
    add("start", "boot a dead node again, with the same identity")
    add("load", "load the module and address shml0, as up --load does").add_argument(
        "--module", type=Path, metavar="PATH"
    )
    add("pause", "stop the guest's processors")
    add("resume", "let the guest's processors go on")
    add("wait", "wait until the guest's agent answers").add_argument(
        "--timeout", type=_seconds, metavar="S", default=lifecycle.BOOT_TIMEOUT
    )
    add("status", "show the lab and its guests", node=False).add_argument(
        "--json", action="store_true"
    )
    add("down", "stop everything of a lab and remove it", node=False)
    return parser


def _add_up_options(sub):
    def add(name, help_text, **settings):
        sub.add_argument(name, help=help_text, **settings)

    add("--nodes", "number of guests", type=_count(1, 64), required=True, metavar="N")
    add("--load", "load the module; shml0 gets 192.0.2.(NODE+1)/24", action="store_true")
    add("--module", "the module (default: build/modules/RELEASE/shmnet.ko)", type=Path)
    add(
        "--kernel",
        "series to fetch (6.1, 6.12), release, directory, or bzImage (default: 6.1)",
        default=kernel.DEFAULT_SERIES,
    )
    add("--append", "more of the kernel's command line", metavar="ARGUMENTS")
    add("--smp", "processors of a guest (default: 1)", type=_count(1, 64), default=1, metavar="K")
    add("--guest-memory", "memory of a guest (default: 512M)", type=_guest_memory, default="512M")
    add("--memory", "size of the shared region (default: the hub's)", type=_size, metavar="SIZE")
    add("--networks", "networks of the region, as shmnet-hub takes them", metavar="SPEC")
    add("--slots", "nodes that the region has room for", type=_count(2, 64), metavar="N")
    add("--vectors", "doorbells of a device (default: by slots)", type=_count(1, 1024), metavar="V")
    add(
        "--devices-per-guest",
        "ivshmem devices of a guest (default: 1)",
        type=_count(1, qemu.MOST_DEVICES),
        default=1,
        metavar="D",
    )
    add("--plain", "ivshmem-plain: no hub while it runs, no doorbells", action="store_true")
    add("--hardened", "each node's part is a device of its own, read-only for the others",
        action="store_true")
    add(
        "--region",
        "with --plain: share this file as it is, instead of a new one that the hub formats",
        type=Path,
        metavar="FILE",
    )
    add(
        "--wire",
        "give a node a virtio-net card on a segment; may be repeated",
        type=_wire,
        action="append",
        default=[],
        metavar="NODE:SEGMENT",
    )
    add(
        "--profile",
        "bench: make a guest without KVM copy memory at a fair speed",
        choices=("default", "bench"),
        default="default",
    )
    add("--icount", "a clock that counts instructions; one guest only", action="store_true")


def _name(text):
    # It becomes part of socket paths and namespace names.
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: up to 32 letters a-z, digits and hyphens"
        )
    return text


def _wire(text):
    node, separator, segment = text.partition(":")
    # br-SEGMENT is an interface's name, of which Linux allows 15 characters.
    if not separator or not node.isdigit() or not re.fullmatch(r"[a-z0-9-]{1,12}", segment):
        raise argparse.ArgumentTypeError(
            f"{text!r}: write NODE:SEGMENT, as in 0:lan (up to 12 letters a-z, digits, hyphens)"
        )
    return int(node), segment


def _card(text):
    if text.isdigit():
        return int(text), None
    try:
        return _wire(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no card; write NODE or NODE:SEGMENT, as in 0 or 0:lan"
        ) from None


def _size(text):
    try:
        region.parse_size(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write bytes, 8M or 1G") from None
    return text


def _guest_memory(text):
    if region.parse_size(_size(text)) < 128 << 20:
        raise argparse.ArgumentTypeError(f"{text}: a guest does not boot in less than 128M")
    return text


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _count(least, most):
    def parse(text):
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {least} to {most}")
        return int(text)

    return parse


def _up(options):
    if options.module and not options.load:
        raise UsageError("--module needs --load")
    if options.region and not options.plain:
        raise UsageError("--region needs --plain: with doorbells the hub makes the region")
    lifecycle.up(options)


def _node_directory(options):
    return record.open_lab(options.name).node(options.node)


def _exec(options):
    directory = _node_directory(options)
    run = channel.Run(directory, options.run, os.getcwd(), options.timeout)
    wake, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    run.wake = wake
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: run.signals.append(number))
    streams = {"output": sys.stdout.fileno(), "errors": sys.stderr.fileno()}

    def write(kind, data):
        while data:
            data = data[os.write(streams[kind], data) :]

    return run.run(write, sys.stdin.fileno() if options.input else None)


def _outside(options):
    lab = record.open_lab(options.name)
    if options.segment not in lab.segments:
        there_are = ", ".join(lab.segments) or "none; give up a --wire NODE:SEGMENT"
        raise UsageError(f"lab {lab.name} has no segment {options.segment}; there are: {there_are}")
    clients.ensure(lab, options.segment, options.client)
    clients.become(lab, options.segment, options.client, options.run)


def _link(options):
    lab = record.open_lab(options.name)
    wires.set_cables(lab, wires.choose(lab, *options.card), options.state == "up")


def _monitor(options, command, states):
    directory = _node_directory(options)
    state = guest.state(directory)
    if state not in states:
        raise LabError(f"node {options.node} is {state}; {options.command} wants one that is"
                       f" {' or '.join(states)}")
    with guest.Monitor(directory) as monitor:
        monitor.command(command)


def _load(options):
    lab = record.open_lab(options.name)
    lab.node(options.node)
    module = options.module or Path(lab.module or kernel.default_module(lab.kernel_release))
    if not module.is_file():
        raise UsageError(f"there is no module at {module}; name one with --module")
    lifecycle.load(lab, options.node, module)


COMMANDS = {
    "up": _up,
    "exec": _exec,
    "outside": _outside,
    "link": _link,
    "console": lambda options: console.attach(_node_directory(options)),
    "logs": lambda options: console.show_log(_node_directory(options), options.follow),
    "kill": lambda options: lifecycle.kill(record.open_lab(options.name), options.node),
    "start": lambda options: lifecycle.start(record.open_lab(options.name), options.node),
    "load": _load,
    "pause": lambda options: _monitor(options, "stop", ("running", "booting")),
    "resume": lambda options: _monitor(options, "cont", ("paused",)),
    "wait": lambda options: channel.wait_ready(_node_directory(options), options.timeout),
    "status": lambda options: status.show(record.open_lab(options.name), options.json),
    "down": lambda options: lifecycle.down(options.name),
}
