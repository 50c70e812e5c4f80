"""Collects what scheduling must know of the asked networks and ports
(docs/contract/create-flow.md C11).
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any

from compute_site.neighbours.network.protocol import NetworkData, PortData
from servers.create.errors import PortUnsupported
from servers.create.nics import FIELD, FoundNics
from servers.create.order import NicOrder, ServerOrder
from servers.hosts.versions import oldest_compute_version
from servers.placement.port_needs import (
    ACCELERATOR_TYPES,
    REMOTE_MANAGED,
    SRIOV_TYPES,
    device_request,
    resource_groups,
)

REMOTE_MANAGED_SINCE = 61
EXTENDED_REQUESTS_SINCE = 58


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicPlan:
    """The NICs for the build request (a word or a record of each), and their needs of a host."""

    requests: str | list[dict[str, Any]]
    metadata: dict[str, Any] | None = None
    resources: Sequence[dict[str, Any]] = ()
    pci_requests: Sequence[dict[str, Any]] = ()


def plan_nics(order: ServerOrder, found: FoundNics, *, numa_policy: str | None) -> NicPlan:
    """Collect physical networks, resource groups and PCI requests; no port is made yet.

    ``numa_policy`` is that of flavor or image, for ports without one of their own.
    """
    if isinstance(order.networks, str) or not order.networks:
        told = found.only is not None or order.networks == "auto"
        metadata = _metadata([found.only] if found.only is not None else []) if told else None
        if isinstance(order.networks, str):
            return NicPlan(requests=order.networks, metadata=metadata)
        return NicPlan(requests=[], metadata=metadata)
    nics = [_AskedNic(nic, found) for nic in order.networks]
    resources = [
        group
        for index, nic in enumerate(nics)
        for group in _resource_groups(order, nic, f"{FIELD}.{index}.port")
    ]
    pci_requests = [nic.pci_request(numa_policy) for nic in nics if nic.is_sriov]
    if any(nic.vnic_type == REMOTE_MANAGED for nic in nics):
        _need_version(REMOTE_MANAGED_SINCE, "Ports that another device manages")
    if any(nic.has_extended_request for nic in nics):
        _need_version(EXTENDED_REQUESTS_SINCE, "Ports with several groups of resources")
    return NicPlan(
        requests=[nic.record() for nic in nics],
        metadata=_metadata([nic.place for nic in nics if nic.place is not None]),
        resources=resources,
        pci_requests=pci_requests,
    )


class _AskedNic:
    """One asked NIC with the network or port that was found for it."""

    def __init__(self, nic: NicOrder, found: FoundNics) -> None:
        self.nic = nic
        self.port: PortData | None = found.ports.get(nic.port_id) if nic.port_id else None
        self.network: NetworkData | None = (
            found.networks.get(nic.network_id) if nic.network_id and not nic.port_id else None
        )
        self.vnic_type = self.port.vnic_type if self.port else "normal"
        self.is_sriov = self.vnic_type in SRIOV_TYPES
        self.pci_request_id = str(uuid.uuid4()) if self.is_sriov else None
        self.place = self.port or self.network

    @property
    def has_extended_request(self) -> bool:
        return bool(self.port and "request_groups" in (self.port.resource_request or {}))

    def pci_request(self, numa_policy: str | None) -> dict[str, Any]:
        """A request for one device on the physical network."""
        assert self.port is not None  # noqa: S101 - only a port has an SR-IOV type
        return device_request(
            self.port, request_id=str(self.pci_request_id), numa_policy=numa_policy
        )

    def record(self) -> dict[str, Any]:
        """The record for the build request."""
        return {
            "network_id": self.port.network_id if self.port else self.nic.network_id,
            "fixed_ip": self.nic.fixed_ip,
            "port_id": self.nic.port_id,
            "tag": self.nic.tag,
            "pci_request_id": self.pci_request_id,
            "device_profile": self.port.device_profile if self.port else None,
        }


def _metadata(places: Sequence[PortData | NetworkData]) -> dict[str, Any]:
    """What networks are of a host's cards and switches."""
    return {
        "physnets": sorted({place.physical_network for place in places if place.physical_network}),
        "tunneled": any(place.tunneled for place in places),
    }


def _resource_groups(order: ServerOrder, nic: _AskedNic, field: str) -> list[dict[str, Any]]:
    """The resources that a port needs of the host beside the NIC, such as bandwidth."""
    port = nic.port
    if port is None:
        return []
    if port.vnic_type in ACCELERATOR_TYPES:
        profile = port.device_profile
        raise PortUnsupported(
            f"The port {port.id} is of the kind {port.vnic_type} and has "
            + (
                f"the device profile {profile}, which nobody here knows."
                if profile
                else "no device profile."
            ),
            field=field,
        )
    if not port.resource_request:
        return []
    if not order.port_resources_allowed:
        raise PortUnsupported(
            f"The port {port.id} asks for resources; that needs a newer microversion.",
            field=field,
        )
    return resource_groups(port)


def _need_version(version: int, what: str) -> None:
    if oldest_compute_version() < version:
        raise PortUnsupported(f"{what} need newer hosts than some of this site.", field=FIELD)
