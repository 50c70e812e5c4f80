"""What we need of a network service."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.caller import Caller
from compute_site.faults import Conflict, Unavailable

TUNNELS = frozenset(("vxlan", "gre", "geneve", "stt"))
"""Kinds of networks that lie on no physical network."""


class NetworkServiceUnavailable(Unavailable):
    """The network service does not answer."""

    code = "network_service_unavailable"


class NicFailed(Conflict):
    """A network card could not be made while building; the text says why."""

    code = "nic_failed"


class NoAddressLeft(NicFailed):
    """A network has no address left."""

    code = "no_address_left"


class AddressOutside(NicFailed):
    """No subnet of the network has the asked address, or no port can have it."""

    status = 400
    code = "address_outside"


class PortQuotaReached(NicFailed):
    """The project has as many ports as it may have."""

    code = "port_quota_reached"


class PortCannotBind(NicFailed):
    """No host can have the port."""

    code = "port_cannot_bind"


class GroupNotApplicable(NicFailed):
    """A port takes no security groups."""

    code = "group_not_applicable"


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FloatingIpData:
    """An address from outside; ``server_id`` is where it leads, or empty."""

    id: str
    address: str
    server_id: str


class NetworkService(Protocol):
    """Ids that are no canonical UUID find nothing. Every call raises
    ``NetworkServiceUnavailable`` on failure.

    What a caller asks for is decided by the rules of the network service: every call with a caller
    raises ``PolicyRefused`` where one is not granted. Calls without one are compute's own acts.
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

    def plug(self, caller: Caller, server_id: str, host: str, request: NicRequest) -> str:
        """Give a server one card more, behind those that it has; the port's id. A new port belongs
        to the caller's project, has its group ``default``, and is deleted with the card.

        Raises:
            NicFailed: as ``connect``; the kinds below it say why, where it is not a port or an
                address in use.
        """
        ...

    def unplug(self, server_id: str, port_id: str) -> None:
        """Take one card from a server: as ``disconnect``. One that it does not have is fine."""
        ...

    def add_group(self, caller: Caller, server_id: str, group_id: str) -> bool:
        """Put a security group on all ports of a server; ``False``: it has none.

        Raises:
            GroupNotApplicable: a port has no address, or no port security.
        """
        ...

    def remove_group(self, caller: Caller, server_id: str, group_id: str) -> bool:
        """Take a security group from the ports of a server; ``False``: none of them had it."""
        ...

    def add_address(self, caller: Caller, server_id: str, network_id: str) -> bool:
        """Give the server's first port on a network one address more; ``False``: it has no port
        there, or the network has no subnet.

        Raises:
            NoAddressLeft: the network has none.
        """
        ...

    def remove_address(self, caller: Caller, server_id: str, address: str) -> bool:
        """Take a fixed address from a server; ``False``: it does not have it."""
        ...

    def find_floating_ip(self, caller: Caller, address: str) -> FloatingIpData | None:
        """A floating IP of the caller's project; an admin sees all."""
        ...

    def lend_floating_ip(
        self, caller: Caller, floating_ip_id: str, server_id: str, fixed_address: str
    ) -> None:
        """Let the floating IP lead to an address of the server.

        Raises:
            NicFailed: another floating IP leads there.
        """
        ...

    def take_back_floating_ip(self, caller: Caller, floating_ip_id: str) -> None:
        """Let the floating IP lead nowhere."""
        ...

    def nics(self, server_ids: Collection[str]) -> dict[str, tuple[Nic, ...]]:
        """The cards that servers have now."""
        ...

    def rebind(self, server_id: str, host: str) -> None:
        """The server lies on that host from now on: bind its ports there."""
        ...

    def disconnect(self, server_ids: Collection[str]) -> None:
        """Delete the ports that were made for these servers and free those that existed before."""
        ...

    def attached_ports(self, server_id: str) -> Sequence[AttachedPort]:
        """The ports of a server, in the order of its cards."""
        ...
