"""A host as the search for hosts sees it, and what the search has given away of it so far."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings

ZONE = "availability_zone"


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostState:
    """A host as it was read. Memory MiB, disk GiB; JSON columns are texts until somebody asks.

    The names are those that rules and extra specs of Nova use where it has them.
    """

    node_id: int
    provider_id: int
    host: str
    node: str
    cell_id: int
    vcpus: int = 0
    vcpus_used: int = 0
    free_vcpus: int = 0
    memory_mb: int = 0
    memory_mb_used: int = 0
    free_memory_mb: int = 0
    local_gb: int = 0
    local_gb_used: int = 0
    free_disk_gb: int = 0
    running_vms: int = 0
    io_ops: int = 0
    failed_builds: int = 0
    free_devices: int = 0
    driver: str = "fake"
    hypervisor_type: str = "fake"
    hypervisor_version: int = 0
    host_ip: str | None = None
    cpu_info_text: str = "{}"
    supported_text: str = "[]"
    members: int = 0
    """How many servers of the demanded group lie here."""
    like_images: float = 0
    """How many servers here have image properties that the demanded one has too, each as much as
    the option ``image_props_weight_setting`` says.
    """
    aggregates: tuple[Mapping[str, str], ...] = ()
    """The metadata of each."""

    @property
    def zone(self) -> str:
        named = (metadata.get(ZONE) for metadata in self.aggregates)
        default: str = settings.OPTIONS.default_availability_zone
        return next(filter(None, named), default)

    @property
    def free_ram_mb(self) -> int:
        """Of what there is, whatever may be given away beyond that."""
        return self.memory_mb - self.memory_mb_used

    @property
    def free_disk_mb(self) -> int:
        return (self.local_gb - self.local_gb_used) * 1024

    @functools.cached_property
    def cpu_info(self) -> Any:
        return json.loads(self.cpu_info_text)

    @functools.cached_property
    def supported_instances(self) -> Any:
        return json.loads(self.supported_text)

    @functools.cached_property
    def metadata(self) -> Mapping[str, frozenset[str]]:
        """The words of all aggregates by key; commas separate words."""
        found: dict[str, set[str]] = {}
        for metadata in self.aggregates:
            for key, text in metadata.items():
                found.setdefault(key, set()).update(word.strip() for word in text.split(","))
        return {key: frozenset(words) for key, words in found.items()}

    def values_of(self, key: str) -> set[str]:
        """What each aggregate says under the key, as it stands."""
        return {metadata[key] for metadata in self.aggregates if key in metadata}

    @functools.cached_property
    def attributes(self) -> Mapping[str, Any]:
        """By Nova's names, for extra specs ``capabilities:…`` and the hint ``query``."""
        return {
            "host": self.host,
            "nodename": self.node,
            "hypervisor_hostname": self.node,
            "hypervisor_type": self.hypervisor_type,
            "hypervisor_version": self.hypervisor_version,
            "host_ip": self.host_ip,
            "cpu_info": self.cpu_info,
            "supported_instances": self.supported_instances,
            "vcpus_total": self.vcpus,
            "vcpus_used": self.vcpus_used,
            "total_usable_ram_mb": self.memory_mb,
            "free_ram_mb": self.free_ram_mb,
            "total_usable_disk_gb": self.local_gb,
            "free_disk_mb": self.free_disk_mb,
            "disk_mb_used": self.local_gb_used * 1024,
            "num_instances": self.running_vms,
            "num_io_ops": self.io_ops,
            "failed_builds": self.failed_builds,
            "cpu_allocation_ratio": _ratio(self.vcpus_used + self.free_vcpus, self.vcpus),
            "ram_allocation_ratio": _ratio(
                self.memory_mb_used + self.free_memory_mb, self.memory_mb
            ),
            "disk_allocation_ratio": _ratio(self.local_gb_used + self.free_disk_gb, self.local_gb),
        }


def _ratio(most: int, total: int) -> float | None:
    return most / total if total else None
