"""What a host has, what is taken of it, and by which projects."""

from __future__ import annotations

import dataclasses

from django.db.models import F, Sum

from servers.hosts.errors import NoSuchHost, NotOfThisHost
from servers.hosts.zones import zone_of_hosts, zone_of_service
from servers.models import ComputeNode, Instance, Service
from servers.models.service import CONTROL_BINARIES

TOTAL, USED_NOW, USED_MAX = "(total)", "(used_now)", "(used_max)"


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """Resources under the name of a project or a sum; memory MiB, disk GiB."""

    host: str
    project: str
    cpu: int
    memory_mb: int
    disk_gb: int


@dataclasses.dataclass(frozen=True, slots=True)
class PlacedService:
    """A service with the zone that it is in."""

    service: Service
    zone: str


def list_enabled(zone: str | None = None) -> list[PlacedService]:
    """All services that are enabled, or those of one zone (two statements). Those that run servers
    come first: clients take the first host for one of them.
    """
    zones = zone_of_hosts()
    enabled = Service.objects.filter(disabled=False).order_by("pk")
    placed = [
        PlacedService(service, zone_of_service(service, zones))
        for service in sorted(enabled, key=lambda service: service.binary in CONTROL_BINARIES)
    ]
    return [entry for entry in placed if not zone or entry.zone == zone]


def shares_of(host: str) -> list[Share]:
    """What there is, what is used, what the servers may use, and the same by project.

    Raises:
        NoSuchHost: no host that runs servers has the name.
    """
    node = ComputeNode.objects.filter(service__host=host).first()
    if node is None:
        raise NoSuchHost(f"There is no host {host} that runs servers.")
    rows = (
        Instance.objects.alive()
        .filter(host=host)
        .order_by("project")
        .values("project")
        .annotate(
            cpu=Sum("vcpus"), memory=Sum("memory_mb"), disk=Sum(F("root_gb") + F("ephemeral_gb"))
        )
        .values_list("project", "cpu", "memory", "disk")
    )
    projects = [Share(host, str(project), *amounts) for project, *amounts in rows]
    return [
        Share(host, TOTAL, node.vcpus, node.memory_mb, node.local_gb),
        Share(host, USED_NOW, node.vcpus_used, node.memory_mb_used, node.local_gb_used),
        Share(
            host,
            USED_MAX,
            sum(share.cpu for share in projects),
            sum(share.memory_mb for share in projects),
            sum(share.disk_gb for share in projects),
        ),
        *projects,
    ]


def find_host(host: str) -> Service:
    """The service that runs the servers of a host.

    Raises:
        NoSuchHost: no host that runs servers has the name.
    """
    service = Service.objects.computes().select_related("node").filter(host=host).first()
    if service is None:
        raise NoSuchHost(f"There is no host {host} that runs servers.")
    return service


def switch_power(host: str) -> None:
    """Reboot, start or stop a host.

    Raises:
        NoSuchHost: no host that runs servers has the name.
        NotOfThisHost: always, for now: no driver reaches the power of its host.
    """
    service = find_host(host)
    raise NotOfThisHost(f"The power of the host {service.host} cannot be switched from here.")
