# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""QEMU's command line for a guest. README.md explains the choices that are not plain here."""
import os
import uuid

from . import channel, wires
from .report import UsageError

PROGRAM = "qemu-system-x86_64"
# A guest's PCI slots on bus 0 never change: a device keeps its address over restarts, whatever
# else the lab has. Slots from 0x1f down belong to the chipset.
ROOT_SLOT, SERIAL_SLOT, PANIC_SLOT, LIFT_SLOT = 0x02, 0x03, 0x04, 0x05
FIRST_DEVICE_SLOT, MOST_DEVICES = 0x08, 8
FUNCTIONS_OF_SLOT = 8
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


def device_address(device, options):
    return f"0000:00:{_device_slot(device, options):02x}.0"


def _device_slot(device, options):
    return FIRST_DEVICE_SLOT + device * _slots_of_device(options)


def _slots_of_device(options):
    """A hardened device is a function for the hub part, one for doorbells, and one for each part."""
    return -(-(2 + options.slots) // FUNCTIONS_OF_SLOT) if options.hardened else 1


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
        *_shared_memory(lab, node, options),
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


def _shared_memory(lab, node, options):
    """The ivshmem devices, and what places their memory above 4 GiB.

    SeaBIOS puts 64-bit BARs below 4 GiB when all of them fit there, which is memory that the MTRRs
    declare uncached; the kernel's mapping is then uncached-minus. When they do not fit, it moves
    all of them above 4 GiB, where the default type is write-back. An empty root port that asks for
    a window of 4 GiB makes them not fit (tried: SeaBIOS 1.16.2, BAR2 at 0x100000000).
    """
    arguments = ["-device", f"pcie-root-port,id=lift,pref64-reserve=4G,addr={LIFT_SLOT:#x}"]
    for device in range(options.devices_per_guest):
        address = f"{_device_slot(device, options):#x}"
        if options.hardened:
            arguments += _hardened_device(lab, node, device, options)
        elif options.plain:
            # One memory object serves one device; several over one file share its pages.
            file = f"mem-path={_escape(lab.region)},size={lab.region_size},share=on"
            arguments += ["-object", f"memory-backend-file,id=region{device},{file}"]
            arguments += ["-device", f"ivshmem-plain,memdev=region{device},addr={address}"]
        else:
            arguments += _doorbells(lab, device, options, f"addr={address}")
    return arguments


def _doorbells(lab, device, options, address):
    doorbells = f"ivshmem-doorbell,chardev=hub{device},vectors={options.vectors}"
    return [
        *("-chardev", f"socket,id=hub{device},path={_escape(lab.hub_socket)}"),
        *("-device", f"{doorbells},{address}"),
    ]


def _hardened_device(lab, node, device, options):
    """The functions of a hardened node, docs/protocol.md 2.4. Only its own part can be written."""
    first = _device_slot(device, options)

    def address(function):
        slot, function = divmod(function, FUNCTIONS_OF_SLOT)
        return f"addr={first + slot:#x}.{function:x},multifunction=on"

    own = node * options.devices_per_guest + device
    files = [(0, lab.region, "on")]
    files += [
        (2 + slot, f"{lab.region}.{slot}", "off" if slot == own else "on")
        for slot in range(options.slots)
    ]
    arguments = _doorbells(lab, device, options, address(1))
    for function, path, readonly in files:
        name = f"region{device}-{function}"
        file = f"mem-path={_escape(path)},size={os.path.getsize(path)},share=on,readonly={readonly}"
        arguments += ["-object", f"memory-backend-file,id={name},{file}"]
        arguments += ["-device", f"ivshmem-plain,memdev={name},{address(function)}"]
    return arguments


def _wires(lab, node):
    arguments = []
    for wire in wires.of_node(lab, node):
        backend = f"tap,id={wire.netdev},ifname={wire.tap}"
        arguments += ["-netdev", f"{backend},script=no,downscript=no"]
        card = f"virtio-net-pci,netdev={wire.netdev},mac={wire.mac},romfile="
        arguments += ["-device", f"{card},addr={FIRST_WIRE_SLOT + wire.number:#x}"]
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
    if options.hardened and options.plain:
        raise UsageError("--hardened is served by the hub, --plain by none: leave one of them out")
    if options.devices_per_guest * _slots_of_device(options) > MOST_DEVICES:
        raise UsageError(
            f"--hardened: {options.slots} slots are {2 + options.slots} PCI functions for each of"
            f" {options.devices_per_guest} devices, and there is room for"
            f" {MOST_DEVICES * FUNCTIONS_OF_SLOT}"
        )
    if options.hardened and options.slots < options.nodes * options.devices_per_guest:
        raise UsageError("--hardened: each device has a slot of its own; give more --slots")
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
