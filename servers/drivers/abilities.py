"""What hosts of each driver can do, where nobody describes them otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """``supported_instances``: architecture, hypervisor type and VM mode that guests may have."""

    hypervisor_type: str
    hypervisor_version: int
    supported_instances: tuple[tuple[str, str, str], ...]
    cpu_info: Mapping[str, Any]
    traits: frozenset[str]


# As Nova's own fake driver tells of itself, so that a cloud of simulated hosts takes and refuses
# the same servers as one of Nova's.
FAKE = Abilities(
    hypervisor_type="fake",
    hypervisor_version=1000,
    supported_instances=(("x86_64", "fake", "hvm"),),
    cpu_info={
        "arch": "x86_64",
        "model": "Nehalem",
        "vendor": "Intel",
        "features": ["pge", "clflush"],
        "topology": {"cores": 1, "threads": 1, "sockets": 4},
    },
    traits=frozenset(
        (
            "COMPUTE_ACCELERATORS",
            "COMPUTE_ADDRESS_SPACE_EMULATED",
            "COMPUTE_ADDRESS_SPACE_PASSTHROUGH",
            "COMPUTE_DEVICE_TAGGING",
            "COMPUTE_IMAGE_TYPE_RAW",
            "COMPUTE_MEM_BACKING_FILE",
            "COMPUTE_NET_ATTACH_INTERFACE",
            "COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG",
            "COMPUTE_NODE",
            "COMPUTE_REMOTE_MANAGED_PORTS",
            "COMPUTE_SECURITY_STATELESS_FIRMWARE",
            "COMPUTE_STORAGE_VIRTIO_FS",
            "COMPUTE_TRUSTED_CERTS",
            "COMPUTE_VOLUME_ATTACH_WITH_TAG",
            "COMPUTE_VOLUME_EXTEND",
            "COMPUTE_VOLUME_MULTI_ATTACH",
            "OWNER_NOVA",
        )
    ),
)
LIBVIRT = Abilities(
    hypervisor_type="QEMU",
    hypervisor_version=0,
    supported_instances=(("x86_64", "kvm", "hvm"), ("x86_64", "qemu", "hvm")),
    cpu_info={},
    traits=FAKE.traits,
)
# What the driver can do; the host itself tells of its hypervisor when it joins.
AGENT = Abilities(
    hypervisor_type="agent",
    hypervisor_version=0,
    supported_instances=(),
    cpu_info={},
    traits=frozenset(
        (
            "COMPUTE_IMAGE_TYPE_QCOW2",
            "COMPUTE_IMAGE_TYPE_RAW",
            "COMPUTE_NET_ATTACH_INTERFACE",
            "COMPUTE_NODE",
            "COMPUTE_VOLUME_EXTEND",
            "OWNER_NOVA",
        )
    ),
)
BY_DRIVER: Mapping[str, Abilities] = {"fake": FAKE, "libvirt": LIBVIRT, "agent": AGENT}


def abilities_of(driver: str) -> Abilities:
    """Those of the driver; of one that is not known, those of a simulated host under its name."""
    return BY_DRIVER.get(driver) or dataclasses.replace(FAKE, hypervisor_type=driver)
