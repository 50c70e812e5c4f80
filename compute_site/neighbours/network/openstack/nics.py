"""The NICs of servers as a Neutron elsewhere has them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from compute_site.neighbours.network.models import COMPUTE, HeldPort
from compute_site.neighbours.network.openstack.find import read_by_id
from compute_site.neighbours.network.openstack.service import Object, read_list
from compute_site.neighbours.network.protocol import AttachedPort, GroupOnPort, Nic

LAST = 1 << 30
"""The place of ports of which nothing is noted."""
NAMES = ("id", "name")


def ports_of(server_ids: Collection[str]) -> dict[str, list[Object]]:
    """The ports of these servers, in the order of their NICs."""
    if not server_ids:
        return {}
    found: dict[str, list[Object]] = {}
    for port in read_list("ports", device_id=sorted(server_ids)):
        if port["device_owner"].startswith(COMPUTE):
            found.setdefault(port["device_id"], []).append(port)
    noted = notes_of(port["id"] for ports in found.values() for port in ports)

    def place(port: Object) -> tuple[int, str, str]:
        note = noted.get(port["id"])
        return (note.position if note else LAST, port.get("created_at") or "", port["id"])

    return {server_id: sorted(ports, key=place) for server_id, ports in found.items()}


def notes_of(port_ids: Iterable[str]) -> dict[str, HeldPort]:
    notes = HeldPort.objects.filter(port_id__in=list(port_ids))
    return {str(note.port_id): note for note in notes}


def nics(server_ids: Collection[str]) -> dict[str, tuple[Nic, ...]]:
    return describe(ports_of(server_ids))


def describe(held: Mapping[str, Sequence[Object]]) -> dict[str, tuple[Nic, ...]]:
    """The NICs of servers whose ports were read."""
    ports = [port for ports in held.values() for port in ports]
    if not ports:
        return {}
    networks = read_by_id("networks", {port["network_id"] for port in ports}, fields=NAMES)
    groups = _groups(ports)
    notes = notes_of(port["id"] for port in ports)
    floating: dict[str, list[str]] = {}
    port_ids = [port["id"] for port in ports]
    for one in read_list("floatingips", port_id=port_ids):
        floating.setdefault(one["port_id"], []).append(one["floating_ip_address"])

    def nic(port: Object) -> Nic:
        note = notes.get(port["id"])
        return Nic(
            port_id=port["id"],
            network_id=port["network_id"],
            label=networks.get(port["network_id"], {}).get("name", ""),
            mac=port["mac_address"],
            addresses=tuple(_with_version(fixed) for fixed in port["fixed_ips"]),
            security_groups=tuple(sorted({groups[one]["name"] for one in _seen(port, groups)})),
            tag=note.tag if note is not None else None,
            floating=tuple(sorted(floating.get(port["id"], ()))),
        )

    return {server_id: tuple(map(nic, ports)) for server_id, ports in held.items()}


def attached_ports(server_id: str) -> Sequence[AttachedPort]:
    ports = ports_of([server_id]).get(server_id, [])
    groups = _groups(ports)
    notes = notes_of(port["id"] for port in ports)
    return [
        AttachedPort(
            id=port["id"],
            network_id=port["network_id"],
            mac=port["mac_address"],
            status=port["status"],
            addresses=tuple((one["subnet_id"], one["ip_address"]) for one in port["fixed_ips"]),
            security_groups=tuple(_group(groups[one]) for one in _seen(port, groups)),
            tag=notes[port["id"]].tag if port["id"] in notes else None,
        )
        for port in ports
    ]


def _groups(ports: Sequence[Object]) -> dict[str, Object]:
    ids = {group for port in ports for group in port.get("security_groups", ())}
    return read_by_id("security-groups", ids)


def _seen(port: Object, groups: Mapping[str, Any]) -> list[str]:
    """A group may be gone since the port was read."""
    return [one for one in port.get("security_groups", ()) if one in groups]


def _group(group: Object) -> GroupOnPort:
    return GroupOnPort(
        id=group["id"],
        name=group["name"],
        description=group["description"],
        project_id=group["project_id"],
    )


def _with_version(fixed: Object) -> tuple[str, int]:
    return fixed["ip_address"], 6 if ":" in fixed["ip_address"] else 4
