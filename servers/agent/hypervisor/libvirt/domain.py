"""Guests as libvirt wants to hear of them: the XML of domains and devices, as pure functions."""

from __future__ import annotations

import dataclasses
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.agent.hypervisor.connections import Iscsi
from servers.agent.hypervisor.libvirt.demands import (
    Demands,
    demands_of,
    is_true,
    needs_secure_boot,
)
from servers.agent.hypervisor.libvirt.topology import SMALL_KB, floats_on, list_of

NAMESPACE = "urn:compute-site:guest:1"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PREFIX_OF_BUS = {"virtio": "vd", "ide": "hd"}
"""Of names of disks; ``sd`` for the other buses."""
SPARE_PORTS = 12
"""Of PCI Express: each disk or NIC that is plugged while the guest runs takes one."""
SERIAL_LETTERS = 36
IO_LIMITS = (
    *("read_bytes_sec", "read_iops_sec", "write_bytes_sec", "write_iops_sec"),
    *("total_bytes_sec", "total_iops_sec"),
)
VOLUME_LIMITS = (*IO_LIMITS, *(f"{name}_max" for name in IO_LIMITS), "size_iops_sec")
"""What libvirt limits of a volume."""
OF_QEMU = "qemu"
"""The folder in which QEMU makes files by itself; libvirt makes the others for it."""
CONSOLE_LOG, SERIAL_SOCKET, VNC_SOCKET, AGENT_SOCKET = (
    *("console.log", "serial.sock", f"{OF_QEMU}/vnc.sock", "agent.sock"),
)
NVRAM = "nvram.fd"
"""The variables of UEFI."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the machines of this host are like. ``cpu_model`` is a name of libvirt's, or
    ``host-model`` or ``host-passthrough``; empty: QEMU's own, or the host's with KVM.
    ``shared_cpus`` are those, by cell, on which CPUs of guests float; empty: on all.
    """

    accelerated: bool
    machine: str = ""
    cpu_model: str = ""
    shared_cpus: Mapping[int, frozenset[int]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A disk or CD of a guest: a file of this host, or what is behind an iSCSI target. ``target``
    is its name in the guest, such as ``vda``.
    """

    path: Path | None = None
    iscsi: Iscsi | None = None
    format: str
    target: str
    bus: str
    device: str = "disk"
    serial: str = ""
    read_only: bool = False
    boot: int | None = None
    limits: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A NIC of a guest, and the bridge of the host that it goes to."""

    mac: str
    bridge: str
    tap: str
    mtu: int
    model: str = "virtio"
    queues: int = 1
    limits: Mapping[str, Mapping[str, int]] = dataclasses.field(default_factory=dict)


def domain_xml(
    guest: Mapping[str, Any],
    *,
    host: Host,
    folder: Path,
    drives: Sequence[Drive],
    links: Sequence[Link],
) -> str:
    """``folder`` is where its sockets and its console log lie."""
    demands = demands_of(guest)
    machine = demands.word("machine_type") or host.machine or "pc"
    root = ET.Element("domain", type="kvm" if host.accelerated else "qemu")
    _text(root, "uuid", str(guest["server_id"]))
    _text(root, "name", str(guest["instance_name"]))
    _text(root, "title", str(guest["hostname"]))
    metadata = ET.SubElement(root, "metadata")
    ET.SubElement(metadata, f"{{{NAMESPACE}}}server", id=str(guest["server_id"]))
    _text(root, "memory", str(guest["memory_mb"]), unit="MiB")
    floating = floats_on(host.shared_cpus)
    _text(root, "vcpu", str(guest["vcpus"]), **({"cpuset": floating} if floating else {}))
    _add_place(root, guest, demands, host)
    _add_boot(root, demands, machine, folder)
    _add_features(root, demands, accelerated=host.accelerated)
    _add_cpu(root, guest, demands, host)
    _add_clock(root, demands, accelerated=host.accelerated)
    for event, then in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        _text(root, f"on_{event}", then)
    devices = ET.SubElement(root, "devices")
    if "q35" in machine:
        ET.SubElement(devices, "controller", type="pci", index="0", model="pcie-root")
        for _ in range(SPARE_PORTS):
            ET.SubElement(devices, "controller", type="pci", model="pcie-root-port")
    if any(drive.bus == "scsi" for drive in drives):
        model = demands.word("scsi_model", "virtio-scsi")
        ET.SubElement(devices, "controller", type="scsi", index="0", model=model)
    devices.extend(drive_element(drive) for drive in drives)
    devices.extend(link_element(link) for link in links)
    devices.extend(_passed_through(guest))
    _add_consoles(devices, folder, demands)
    _add_extras(devices, demands, folder)
    if demands.word("tpm_version"):
        devices.append(_tpm(demands, str(guest["server_id"])))
    ET.register_namespace("site", NAMESPACE)
    return ET.tostring(root, encoding="unicode")


def drive_xml(drive: Drive) -> str:
    return ET.tostring(drive_element(drive), encoding="unicode")


def link_xml(link: Link) -> str:
    return ET.tostring(link_element(link), encoding="unicode")


def drive_element(drive: Drive) -> ET.Element:
    disk = place_element(drive)
    disk.set("device", drive.device)
    if drive.device == "disk":
        disk[0].set("discard", "unmap")
    ET.SubElement(disk, "target", dev=drive.target, bus=drive.bus)
    if drive.serial:
        _text(disk, "serial", drive.serial[:SERIAL_LETTERS])
    if drive.boot is not None:
        ET.SubElement(disk, "boot", order=str(drive.boot))
    if drive.limits:
        tune = ET.SubElement(disk, "iotune")
        for name, value in drive.limits.items():
            _text(tune, name, str(value))
    if drive.read_only or drive.device == "cdrom":
        ET.SubElement(disk, "readonly")
    return disk


def place_element(drive: Drive) -> ET.Element:
    """Where a disk lies, and in which format."""
    disk = ET.Element("disk", type="file" if drive.iscsi is None else "network")
    ET.SubElement(disk, "driver", {"name": "qemu", "type": drive.format})
    if drive.iscsi is None:
        ET.SubElement(disk, "source", file=str(drive.path))
    else:
        disk.append(iscsi_element(drive.iscsi))
    return disk


def iscsi_element(iscsi: Iscsi) -> ET.Element:
    """The source of a disk."""
    source = ET.Element("source", protocol="iscsi", name=iscsi.name)
    ET.SubElement(source, "host", name=iscsi.host, port=str(iscsi.port))
    auth = ET.SubElement(source, "auth", username=iscsi.user)
    ET.SubElement(auth, "secret", type="iscsi", uuid=iscsi.secret_id)
    return source


def link_element(link: Link) -> ET.Element:
    interface = ET.Element("interface", type="bridge")
    ET.SubElement(interface, "mac", address=link.mac)
    ET.SubElement(interface, "source", bridge=link.bridge)
    ET.SubElement(interface, "target", dev=link.tap)
    ET.SubElement(interface, "model", type=link.model)
    if link.model == "virtio":
        more = {"queues": str(link.queues)} if link.queues > 1 else {}
        ET.SubElement(interface, "driver", {"name": "qemu", **more})
    ET.SubElement(interface, "mtu", size=str(link.mtu))
    if link.limits:
        bandwidth = ET.SubElement(interface, "bandwidth")
        for direction, values in link.limits.items():
            ET.SubElement(
                bandwidth, direction, {name: str(value) for name, value in values.items()}
            )
    return interface


def disk_prefix(bus: str) -> str:
    return PREFIX_OF_BUS.get(bus, "sd")


def free_target(bus: str, taken: Iterable[str]) -> str:
    """The next name of a disk on that bus: ``vdb``, after ``vdz`` ``vdaa``."""
    busy = set(taken)
    for length in itertools.count(1):
        for letters in itertools.product(LETTERS, repeat=length):
            name = disk_prefix(bus) + "".join(letters)
            if name not in busy:
                return name
    raise AssertionError


def io_limits(demands: Demands) -> dict[str, int]:
    """Those of the flavor, for each disk."""
    found = {name: demands.spec_number(f"quota:disk_{name}") for name in IO_LIMITS}
    return {name: value for name, value in found.items() if value}


def nic_limits(demands: Demands) -> dict[str, dict[str, int]]:
    """Those of the flavor, for each NIC; kilobytes a second."""
    found: dict[str, dict[str, int]] = {}
    for direction in ("inbound", "outbound"):
        numbers = {
            name: demands.spec_number(f"quota:vif_{direction}_{name}")
            for name in ("average", "peak", "burst")
        }
        known = {name: value for name, value in numbers.items() if value}
        if known.get("average"):
            found[direction] = known
    return found


def topology_of(vcpus: int, demands: Demands) -> tuple[int, int, int]:
    """Sockets, cores and threads: of those that are possible the one that suits best what is
    preferred; where nothing is, a socket for each CPU.
    """
    names = ("sockets", "cores", "threads")
    most = [demands.number(f"cpu_max_{name}") or vcpus for name in names]
    wanted = [demands.number(f"cpu_{name}") for name in names]
    possible = [
        (vcpus // (cores * threads), cores, threads)
        for cores in range(1, vcpus + 1)
        for threads in range(1, vcpus // cores + 1)
        if vcpus % (cores * threads) == 0
    ]
    allowed = [one for one in possible if all(n <= m for n, m in zip(one, most, strict=True))]

    def suits(one: tuple[int, int, int]) -> tuple[int, int, int]:
        kept = sum(n == want for n, want in zip(one, wanted, strict=True))
        return kept, one[0], -one[2]

    return max(allowed or possible, key=suits)


def _add_place(root: ET.Element, guest: Mapping[str, Any], demands: Demands, host: Host) -> None:
    """CPUs, memory and pages of the host, as the site has chosen them."""
    cells = (guest.get("placement") or {}).get("cells") or ()
    tune = ET.Element("cputune")
    for name in ("shares", "period", "quota"):
        number = demands.spec_number(f"quota:cpu_{name}")
        if number is not None:
            _text(tune, name, str(number))
    places: dict[int, str] = {}
    for cell in cells:
        near = list_of(host.shared_cpus.get(int(cell["host_cell"]), ()))
        places |= {int(cpu): near for cpu in cell.get("cpus") or () if near}
        pinned = cell.get("pinning") or {}
        places |= {int(cpu): str(host_cpu) for cpu, host_cpu in pinned.items()}
    for cpu, where in sorted(places.items()):
        ET.SubElement(tune, "vcpupin", vcpu=str(cpu), cpuset=where)
    emulator = _emulator_cpus(cells, host)
    if emulator:
        ET.SubElement(tune, "emulatorpin", cpuset=list_of(emulator))
    if len(tune):
        root.append(tune)
    _add_memory(root, cells, demands)


def _emulator_cpus(cells: Sequence[Mapping[str, Any]], host: Host) -> set[int]:
    """Where threads of QEMU run that are no CPUs of the guest; empty: where those float. QEMU fills
    reserved pages by a thread on the cell that has them, and does not start where it may use no CPU
    of that cell: those of the guest stand in where all are dedicated.
    """
    chosen = {int(cpu) for cell in cells for cpu in cell.get("emulator_cpus") or ()}
    stand_in = {
        int(cpu)
        for cell in cells
        if _has_large_pages(cell) and not host.shared_cpus.get(int(cell["host_cell"]))
        for cpu in (cell.get("pinning") or {}).values()
    }
    if chosen or not host.shared_cpus or not stand_in:
        return chosen
    return stand_in.union(*host.shared_cpus.values())


def _has_large_pages(cell: Mapping[str, Any]) -> bool:
    return int(cell.get("page_size") or 0) > SMALL_KB


def _add_memory(root: ET.Element, cells: Sequence[Mapping[str, Any]], demands: Demands) -> None:
    backing = ET.Element("memoryBacking")
    sizes = [
        (number, cell["page_size"]) for number, cell in enumerate(cells) if cell.get("page_size")
    ]
    if any(map(_has_large_pages, cells)):
        pages = ET.SubElement(backing, "hugepages")
        for number, size in sizes:
            ET.SubElement(pages, "page", size=str(size), unit="KiB", nodeset=str(number))
    if demands.flag("locked_memory"):
        ET.SubElement(backing, "locked")
    if len(backing):
        root.append(backing)
    if cells:
        tune = ET.SubElement(root, "numatune")
        hosts = ",".join(sorted({str(cell["host_cell"]) for cell in cells}))
        ET.SubElement(tune, "memory", mode="strict", nodeset=hosts)
        for number, cell in enumerate(cells):
            where = {"cellid": str(number), "nodeset": str(cell["host_cell"])}
            ET.SubElement(tune, "memnode", {"mode": "strict", **where})


def _add_boot(root: ET.Element, demands: Demands, machine: str, folder: Path) -> None:
    uefi = demands.word("firmware_type").lower() == "uefi"
    os = ET.SubElement(root, "os", {"firmware": "efi"} if uefi else {})
    _text(os, "type", "hvm", arch="x86_64", machine=machine)
    if uefi:
        firmware = ET.SubElement(os, "firmware")
        secure = needs_secure_boot(demands)
        if secure:  # without keys it lets everything start
            ET.SubElement(firmware, "feature", enabled="yes", name="enrolled-keys")
        enabled = "yes" if secure else "no"
        ET.SubElement(firmware, "feature", enabled=enabled, name="secure-boot")
        _text(os, "nvram", str(folder / NVRAM))
    if demands.flag("boot_menu"):
        ET.SubElement(os, "bootmenu", enable="yes", timeout="5000")


def _add_features(root: ET.Element, demands: Demands, *, accelerated: bool) -> None:
    features = ET.SubElement(root, "features")
    ET.SubElement(features, "acpi")
    ET.SubElement(features, "apic")
    hidden = demands.specs.get("hide_hypervisor_id") or demands.word("hide_hypervisor_id")
    if accelerated and is_true(hidden):
        ET.SubElement(ET.SubElement(features, "kvm"), "hidden", state="on")
    if accelerated and demands.word("pmu"):
        ET.SubElement(features, "pmu", state="on" if demands.flag("pmu") else "off")


def _add_cpu(root: ET.Element, guest: Mapping[str, Any], demands: Demands, host: Host) -> None:
    model = host.cpu_model or ("host-model" if host.accelerated else "")
    if model in ("host-model", "host-passthrough"):
        cpu = ET.SubElement(root, "cpu", mode=model)
    elif model:
        cpu = ET.SubElement(root, "cpu", mode="custom", match="exact")
        _text(cpu, "model", model, fallback="allow")
    else:
        cpu = ET.SubElement(root, "cpu")
    sockets, cores, threads = topology_of(int(guest["vcpus"]), demands)
    shape = {"sockets": str(sockets), "cores": str(cores), "threads": str(threads)}
    ET.SubElement(cpu, "topology", shape)
    cells = (guest.get("numa_topology") or {}).get("cells") or ()
    if not cells:
        return
    numa = ET.SubElement(cpu, "numa")
    for number, cell in enumerate(cells):
        cpus = sorted({*(cell.get("cpus") or ()), *(cell.get("dedicated_cpus") or ())})
        what = {"cpus": ",".join(map(str, cpus)), "memory": str(cell["memory_mb"]), "unit": "MiB"}
        ET.SubElement(numa, "cell", {"id": str(number), **what})


def _add_clock(root: ET.Element, demands: Demands, *, accelerated: bool) -> None:
    is_windows = str(demands.properties.get("os_type", "")).lower() == "windows"
    clock = ET.SubElement(root, "clock", offset="localtime" if is_windows else "utc")
    ET.SubElement(clock, "timer", name="rtc", tickpolicy="catchup")
    if accelerated:
        ET.SubElement(clock, "timer", name="pit", tickpolicy="delay")
    ET.SubElement(clock, "timer", name="hpet", present="yes" if demands.flag("time_hpet") else "no")


def _passed_through(guest: Mapping[str, Any]) -> Iterator[ET.Element]:
    """PCI devices of the host that the site has given to it."""
    for device in (guest.get("placement") or {}).get("devices") or ():
        for address in device.get("addresses") or ():
            domain, bus, rest = str(address).split(":")
            slot, function = rest.split(".")
            element = ET.Element("hostdev", mode="subsystem", type="pci", managed="yes")
            where = {"domain": domain, "bus": bus, "slot": slot, "function": function}
            source = ET.SubElement(element, "source")
            ET.SubElement(source, "address", {key: f"0x{value}" for key, value in where.items()})
            yield element


def _add_consoles(devices: ET.Element, folder: Path, demands: Demands) -> None:
    serial = ET.SubElement(devices, "serial", type="unix")
    ET.SubElement(serial, "source", mode="bind", path=str(folder / SERIAL_SOCKET))
    ET.SubElement(serial, "log", file=str(folder / CONSOLE_LOG), append="on")
    ET.SubElement(serial, "target", port="0")
    model = demands.word("video_model", "vga").lower()
    video = ET.SubElement(devices, "video")
    memory = demands.number("video_ram")
    more = {"vram": str(memory * 1024)} if memory and model == "vga" else {}
    ET.SubElement(video, "model", {"type": model, **more})
    if model == "none":
        return
    graphics = ET.SubElement(devices, "graphics", type="vnc")
    ET.SubElement(graphics, "listen", type="socket", socket=str(folder / VNC_SOCKET))
    if demands.word("pointer_model") == "usbtablet" or demands.word("input_bus"):
        ET.SubElement(devices, "input", type="tablet", bus=demands.word("input_bus", "usb"))


def _add_extras(devices: ET.Element, demands: Demands, folder: Path) -> None:
    if demands.word("rng_model") or is_true(demands.specs.get("hw_rng:allowed", "true")):
        rng = ET.SubElement(devices, "rng", model="virtio")
        rate = demands.spec_number("hw_rng:rate_bytes")
        if rate:
            period = str(demands.spec_number("hw_rng:rate_period") or 1000)
            ET.SubElement(rng, "rate", bytes=str(rate), period=period)
        _text(rng, "backend", "/dev/urandom", model="random")
    balloon = ET.SubElement(devices, "memballoon", model="virtio")
    ET.SubElement(balloon, "stats", period="10")
    if demands.flag("qemu_guest_agent"):
        channel = ET.SubElement(devices, "channel", type="unix")
        ET.SubElement(channel, "source", mode="bind", path=str(folder / AGENT_SOCKET))
        ET.SubElement(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    action = demands.word("watchdog_action").lower()
    if action and action != "disabled":
        ET.SubElement(devices, "watchdog", model="i6300esb", action=action)
    sound = demands.word("sound_model").lower()
    if sound:
        ET.SubElement(devices, "sound", model=sound)


def _tpm(demands: Demands, server_id: str) -> ET.Element:
    """Its state is encrypted with the secret of the guest, which libvirt keeps on the host."""
    tpm = ET.Element("tpm", model=demands.word("tpm_model", "tpm-tis"))
    backend = ET.SubElement(tpm, "backend", type="emulator", version=demands.word("tpm_version"))
    ET.SubElement(backend, "encryption", secret=server_id)
    return tpm


def _text(parent: ET.Element, name: str, text: str, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = text
    return element
