"""A network as hosts must know it that carry its packets."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PacketRule:
    """Packets that may pass. ``remotes`` are the addresses or ranges of the other side; ``None``
    for these, the protocol or the ports means any. For ICMP the ports are type and code.
    """

    direction: str
    ethertype: str
    protocol: str | None
    port_min: int | None
    port_max: int | None
    remotes: tuple[str, ...] | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedSubnet:
    """``ra`` is how guests get their IPv6 addresses: ``slaac``, ``dhcpv6-stateless``,
    ``dhcpv6-stateful``, or ``None``: by nothing that is announced.
    """

    id: str
    cidr: str
    version: int
    gateway: str | None
    dhcp: bool
    dns: tuple[str, ...]
    routes: tuple[tuple[str, str], ...]
    ra: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedPlace:
    """Where a server's port is. ``moving``: its server goes to another of the network's hosts while
    it runs, and may be on either.
    """

    id: str
    mac: str
    host: str
    addresses: tuple[str, ...]
    moving: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedPort:
    """A server's port on the host that asks, or about to move there. ``pairs`` are addresses and
    MACs that it may use beside its own; ``options`` are names and values for DHCP, with the IP
    version.

    ``up``: it may send and receive at all. ``stateful``: answers pass by themselves. ``limits`` are
    directions with kilobits a second and at once; ``dscp`` is the mark of what it sends.
    """

    id: str
    server_id: str
    mac: str
    addresses: tuple[str, ...]
    up: bool
    port_security: bool
    stateful: bool
    rules: tuple[PacketRule, ...]
    pairs: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str, int], ...]
    hostname: str
    limits: tuple[tuple[str, int, int], ...]
    dscp: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedInterface:
    """``addresses`` come with their prefix length."""

    network_id: str
    mac: str
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedGateway:
    """How a router leads out; ``hops`` are the next routers there."""

    network_id: str
    mac: str
    addresses: tuple[str, ...]
    hops: tuple[str, ...]
    snat: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedFloating:
    """``address`` leads to ``fixed``, which is on that host."""

    address: str
    fixed: str
    host: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedRouter:
    """``hosts`` are those of the servers behind it."""

    id: str
    interfaces: tuple[CarriedInterface, ...]
    routes: tuple[tuple[str, str], ...]
    gateway: CarriedGateway | None
    floating: tuple[CarriedFloating, ...]
    hosts: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """``hosts`` are those that carry the network: of its servers, and of those that reach it by a
    router. ``segmentation_id`` is a number of its own among tunneled networks.
    """

    id: str
    mtu: int
    network_type: str
    physical_network: str | None
    segmentation_id: int | None
    subnets: tuple[CarriedSubnet, ...]
    places: tuple[CarriedPlace, ...]
    ports: tuple[CarriedPort, ...]
    routers: tuple[CarriedRouter, ...]
    hosts: tuple[str, ...]
