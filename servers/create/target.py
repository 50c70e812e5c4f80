"""Reads where a server shall be placed: zone, forced host, requested host."""

from __future__ import annotations

import dataclasses

from django.conf import settings

from compute_site.caller import Caller
from servers.create.errors import MalformedZone, TwoDestinations
from servers.create.order import ServerOrder
from servers.errors import HostNotFound, ZoneUnavailable
from servers.hosts.zones import available_zones, zone_of_hosts
from servers.models import ComputeNode, Service
from servers.policies.server import CREATE_FORCED_HOST, CREATE_REQUESTED_DESTINATION

ZONE_FIELD = "server.availability_zone"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A forced host skips the scheduler's filters, a requested one does not."""

    zone: str | None = None
    forced_host: str | None = None
    forced_node: str | None = None
    host: str | None = None
    node: str | None = None


def choose_target(caller: Caller, order: ServerOrder) -> Target:
    """Read the zone text and the requested host, and check the right to name hosts
    (docs/contract/create-flow.md A10, A11).
    """
    zone, forced_host, forced_node = _parse_zone(order.zone)
    if forced_host or forced_node:
        caller.permit(CREATE_FORCED_HOST)
        zone = _zone_if_of_host(zone, forced_host)
    if order.host or order.hypervisor_hostname:
        caller.permit(CREATE_REQUESTED_DESTINATION)
        if forced_host or forced_node:
            raise TwoDestinations(
                f"Name the host either in availability_zone ({order.zone}) or by itself, not both.",
                field="server.host" if order.host else "server.hypervisor_hostname",
            )
    return Target(
        zone=zone,
        forced_host=forced_host,
        forced_node=forced_node,
        host=order.host or None,
        node=order.hypervisor_hostname or None,
    )


def check_zone(target: Target) -> None:
    """Refuse a zone without a host that could take servers (docs/contract/create-flow.md B2); a
    forced host is not checked.
    """
    if target.zone and not target.forced_host and target.zone not in available_zones():
        raise ZoneUnavailable(
            f"The availability zone {target.zone} does not exist, or no host in it is enabled.",
            field=ZONE_FIELD,
        )


def check_destination(target: Target) -> None:
    """Refuse a requested host or node that does not exist (docs/contract/create-flow.md G1)."""
    if target.host:
        hosts = Service.objects.computes().filter(host=target.host)
        if target.node:
            hosts = hosts.filter(node__hypervisor_hostname=target.node)
        if not hosts.exists():
            node = f" with the node {target.node}" if target.node else ""
            raise HostNotFound(f"There is no host {target.host}{node}.", field="server.host")
    elif target.node and not ComputeNode.objects.filter(hypervisor_hostname=target.node).exists():
        raise HostNotFound(f"There is no node {target.node}.", field="server.hypervisor_hostname")


def _parse_zone(text: str | None) -> tuple[str | None, str | None, str | None]:
    """``Z``, ``Z:H``, ``Z:H:N`` or ``Z::N`` as zone, host and node; an empty part is ``None``."""
    parts = (text or "").split(":")
    if len(parts) > 3:
        raise MalformedZone(
            f"{text} should be a zone, zone:host, zone:host:node or zone::node.", field=ZONE_FIELD
        )
    zone, host, node = (part or None for part in [*parts, "", ""][:3])
    return zone or settings.OPTIONS.default_schedule_zone, host, node


def _zone_if_of_host(zone: str | None, host: str | None) -> str | None:
    """The zone if the forced host is in it. Nova: any other zone is ignored, and a host that is
    unknown or not named is in the default zone.
    """
    if zone is None:
        return None
    default: str = settings.OPTIONS.default_availability_zone
    zones = zone_of_hosts([host]) if host else {}
    return zone if zone == zones.get(host or "", default) else None
