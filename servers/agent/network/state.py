"""What the site tells of a network, as data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self, TypeVar

Made = TypeVar("Made")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """``ra`` is how guests get their IPv6 addresses: ``slaac``, ``dhcpv6-stateless``,
    ``dhcpv6-stateful``, or ``None``: nothing is announced. ``routes`` are pairs of destination and
    next hop.
    """

    id: str
    cidr: str
    version: int
    gateway: str | None
    dhcp: bool
    dns: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    ra: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a port of the network is: the name of its host, and its addresses. ``moving``: it may
    be on another host already.
    """

    id: str
    mac: str
    host: str
    addresses: tuple[str, ...]
    moving: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Packets that may pass: as the site's ``PacketRule``."""

    direction: str
    ethertype: str
    protocol: str | None = None
    port_min: int | None = None
    port_max: int | None = None
    remotes: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a guest on this host. ``pairs`` are ranges of addresses and MACs that it may use
    beside its own; ``options`` are names and values for DHCP, with the IP version.

    ``up``: it may send and receive at all. ``stateful``: answers pass by themselves. ``limits`` are
    directions with kilobits a second and at once; ``dscp`` is the mark of what it sends.
    """

    id: str
    server_id: str
    mac: str
    addresses: tuple[str, ...]
    up: bool = True
    port_security: bool = True
    stateful: bool = True
    rules: tuple[Rule, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str, int], ...] = ()
    hostname: str = ""
    limits: tuple[tuple[str, int, int], ...] = ()
    dscp: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A router stands in a network by it; ``addresses`` come with their prefix length."""

    network_id: str
    mac: str
    addresses: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """How a router leads out. ``hops`` are the next routers there. ``host`` is the one that sends
    on what has no floating address.
    """

    network_id: str
    mac: str
    addresses: tuple[str, ...]
    hops: tuple[str, ...]
    snat: bool
    host: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Floating:
    """``address`` leads to ``fixed``, on a guest of ``host``."""

    address: str
    fixed: str
    host: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    id: str
    interfaces: tuple[Interface, ...]
    routes: tuple[tuple[str, str], ...] = ()
    gateway: Gateway | None = None
    floating: tuple[Floating, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """``tunnels`` are the addresses of other hosts that have the network, by their names; ``hosts``
    are all that have it.
    """

    id: str
    version: str
    mtu: int
    network_type: str
    segmentation_id: int | None
    physical_network: str | None = None
    subnets: tuple[Subnet, ...]
    places: tuple[Place, ...] = ()
    ports: tuple[Port, ...] = ()
    tunnels: tuple[tuple[str, str], ...] = ()
    hosts: tuple[str, ...] = ()
    routers: tuple[Router, ...] = ()

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """Keys that are not known are those of a newer site."""
        parts: dict[str, tuple[Any, ...]] = {
            "subnets": tuple(_make(Subnet, one) for one in told.get("subnets", ())),
            "places": tuple(_make(Place, one) for one in told.get("places", ())),
            "ports": tuple(_port(one) for one in told.get("ports", ())),
            "tunnels": tuple(sorted(dict(told.get("tunnels", {})).items())),
            "routers": tuple(_router(one) for one in told.get("routers", ())),
        }
        return _make(cls, {**told, **parts})


def _port(told: Mapping[str, Any]) -> Port:
    rules = tuple(_make(Rule, one) for one in told.get("rules", ()))
    return _make(Port, {**told, "rules": rules})


def _router(told: Mapping[str, Any]) -> Router:
    gateway = told.get("gateway")
    parts = {
        "interfaces": tuple(_make(Interface, one) for one in told.get("interfaces", ())),
        "gateway": _make(Gateway, gateway) if gateway else None,
        "floating": tuple(_make(Floating, one) for one in told.get("floating", ())),
    }
    return _make(Router, {**told, **parts})


def _make(kind: type[Made], told: Mapping[str, Any]) -> Made:
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]  # all are
    return kind(**{key: _frozen(value) for key, value in told.items() if key in known})


def _frozen(value: Any) -> Any:
    """Lists of JSON as tuples."""
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value
