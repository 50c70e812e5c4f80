"""Disks and NICs that come to a guest and leave it, while it runs or is off."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.connections import iscsi_of, way_to
from servers.agent.hypervisor.libvirt.copying import copied
from servers.agent.hypervisor.libvirt.demands import demands_of
from servers.agent.hypervisor.libvirt.domain import (
    disk_prefix,
    drive_xml,
    free_target,
    link_xml,
    place_element,
)
from servers.agent.hypervisor.libvirt.drives import volume_drive
from servers.agent.hypervisor.libvirt.library import lib, said
from servers.agent.hypervisor.libvirt.machines import Machines, ignoring, power_of, wait_for
from servers.agent.hypervisor.protocol import Power
from servers.agent.network.protocol import tap_of

LET_GO_SECONDS = 40.0
HELD = "held"
"""Marks a guest that stands still for a moment."""
GIB = 1 << 30


def attach_disk(machines: Machines, server_id: str, disk: Mapping[str, Any]) -> None:
    domain = machines.get(server_id)
    folder = machines.folders.of(server_id)
    guest = folder.known()
    machines.keep_passwords({"disks": [disk]})
    others = [one for one in guest.get("disks") or () if one.get("volume_id") != disk["volume_id"]]
    devices = _devices(domain)
    if domain.isActive() and _disk_of(devices, disk) is None:
        bus = str(disk.get("disk_bus") or demands_of(guest).word("disk_bus", "virtio"))
        taken = [target.get("dev", "") for target in devices.iterfind("disk/target")]
        asked = str(disk.get("device_name") or "").removeprefix("/dev/")
        fits = asked.startswith(disk_prefix(bus)) and asked not in taken
        target = asked if fits else free_target(bus, taken)
        drive = volume_drive(disk, target=target, bus=bus)
        with said("the volume could not be attached"):
            domain.attachDeviceFlags(drive_xml(drive), lib.VIR_DOMAIN_AFFECT_LIVE)
    else:
        volume_drive(disk, target="vda", bus="virtio")  # is it there?
    machines.define(folder.change(disks=[*others, dict(disk)]))


def detach_disk(machines: Machines, server_id: str, volume_id: str) -> None:
    domain = machines.get(server_id)
    folder = machines.folders.of(server_id)
    disks = folder.known().get("disks") or ()
    leaving = [one for one in disks if one.get("volume_id") == volume_id]
    if domain.isActive():
        for disk in leaving:
            _take(domain, "the volume", lambda: _disk_of(_devices(domain), disk))  # noqa: B023 - at once
    left = [one for one in disks if one.get("volume_id") != volume_id]
    machines.define(folder.change(disks=left))
    machines.forget_passwords(leaving)


def swap_disk(machines: Machines, server_id: str, volume_id: str, disk: Mapping[str, Any]) -> None:
    """As long as the guest runs it knows the new volume by the serial of the old one."""
    folder = machines.folders.of(server_id)
    domain = machines.running(server_id, "the volume could not be swapped")
    disks = folder.known().get("disks") or ()
    old = next((one for one in disks if one.get("volume_id") == volume_id), None)
    if old is None and any(one.get("volume_id") == disk["volume_id"] for one in disks):
        return
    machines.keep_passwords({"disks": [disk]})
    devices = _devices(domain)
    if old is None or (_disk_of(devices, old), _disk_of(devices, disk)) == (None, None):
        raise GuestFailed(f"the guest has no volume {volume_id}", "no_volume")
    device = _disk_of(devices, old)
    if device is not None:  # else it came as far as this before
        try:
            _copy(domain, device, disk)
        except GuestFailed:
            machines.forget_passwords([disk])
            raise
    new = {**old, "volume_id": disk["volume_id"], "connection": disk["connection"]}
    machines.define(folder.change(disks=[new if one is old else one for one in disks]))
    machines.forget_passwords([old])


def _copy(domain: Any, device: ET.Element, disk: Mapping[str, Any]) -> None:
    """And let the guest go on with the copy."""
    target = device.find("target")
    name = str(target.get("dev")) if target is not None else ""
    place = place_element(volume_drive(disk, target="", bus=""))
    with said("the volume could not be copied to the other one"), copied(domain, name, place):
        domain.blockJobAbort(name, lib.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT)


def grow_disk(
    machines: Machines, server_id: str, volume_id: str, size_gb: int, show: Callable[[], None]
) -> None:
    disks = machines.folders.of(server_id).known().get("disks") or ()
    if any(one.get("volume_id") == volume_id and iscsi_of(one) for one in disks):
        with standing_still(machines, server_id):
            show()
            _resize(machines, server_id, volume_id, size_gb)
    else:
        _resize(machines, server_id, volume_id, size_gb)


@contextlib.contextmanager
def standing_still(machines: Machines, server_id: str) -> Iterator[None]:
    """Meanwhile the guest reads and writes nothing: what is under way fails when a target looks at
    its file anew. Where the agent dies, who does it again lets the guest go on.
    """
    domain, folder = machines.get(server_id), machines.folders.of(server_id)
    with machines.working(server_id), said("the guest could not be halted for a moment"):
        held = folder.known().get(HELD)
        if power_of(domain) == Power.RUNNING:
            folder.change(**{HELD: True})
            domain.suspend()
            held = True
        try:
            yield
        finally:
            if held:
                if power_of(domain) == Power.PAUSED:
                    domain.resume()
                folder.change(**{HELD: False})


def _resize(machines: Machines, server_id: str, volume_id: str, size_gb: int) -> None:
    domain = machines.get(server_id)
    if not domain.isActive():
        return  # it sees the size when it starts
    disks = machines.folders.of(server_id).known().get("disks") or ()
    known = [one for one in disks if one.get("volume_id") == volume_id]
    disk = _disk_of(_devices(domain), known[0]) if known else None
    target = disk.find("target") if disk is not None else None
    if target is None:
        raise GuestFailed(f"the guest has no volume {volume_id}", "no_volume")
    with said("the guest could not be shown the new size of the volume"):
        flags = lib.VIR_DOMAIN_BLOCK_RESIZE_BYTES
        domain.blockResize(target.get("dev"), size_gb * GIB, flags)


def attach_nic(machines: Machines, server_id: str, nic: Mapping[str, Any]) -> None:
    domain = machines.get(server_id)
    folder = machines.folders.of(server_id)
    guest = folder.known()
    others = [one for one in guest.get("nics") or () if one["port_id"] != nic["port_id"]]
    link = machines.link_of(guest, nic)
    if domain.isActive() and _nic_of(_devices(domain), link.tap) is None:
        with said("the NIC could not be attached"):
            domain.attachDeviceFlags(link_xml(link), lib.VIR_DOMAIN_AFFECT_LIVE)
    machines.define(folder.change(nics=[*others, dict(nic)]))


def detach_nic(machines: Machines, server_id: str, port_id: str) -> None:
    domain = machines.get(server_id)
    folder = machines.folders.of(server_id)
    if domain.isActive():
        tap = tap_of(port_id)
        _take(domain, "the NIC", lambda: _nic_of(_devices(domain), tap))
    guest = folder.known()
    left = [one for one in guest.get("nics") or () if one["port_id"] != port_id]
    machines.wires.unplug(server_id, port_id)
    machines.define(folder.change(nics=left))


def root_target(domain: Any, root: Path) -> str:
    """The name of the disk with this file, in the guest."""
    for disk in _devices(domain).iterfind("disk"):
        source, target = disk.find("source"), disk.find("target")
        if source is not None and target is not None and source.get("file") == str(root):
            return str(target.get("dev"))
    raise GuestFailed("the guest has no disk of its own", "no_disk")


def _take(domain: Any, what: str, find: Any) -> None:
    """Ask the guest to let go of a device until it has. It must be awake to do that."""

    def ask() -> None:
        device = find()
        if device is not None:
            absent = (lib.VIR_ERR_DEVICE_MISSING, lib.VIR_ERR_OPERATION_FAILED)
            with ignoring(*absent):  # it is gone, or was asked already
                xml = ET.tostring(device, encoding="unicode")
                domain.detachDeviceFlags(xml, lib.VIR_DOMAIN_AFFECT_LIVE)

    with said(f"{what} could not be detached"):
        gone = wait_for(lambda: find() is None, LET_GO_SECONDS, again=ask)
    if not gone:
        raise GuestFailed(f"the guest does not let go of {what}", "guest_keeps_it")


def _devices(domain: Any) -> ET.Element:
    with said("the guest could not be looked at"):
        root = ET.fromstring(domain.XMLDesc(0))  # noqa: S314 - libvirt's own words
    devices = root.find("devices")
    return devices if devices is not None else ET.Element("devices")


def _disk_of(devices: ET.Element, disk: Mapping[str, Any]) -> ET.Element | None:
    """By where it lies: it may have the serial of the volume that it was copied from."""
    way = way_to(disk)
    for one in devices.iterfind("disk"):
        source = one.find("source")
        if source is not None and way in (source.get("name"), source.get("file")):
            return one
    return None


def _nic_of(devices: ET.Element, tap: str) -> ET.Element | None:
    for interface in devices.iterfind("interface"):
        target = interface.find("target")
        if target is not None and target.get("dev") == tap:
            return interface
    return None
