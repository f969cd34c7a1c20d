# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Up, start, load, down: the order in which a lab comes and goes."""
import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
import time

from . import channel, clients, guest, initramfs, kernel, network, process, qemu, record, region
from . import wires
from .process import Process
from .report import LabError, Progress, UsageError, note

# With sixteen guests on two cores, each boots eight times slower.
BOOT_TIMEOUT, BOOT_TIMEOUT_PER_NODE = 120, 30
LOAD_TIMEOUT = 120


class Interrupted(BaseException):
    def __init__(self, number):
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number


def up(options):
    began = time.monotonic()
    progress = Progress()
    with _signals_raise():
        process.require("qemu-system-x86_64", "ip", "nsenter", "busybox")
        qemu.complete(options)
        chosen = kernel.resolve(options.kernel)
        module = _module(options, chosen) if options.load else None
        if options.region:
            region.check_plain_file(options.region)
        else:
            region.hub_program()
        accelerator, why_not_kvm = qemu.accelerator(options.icount)
        if why_not_kvm:
            note(f"accelerator tcg, not kvm: {why_not_kvm} (SHMLAB_ACCEL=kvm|tcg overrides)")
        lab = record.create(options.name)
        try:
            image = kernel.unpacked(chosen.image) if accelerator == "tcg" else chosen.image
            lab.kernel_image, lab.kernel_release = str(image), chosen.release
            lab.accelerator, lab.module = accelerator, str(module or "")
            Process.of(os.getpid()).save(lab.directory / "up.process")
            _build(lab, options, chosen, progress)
            (lab.directory / "up.process").unlink()
        except BaseException as error:
            # From here on nothing may stop the removal.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            progress.clear()
            if isinstance(error, LabError):
                error.message = f"up failed while {progress.step}: {error.message}"
                _keep_logs(lab, error)
            _remove(lab)
            raise
    progress.clear()
    seconds = time.monotonic() - began
    count = f"{options.nodes} node{'s' if options.nodes > 1 else ''}"
    print(f"lab {lab.name} is up: {count}, kernel {chosen.release}, {accelerator}, {seconds:.1f} s")


@contextlib.contextmanager
def _signals_raise():
    def handler(number, frame):
        raise Interrupted(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    yield
    for number in numbers:
        signal.signal(number, before[number])


def _module(options, chosen):
    path = options.module or kernel.default_module(chosen.release)
    if not path.is_file():
        raise UsageError(
            f"there is no module at {path}; build it with: make KERNEL={chosen.release}, or name"
            " one with --module"
        )
    return path.absolute()


def _build(lab, options, chosen, progress):
    progress.begin("making the network and the initramfs")
    for node in range(options.nodes):
        lab.node_directory(node).mkdir()
    lab.wires = wires.from_options(lab.name, options.wire)
    lab.segments = sorted({wire.segment for wire in lab.wires})
    network.create(lab.name, lab.segments, lab.wires)
    for segment in lab.segments:
        clients.ensure(lab, segment, clients.DEFAULT)
    initramfs.build(lab.directory / "initramfs", chosen)

    progress.begin("making the shared memory")
    _share_memory(lab, options)
    lab.devices = [qemu.device_address(device, options) for device in range(options.devices_per_guest)]
    lab.commands = [qemu.command(lab, node, options) for node in range(options.nodes)]
    lab.save()

    progress.begin(f"booting {options.nodes} guest{'s' if options.nodes > 1 else ''}")
    for node in lab.nodes():
        _start_qemu(lab, node)
    timeout = BOOT_TIMEOUT + BOOT_TIMEOUT_PER_NODE * options.nodes
    _in_parallel(
        lambda node: channel.wait_ready(lab.node_directory(node), timeout),
        lab.nodes(),
        progress,
        "node {} is up after {:.1f} s",
    )
    if lab.module:
        # One after the other: the region's slots then have the numbers of the guests.
        for node in lab.nodes():
            progress.begin(f"loading the module in node {node}")
            load(lab, node)


def _share_memory(lab, options):
    format_options = ["--nodes", str(options.slots)]
    if options.memory:
        format_options += ["--memory", options.memory]
    if options.networks:
        format_options += ["--networks", options.networks]
    if options.hardened:
        format_options += ["--hardened"]
    log = lab.directory / "hub.log"
    lab.plain = options.plain
    if options.region:
        lab.region = str(options.region.absolute())
    elif options.plain:
        lab.region = str(region.create_plain(lab, format_options, log))
    else:
        lab.region = str(region.region_file(lab.name))
        hub, path = region.start_hub(lab, format_options, options.vectors, log)
        hub.save(lab.directory / "hub.process")
        lab.hub_socket = str(path)
    if options.plain:
        lab.region_size = region.check_plain_file(lab.region)


def _start_qemu(lab, node):
    directory = lab.node_directory(node)
    guest.mark_start(directory)
    command = network.inside(lab.name, lab.commands[node])
    process.start_daemon(command, directory / "qemu.log").save(directory / "qemu.process")
    wires.pull_again(lab, node)


def _in_parallel(function, nodes, progress, done_message=None):
    """Calls `function` for each node in a thread; raises the first error. The threads are daemons:
    who gives up on them removes the lab, which ends them."""
    results = queue.Queue()

    def work(node):
        began = time.monotonic()
        try:
            function(node)
            results.put((node, time.monotonic() - began, None))
        except BaseException as error:
            results.put((node, 0, error))

    for node in nodes:
        threading.Thread(target=work, args=(node,), daemon=True).start()
    pending = set(nodes)
    while pending:
        progress.update("node " + ", ".join(map(str, sorted(pending))))
        with contextlib.suppress(queue.Empty):
            node, seconds, error = results.get(timeout=0.25)
            if error:
                raise error
            pending.remove(node)
            if done_message:
                progress.line(done_message.format(node, seconds))


def _without_debug_info(lab, module):
    """Most of a module, and slow to bring into a guest; the module itself without binutils."""
    with lab.lock("module.lock"):
        stripped = lab.directory / "module.ko"
        command = ["objcopy", "--strip-debug", str(module), str(stripped)]
        done = shutil.which("objcopy") and subprocess.run(command, check=False).returncode == 0
        return stripped if done else module


def load(lab, node, module=None):
    """Inserts the module and gives its first interface an address. The module goes through the
    channel: a guest may hold an older version of the host's file in its cache."""
    directory = lab.node_directory(node)
    path = module or lab.module
    small = _without_debug_info(lab, path)
    script = (
        "cat >/run/shmnet.ko && insmod /run/shmnet.ko || exit 1;"
        ' for try in $(seq 200); do [ -e /sys/class/net/shml0 ] && break; sleep 0.05; done;'
        f" ip address replace 192.0.2.{node + 1}/24 dev shml0 && ip link set shml0 up"
    )
    with open(small, "rb") as source:
        code, output = channel.capture(
            directory, ["sh", "-c", script], LOAD_TIMEOUT, source.fileno()
        )
    if code != 0:
        raise LabError(
            f"loading {path} in node {node} failed (code {code}): {output or 'no message'}",
            log=directory / "console.log",
        )


def boot(lab, node, progress=lambda: None):
    """Boots a node that was killed, or whose guest powered off."""
    directory = lab.node(node)
    with lab.lock("start.lock"):
        if guest.alive(directory):
            raise LabError(
                f"node {node} is {guest.state(directory)}; only a dead one can be started"
                " (see: shmlab kill)"
            )
        for path in directory.glob("*.sock"):
            path.unlink()
        _start_qemu(lab, node)
    channel.wait_ready(directory, BOOT_TIMEOUT, progress)


def start(lab, node):
    """Boots a node, and loads the module if `up` did."""
    progress = Progress()
    progress.begin(f"booting node {node}")
    boot(lab, node, progress.update)
    if lab.module:
        progress.begin(f"loading the module in node {node}")
        load(lab, node)
    progress.clear()


def kill(lab, node):
    qemu_process = guest.process_of(lab.node(node))
    if qemu_process is None or not qemu_process.alive():
        raise LabError(f"node {node} is dead already")
    qemu_process.stop(signal.SIGKILL)


def down(name):
    if name not in record.names() and not network.existing(name):
        record.open_lab(name)  # says that there is none
    lab = record.Lab(name)
    _end_up(lab)
    _remove(lab)


def _end_up(lab):
    """An `up` that still runs removes what it made, when told to end."""
    running = Process.load(lab.directory / "up.process")
    if running and running.alive():
        running.stop(signal.SIGTERM, timeout=30)


def _remove(lab):
    network.remove(lab.name)
    region.remove(lab.name)
    record.remove(lab)


def _keep_logs(lab, error):
    """The lab goes, what explains its failure stays."""
    kept = kernel.cache_directory() / "lab-logs" / lab.name
    shutil.rmtree(kept, ignore_errors=True)
    for log in lab.directory.rglob("*.log"):
        target = kept / log.relative_to(lab.directory)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(log, target)
    if error.log and error.log.is_relative_to(lab.directory):
        error.log = kept / error.log.relative_to(lab.directory)
