"""The panels of servers on the first page of the admin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import F

from compute_site.console.site import Panel, show_panels
from servers.admin.display import age, duration, meter
from servers.hosts.services import count_hosts
from servers.models import ComputeNode, Instance, ServerFault, VmState
from servers.read.queue import are_workers_up, find_trouble, read_queues
from servers.statistics.capacity import ZoneCapacity, measured_nodes, read_zones
from servers.usage import count_states

MOST_HOSTS = 15
MOST_ROWS = 10
MOST_WAITING = 1000


@dataclasses.dataclass(slots=True)
class Capacity:
    """What a host or zone may give away, and what is taken of it. Memory and disk in GiB."""

    name: str
    hosts: int = 0
    servers: int = 0
    vcpus: int = 0
    vcpus_used: int = 0
    memory: float = 0
    memory_used: float = 0
    disk: int = 0
    disk_used: int = 0
    zone: str = ""
    marks: Sequence[str] = ()
    key: int = 0

    @property
    def bars(self) -> list[str]:
        return [
            meter(self.vcpus_used, self.vcpus),
            meter(round(self.memory_used), round(self.memory), "GiB"),
            meter(self.disk_used, self.disk, "GiB"),
        ]


def read_capacity() -> Mapping[str, Any]:
    """Zones, and the fullest hosts; three statements."""
    fullest = (
        measured_nodes().select_related("service").order_by(F("fullness").desc(), "service__host")
    )
    hosts = [_capacity_of(node) for node in fullest[:MOST_HOSTS]]
    return {
        "zones": [_capacity_of_zone(zone) for zone in read_zones()[:MOST_HOSTS]],
        "hosts": hosts,
        "more": ComputeNode.objects.count() - len(hosts),
    }


def _capacity_of_zone(zone: ZoneCapacity) -> Capacity:
    return Capacity(**dataclasses.asdict(zone))


def _capacity_of(node: Any) -> Capacity:
    service = node.service
    service.node = node  # spare the statement that would look it up
    marks = [
        word
        for word, holds in (("disabled", service.disabled), ("down", not service.is_up))
        if holds
    ]
    return Capacity(
        name=service.host,
        hosts=1,
        servers=node.running_vms,
        vcpus=int(node.room_vcpus),
        vcpus_used=node.vcpus_used,
        memory=node.room_memory / 1024,
        memory_used=node.memory_mb_used / 1024,
        disk=int(node.room_disk),
        disk_used=node.local_gb_used,
        zone=node.zone,
        marks=marks,
        key=node.pk,
    )


def read_services() -> Mapping[str, Any]:
    """Workers, hosts and what waits for them; three statements."""
    queues, workers_up = read_queues(), are_workers_up()
    return {
        "workers_up": workers_up,
        "hosts": count_hosts(),
        "queues": [(queue, duration(int(queue.seconds))) for queue in queues],
        "trouble": find_trouble(queues, workers_up=workers_up),
    }


def read_states() -> Mapping[str, Any]:
    """How many servers are in each state."""
    counts = count_states()
    most = max(counts.values(), default=0)
    known = [(state, counts[state]) for state in VmState.values if state in counts]
    return {"states": known, "most": most, "total": sum(counts.values())}


def read_waiting() -> Mapping[str, Any]:
    """The oldest servers that are being built or wait for it."""
    building = Instance.objects.alive().filter(vm_state=VmState.BUILDING)
    oldest = building.select_related("project").only(
        *("display_name", "task_state", "host", "created_at", "project__name")
    )
    number = building.order_by()[:MOST_WAITING].count()
    return {
        "number": f"{number} or more" if number == MOST_WAITING else number,
        "servers": [
            (instance, age(instance.created_at))
            for instance in oldest.order_by("created_at", "pk")[:MOST_ROWS]
        ],
    }


def read_failures() -> Mapping[str, Any]:
    """The newest faults of servers, with their reasons."""
    faults = ServerFault.objects.select_related("instance").only(
        *("message", "host", "created_at", "instance__display_name", "instance__vm_state")
    )
    newest = faults.order_by("-pk")[:MOST_ROWS]
    return {"faults": [(fault, age(fault.created_at)) for fault in newest]}


show_panels(
    Panel(
        title="Services",
        permission="servers.view_service",
        template="servers/admin/services.html",
        read=read_services,
    ),
    Panel(
        title="Capacity",
        permission="servers.view_computenode",
        template="servers/admin/capacity.html",
        read=read_capacity,
        wide=True,
    ),
    Panel(
        title="Servers by state",
        permission="servers.view_instance",
        template="servers/admin/states.html",
        read=read_states,
    ),
    Panel(
        title="Builds under way",
        permission="servers.view_instance",
        template="servers/admin/waiting.html",
        read=read_waiting,
    ),
    Panel(
        title="Last failures",
        permission="servers.view_serverfault",
        template="servers/admin/failures.html",
        read=read_failures,
        wide=True,
    ),
)
