"""Gives servers their NICs and takes them away."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import Max

from compute_site.caller import Caller
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.nic_plans import NicPlan, plan_nics
from compute_site.neighbours.network.local.ports import (
    find_group_ids,
    make_mac,
    save_addresses,
)
from compute_site.neighbours.network.local.rights import permit
from compute_site.neighbours.network.models import (
    COMPUTE,
    DEFAULT_GROUP,
    FixedIp,
    Port,
    PortQuerySet,
)
from compute_site.neighbours.network.protocol import Nic, NicFailed, NicRequest, PortCannotBind

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
    if not _rebind(server_id, host):
        plans = plan_nics(caller, requests)
        _permit(caller, plans)
        _bind_ports(server_id, host, plans)
        _make_ports(caller, server_id, host, plans, security_groups)
    return nics([server_id]).get(server_id, ())


def rebind(server_id: str, host: str) -> None:
    _rebind(server_id, host)


def _rebind(server_id: str, host: str) -> int:
    return Port.objects.of_servers([server_id]).update(binding_host=host)


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
    [port] = [*bound, *_make_ports(caller, server_id, host, plans, ())]
    return str(port.pk)


@transaction.atomic
def unplug(server_id: str, port_id: str) -> None:
    _free(Port.objects.of_servers([server_id]).filter(pk__in=canonical_ids([port_id])))


@transaction.atomic
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


def _make_ports(
    caller: Caller,
    server_id: str,
    host: str,
    plans: Sequence[NicPlan],
    security_groups: Sequence[str],
) -> list[Port]:
    new = [plan for plan in plans if plan.port is None]
    if not new:
        return []
    QUOTAS.check(caller.project_id, port=len(new))
    ports = []
    for plan in new:
        port = Port(
            network=plan.network,
            project_id=caller.project_id,
            mac_address=make_mac(),
            port_security_enabled=plan.network.port_security_enabled,
            created_by_server=True,
        )
        _occupy(port, server_id, host, plan)
        ports.append(port)
    Port.objects.bulk_create(ports)
    save_addresses([(port, plan.fixed_ip) for port, plan in zip(ports, new, strict=True)])
    _protect(caller, ports, security_groups)
    return ports


def _protect(caller: Caller, ports: Sequence[Port], names: Sequence[str]) -> None:
    """Put the ports into the security groups; a port without port security gets none."""
    unguarded = [port for port in ports if not port.port_security_enabled]
    if unguarded and set(names) - {DEFAULT_GROUP}:
        raise NicFailed(
            f"Network {unguarded[0].network_id} has no port security: security groups cannot "
            "be applied there."
        )
    guarded = [port for port in ports if port.port_security_enabled]
    if not guarded:
        return
    through = Port.security_groups.through
    group_ids = find_group_ids(caller.project_id, names)
    through.objects.bulk_create(
        [
            through(port_id=port.pk, securitygroup_id=group_id)
            for port in guarded
            for group_id in group_ids
        ]
    )


def _describe(port: Port) -> Nic:
    return Nic(
        port_id=str(port.pk),
        network_id=str(port.network_id),
        label=port.network.name,
        mac=port.mac_address,
        addresses=tuple(
            (fixed_ip.address, 6 if ":" in fixed_ip.address else 4)
            for fixed_ip in sorted(port.fixed_ips.all(), key=lambda fixed_ip: fixed_ip.pk)
        ),
        security_groups=tuple(sorted({group.name for group in port.security_groups.all()})),
        tag=port.tag,
        floating=tuple(sorted(lent.address for lent in port.lent_floating_ips.all())),
    )
