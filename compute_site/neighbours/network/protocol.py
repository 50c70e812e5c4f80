"""The protocol of network services: everything that compute needs of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.caller import Caller
from compute_site.db.statements import Statement
from compute_site.faults import Conflict, Unavailable
from compute_site.neighbours.calls import joins_or_precedes, outside_transactions
from compute_site.neighbours.network.carried import Carried, PacketRule
from compute_site.neighbours.network.groups import GroupService

Profiles = Mapping[str, Mapping[str, Any]]
"""By the ids of ports: what they have of their host, in the form of ``binding:profile``."""
TUNNELS = frozenset(("vxlan", "gre", "geneve", "stt"))
"""Kinds of networks that lie on no physical network."""


class NetworkServiceUnavailable(Unavailable):
    """The network service does not answer."""

    code = "network_service_unavailable"


class NicFailed(Conflict):
    """A NIC could not be made while building; the text says why."""

    code = "nic_failed"


class NoAddressLeft(NicFailed):
    """A network has no address left."""

    code = "no_address_left"


class AddressOutside(NicFailed):
    """No subnet of the network has the asked address, or no port can have it."""

    status = 400
    code = "address_outside"


class PortQuotaReached(NicFailed):
    """The project has reached its limit of ports."""

    code = "port_quota_reached"


class FloatingIpQuotaReached(NicFailed):
    """The project has reached its limit of floating IPs."""

    code = "floating_ip_quota_reached"


class PortCannotBind(NicFailed):
    """The port cannot be bound on any host."""

    code = "port_cannot_bind"


class BindingRefused(Conflict):
    """Nothing on a host takes the port; another host may."""

    code = "binding_refused"


class GroupNotApplicable(NicFailed):
    """A port cannot have security groups."""

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
        """Is the network a tunnel, and not on a physical network?"""
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
        """Is the port's network a tunnel?"""
        return self.network_type in TUNNELS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroupData:
    """A security group of a project. ``stateful``: answers pass by themselves; a port has groups of
    one kind.
    """

    id: str
    name: str
    stateful: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PortQuotaData:
    """The limit of ports and the project's number of them. With ``limit`` −1 (no limit) the ports
    are not counted: ``used`` is 0.
    """

    limit: int
    used: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicRequest:
    """One NIC to give to a server: an existing port, or a new one on a network."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """A NIC of a server.

    ``label`` is the network's name, ``addresses`` are pairs of address and IP version,
    ``security_groups`` are names, ``floating`` are the addresses of its floating IPs.
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
class WiredSubnet:
    """A subnet of a NIC: ``addresses`` are those that the NIC has in it, ``routes`` are pairs of
    destination and next hop.
    """

    id: str
    cidr: str
    version: int
    gateway: str | None
    dhcp: bool
    dns: tuple[str, ...]
    routes: tuple[tuple[str, str], ...]
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """How a NIC is connected, as a host must know it that carries its packets.

    Without ``port_security`` nothing is filtered. ``address_pairs`` are addresses and MACs that the
    NIC may use beside its own; ``floating`` are pairs of floating and fixed address.
    """

    port_id: str
    network_id: str
    mac: str
    mtu: int
    network_type: str
    physical_network: str | None
    segmentation_id: int | None
    subnets: tuple[WiredSubnet, ...]
    port_security: bool
    rules: tuple[PacketRule, ...]
    address_pairs: tuple[tuple[str, str], ...]
    floating: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What one server shall get; the fields are as in ``NetworkService.connect``."""

    caller: Caller
    server_id: str
    host: str
    requests: Sequence[NicRequest] | str
    security_groups: Sequence[str]
    profiles: Profiles = dataclasses.field(default_factory=dict)
    """Of ports that exist, for services elsewhere."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupOnPort:
    """A security group of a port."""

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
    """A floating IP; ``server_id`` is the server it is associated with, or empty. ``pool`` is the
    name of its external network, or the id of one without a name.
    """

    id: str
    address: str
    server_id: str
    pool: str
    fixed_address: str | None


class NetworkService(GroupService, Protocol):
    """Ids that are no canonical UUID find nothing. Every call raises
    ``NetworkServiceUnavailable`` on failure.

    Every call with a caller raises ``PolicyRefused`` where the policy rules of the network service
    do not let the caller do it. Calls without a caller are made by compute itself and need no rule.

    What a call that changes something has to do with our transactions is said by its mark
    (``compute_site/neighbours/calls.py``). Builds call ``connect_all`` first in the transaction of
    their first step, before any row is locked. The others that join change ports of servers that
    exist: they can refuse, and the same transaction, which has locked the server, reads its NICs
    again.
    """

    def find_networks(self, caller: Caller, ids: Collection[str]) -> dict[str, NetworkData]:
        """The networks among ``ids`` that the caller sees: own, shared and external; an admin
        sees all.
        """
        ...

    def available_networks(self, caller: Caller) -> Sequence[NetworkData]:
        """The networks for a server that names none: the project's own and the shared ones."""
        ...

    def lookups(self, caller: Caller, ids: Collection[str] | None) -> Sequence[Statement]:
        """The statements of ``find_networks``, or without ids of ``available_networks``, and of
        ``port_quota``, to be read ahead; none where networks are not in this database.
        """
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
        """The (network id, address) pairs among ``wanted`` that a port has already."""
        ...

    def free_addresses(
        self, caller: Caller, ids: Collection[str]
    ) -> dict[str, dict[str, int | None]]:
        """How many addresses each of the networks among ``ids`` that the caller sees has left, by
        the id of the subnet; ``None`` where too many are taken to count.
        """
        ...

    def port_quota(self, caller: Caller) -> PortQuotaData:
        """The port quota of the caller's project."""
        ...

    def find_security_groups(
        self, caller: Caller, names: Collection[str]
    ) -> Sequence[SecurityGroupData]:
        """Security groups of the caller's project whose id or name is among ``names``."""
        ...

    @joins_or_precedes
    def connect(
        self,
        caller: Caller,
        server_id: str,
        host: str,
        requests: Sequence[NicRequest] | str,
        security_groups: Sequence[str],
    ) -> tuple[Nic, ...]:
        """Give a server its NICs: bind the asked ports, make ports on the asked networks.

        ``requests`` may be the word ``auto`` or ``none``; an empty list means the project's only
        network, if there is one. ``security_groups`` are ids or names; empty means ``default``.
        Either all NICs are made or none. A second call returns the NICs that the server has
        already and only updates their host.

        Where the build fails on one host, the next one takes over the NICs.

        Raises:
            NicFailed: a port is in use, a network has no address left, an external network may
            not be used, or the project has reached its limit of ports.
        """
        ...

    @joins_or_precedes
    def connect_all(self, connections: Sequence[Connection]) -> dict[str, tuple[Nic, ...]]:
        """As ``connect``, for many servers together: their NICs by the id of each. All get what
        they asked for, or, where one cannot, none.
        """
        ...

    @joins_or_precedes
    def plug(self, caller: Caller, server_id: str, host: str, request: NicRequest) -> str:
        """Give a server one more NIC, after those that it has; return the port's id. A new port
        belongs to the caller's project, has its group ``default``, and is deleted with the NIC.

        Raises:
            NicFailed: as ``connect``; a subclass, unless a port or an address is in use.
        """
        ...

    @outside_transactions
    def unplug(self, server_id: str, port_id: str) -> None:
        """Take one NIC from a server, as ``disconnect`` does; ignore one that it does not have.

        By the job of the host, before the server's NICs are read again.
        """
        ...

    @joins_or_precedes
    def add_group(self, caller: Caller, server_id: str, group_id: str) -> bool:
        """Put all ports of a server into a security group; ``False``: it has no ports.

        Raises:
            GroupNotApplicable: a port has no address, or no port security.
        """
        ...

    @joins_or_precedes
    def remove_group(self, caller: Caller, server_id: str, group_id: str) -> bool:
        """Take the ports of a server out of a security group; ``False``: none was in it."""
        ...

    @joins_or_precedes
    def add_address(self, caller: Caller, server_id: str, network_id: str) -> bool:
        """Give the server's first port on a network one more address; ``False``: it has no port
        there, or the network has no subnet.

        Raises:
            NoAddressLeft: the network has no free address.
        """
        ...

    @joins_or_precedes
    def remove_address(self, caller: Caller, server_id: str, address: str) -> bool:
        """Take a fixed address from a server; ``False``: it does not have it."""
        ...

    def find_floating_ip(self, caller: Caller, address: str) -> FloatingIpData | None:
        """A floating IP of the caller's project; an admin sees all."""
        ...

    def find_floating_ips(
        self, caller: Caller, ids: Collection[str] | None = None
    ) -> Sequence[FloatingIpData]:
        """The floating IPs of the caller's project; those of these ids where ids are given."""
        ...

    def find_pools(self, caller: Caller) -> Sequence[NetworkData]:
        """The external networks, which floating IPs come from."""
        ...

    @joins_or_precedes
    def take_floating_ip(self, caller: Caller, network_id: str) -> str:
        """Give the project a floating IP of the external network; return its id.

        Raises:
            FloatingIpQuotaReached: the project has too many.
            NoAddressLeft: the network has none left.
        """
        ...

    @joins_or_precedes
    def give_floating_ip_up(self, caller: Caller, floating_ip_id: str) -> None:
        """Give the floating IP back to its network. The servers that it led to show it no more."""
        ...

    @joins_or_precedes
    def lend_floating_ip(
        self, caller: Caller, floating_ip_id: str, server_id: str, fixed_address: str
    ) -> None:
        """Associate the floating IP with an address of the server.

        Raises:
            NicFailed: the address has another floating IP.
        """
        ...

    @joins_or_precedes
    def take_back_floating_ip(self, caller: Caller, floating_ip_id: str) -> None:
        """Disassociate the floating IP."""
        ...

    def nics(self, server_ids: Collection[str]) -> dict[str, tuple[Nic, ...]]:
        """The present NICs of servers."""
        ...

    def find_wiring(self, server_id: str) -> Sequence[Wiring]:
        """How the NICs of a server are connected, in their order. Only drivers of hosts that carry
        packets ask for it; nothing else costs as many statements.
        """
        ...

    def find_carried(self, network_id: str, host: str) -> Carried | None:
        """A network as a host must know it that has a server on it, or on one that a router joins
        with it; ``None``: the host has none there. Only hosts that carry packets ask.
        """
        ...

    def find_carriers_of(self, networks: Collection[str]) -> Mapping[str, Collection[str]]:
        """The same for a server that has left these networks."""
        ...

    def find_carriers(self, server_id: str) -> Mapping[str, Collection[str]]:
        """The hosts that must know of a server that has come or moved, and the ids of the networks
        that each has to ask about.
        """
        ...

    @outside_transactions
    def prepare_move(self, server_id: str, host: str) -> None:
        """The server moves to that host while it runs: from now on its ports are on either. Only
        drivers of hosts that carry packets ask for it.
        """
        ...

    @outside_transactions
    def forget_move(self, server_id: str, host: str) -> None:
        """The server does not move to that host after all."""
        ...

    @outside_transactions
    def rebind(
        self, server_id: str, host: str, profiles: Profiles | None = None, *, arrived: bool = False
    ) -> None:
        """Bind the ports of a server, which has moved, on its new host, or on none where that is
        ``""``. ``profiles`` say what they have of it.

        By the job of the move, before the server runs there: the old binding of a port ends only
        when the new one holds. With ``arrived`` the server lies there already and the move is over:
        the old ones end in any case.

        Raises:
            BindingRefused: no agent on the host takes a port; with ``arrived``, the others are
                bound.
        """
        ...

    @outside_transactions
    def disconnect(self, server_ids: Collection[str]) -> None:
        """Delete the ports that were made for these servers and free those that existed before.
        A second call does nothing.

        By the job of the host that deletes the server, before the server's row says so; else by the
        job ``ReleaseServices``.
        """
        ...

    def attached_ports(self, server_id: str) -> Sequence[AttachedPort]:
        """The ports of a server, in the order of its NICs."""
        ...
