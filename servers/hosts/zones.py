"""Availability zones: aggregates of hosts that carry the key ``availability_zone``."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable

from django.conf import settings
from django.db.models.fields.json import KeyTextTransform

from servers.models.service import COMPUTE_BINARY, Service


def zone_of_hosts(hosts: Collection[str] | None = None) -> dict[str, str]:
    """The zone of each host that runs servers (or of those among ``hosts``); one statement.

    A host outside of every zone is in the default one.
    """
    services = Service.objects.computes()
    if hosts is not None:
        services = services.filter(host__in=hosts)
    rows = services.order_by("aggregates__id").values_list(
        "host", KeyTextTransform("availability_zone", "aggregates__metadata")
    )
    default: str = settings.OPTIONS.default_availability_zone
    zones: dict[str, str] = {}
    for host, zone in rows:
        if zone and zones.get(host, default) == default:
            zones[host] = zone
        zones.setdefault(host, default)
    return zones


def zone_of_service(service: Service, zones: dict[str, str]) -> str:
    """The zone that a service is shown in; ``zones`` as from ``zone_of_hosts``."""
    if service.binary != COMPUTE_BINARY:
        return str(settings.OPTIONS.internal_service_availability_zone)
    return zones.get(service.host, settings.OPTIONS.default_availability_zone)


def zones_with_state() -> dict[str, bool]:
    """Every zone that has a host → is it available, that is: has it a host enabled and up?"""
    zones = zone_of_hosts()
    usable = set(
        Service.objects.computes().up().filter(disabled=False).values_list("host", flat=True)
    )
    states = dict.fromkeys(sorted(zones.values()), False)
    for host in usable & zones.keys():
        states[zones[host]] = True
    return states


def available_zones() -> set[str]:
    """The zones that a server may be asked for; the zone of internal services is one."""
    internal: str = settings.OPTIONS.internal_service_availability_zone
    return {internal, *(zone for zone, available in zones_with_state().items() if available)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ZoneHosts:
    """A zone; ``services`` are those that are enabled."""

    name: str
    available: bool
    services: tuple[Service, ...] = ()


def list_zones() -> list[ZoneHosts]:
    """The zones that users choose from: the available ones first, each part by name."""
    internal: str = settings.OPTIONS.internal_service_availability_zone
    return _in_order(
        ZoneHosts(name=name, available=available)
        for name, available in zones_with_state().items()
        if name != internal
    )


def list_zones_with_services() -> list[ZoneHosts]:
    """All zones, that of internal services too, in the same order (two statements)."""
    zones = zone_of_hosts()
    members: dict[str, list[Service]] = {}
    for service in Service.objects.select_related("node").order_by("pk"):
        members.setdefault(zone_of_service(service, zones), []).append(service)
    return _in_order(_zone(name, services) for name, services in members.items())


def _zone(name: str, services: list[Service]) -> ZoneHosts:
    enabled = tuple(service for service in services if not service.disabled)
    internal: str = settings.OPTIONS.internal_service_availability_zone
    available = any(name == internal or service.is_up for service in enabled)
    return ZoneHosts(name=name, available=available, services=enabled)


def _in_order(zones: Iterable[ZoneHosts]) -> list[ZoneHosts]:
    return sorted(zones, key=lambda zone: (not zone.available, zone.name))
