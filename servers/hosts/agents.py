"""How hosts come to this cloud and stay in it: they join with a token that is good once, say that
they live, and come back after they were given up.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import logging
import secrets
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from compute_site.faults import BadRequest, Conflict, Fault, Unauthorized
from compute_site.neighbours import volume_service
from servers.drivers.choose import AGENT
from servers.host_orders.give import DESTROY
from servers.host_orders.take import cancel_orders, note_queued
from servers.hosts.certificates import GUESTS, HOSTS, Certificate, sign
from servers.hosts.description import HardwareDescription, describe_host
from servers.hosts.errors import NoSuchService
from servers.hosts.reading import known_traits
from servers.hosts.save import Host, save_hosts
from servers.hosts.written import traits_of
from servers.models import (
    Cell,
    ComputeNode,
    HostAgent,
    Instance,
    Migration,
    MigrationType,
    Service,
)
from servers.models.cell import CELL0
from servers.models.service import COMPUTE_BINARY
from servers.placement.fit import HostTopology

logger = logging.getLogger(__name__)

PROTOCOLS = (1,)
"""Versions of the messages between site and agents that are spoken here: the newest, and the one
before as long as hosts may have it. Each heartbeat settles which is spoken with a host.
"""
TOKEN_BYTES = 32
NETWORK, VOLUME = "network_service", "volume_service"
"""The options that may name a service elsewhere."""
MOST_NAMED = 10


class JoinRefused(Unauthorized):
    """The join token is unknown, was used, or is too old."""

    code = "join_refused"


class NetworksElsewhere(Conflict):
    """Hosts with agents carry no packets for the network service of another cloud."""

    code = "networks_elsewhere"


class HostIsThere(Conflict):
    """There is a host of that name already."""

    code = "host_is_there"


class NoSuchCell(BadRequest):
    """No cell of that name can have hosts."""

    code = "no_such_cell"


class ProtocolUnknown(BadRequest):
    """Agent and site have no version of the messages in common."""

    code = "protocol_unknown"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a host has for guests: CPUs that they share, memory MiB, disk GiB. ``traits`` that
    nobody knows here are those of a newer agent. The rest is as in ``HardwareDescription``.
    """

    vcpus: int
    memory_mb: int
    local_gb: int
    hypervisor_type: str
    hypervisor_version: int
    supported_instances: tuple[tuple[str, str, str], ...]
    cpu_info: Mapping[str, Any]
    host_ip: str | None
    topology: HostTopology = dataclasses.field(default_factory=HostTopology)
    traits: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a host asks to be signed, in PEM, and the address that it takes guests at."""

    certificate_request: str = ""
    guests_certificate_request: str = ""
    migration_address: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What a host says of itself when it joins."""

    boot_id: str
    version: str
    protocols: tuple[int, ...]
    hypervisor: str
    stock: Stock
    wishes: Wishes = dataclasses.field(default_factory=Wishes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """``token`` is not stored and cannot be shown again."""

    agent: HostAgent
    token: str
    protocol: int
    certificates: Certificates


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """That of its libvirtd and that of its QEMU, as far as it has asked for them."""

    host: Certificate | None
    guests: Certificate | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a host says again and again."""

    boot_id: str
    version: str
    load: Mapping[str, Any]
    wires: Mapping[str, Any]
    doing: Sequence[uuid.UUID] | None = None
    """The orders that are carried out now; ``None``: an older agent does not tell."""
    stock: Stock | None = None
    """When the agent has begun anew."""
    protocols: tuple[int, ...] | None = None
    """Those that it speaks now; ``None``: an older agent does not tell, and speaks the one that it
    joined with.
    """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What comes of a heartbeat: which protocol is spoken from now on, and must the host tell of
    all its guests (``sync``)?
    """

    protocol: int
    sync: bool


@transaction.atomic
def add_host(name: str, *, cell: str) -> str:
    """Make a host that may join; the token with which it does that once.

    Raises:
        NetworksElsewhere: no agent would be of use here.
        HostIsThere: there is one of that name.
        NoSuchCell: it cannot be in that cell.
    """
    _check_networks()
    home = Cell.objects.exclude(name=CELL0).filter(name=cell).first()
    if home is None:
        raise NoSuchCell(f"There is no cell {cell} that can have hosts.")
    service, made = Service.objects.get_or_create(
        host=name, binary=COMPUTE_BINARY, defaults={"cell": home}
    )
    if not made:
        raise HostIsThere(
            f"There is a host {name} already; if an agent works on it, rotate_host gives it "
            "another token."
        )
    return _let_join(HostAgent(service=service))


@transaction.atomic
def rotate_host(name: str) -> str:
    """End the token of a host's agent, at once, and give a token with which it joins again.

    Raises:
        NoSuchService: there is no host of that name that could join.
    """
    agent = HostAgent.objects.select_for_update().filter(service__host=name).first()
    if agent is None:
        raise NoSuchService(f"There is no host {name} that was added for an agent.")
    agent.token_digest = ""
    return _let_join(agent)


@transaction.atomic
def join_host(token: str, joining: Joining) -> Joined:
    """Let the host with this join token in: its node is what it says of itself.

    Raises:
        NetworksElsewhere: no agent is of use here.
        JoinRefused: nobody may join with this token.
        ProtocolUnknown: the host speaks no protocol that is spoken here.
        HostRefused, InventoryInUse: the host has less than its servers hold.
        RequestRefused: no certificate can be made for what it asks.
    """
    _check_networks()
    protocol = choose_protocol(joining.protocols)
    waiting = HostAgent.objects.select_for_update(of=("self",)).select_related("service__cell")
    agent = waiting.filter(join_digest=digest_of(token), join_until__gt=timezone.now()).first()
    if agent is None or not token:
        raise JoinRefused(
            "The join token is unknown, was used before, or is too old; rotate_host gives another."
        )
    _save_stock(agent.service, joining.stock)
    own = secrets.token_urlsafe(TOKEN_BYTES)
    agent.join_digest, agent.join_until, agent.token_digest = "", None, digest_of(own)
    agent.epoch += 1
    agent.boot_id, agent.version = joining.boot_id, joining.version
    agent.protocol, agent.hypervisor = protocol, joining.hypervisor
    agent.joined_at = timezone.now()
    agent.save()
    _note_seen(agent)
    certificates = sign_for(agent, joining.wishes)
    return Joined(agent=agent, token=own, protocol=agent.protocol, certificates=certificates)


def _check_networks() -> None:
    if NETWORK in settings.OPTIONS.joined_services:
        raise NetworksElsewhere(
            "The networks of this site are those of a Neutron elsewhere (the option "
            "network_service), whose own agents carry the packets. Hosts with agents of this site "
            "cannot connect its ports, so none can be added."
        )


def useless_hosts() -> Iterator[str]:
    """What hosts with agents cannot do beside the services elsewhere that the options name; a
    sentence each, nothing where there is no such host.
    """
    hosts = HostAgent.objects.order_by("service__host").values_list("service__host", flat=True)
    found = ", ".join(hosts[:MOST_NAMED])
    if found and NETWORK in settings.OPTIONS.joined_services:
        yield (
            f"Hosts with agents ({found}) connect no ports of a Neutron elsewhere, so they build "
            "no servers that have any; delete their services, or let network_service be local."
        )
    if found and VOLUME in settings.OPTIONS.joined_services:
        yield (
            f"Hosts with agents ({found}) have no initiator that a Cinder elsewhere knows, so "
            "they refuse its volumes; servers there run from images only, unless volume_service "
            "is local."
        )


def sign_for(agent: HostAgent, wishes: Wishes) -> Certificates:
    """Certificates of the name of the host. One that takes no guests needs none.

    Raises:
        RequestRefused: none can be made for what it asks.
    """
    host, address = agent.service.host, wishes.migration_address

    def signed(request: str, by: str) -> Certificate | None:
        return sign(request, host=host, address=address, by=by) if request and address else None

    return Certificates(
        host=signed(wishes.certificate_request, HOSTS),
        guests=signed(wishes.guests_certificate_request, GUESTS),
    )


def find_agent(token: str) -> HostAgent | None:
    """The agent that has this token, with its service."""
    if not token:
        return None
    agents = HostAgent.objects.select_related("service")
    return agents.filter(token_digest=digest_of(token)).first()


def choose_protocol(spoken: Collection[int]) -> int:
    """The newest that both sides speak; raises ``ProtocolUnknown``."""
    common = set(spoken) & set(PROTOCOLS)
    if not common:
        ours, theirs = (", ".join(map(str, sorted(each))) for each in (PROTOCOLS, spoken))
        raise ProtocolUnknown(
            f"This site speaks the protocols {ours} with agents, and this agent "
            f"{theirs or 'none'}: bring the older of both to a newer release."
        )
    return max(common)


def note_beat(agent: HostAgent, beat: Beat) -> Heard:
    """The host lives, and may have an agent of another release than before.

    Raises:
        ProtocolUnknown: no protocol is spoken on both sides any more; the host counts as silent.
    """
    fresh = beat.boot_id != agent.boot_id
    protocol = agent.protocol if beat.protocols is None else choose_protocol(beat.protocols)
    HostAgent.objects.filter(pk=agent.pk).update(
        boot_id=beat.boot_id,
        version=beat.version,
        load=beat.load,
        wires=beat.wires,
        protocol=protocol,
    )
    _note_seen(agent)
    if beat.doing is not None:
        note_queued(agent, but=beat.doing)
    if beat.stock is not None:
        try:
            _save_stock(agent.service, beat.stock)
        except Fault as error:  # such as having less than its servers hold
            logger.warning("what host %s has stays as it was: %s", agent.service.host, error)
    return Heard(protocol=protocol, sync=fresh)


def fence(hosts: Collection[str]) -> None:
    """From now on the agents of these hosts are refused until they have come back
    (``come_back``): their servers may be built elsewhere.
    """
    HostAgent.objects.filter(service__host__in=hosts).update(epoch=F("epoch") + 1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """``left`` are the servers that do not lie on the host any more."""

    epoch: int
    left: tuple[str, ...]


@transaction.atomic
def come_back(agent: HostAgent, guests: Collection[str]) -> Return:
    """What a host that has these guests must end before it goes on, in the epoch of now. Guests
    that no server is behind are left alone.
    """
    HostAgent.objects.select_for_update().get(pk=agent.pk)  # nobody gives the host up meanwhile
    known = Instance.objects.filter(uuid__in=guests).values_list("uuid", "host", "deleted_at")
    left = [
        str(server_id)
        for server_id, host, deleted_at in known
        if deleted_at is not None or host != agent.service.host
    ]
    cancel_orders(agent, left, but=DESTROY)
    _let_reach_volumes(agent, {str(server_id) for server_id, *_ in known} - set(left))
    logger.warning("host %s comes back; %s guests have left it", agent.service.host, len(left))
    return Return(epoch=agent.epoch, left=tuple(sorted(left)))


def _let_reach_volumes(agent: HostAgent, server_ids: Collection[str]) -> None:
    """Guests that stay have lost theirs if somebody tried in vain to build them elsewhere."""
    kind = MigrationType.EVACUATION
    leaving = Migration.objects.open().filter(instance__uuid__in=server_ids, migration_type=kind)
    staying = set(server_ids) - {str(pk) for pk in leaving.values_list("instance__uuid", flat=True)}
    node = ComputeNode.objects.filter(service=agent.service_id).first()
    if staying and node is not None:
        volume_service().connect_again(staying, node.hypervisor_hostname)


def _save_stock(service: Service, stock: Stock) -> None:
    cells = [cell.as_json() for cell in stock.topology.cells]
    dedicated = sum(len(cell.dedicated_cpus) for cell in stock.topology.cells)
    description = describe_host(
        service.host,
        vcpus=stock.vcpus,
        memory_mb=stock.memory_mb,
        local_gb=stock.local_gb,
        dedicated_cpus=dedicated if cells else None,
        driver=AGENT,
        traits=known_traits(stock.traits) | traits_of(stock.topology),
        hardware=HardwareDescription(
            hypervisor_type=stock.hypervisor_type,
            hypervisor_version=stock.hypervisor_version,
            supported_instances=stock.supported_instances,
            cpu_info=stock.cpu_info,
            host_ip=stock.host_ip,
            numa_topology={"cells": cells} if cells else None,
        ),
        devices=tuple(device.as_json() for device in stock.topology.devices),
    )
    save_hosts(
        [
            Host(
                name=service.host,
                cell=service.cell.name,
                enabled=not service.disabled,
                description=description,
            )
        ]
    )


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _let_join(agent: HostAgent) -> str:
    # with a dash in front the agent would take it for an option
    token = secrets.token_urlsafe(TOKEN_BYTES).lstrip("-")
    seconds: int = settings.OPTIONS.host_join_seconds
    agent.join_digest = digest_of(token)
    agent.join_until = timezone.now() + dt.timedelta(seconds=seconds)
    agent.save()
    return token


def _note_seen(agent: HostAgent) -> None:
    now = timezone.now()
    Service.objects.filter(pk=agent.service_id).update(last_seen_up=now, updated_at=now)
