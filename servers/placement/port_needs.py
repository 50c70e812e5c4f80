"""What a port needs of its server's host beside the NIC: a device, resources such as bandwidth. The
forms are those in which request specs keep them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.neighbours.network.protocol import PortData
from servers.hardware.values import flag

SRIOV_TYPES = frozenset(
    ("direct", "macvtap", "direct-physical", "virtio-forwarder", "vdpa", "remote-managed")
)
ACCELERATOR_TYPES = frozenset(("accelerator-direct", "accelerator-direct-physical"))
DEVICE_TYPES = {"direct-physical": "type-PF", "vdpa": "vdpa"}
REMOTE_MANAGED = "remote-managed"


def device_request(
    port: PortData, *, request_id: str, numa_policy: str | None = None
) -> dict[str, Any]:
    """A request for one device on the port's physical network; the port is of one of
    ``SRIOV_TYPES``. ``numa_policy`` is that of the server, for ports without one of their own.
    """
    spec = {
        "physical_network": port.physical_network,
        "remote_managed": str(port.vnic_type == REMOTE_MANAGED),
    }
    if port.vnic_type in DEVICE_TYPES:
        spec["dev_type"] = DEVICE_TYPES[port.vnic_type]
    if port.binding_profile.get("trusted") is not None:
        spec["trusted"] = str(flag(port.binding_profile["trusted"]))
    return {
        "count": 1,
        "specs": [spec],
        "request_id": request_id,
        "requester_id": port.id,
        "numa_policy": port.numa_affinity_policy or numa_policy,
    }


def resource_groups(port: PortData) -> list[dict[str, Any]]:
    """The groups of resources; none for most ports."""
    if not port.resource_request:
        return []
    groups = port.resource_request.get("request_groups")
    if groups is None:
        groups = [{**port.resource_request, "id": port.id}]
    together = list(port.resource_request.get("same_subtree", ()))
    return [_resource_group(port, group, together) for group in groups]


def _resource_group(
    port: PortData, group: Mapping[str, Any], together: Sequence[str]
) -> dict[str, Any]:
    return {
        "requester_id": group.get("id"),
        "port_id": port.id,
        "resources": dict(group.get("resources", {})),
        "required_traits": sorted(group.get("required", [])),
        "use_same_provider": True,
        "same_subtree": list(together),
    }


def is_of_port(record: Mapping[str, Any], port_id: str) -> bool:
    """Was this device request or group made for the port?"""
    return port_id in (record.get("port_id"), record.get("requester_id"))
