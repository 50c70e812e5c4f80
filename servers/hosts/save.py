"""Makes hosts, or changes those that there are: their services, and all that they have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import transaction

from servers.hosts.description import HostDescription
from servers.hosts.errors import HostRefused
from servers.hosts.register import register_hosts
from servers.models import Cell, Service
from servers.models.cell import CELL0
from servers.models.service import COMPUTE_BINARY


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """``cell`` is the name of one that can have hosts."""

    name: str
    cell: str
    enabled: bool = True
    description: HostDescription


@transaction.atomic
def save_hosts(hosts: Sequence[Host]) -> None:
    """
    Raises:
        HostRefused: a host cannot become that; nothing has changed.
    """
    cells = {cell.name: cell for cell in Cell.objects.exclude(name=CELL0)}
    names = [host.name for host in hosts]
    known = {
        service.host: service
        for service in Service.objects.filter(binary=COMPUTE_BINARY, host__in=names)
    }
    with_servers = Service.objects.filter(host__in=names, node__running_vms__gt=0)
    changed: list[Service] = []
    lived_in = set(with_servers.values_list("pk", flat=True))
    for host in hosts:
        if host.cell not in cells:
            raise _refused(host, f"no cell {host.cell} can have hosts")
        service = known.setdefault(host.name, Service(host=host.name))
        if service.pk in lived_in and service.cell_id != cells[host.cell].pk:
            raise _refused(host, "it has servers, and stays in its cell")
        if (service.cell_id, service.disabled) != (cells[host.cell].pk, not host.enabled):
            service.cell, service.disabled = cells[host.cell], not host.enabled
            changed.append(service)
    others = [service for service in changed if service.pk is not None]
    Service.objects.bulk_update(others, ["cell", "disabled"])
    Service.objects.bulk_create([service for service in changed if service.pk is None])
    register_hosts({known[host.name].pk: host.description for host in hosts})


def _refused(host: Host, told: str) -> HostRefused:
    return HostRefused(told, host=host.description.hypervisor_hostname, field="cell")
