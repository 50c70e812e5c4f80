"""Writes the cells and devices of hosts as they are described, unless servers lie on what would be
gone. The trees of the hosts are locked by the caller, so that no guest comes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from servers.hosts.description import HostDescription
from servers.hosts.errors import HardwareInUse
from servers.models import HardwareClaim, HostHardware, PciDevice
from servers.placement.fit import CannotClaim, GuestPlacement, claim_all
from servers.placement.topologies import described_topology

HARDWARE = (
    *("hypervisor_type", "hypervisor_version", "supported_instances", "cpu_info", "host_ip"),
    "numa_topology",
)
COPIES = ("vendor_id", "product_id", "dev_type", "numa_node", "physical_network")
"""Keys of a device's description that have columns of their own."""
FIELD = "hardware"

Hosts = Mapping[int, HostDescription]
"""By the keys of their nodes."""


def write_hardware(hosts: Hosts) -> set[int]:
    """The keys of the nodes that have changed.

    Raises:
        HardwareInUse: servers lie on CPUs, pages or devices that are not described any more.
    """
    changed = _write_descriptions(hosts) | _write_devices(hosts)
    _check_guests({node: hosts[node] for node in changed})
    return changed


def _write_descriptions(hosts: Hosts) -> set[int]:
    known = {row.node_id: row for row in HostHardware.objects.filter(node__in=hosts)}
    rows = []
    for node, host in hosts.items():
        columns = host.hardware.columns(host.driver)
        if node not in known or _differs(known[node], columns):
            rows.append(HostHardware(node_id=node, **columns))
    HostHardware.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["node"], update_fields=HARDWARE
    )
    return {row.node_id for row in rows}


def _write_devices(hosts: Hosts) -> set[int]:
    known = {(row.node_id, row.address): row for row in PciDevice.objects.filter(node__in=hosts)}
    wanted = {
        (node, device["address"]): _device_columns(device)
        for node, host in hosts.items()
        for device in host.devices
    }
    gone = [row for place, row in known.items() if place not in wanted]
    _check_free(gone, hosts)
    rows = [
        PciDevice(node_id=node, address=address, **columns)
        for (node, address), columns in wanted.items()
        if (node, address) not in known or _differs(known[node, address], columns)
    ]
    PciDevice.objects.filter(pk__in=[row.pk for row in gone]).delete()
    PciDevice.objects.bulk_create(
        rows,
        batch_size=5000,
        update_conflicts=True,
        unique_fields=["node", "address"],
        update_fields=[*COPIES, "description"],
    )
    return {row.node_id for row in (*rows, *gone)}


def _device_columns(device: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: device.get(name) for name in COPIES}, "description": dict(device)}


def _differs(row: HostHardware | PciDevice, columns: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in columns.items())


def _check_free(gone: Iterable[PciDevice], hosts: Hosts) -> None:
    for row in gone:
        if row.consumer_id is not None:
            raise HardwareInUse(
                f"A server has the PCI device {row.address}, which shall be gone.",
                host=hosts[row.node_id].hypervisor_hostname,
                field=FIELD,
            )


def _check_guests(hosts: Hosts) -> None:
    """All guests of each host must have their place on it as it is now."""
    placements: dict[int, dict[str, GuestPlacement]] = {}
    for held in HardwareClaim.objects.filter(node__in=hosts).order_by("pk"):
        guests = placements.setdefault(held.node_id, {})
        guests[str(held.consumer_id)] = GuestPlacement.from_json(held.placement)
    for node, guests in placements.items():
        host = hosts[node]
        topology = described_topology(host.hardware.numa_topology, host.devices)
        try:
            claim_all(topology, guests)
        except CannotClaim as error:
            raise HardwareInUse(
                f"Servers lie on the host, and would not any more: {error}",
                host=host.hypervisor_hostname,
                field=FIELD,
            ) from None
