"""Devices and features beside CPUs and memory: serial ports, queues, CPU topology, sound,
encryption of local disks (docs/contract/create-flow.md I5, D7).
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from servers.hardware.errors import FlavorImageClash, WrongCpuDemand
from servers.hardware.properties import ENCRYPTION_FORMATS, SOUND_MODELS, ImageProperties
from servers.hardware.sources import (
    FlavorHardware,
    agree_on_flag,
    agree_on_word,
    read_spec,
    twin,
)
from servers.hardware.values import number

PACKED_RING = "hw:virtio_packed_ring"
PMU = "hw:pmu"
MULTIQUEUE = "hw:vif_multiqueue_enabled"
SOUND_MODEL = "hw:sound_model"
ENCRYPTION_FORMAT = "hw:ephemeral_encryption_format"
ENCRYPTION = "hw:ephemeral_encryption"
SERIAL_PORTS = "hw:serial_port_count"
PREFERENCE = "hw:cpu_"
MAXIMUM = "hw:cpu_max_"
"""Prefixes of the sockets, cores and threads."""

NO_LIMIT = 65536


class CpuTopology(NamedTuple):
    sockets: int
    cores: int
    threads: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralEncryption:
    """Are local disks encrypted, and in which format? ``None``: the host chooses."""

    enabled: bool
    format: str | None = None


def choose_packed_ring(flavor: FlavorHardware, image: ImageProperties) -> bool:
    return agree_on_flag(flavor, image, PACKED_RING) or False


def choose_pmu(flavor: FlavorHardware, image: ImageProperties) -> bool | None:
    """``None`` leaves the performance monitoring unit to the hypervisor."""
    return agree_on_flag(flavor, image, PMU)


def choose_multiqueue(flavor: FlavorHardware, image: ImageProperties) -> bool:
    """One CPU has no use for several queues, so flavor and image may then differ."""
    if flavor.vcpus < 2:
        return False
    return agree_on_flag(flavor, image, MULTIQUEUE) or False


def choose_sound_model(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    return agree_on_word(flavor, image, SOUND_MODEL, SOUND_MODELS)


def choose_serial_ports(flavor: FlavorHardware, image: ImageProperties) -> int:
    """The image may lower the flavor's number, or choose freely where the flavor has none.

    Raises:
        FlavorImageClash: the image asks for more than the flavor.
    """
    wanted = image.hw_serial_port_count
    asked = read_spec(flavor, SERIAL_PORTS, number) if flavor.extra_specs.get(SERIAL_PORTS) else 0
    if asked and wanted and wanted > asked:
        raise FlavorImageClash(
            f"The image property hw_serial_port_count is {wanted}; the flavor allows {asked}."
        )
    return wanted or asked or 1


def choose_cpu_topology(
    flavor: FlavorHardware, image: ImageProperties
) -> tuple[CpuTopology, CpuTopology]:
    """The preferred topology (0: no preference) and the largest one allowed.

    Raises:
        FlavorImageClash: the image's maximum exceeds the flavor's.
        WrongCpuDemand: the image prefers more than the maximum.
    """
    flavor_maximum, image_maximum = _read_topologies(flavor, image, MAXIMUM)
    if any(
        limit and wanted > limit
        for limit, wanted in zip(flavor_maximum, image_maximum, strict=True)
    ):
        raise FlavorImageClash(
            f"The image allows more CPU sockets, cores or threads {tuple(image_maximum)} than the"
            f" flavor {tuple(flavor_maximum)}."
        )
    pairs = zip(image_maximum, flavor_maximum, strict=True)
    maximum = CpuTopology(*(wanted or limit or NO_LIMIT for wanted, limit in pairs))
    flavor_preference, image_preference = _read_topologies(flavor, image, PREFERENCE)
    if _exceeds(flavor_preference, maximum):
        # An image may lower the maximum below what the flavor prefers: no reason to refuse.
        flavor_preference = CpuTopology(0, 0, 0)
    if _exceeds(image_preference, maximum):
        raise WrongCpuDemand(
            f"The image prefers CPU sockets, cores and threads {tuple(image_preference)}; at most"
            f" {tuple(maximum)} are allowed."
        )
    return image_preference if any(image_preference) else flavor_preference, maximum


def _exceeds(preference: CpuTopology, maximum: CpuTopology) -> bool:
    return any(part > limit for part, limit in zip(preference, maximum, strict=True))


def _read_topologies(
    flavor: FlavorHardware, image: ImageProperties, prefix: str
) -> tuple[CpuTopology, CpuTopology]:
    keys = [prefix + part for part in CpuTopology._fields]
    return (
        CpuTopology(*(read_spec(flavor, key, number) or 0 for key in keys)),
        CpuTopology(*(twin(image, key) or 0 for key in keys)),
    )


def ephemeral_encryption(flavor: FlavorHardware, image: ImageProperties) -> EphemeralEncryption:
    """Must the local disks be encrypted (docs/contract/create-flow.md D7)?

    Raises:
        FlavorImageClash: flavor and image do not agree.
        WrongExtraSpec: the flavor names a format that does not exist.
    """
    if not agree_on_flag(flavor, image, ENCRYPTION):
        return EphemeralEncryption(enabled=False)
    chosen = agree_on_word(flavor, image, ENCRYPTION_FORMAT, ENCRYPTION_FORMATS)
    return EphemeralEncryption(enabled=True, format=chosen)
