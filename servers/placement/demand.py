"""What a server demands of its host, read off its request spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from servers.models import RequestSpec, ServerGroup
from servers.models.provider import DISK_GB, MEMORY_MB, VCPU

REQUIRED = "required"
FORBIDDEN = "forbidden"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """How the members of a server group lie on hosts."""

    policy: str
    max_per_host: int = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The same for each server of a reservation. Memory MiB, disk GiB."""

    vcpus: int
    memory_mb: int
    disk_gb: int
    zone: str | None = None
    forced_hosts: frozenset[str] = frozenset()
    forced_nodes: frozenset[str] = frozenset()
    wanted_host: str | None = None
    wanted_node: str | None = None
    ignored_hosts: frozenset[str] = frozenset()
    near_servers: frozenset[str] = frozenset()
    """Servers on whose hosts this one must lie (hint ``same_host``)."""
    apart_servers: frozenset[str] = frozenset()
    """Servers on whose hosts this one must not lie (hint ``different_host``)."""
    required_traits: frozenset[str] = frozenset()
    forbidden_traits: frozenset[str] = frozenset()
    group: GroupRule | None = None

    @property
    def resources(self) -> dict[str, int]:
        """Amounts by resource class."""
        return {VCPU: self.vcpus, MEMORY_MB: self.memory_mb, DISK_GB: self.disk_gb}

    @property
    def is_forced(self) -> bool:
        """Was a host or node forced? Then only what cannot be bent is checked."""
        return bool(self.forced_hosts or self.forced_nodes)


def read_demand(spec: RequestSpec) -> Demand:
    """The demand of a server; its group is that of the spec."""
    flavor = spec.flavor
    extra_specs = flavor.get("extra_specs") or {}
    hints = spec.scheduler_hints
    destination = spec.requested_destination or {}
    root_gb = 0 if spec.is_bfv else flavor["root_gb"]
    swap_gb = -(-flavor.get("swap", 0) // 1024)
    traits = _traits(extra_specs, spec.image.get("properties") or {})
    return Demand(
        vcpus=_resource(extra_specs, "VCPU", flavor["vcpus"]),
        memory_mb=_resource(extra_specs, "MEMORY_MB", flavor["memory_mb"]),
        disk_gb=_resource(
            extra_specs, "DISK_GB", root_gb + flavor.get("ephemeral_gb", 0) + swap_gb
        ),
        zone=spec.availability_zone or None,
        forced_hosts=frozenset(spec.force_hosts or ()),
        forced_nodes=frozenset(spec.force_nodes or ()),
        wanted_host=destination.get("host"),
        wanted_node=destination.get("node"),
        ignored_hosts=frozenset(spec.ignore_hosts or ()),
        near_servers=_words(hints.get("same_host")),
        apart_servers=_words(hints.get("different_host")),
        required_traits=frozenset(traits[REQUIRED]),
        forbidden_traits=frozenset(traits[FORBIDDEN]),
        group=_group_rule(spec.instance_group),
    )


def _group_rule(group: ServerGroup | None) -> GroupRule | None:
    if group is None:
        return None
    limit = (group.rules or {}).get("max_server_per_host", 1)
    return GroupRule(policy=group.policy, max_per_host=int(limit))


def _resource(extra_specs: Mapping[str, str], resource: str, default: int) -> int:
    """The flavor may ask a host for another amount than it gives the guest."""
    text = str(extra_specs.get(f"resources:{resource}", ""))
    return int(text) if text.isascii() and text.isdigit() else default


def _traits(*sources: Mapping[str, Any]) -> dict[str, set[str]]:
    traits: dict[str, set[str]] = {REQUIRED: set(), FORBIDDEN: set()}
    for source in sources:
        for key, value in source.items():
            if key.startswith("trait:") and value in traits:
                traits[value].add(key.removeprefix("trait:"))
    return traits


def _words(value: Any) -> frozenset[str]:
    """A hint is a list by now; one text in it may stand for a list of one."""
    if not isinstance(value, Iterable):
        return frozenset()
    items = [value] if isinstance(value, str) else value
    return frozenset(str(item).lower() for item in items if item)
