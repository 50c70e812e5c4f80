"""Gives servers their NICs and takes them away."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from compute_site.caller import Caller
from compute_site.db.prepared import array, prepared_cursor
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.bindings import end_move
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.new_ports import Wanted, make_ports
from compute_site.neighbours.network.local.nic_plans import NicPlan, plan_nics
from compute_site.neighbours.network.local.ports import (
    make_mac,
    save_addresses,
)
from compute_site.neighbours.network.local.rights import permit
from compute_site.neighbours.network.models import (
    COMPUTE,
    FixedIp,
    Port,
    PortQuerySet,
)
from compute_site.neighbours.network.protocol import (
    Connection,
    Nic,
    NicFailed,
    NicRequest,
    PortCannotBind,
    Profiles,
)

DEVICE_OWNER = f"{COMPUTE}nova"
OCCUPIED = (
    "device_id",
    "device_owner",
    "binding_host",
    "vif_type",
    "status",
    "tag",
    "position",
)


@transaction.atomic
def connect(
    caller: Caller,
    server_id: str,
    host: str,
    requests: Sequence[NicRequest] | str,
    security_groups: Sequence[str],
) -> tuple[Nic, ...]:
    wanted = Connection(
        caller=caller,
        server_id=server_id,
        host=host,
        requests=requests,
        security_groups=security_groups,
    )
    return connect_all([wanted])[server_id]


@transaction.atomic(savepoint=False)
def connect_all(connections: Sequence[Connection]) -> dict[str, tuple[Nic, ...]]:
    known = _rebind({one.server_id: one.host for one in connections})
    new = [one for one in connections if one.server_id not in known]
    places = _places_of(new)
    bound = {
        place.connection.server_id
        for place in places
        if _bind_ports(place.connection.server_id, place.connection.host, place.plans)
    }
    made = _make_ports(places)
    described = nics(known | bound)
    return {
        one.server_id: described.get(one.server_id) or tuple(made.get(one.server_id, ()))
        for one in connections
    }


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """A server, and the NICs that it shall get."""

    connection: Connection
    plans: Sequence[NicPlan]

    @property
    def new(self) -> list[NicPlan]:
        return [plan for plan in self.plans if plan.port is None]


def _places_of(connections: Sequence[Connection]) -> list[_Place]:
    """The places of the servers; equal requests are looked up once."""
    plans: dict[Hashable, list[NicPlan]] = {}
    places = []
    for one in connections:
        asked = one.requests if isinstance(one.requests, str) else tuple(one.requests)
        key = (dataclasses.replace(one.caller, request_id="-"), asked)
        if key not in plans:
            plans[key] = plan_nics(one.caller, one.requests)
            _permit(one.caller, plans[key])
        places.append(_Place(one, plans[key]))
    return places


@transaction.atomic(durable=True)
def rebind(
    server_id: str,
    host: str,
    profiles: Profiles | None = None,  # noqa: ARG001 - of services elsewhere
    *,
    arrived: bool = False,  # noqa: ARG001 - no host refuses a port
) -> None:
    _rebind({server_id: host})
    end_move(server_id, host)


REBIND = """
    UPDATE network_port AS port SET
        binding_host = wanted.host,
        vif_type = CASE
            WHEN wanted.host = '' THEN 'unbound'
            WHEN port.vif_type = 'unbound' THEN 'ovs'
            ELSE port.vif_type
        END,
        status = CASE
            WHEN wanted.host = '' THEN 'DOWN'
            WHEN port.vif_type = 'unbound' THEN 'ACTIVE'
            ELSE port.status
        END
    FROM unnest(%(servers)s::text[], %(hosts)s::text[]) AS wanted (server, host)
    WHERE port.device_id = wanted.server AND port.device_owner LIKE %(owner)s
    RETURNING port.device_id
"""


def _rebind(hosts: Mapping[str, str]) -> set[str]:
    """Bind the ports that these servers have already on their hosts; the servers that have any."""
    values: dict[str, Any] = {
        "servers": array(hosts),
        "hosts": array(hosts.values()),
        "owner": f"{COMPUTE}%",
    }
    with prepared_cursor() as cursor:
        cursor.execute(REBIND, values)
        return {server_id for (server_id,) in cursor.fetchall()}


def nics(server_ids: Collection[str]) -> dict[str, tuple[Nic, ...]]:
    if not server_ids:
        return {}
    ports = (
        Port.objects.of_servers(server_ids)
        .order_by("position", "created_at", "pk")
        .select_related("network")
        .prefetch_related("fixed_ips", "security_groups", "lent_floating_ips")
    )
    found: dict[str, list[Nic]] = {}
    for port in ports:
        found.setdefault(port.device_id, []).append(_describe(port))
    return {server_id: tuple(held) for server_id, held in found.items()}


@transaction.atomic
def plug(caller: Caller, server_id: str, host: str, request: NicRequest) -> str:
    last = Port.objects.of_servers([server_id]).aggregate(last=Max("position"))["last"]
    position = 0 if last is None else last + 1
    plans = [dataclasses.replace(plan, position=position) for plan in plan_nics(caller, [request])]
    _permit(caller, plans)
    bound = _bind_ports(server_id, host, plans)
    wanted = Connection(
        caller=caller, server_id=server_id, host=host, requests=[request], security_groups=()
    )
    made = _make_ports([_Place(wanted, plans)])
    [port_id] = [
        *(str(port.pk) for port in bound),
        *(nic.port_id for nic in made.get(server_id, ())),
    ]
    return port_id


@transaction.atomic(durable=True)
def unplug(server_id: str, port_id: str) -> None:
    _free(Port.objects.of_servers([server_id]).filter(pk__in=canonical_ids([port_id])))


@transaction.atomic(durable=True)
def disconnect(server_ids: Collection[str]) -> None:
    if server_ids:
        _free(Port.objects.of_servers(server_ids))


def _permit(caller: Caller, plans: Sequence[NicPlan]) -> None:
    """Check that the caller may take these ports and make the new ones. The right to use an
    external network was checked by ``plan_nics``.

    Raises:
        PolicyRefused: it may not; the text names the rule.
    """
    for plan in plans:
        if plan.port is not None:
            for rule in (policies.UPDATE_PORT, policies.UPDATE_PORT_DEVICE_ID):
                permit(caller, rule, plan.port.project_id, plan.network)
            continue
        permit(caller, policies.CREATE_PORT, caller.project_id)
        if plan.fixed_ip is not None:
            permit(caller, policies.CREATE_PORT_ADDRESS, caller.project_id, plan.network)


def _free(held: PortQuerySet) -> None:
    held.filter(created_by_server=True).delete()
    held.update(
        device_id="",
        device_owner="",
        binding_host="",
        vif_type="unbound",
        status="DOWN",
        tag=None,
        position=0,
    )


def _bind_ports(server_id: str, host: str, plans: Sequence[NicPlan]) -> list[Port]:
    """Bind the existing ports; their rows are locked, so that only one server gets each."""
    asked = {plan.port.pk: plan for plan in plans if plan.port is not None}
    if not asked:
        return []
    ports = list(Port.objects.select_for_update().filter(pk__in=asked).order_by("pk"))
    for port in ports:
        if port.device_id:
            raise NicFailed(f"Port {port.pk} is in use by another server.")
        if port.vif_type == "binding_failed":
            raise PortCannotBind(f"Port {port.pk} cannot be bound on any host.")
        _occupy(port, server_id, host, asked[port.pk])
    if len(ports) < len(asked):
        raise NicFailed("A port was deleted while the server was being built.")
    Port.objects.bulk_update(ports, OCCUPIED)
    late = [port for port in ports if port.ip_allocation == "deferred"]
    if late:
        served = FixedIp.objects.filter(port__in=late).values_list("port", flat=True)
        save_addresses([(port, None) for port in late if port.pk not in set(served)])
    return ports


def _occupy(port: Port, server_id: str, host: str, plan: NicPlan) -> None:
    port.device_id = server_id
    port.device_owner = DEVICE_OWNER
    port.binding_host = host
    port.vif_type = "ovs"
    port.status = "ACTIVE"
    port.tag = plan.tag
    port.position = plan.position


def _make_ports(places: Sequence[_Place]) -> dict[str, list[Nic]]:
    """Make the new ports of these servers; the NICs by server. The projects are locked for their
    quotas when all is written, so that nobody waits meanwhile.
    """
    planned = [(place.connection, plan) for place in places for plan in place.new]
    if not planned:
        return {}
    ports = [_new_port(wanted, plan) for wanted, plan in planned]
    found = make_ports(
        [
            Wanted(port, plan.fixed_ip, tuple(wanted.security_groups))
            for port, (wanted, plan) in zip(ports, planned, strict=True)
        ]
    )
    QUOTAS.check_written_by_all("port", Counter(port.project_id for port in ports))
    made: dict[str, list[Nic]] = {}
    for port in ports:
        nic = _nic(port, found[port.pk].addresses, found[port.pk].groups)
        made.setdefault(port.device_id, []).append(nic)
    return made


def _new_port(wanted: Connection, plan: NicPlan) -> Port:
    port = Port(
        network=plan.network,
        project_id=wanted.caller.project_id,
        mac_address=make_mac(),
        port_security_enabled=plan.network.port_security_enabled,
        created_by_server=True,
    )
    _occupy(port, wanted.server_id, wanted.host, plan)
    return port


def _nic(port: Port, addresses: Sequence[FixedIp], groups: Iterable[str]) -> Nic:
    """``addresses`` in the order in which they were saved."""
    return Nic(
        port_id=str(port.pk),
        network_id=str(port.network_id),
        label=port.network.name,
        mac=port.mac_address,
        addresses=tuple((one.address, 6 if ":" in one.address else 4) for one in addresses),
        security_groups=tuple(sorted(set(groups))),
        tag=port.tag,
    )


def _describe(port: Port) -> Nic:
    nic = _nic(
        port,
        sorted(port.fixed_ips.all(), key=lambda fixed_ip: fixed_ip.pk),
        (group.name for group in port.security_groups.all()),
    )
    floating = tuple(sorted(lent.address for lent in port.lent_floating_ips.all()))
    return dataclasses.replace(nic, floating=floating)
