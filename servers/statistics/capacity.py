"""How full zones and hosts are now."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    Count,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Greatest, NullIf

from servers.models import Aggregate, ComputeNode, Service

MOST_ZONES = 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ZoneCapacity:
    """What the hosts of a zone may give away, and what is taken. Memory and disk in GiB."""

    name: str
    hosts: int
    servers: int
    vcpus: int
    vcpus_used: int
    memory: float
    memory_used: float
    disk: int
    disk_used: int


def measured_nodes() -> QuerySet[Any]:
    """Hosts with their zone, what they may give away, and the part that is taken of the scarcest.

    The zone is that of ``servers.hosts.zones.zone_of_hosts``.
    """
    zones = Aggregate.objects.filter(
        hosts=OuterRef("service"), metadata__availability_zone__gt=""
    ).order_by("pk")
    name = KeyTextTransform("availability_zone", "metadata")
    default = Value(settings.OPTIONS.default_availability_zone)
    most = {
        "room_vcpus": F("vcpus_used") + F("free_vcpus"),
        "room_memory": F("memory_mb_used") + F("free_memory_mb"),
        "room_disk": F("local_gb_used") + F("free_disk_gb"),
    }
    parts = [
        Coalesce(
            F(used) / NullIf(Cast(F(capacity), FloatField()), Value(0.0)),
            Value(0.0),
            output_field=FloatField(),
        )
        for used, capacity in (
            ("vcpus_used", "room_vcpus"),
            ("memory_mb_used", "room_memory"),
            ("local_gb_used", "room_disk"),
        )
    ]
    zone = Coalesce(Subquery(zones.values_list(name)[:1]), default, output_field=CharField())
    return ComputeNode.objects.annotate(zone=zone, **most).annotate(fullness=Greatest(*parts))


def read_zones() -> list[ZoneCapacity]:
    """All zones with hosts, in one statement. Of a host that gets no servers only what its servers
    hold counts.
    """
    takes = Q(service__disabled=False, service__in=Service.objects.up().values("pk"))
    sums = (
        measured_nodes()
        .order_by("zone")
        .values("zone")
        .annotate(
            hosts=Count("pk"),
            servers=Sum("running_vms"),
            vcpus=_sum_of("room_vcpus", "vcpus_used", takes),
            taken_vcpus=Sum("vcpus_used"),
            memory=_sum_of("room_memory", "memory_mb_used", takes),
            taken_memory=Sum("memory_mb_used"),
            disk=_sum_of("room_disk", "local_gb_used", takes),
            taken_disk=Sum("local_gb_used"),
        )
    )
    return [
        ZoneCapacity(
            name=row["zone"],
            hosts=row["hosts"],
            servers=row["servers"],
            vcpus=int(row["vcpus"]),
            vcpus_used=row["taken_vcpus"],
            memory=row["memory"] / 1024,
            memory_used=row["taken_memory"] / 1024,
            disk=int(row["disk"]),
            disk_used=row["taken_disk"],
        )
        for row in sums[:MOST_ZONES]
    ]


def _sum_of(room: str, used: str, takes: Q) -> Sum:
    most = Case(When(takes, then=F(room)), default=F(used), output_field=FloatField())
    return Sum(most, output_field=FloatField())
