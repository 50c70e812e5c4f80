"""Adds up figures of the cloud into rows of ``Rollup``: each hour, and again if asked again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone

from servers.models import Rollup, RollupKind
from servers.statistics.capacity import measured_nodes, read_zones
from servers.usage import count_states

MOST_HOSTS = 200
"""Of more hosts only the fullest are noted one by one."""

KEPT = {
    RollupKind.ZONE: dt.timedelta(days=90),
    RollupKind.HOST: dt.timedelta(days=14),
    RollupKind.STATE: dt.timedelta(days=90),
    RollupKind.BUILD: dt.timedelta(days=90),
    RollupKind.USAGE: dt.timedelta(days=800),
}
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
CAUGHT_UP = 24 * HOUR
"""Builds are told of so far back, in case nobody did it meanwhile."""

# A failed try at one host that another host made up for is no failure of the server.
BUILDS = """
    SELECT date_trunc('hour', finish_time, 'UTC'), 'built', count(*)
    FROM servers_instanceactionevent
    WHERE event = 'compute__do_build_and_run_instance' AND result = 'Success'
      AND finish_time >= %(since)s
    GROUP BY 1
    UNION ALL
    SELECT date_trunc('hour', fault.created_at, 'UTC'), 'failed', count(*)
    FROM servers_fault AS fault JOIN servers_instance AS server ON server.id = fault.instance_id
    WHERE fault.created_at >= %(since)s AND server.launched_at IS NULL
    GROUP BY 1
"""
USAGE = """
    SELECT server.project_id, project.name, count(*), sum(server.vcpus * part.hours),
        sum(server.memory_mb / 1024.0 * part.hours),
        sum((server.root_gb + server.ephemeral_gb) * part.hours)
    FROM servers_instance AS server
    JOIN identity_project AS project ON project.id = server.project_id
    CROSS JOIN LATERAL (
        SELECT GREATEST(EXTRACT(epoch FROM
            LEAST(COALESCE(server.terminated_at, %(end)s), %(end)s)
            - GREATEST(server.launched_at, %(start)s)), 0) / 3600 AS hours
    ) AS part
    WHERE server.launched_at < %(end)s
      AND (server.terminated_at IS NULL OR server.terminated_at > %(start)s)
    GROUP BY 1, 2
"""


def roll_up(now: dt.datetime | None = None) -> int:
    """Note how things stand in this hour, the builds of the last day, and what projects used today
    and yesterday; forget what is old. The number of rows that were written.
    """
    now = now or timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    today = hour.replace(hour=0)
    rows = [
        *_capacity(hour),
        *_states(hour),
        *_builds(hour),
        *_usage(today - DAY, today),
        *_usage(today, min(today + DAY, now)),
    ]
    Rollup.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["kind", "at", "subject"],
        update_fields=["numbers"],
    )
    for kind, kept in KEPT.items():
        Rollup.objects.filter(kind=kind, at__lt=now - kept).delete()
    return len(rows)


def _capacity(hour: dt.datetime) -> Iterator[Rollup]:
    names = ("vcpus", "vcpus_used", "memory", "memory_used", "disk", "disk_used", "servers")
    for zone in read_zones():
        numbers = {name: round(getattr(zone, name), 1) for name in names}
        yield Rollup(kind=RollupKind.ZONE, at=hour, subject=zone.name, numbers=numbers)
    fullest = measured_nodes().order_by(F("fullness").desc(), "service__host")
    for node in fullest.select_related("service")[:MOST_HOSTS]:
        numbers = {
            "vcpus": node.room_vcpus,
            "vcpus_used": node.vcpus_used,
            "memory": round(node.room_memory / 1024, 1),
            "memory_used": round(node.memory_mb_used / 1024, 1),
            "disk": node.room_disk,
            "disk_used": node.local_gb_used,
            "servers": node.running_vms,
        }
        yield Rollup(kind=RollupKind.HOST, at=hour, subject=node.service.host, numbers=numbers)


def _states(hour: dt.datetime) -> Iterator[Rollup]:
    for state, number in count_states().items():
        yield Rollup(kind=RollupKind.STATE, at=hour, subject=state, numbers={"servers": number})


def _builds(hour: dt.datetime) -> Iterator[Rollup]:
    with connection.cursor() as cursor:
        cursor.execute(BUILDS, {"since": hour - CAUGHT_UP})
        for at, result, number in cursor.fetchall():
            yield Rollup(kind=RollupKind.BUILD, at=at, subject=result, numbers={"servers": number})


def _usage(start: dt.datetime, end: dt.datetime) -> Iterator[Rollup]:
    """What projects used from the start of the day to the end."""
    values: dict[str, Any] = {"start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(USAGE, values)
        for project_id, name, servers, *hours in cursor.fetchall():
            vcpus, memory, disk = (round(float(number), 2) for number in hours)
            numbers = {
                "project": name,
                "servers": servers,
                "vcpu_hours": vcpus,
                "memory_hours": memory,
                "disk_hours": disk,
            }
            yield Rollup(kind=RollupKind.USAGE, at=start, subject=project_id, numbers=numbers)
