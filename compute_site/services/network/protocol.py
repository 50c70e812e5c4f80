"""What we need of a network service."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.faults import Conflict, Unavailable
from compute_site.identity.caller import Caller

TUNNELS = frozenset(("vxlan", "gre", "geneve", "stt"))
"""Kinds of networks that lie on no physical network."""


class NetworkServiceUnavailable(Unavailable):
    """The network service does not answer."""

    code = "network_service_unavailable"


class NicFailed(Conflict):
    """A network card could not be made while building; the text says why."""

    code = "nic_failed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NetworkData:
    """A network that the caller may see."""

    id: str
    name: str
    project_id: str
    shared: bool
    external: bool
    has_subnet: bool
    port_security_enabled: bool
    network_type: str | None
    physical_network: str | None

    @property
    def tunneled(self) -> bool:
        """Is the traffic carried in a tunnel, not on a physical network?"""
        return self.network_type in TUNNELS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PortData:
    """A port that the caller may see. ``addresses`` are its fixed addresses."""

    id: str
    network_id: str
    project_id: str
    device_id: str
    addresses: tuple[str, ...]
    ip_allocation: str
    vnic_type: str
    binding_profile: Mapping[str, Any]
    resource_request: Mapping[str, Any] | None
    numa_affinity_policy: str | None
    device_profile: str | None
    network_type: str | None
    physical_network: str | None

    @property
    def tunneled(self) -> bool:
        """Is the traffic of its network carried in a tunnel?"""
        return self.network_type in TUNNELS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroupData:
    """A security group of a project."""

    id: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PortQuotaData:
    """``limit`` −1: none, and nobody counts (``used`` 0). Else ``used``: the project's ports."""

    limit: int
    used: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicRequest:
    """One card that a server shall get: a port that exists, or a new one on a network."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """A card that a server has.

    ``label`` is the network's name, ``addresses`` are pairs of address and IP version,
    ``security_groups`` are names, ``floating`` are addresses that lead here from outside.
    """

    port_id: str
    network_id: str
    label: str
    mac: str
    addresses: tuple[tuple[str, int], ...]
    security_groups: tuple[str, ...]
    tag: str | None = None
    floating: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupOnPort:
    """A security group that guards a port."""

    id: str
    name: str
    description: str
    project_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachedPort:
    """A port of a server as the service has it now; ``addresses`` are pairs of subnet id and
    address.
    """

    id: str
    network_id: str
    mac: str
    status: str
    addresses: tuple[tuple[str, str], ...]
    security_groups: tuple[GroupOnPort, ...]
    tag: str | None


class NetworkService(Protocol):
    """Ids that are no canonical UUID find nothing. Every call raises
    ``NetworkServiceUnavailable`` on failure.
    """

    def find_networks(self, caller: Caller, ids: Collection[str]) -> dict[str, NetworkData]:
        """The networks among ``ids`` that the caller sees: own, shared and external; an admin
        sees all.
        """
        ...

    def available_networks(self, caller: Caller) -> Sequence[NetworkData]:
        """Networks to choose from when the caller named none: the own ones and the shared ones."""
        ...

    def can_auto_allocate(self, caller: Caller) -> bool:
        """Could a network be made for the project (there is a default external network)?"""
        ...

    def find_ports(self, caller: Caller, ids: Collection[str]) -> dict[str, PortData]:
        """The ports among ``ids`` that the caller sees: the own project's; an admin sees all."""
        ...

    def taken_addresses(
        self, caller: Caller, wanted: Collection[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Those of the (network id, address) pairs that a port holds already."""
        ...

    def port_quota(self, caller: Caller) -> PortQuotaData:
        """The port quota of the caller's project."""
        ...

    def find_security_groups(
        self, caller: Caller, names: Collection[str]
    ) -> Sequence[SecurityGroupData]:
        """Security groups of the caller's project whose id or name is among ``names``."""
        ...

    def connect(
        self,
        caller: Caller,
        server_id: str,
        host: str,
        requests: Sequence[NicRequest] | str,
        security_groups: Sequence[str],
    ) -> tuple[Nic, ...]:
        """Give a server its cards: bind the asked ports, make ports on the asked networks.

        ``requests`` may be the word ``auto`` or ``none``; an empty list means: the project's one
        network, if there is one. ``security_groups`` are ids or names; empty means ``default``.
        All or nothing. A server that has cards already keeps them: a second call gives the same
        ones and only notes the host.

        Raises:
            NicFailed: a port is in use, a network has no address left, an external network may
            not be used, the project has as many ports as it may have.
        """
        ...

    def nics(self, server_ids: Collection[str]) -> dict[str, tuple[Nic, ...]]:
        """The cards that servers have now."""
        ...

    def disconnect(self, server_ids: Collection[str]) -> None:
        """Delete the ports that were made for these servers and free those that existed before."""
        ...

    def attached_ports(self, server_id: str) -> Sequence[AttachedPort]:
        """The ports of a server, in the order of its cards."""
        ...
