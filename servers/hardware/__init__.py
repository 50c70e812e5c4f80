"""Computes what a flavor and an image together need of a host: pure rules, no database, no HTTP.

A create request calls these in the order of docs/contract/create-flow.md: ``read_image_properties``
(C9), ``plan_hardware`` (C10), ``ephemeral_encryption`` (D7), ``check_packed_ring`` (E4, row 4),
``check_hardware`` (E4, row 9) and ``check_sound`` (E5). Without image data, the two of E4 are left
out and the others get ``ImageProperties()``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from servers.hardware.cpu import choose_realtime_cpus
from servers.hardware.devices import (
    EphemeralEncryption,
    choose_cpu_topology,
    choose_multiqueue,
    choose_packed_ring,
    choose_pmu,
    choose_serial_ports,
    choose_sound_model,
    ephemeral_encryption,
)
from servers.hardware.memory import choose_memory_encryption
from servers.hardware.numa import NumaCell, NumaTopology, plan_numa
from servers.hardware.pci import PciRequest, choose_pci_numa_policy, plan_pci_requests
from servers.hardware.properties import ImageProperties, read_image_properties
from servers.hardware.sources import FlavorHardware

__all__ = [
    "EphemeralEncryption",
    "FlavorHardware",
    "HardwareDemand",
    "ImageProperties",
    "NumaCell",
    "NumaTopology",
    "PciRequest",
    "check_hardware",
    "check_packed_ring",
    "check_sound",
    "ephemeral_encryption",
    "plan_hardware",
    "plan_numa",
    "read_image_properties",
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HardwareDemand:
    """What a server needs of its host beyond amounts of CPU, memory and disk."""

    numa: NumaTopology | None
    pci_requests: tuple[PciRequest, ...]
    pci_numa_policy: str | None
    """The policy that flavor or image name; it also applies to the ports of the server."""

    def as_json(self) -> dict[str, Any]:
        return {
            "numa": self.numa.as_json() if self.numa else None,
            "pci_requests": [request.as_json() for request in self.pci_requests],
            "pci_numa_policy": self.pci_numa_policy,
        }


def plan_hardware(
    flavor: FlavorHardware, image: ImageProperties, *, pci_aliases: Iterable[Mapping[str, Any]]
) -> HardwareDemand:
    """The NUMA layout and the PCI devices (docs/contract/create-flow.md C10, I3, I4).

    Raises:
        BadRequest: a class of ``servers.hardware.errors``.
        PciPolicyClash: 403, checked after the NUMA layout.
    """
    numa = plan_numa(flavor, image)
    policy = choose_pci_numa_policy(flavor, image)
    requests = plan_pci_requests(flavor, pci_aliases, numa_policy=policy)
    return HardwareDemand(numa=numa, pci_requests=requests, pci_numa_policy=policy)


def check_packed_ring(flavor: FlavorHardware, image: ImageProperties) -> None:
    """Check packed virtqueues, which comes before the checks of the image's sizes.

    Raises:
        FlavorImageClash: flavor and image do not agree.
    """
    choose_packed_ring(flavor, image)


def check_hardware(flavor: FlavorHardware, image: ImageProperties) -> None:
    """The checks that come after those of the image's sizes.

    Raises:
        BadRequest: a class of ``servers.hardware.errors``.
    """
    choose_memory_encryption(flavor, image)
    choose_pmu(flavor, image)
    choose_serial_ports(flavor, image)
    choose_realtime_cpus(flavor, image)
    choose_cpu_topology(flavor, image)
    choose_multiqueue(flavor, image)


def check_sound(flavor: FlavorHardware, image: ImageProperties) -> None:
    """Check the sound device, even without image data.

    Raises:
        FlavorImageClash: flavor and image name different models.
        WrongExtraSpec: the flavor's model does not exist.
    """
    choose_sound_model(flavor, image)
