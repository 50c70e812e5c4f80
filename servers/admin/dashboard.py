"""The panels of servers on the first page of the admin."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from django.db.models import Count

from compute_site.admin_site import Panel, show_panels
from servers.admin.display import age, meter
from servers.hosts.zones import zone_of_hosts
from servers.models import ComputeNode, Fault, Instance, VmState

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
    marks: str = ""

    @property
    def fullness(self) -> float:
        """The fullest resource, from 0 to 1."""
        pairs = (
            (self.vcpus_used, self.vcpus),
            (self.memory_used, self.memory),
            (self.disk_used, self.disk),
        )
        return max(used / most if most else 0 for used, most in pairs)

    @property
    def bars(self) -> list[str]:
        return [
            meter(self.vcpus_used, self.vcpus),
            meter(round(self.memory_used), round(self.memory), "GiB"),
            meter(self.disk_used, self.disk, "GiB"),
        ]

    def add(self, other: Capacity) -> None:
        """This zone has one more host."""
        self.hosts += 1
        for name in ("servers", "vcpus", "vcpus_used", "memory", "memory_used", "disk"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.disk_used += other.disk_used


def read_capacity() -> Mapping[str, Any]:
    """Zones, and the fullest hosts; two statements."""
    zones: dict[str, Capacity] = {}
    hosts = []
    zone_names = zone_of_hosts()
    for node in ComputeNode.objects.select_related("service").order_by("hypervisor_hostname"):
        host = _capacity_of(node)
        host.zone = zone_names.get(node.service.host, "–")
        zones.setdefault(host.zone, Capacity(host.zone)).add(host)
        hosts.append(host)
    fullest = sorted(hosts, key=attrgetter("fullness"), reverse=True)[:MOST_HOSTS]
    return {
        "zones": sorted(zones.values(), key=attrgetter("name"))[:MOST_HOSTS],
        "hosts": fullest,
        "more": len(hosts) - len(fullest),
    }


def _capacity_of(node: ComputeNode) -> Capacity:
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
        vcpus=int(node.vcpus * node.cpu_allocation_ratio),
        vcpus_used=node.vcpus_used,
        memory=node.memory_mb * node.ram_allocation_ratio / 1024,
        memory_used=node.memory_mb_used / 1024,
        disk=int(node.local_gb * node.disk_allocation_ratio),
        disk_used=node.local_gb_used,
        marks=", ".join(marks),
    )


def read_states() -> Mapping[str, Any]:
    """How many servers are in each state."""
    counted = Instance.objects.alive().order_by().values_list("vm_state")
    counts = dict(counted.annotate(number=Count("pk")))
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
    faults = Fault.objects.select_related("instance").only(
        *("message", "host", "created_at", "instance__display_name", "instance__vm_state")
    )
    newest = faults.order_by("-pk")[:MOST_ROWS]
    return {"faults": [(fault, age(fault.created_at)) for fault in newest]}


show_panels(
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
        permission="servers.view_fault",
        template="servers/admin/failures.html",
        read=read_failures,
    ),
)
