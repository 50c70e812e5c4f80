"""Combines what flavor and image need of a host: size, CPUs, memory layout, devices
(docs/contract/create-flow.md C9, C10; the rules themselves are in ``servers.hardware``).
"""

from __future__ import annotations

import dataclasses

from django.conf import settings

from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.hardware import (
    FlavorHardware,
    HardwareDemand,
    ImageProperties,
    NumaTopology,
    plan_hardware,
    read_image_properties,
)
from servers.hosts.versions import oldest_compute_version
from servers.machine.errors import DeviceProfileUnknown, MixedPolicyTooNew

DEVICE_PROFILE = "accel:device_profile"
MIXED_SINCE = 52


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """``image`` is ``None`` when there are no image data; then the properties are empty."""

    flavor: Flavor
    image: ImageData | None
    specs: FlavorHardware
    properties: ImageProperties
    demand: HardwareDemand


def plan_machine(flavor: Flavor, image: ImageData | None) -> Machine:
    """Read the image's properties, then plan CPUs, memory and PCI devices."""
    properties = read_image_properties(image.properties) if image else ImageProperties()
    specs = hardware_of(flavor)
    demand = plan_hardware(specs, properties, pci_aliases=settings.OPTIONS.pci_alias)
    return Machine(flavor=flavor, image=image, specs=specs, properties=properties, demand=demand)


def hardware_of(flavor: Flavor) -> FlavorHardware:
    """What the rules on hardware read of a flavor."""
    return FlavorHardware(
        vcpus=flavor.vcpus, memory_mb=flavor.memory_mb, extra_specs=flavor.extra_specs
    )


def check_mixed_policy(numa: NumaTopology | None, *, field: str) -> None:
    """Refuse shared and dedicated CPUs together while hosts are too old for it
    (docs/contract/create-flow.md C13).
    """
    mixed = numa is not None and any(cell.cpu_policy == "mixed" for cell in numa.cells)
    if mixed and oldest_compute_version() < MIXED_SINCE:
        raise MixedPolicyTooNew(
            "Not every host of this site can mix shared and dedicated CPUs yet.", field=field
        )


def check_device_profile(flavor: Flavor, *, field: str) -> None:
    """Refuse a flavor with an accelerator: there is no accelerator service here
    (docs/contract/create-flow.md G3).
    """
    profile = flavor.extra_specs.get(DEVICE_PROFILE)
    if profile:
        raise DeviceProfileUnknown(
            f"The flavor asks for the device profile {profile}, which nobody here knows.",
            field=field,
        )
