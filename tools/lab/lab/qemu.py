# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""QEMU's command line for a guest. README.md explains the choices that are not plain here."""
import os
import uuid

from . import channel, network
from .report import UsageError

PROGRAM = "qemu-system-x86_64"
# A guest's PCI slots on bus 0 never change: a device keeps its address over restarts, whatever
# else the lab has. Slots from 0x1f down belong to the chipset.
ROOT_SLOT, SERIAL_SLOT, PANIC_SLOT, LIFT_SLOT = 0x02, 0x03, 0x04, 0x05
FIRST_DEVICE_SLOT, MOST_DEVICES = 0x08, 8
FIRST_WIRE_SLOT, MOST_WIRES = 0x10, 8

# A region has room for two nodes at least.
LEAST_SLOTS = 2
# A guest's QEMU has an eventfd for each vector of each slot, and KVM wires at most 1,000 of them.
# Up to 27 slots, each has a vector of its own.
MOST_EVENTS = 768

# Without KVM, `rep movs` runs an element at a time, which would make every copy ten times too slow
# and the copies what is measured. These are rep_good, erms and fsrm.
BENCH_PROFILE = "mitigations=off clearcpuid=112,297,580"


def accelerator(icount):
    """(kvm or tcg, why not kvm or None)"""
    wanted = os.environ.get("SHMLAB_ACCEL", "tcg" if icount else "")
    if wanted not in ("", "kvm", "tcg"):
        raise UsageError(f"SHMLAB_ACCEL={wanted}: it may be kvm or tcg")
    if icount and wanted == "kvm":
        raise UsageError("--icount counts instructions, which needs tcg; unset SHMLAB_ACCEL")
    if wanted:
        return wanted, None
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        return "tcg", f"/dev/kvm: {error.strerror}"
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    if "vmx" in flags or "svm" in flags:
        return "kvm", None
    # Such a /dev/kvm exists in virtual machines that emulate page tables; stock guests hang in it.
    return "tcg", "/dev/kvm opens, but /proc/cpuinfo has neither vmx nor svm"


def node_uuid(lab, node):
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"shmlab:{lab}/{node}"))


def device_address(device):
    return f"0000:00:{FIRST_DEVICE_SLOT + device:02x}.0"


def wire_address(wire):
    return f"0000:00:{FIRST_WIRE_SLOT + wire:02x}.0"


def command(lab, node, options):
    """`lab` is the lab's record (lab.py), `node` the node's number, `options` those of `up`."""
    directory = lab.node_directory(node)
    profile = options.profile == "bench"
    return [
        PROGRAM,
        *("-name", f"shmlab-{lab.name}-node{node}", "-uuid", node_uuid(lab.name, node)),
        *("-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"),
        *_processor(lab.accelerator, options, profile),
        *("-m", options.guest_memory),
        *("-kernel", lab.kernel_image, "-initrd", str(lab.directory / "initramfs")),
        *("-append", _kernel_command_line(lab, node, options, profile)),
        *_console_and_monitor(directory),
        *_host_root(),
        *_agent_ports(directory),
        *_shared_memory(lab, options),
        *_wires(lab, node),
    ]


def _processor(accelerator_name, options, profile):
    # More than one possible CPU, always: with one, TCG emulates locked instructions and fences
    # without atomicity toward other processes, and memory shared by guests is corrupted.
    count = ("-smp", f"{options.smp},maxcpus={max(options.smp, 2)}")
    if accelerator_name == "kvm":
        return ["-accel", "kvm", "-cpu", "host", *count]
    model = ("-cpu", "max,-erms" if profile else "max")
    if options.icount:
        clock = ("-icount", "shift=0,sleep=off", "-rtc", "clock=vm")
        return ["-accel", "tcg", *clock, *model, *count]
    return ["-accel", "tcg,thread=multi", *model, *count]


def _kernel_command_line(lab, node, options, profile):
    words = ["console=ttyS0,115200", "panic=0"]
    words += [f"shmlab.node={node}", f"shmlab.uuid={node_uuid(lab.name, node)}"]
    words += [f"shmlab.ports={channel.PORTS}"]
    if options.icount:
        # An idle guest's clock runs hundreds of times as fast as the host's there.
        words.append("shmlab.doubt=600")
    if profile:
        words.append(BENCH_PROFILE)
    if options.append:
        words.append(options.append)
    return " ".join(words)


def _console_and_monitor(directory):
    log = f"logfile={_escape(directory / 'console.log')},logappend=on"
    return [
        "-chardev",
        f"socket,id=console,path={_escape(directory / 'console.sock')},server=on,wait=off,{log}",
        *("-serial", "chardev:console"),
        *("-qmp", f"unix:{_escape(directory / 'monitor.sock')},server=on,wait=off"),
        # A guest that panicked is stopped and stays to be looked at, rather than rebooted.
        *("-device", f"pvpanic-pci,addr={PANIC_SLOT:#x}", "-action", "panic=pause"),
    ]


def _host_root():
    share = "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"
    device = f"virtio-9p-pci,fsdev=root,mount_tag=hostroot,addr={ROOT_SLOT:#x}"
    return ["-fsdev", share, "-device", device]


def _agent_ports(directory):
    # Port 0 of the bus is reserved for a console.
    bus = f"virtio-serial-pci,max_ports={channel.PORTS + 1},addr={SERIAL_SLOT:#x}"
    arguments = ["-device", bus]
    for port in range(channel.PORTS):
        path = _escape(directory / f"port{port}.sock")
        arguments += ["-chardev", f"socket,id=port{port},path={path},server=on,wait=off"]
        arguments += ["-device", f"virtserialport,chardev=port{port},name=shmlab.{port}"]
    return arguments


def _shared_memory(lab, options):
    """The ivshmem devices, and what places their memory above 4 GiB.

    SeaBIOS puts 64-bit BARs below 4 GiB when all of them fit there, which is memory that the MTRRs
    declare uncached; the kernel's mapping is then uncached-minus. When they do not fit, it moves
    all of them above 4 GiB, where the default type is write-back. An empty root port that asks for
    a window of 4 GiB makes them not fit (tried: SeaBIOS 1.16.2, BAR2 at 0x100000000).
    """
    arguments = ["-device", f"pcie-root-port,id=lift,pref64-reserve=4G,addr={LIFT_SLOT:#x}"]
    for device in range(options.devices_per_guest):
        address = f"{FIRST_DEVICE_SLOT + device:#x}"
        if options.plain:
            # One memory object serves one device; several over one file share its pages.
            file = f"mem-path={_escape(lab.region)},size={lab.region_size},share=on"
            arguments += ["-object", f"memory-backend-file,id=region{device},{file}"]
            arguments += ["-device", f"ivshmem-plain,memdev=region{device},addr={address}"]
        else:
            arguments += ["-chardev", f"socket,id=hub{device},path={_escape(lab.hub_socket)}"]
            doorbell = f"ivshmem-doorbell,chardev=hub{device},vectors={options.vectors}"
            arguments += ["-device", f"{doorbell},addr={address}"]
    return arguments


def _wires(lab, node):
    arguments = []
    for owner, wire, _ in lab.wires:
        if owner != node:
            continue
        backend = f"tap,id=wire{wire},ifname={network.tap(node, wire)}"
        arguments += ["-netdev", f"{backend},script=no,downscript=no"]
        card = f"virtio-net-pci,netdev=wire{wire},mac={network.mac(node, wire)},romfile="
        arguments += ["-device", f"{card},addr={FIRST_WIRE_SLOT + wire:#x}"]
    return arguments


def complete(options):
    """Fills in what depends on other options, and refuses what does not go together."""
    if options.slots is None:
        options.slots = max(LEAST_SLOTS, options.nodes * options.devices_per_guest)
    if options.vectors is None:
        options.vectors = max(2, min(options.slots, MOST_EVENTS // options.slots))
    if options.icount and options.nodes != 1:
        raise UsageError(
            "--icount runs guests on one thread, without real atomics between them: use --nodes 1"
            " --devices-per-guest 2, and put the two interfaces into network namespaces"
        )
    for node in range(options.nodes):
        if sum(1 for owner, _ in options.wire if owner == node) > MOST_WIRES:
            raise UsageError(f"node {node} has more than {MOST_WIRES} wires")
    for owner, segment in options.wire:
        if owner >= options.nodes:
            raise UsageError(
                f"--wire {owner}:{segment}: there is no node {owner}; they count from 0 to"
                f" {options.nodes - 1}"
            )


def _escape(path):
    """A comma in an option's value is written twice."""
    return str(path).replace(",", ",,")
