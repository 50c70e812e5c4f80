"""What servers took of the cloud within a period, by project."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.db.models import Q
from django.utils import timezone

from compute_site.db.paging import Paging, cut_page
from compute_site.values.words import is_canonical
from servers.errors import MarkerNotFound, PeriodReversed
from servers.models import Instance

HOUR = dt.timedelta(hours=1)
NEEDED = (
    "uuid",
    "project_id",
    "display_name",
    "flavor",
    "vcpus",
    "memory_mb",
    "root_gb",
    "ephemeral_gb",
    "vm_state",
    "launched_at",
    "terminated_at",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UsageSearch:
    """A period and a page of the servers in it; an end that is not said, or yet to come, is now."""

    start: dt.datetime | None
    end: dt.datetime | None
    paging: Paging
    detailed: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerUsage:
    """What one server took; ``uptime`` in seconds, over its whole life."""

    instance_id: str
    name: str
    project_id: str
    flavor: str
    vcpus: int
    memory_mb: int
    local_gb: int
    started_at: dt.datetime
    ended_at: dt.datetime | None
    state: str
    hours: float
    uptime: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProjectUsage:
    """What a project took, in hours of a resource."""

    project_id: str
    start: dt.datetime
    stop: dt.datetime
    servers: tuple[ServerUsage, ...]

    @property
    def hours(self) -> float:
        return sum(server.hours for server in self.servers)

    @property
    def vcpus(self) -> float:
        return sum(server.vcpus * server.hours for server in self.servers)

    @property
    def memory_mb(self) -> float:
        return sum(server.memory_mb * server.hours for server in self.servers)

    @property
    def local_gb(self) -> float:
        return sum(server.local_gb * server.hours for server in self.servers)


@dataclasses.dataclass(frozen=True, slots=True)
class UsagePage:
    """The projects of a page; ``marker`` is the last server of a full one."""

    projects: tuple[ProjectUsage, ...]
    marker: str | None


def report_usage(search: UsageSearch, project_id: str | None = None) -> UsagePage:
    """The usage of all projects, or of one (one statement, one more with a marker).

    Raises:
        PeriodReversed: the period ends before it begins.
        MarkerNotFound: the marker is no server.
    """
    now = timezone.now()
    start, end = search.start or now, search.end or timezone.now()
    if start >= end:
        raise PeriodReversed("The period ends before it begins.", field="start")
    end = min(end, now)
    servers = _servers_within(start, end, search.paging, project_id)
    usages: dict[str, list[ServerUsage]] = {}
    for server in servers:
        usages.setdefault(server.project_id, []).append(_usage_of(server, start, end, now))
    projects = tuple(
        ProjectUsage(project_id=project, start=start, stop=end, servers=tuple(taken))
        for project, taken in usages.items()
    )
    is_full = bool(servers) and len(servers) == search.paging.limit
    return UsagePage(projects, str(servers[-1].uuid) if is_full else None)


def _servers_within(
    start: dt.datetime, end: dt.datetime, paging: Paging, project_id: str | None
) -> list[Instance]:
    """Servers that ran at any time of the period, deleted ones too."""
    ran = Instance.objects.filter(
        Q(terminated_at__isnull=True) | Q(terminated_at__gt=start), launched_at__lt=end
    ).only(*NEEDED)
    if project_id is not None:
        ran = ran.filter(project=project_id)
    after = None
    if paging.marker is not None:
        after = _find_marker(paging.marker)
    return cut_page(ran, [("project_id", False), ("uuid", False)], paging, after)


def _find_marker(marker: str) -> Instance:
    row = None
    if is_canonical(marker):
        row = Instance.objects.filter(uuid=marker).only("uuid", "project_id").first()
    if row is None:
        raise MarkerNotFound(f"The marker {marker[:60]} is no server.", field="marker")
    return row


def _usage_of(
    server: Instance, start: dt.datetime, end: dt.datetime, now: dt.datetime
) -> ServerUsage:
    begun, ended = server.launched_at or end, server.terminated_at
    flavor: dict[str, Any] = server.flavor
    within = min(ended or end, end) - max(begun, start)
    return ServerUsage(
        instance_id=str(server.uuid),
        name=server.display_name,
        project_id=server.project_id,
        flavor=str(flavor["name"]),
        vcpus=server.vcpus,
        memory_mb=server.memory_mb,
        local_gb=server.root_gb + server.ephemeral_gb,
        started_at=begun,
        ended_at=ended,
        state="terminated" if ended else server.vm_state,
        hours=max(within / HOUR, 0.0),
        uptime=int(((ended or now) - begun).total_seconds()),
    )
