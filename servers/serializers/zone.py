"""``/os-availability-zone``: answers."""

from __future__ import annotations

from compute_site.api.microversions.answers import (
    BOOLEAN,
    OBJECT,
    TEXT,
    TIME_OR_NULL,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.times import exact_time
from servers.hosts.zones import ZoneHosts
from servers.models import Service

STATE: Schema = {"type": "object", "properties": {"available": BOOLEAN}, "required": ["available"]}
HOSTS: Schema = {"type": ["object", "null"], "additionalProperties": OBJECT}


class ZoneAnswer(AnswerSerializer):
    """A zone as everyone sees it."""

    name = Shown(TEXT, key="zoneName")
    state = Shown(STATE, lambda zone, _: {"available": zone.available}, key="zoneState")
    hosts = Shown({"type": "null"}, lambda *_: None)


class ZoneService(AnswerSerializer):
    """A service on a host of a zone."""

    active = Shown(BOOLEAN, lambda service, _: not service.disabled)
    available = Shown(BOOLEAN, "is_up")
    updated_at = Shown(TIME_OR_NULL, lambda service, _: exact_time(service.updated_at))


def _hosts(zone: ZoneHosts, frame: Frame) -> dict[str, dict[str, object]] | None:
    """By host and kind of service. Nova: without those of a zone that is not available."""
    if not zone.available:
        return None
    hosts: dict[str, list[Service]] = {}
    for service in zone.services:
        hosts.setdefault(service.host, []).append(service)
    return {
        host: {service.binary: ZoneService.show(service, frame) for service in services}
        for host, services in hosts.items()
    }


class ZoneDetailAnswer(ZoneAnswer):
    """A zone as operators see it."""

    hosts = Shown(HOSTS, _hosts)
