"""Hypervisors: the compute nodes of hosts, with what is free and what runs on them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Collection

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from compute_site.db.paging import Paging, cut_page
from servers.hosts.errors import (
    HostDown,
    HypervisorMarkerNotFound,
    NoSuchHypervisor,
    NotOfThisHost,
    PatternAndPage,
)
from servers.models import ComputeNode, Instance
from servers.models.service import SIMULATED_DRIVERS

SUMMED = (
    "vcpus",
    "vcpus_used",
    "memory_mb",
    "memory_mb_used",
    "local_gb",
    "local_gb_used",
    "running_vms",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HypervisorSearch:
    """Which hypervisors: a page of all, or those whose name holds ``pattern``."""

    paging: Paging
    marker: int | uuid.UUID | None = None
    is_paged: bool = False
    pattern: str | None = None
    with_servers: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Guest:
    """A server on a hypervisor, by the name that it has there."""

    uuid: str
    name: str


def list_hypervisors(search: HypervisorSearch) -> list[ComputeNode]:
    """A page in the order in which the hosts came, or all that match the pattern.

    Raises:
        PatternAndPage: one can ask for a pattern or for a page.
        NoSuchHypervisor: nothing matches the pattern.
        HypervisorMarkerNotFound: the marker is none.
    """
    if search.pattern is not None:
        if search.is_paged:
            raise PatternAndPage("A list by a pattern has no pages.", field="limit")
        return find_hypervisors(search.pattern)
    after = None
    if search.marker is not None:
        after = _named(search.marker).first()
        if after is None:
            raise HypervisorMarkerNotFound(
                f"The marker {search.marker} is no hypervisor.", field="marker"
            )
    return cut_page(_nodes(), [("pk", False)], search.paging, after)


def find_hypervisors(pattern: str) -> list[ComputeNode]:
    """Those whose names hold the text.

    Raises:
        NoSuchHypervisor: there is none.
    """
    found = list(_nodes().filter(hypervisor_hostname__contains=pattern).order_by("pk"))
    if not found:
        raise NoSuchHypervisor(f"There is no hypervisor whose name holds {pattern!r:.80}.")
    return found


def find_hypervisor(key: int | uuid.UUID) -> ComputeNode:
    """The hypervisor with this id, or with this UUID.

    Raises:
        NoSuchHypervisor: there is none.
    """
    node = _named(key).first()
    if node is None:
        raise NoSuchHypervisor(f"There is no hypervisor {key}.")
    return node


def guests_of(nodes: Collection[ComputeNode]) -> dict[str, list[Guest]]:
    """The servers on each host (one statement)."""
    guests: dict[str, list[Guest]] = {node.service.host: [] for node in nodes}
    servers = Instance.objects.alive().filter(host__in=guests).order_by("pk")
    for server in servers.only("uuid", "host"):
        guests[str(server.host)].append(Guest(str(server.uuid), server.instance_name))
    return guests


def workload_of(nodes: Collection[ComputeNode]) -> dict[str, int]:
    """By host, how many of its servers something is being done to (one statement)."""
    hosts = [node.service.host for node in nodes]
    busy = Instance.objects.alive().filter(host__in=hosts, task_state__isnull=False)
    rows = busy.order_by().values_list("host").annotate(Count("pk"))
    return {str(host): number for host, number in rows}


def statistics() -> dict[str, int]:
    """The resources of all enabled hosts in sum (two statements)."""
    nodes = ComputeNode.objects.filter(service__disabled=False)
    sums = nodes.aggregate(count=Count("pk"), **{name: Sum(name) for name in SUMMED})
    numbers = {name: number or 0 for name, number in sums.items()}
    free_disk = numbers["local_gb"] - numbers["local_gb_used"]
    hosts = nodes.values("service__host")
    busy = Instance.objects.alive().filter(host__in=hosts, task_state__isnull=False).count()
    return {
        **numbers,
        "free_ram_mb": numbers["memory_mb"] - numbers["memory_mb_used"],
        "free_disk_gb": free_disk,
        "disk_available_least": free_disk,
        "current_workload": busy,
    }


def count_hosts() -> dict[str, int]:
    """How many hosts there are, and servers on them, by the counters of the hosts."""
    found = ComputeNode.objects.aggregate(hosts=Count("pk"), servers=Sum("running_vms"))
    return {name: number or 0 for name, number in found.items()}


def uptime_of(node: ComputeNode) -> str | None:
    """How long the host has been running, as the program ``uptime`` writes it; ``None`` where that
    is not known. A simulated host runs since it was made.
    """
    if node.driver not in SIMULATED_DRIVERS or not node.service.is_up:
        return None
    now = timezone.now()
    running = now - node.service.created_at
    days, rest = divmod(int(running.total_seconds()), int(dt.timedelta(days=1).total_seconds()))
    hours, minutes = divmod(rest // 60, 60)
    return (
        f" {now:%H:%M:%S} up {days} days, {hours:2d}:{minutes:02d},  "
        "0 users,  load average: 0.00, 0.00, 0.00"
    )


def check_uptime(node: ComputeNode) -> str:
    """The same, for one who asks for nothing else.

    Raises:
        HostDown: the host does not answer.
        NotOfThisHost: its driver cannot tell.
    """
    if not node.service.is_up:
        raise HostDown(f"The host {node.service.host} does not answer.")
    uptime = uptime_of(node)
    if uptime is None:
        raise NotOfThisHost(f"The host {node.service.host} cannot tell how long it runs.")
    return uptime


def _nodes() -> QuerySet[ComputeNode]:
    return ComputeNode.objects.select_related("service", "hardware")


def _named(key: int | uuid.UUID) -> QuerySet[ComputeNode]:
    return _nodes().filter(**({"uuid": key} if isinstance(key, uuid.UUID) else {"pk": key}))
