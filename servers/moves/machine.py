"""What another flavor makes of a server: does it fit the image, and what does it ask of hosts?"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings

from compute_site.caller import Caller
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.create.errors import DeviceProfileUnknown, MixedPolicyTooNew, RootDiskRequired
from servers.create.fit import check_flavor_disk, check_memory
from servers.create.machine import DEVICE_PROFILE, MIXED_SINCE
from servers.hardware import (
    FlavorHardware,
    ImageProperties,
    NumaTopology,
    PciRequest,
    check_hardware,
    check_packed_ring,
    read_image_properties,
)
from servers.hardware.numa import plan_numa
from servers.hardware.pci import plan_pci_requests
from servers.hosts.versions import oldest_compute_version
from servers.kept_image import kept_image
from servers.models import Instance
from servers.moves.errors import SecretsWouldMove, ZeroDiskRefused
from servers.policies.server import CREATE_ZERO_DISK_FLAVOR

FIELD = "resize.flavorRef"
TPM_VERSION, TPM_SECRETS = "hw:tpm_version", "hw:tpm_secret_security"
SITE_KEEPS_SECRETS = "deployment"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewMachine:
    """What the flavor asks of a host beyond amounts."""

    numa: NumaTopology | None
    pci_requests: tuple[PciRequest, ...]

    def as_columns(self, instance: Instance) -> dict[str, Any]:
        """Columns of the server; the devices of its ports stay."""
        of_ports = [request for request in instance.pci_requests if not request.get("alias")]
        return {
            "numa_topology": self.numa.as_json() if self.numa else None,
            "pci_requests": [*(request.as_json() for request in self.pci_requests), *of_ports],
        }


def check_disk_kept(instance: Instance, flavor: Flavor, *, is_bfv: bool) -> None:
    """Raises ``ZeroDiskRefused`` where a root disk would go that is in use."""
    if flavor.root_gb == 0 and instance.flavor["root_gb"] and not is_bfv:
        raise ZeroDiskRefused(
            f"The flavor {flavor.flavorid} has no root disk, and the server needs one.",
            field=FIELD,
        )


def check_accelerator(flavor: Flavor) -> None:
    """Raises ``DeviceProfileUnknown``: there is no accelerator service here."""
    if flavor.extra_specs.get(DEVICE_PROFILE):
        raise DeviceProfileUnknown(
            f"The flavor {flavor.flavorid} asks for an accelerator; nobody here has one.",
            field=FIELD,
        )


def plan_new_machine(
    caller: Caller, instance: Instance, flavor: Flavor, *, is_bfv: bool
) -> NewMachine:
    """Raises a class of ``servers.hardware.errors`` or ``servers.create.errors`` where the flavor
    does not go with the image that the server was made of; in Nova's order.
    """
    image = kept_image(instance)
    properties = read_image_properties(image.properties)
    specs = FlavorHardware(
        vcpus=flavor.vcpus, memory_mb=flavor.memory_mb, extra_specs=flavor.extra_specs
    )
    if not is_bfv:
        check_memory(flavor, image, field=FIELD)
        check_packed_ring(specs, properties)
        _check_root_disk(caller, flavor, image)
    check_hardware(specs, properties)
    numa = plan_numa(specs, properties)
    aliases = settings.OPTIONS.pci_alias
    pci_requests = plan_pci_requests(specs, aliases, numa_policy=None)
    if is_bfv:
        check_memory(flavor, image, field=FIELD)
    _check_mixed_policy(numa)
    _check_secrets(instance, flavor, properties)
    return NewMachine(numa=numa, pci_requests=pci_requests)


def _check_root_disk(caller: Caller, flavor: Flavor, image: ImageData) -> None:
    """The server remembers the size of its disk as what its image needs: disks do not shrink."""
    if flavor.root_gb:
        check_flavor_disk(flavor, image, field=FIELD)
    elif not caller.may(CREATE_ZERO_DISK_FLAVOR):
        raise RootDiskRequired(f"The flavor {flavor.flavorid} has no root disk.", field=FIELD)


def _check_mixed_policy(numa: NumaTopology | None) -> None:
    mixed = numa is not None and any(cell.cpu_policy == "mixed" for cell in numa.cells)
    if mixed and oldest_compute_version() < MIXED_SINCE:
        raise MixedPolicyTooNew(
            "Not every host of this site can mix shared and dedicated CPUs yet.", field=FIELD
        )


def _check_secrets(instance: Instance, flavor: Flavor, properties: ImageProperties) -> None:
    """Secrets of a virtual TPM belong to the user or to the site; that cannot change."""
    before = instance.flavor.get("extra_specs") or {}
    after = flavor.extra_specs
    has_tpm = bool(properties.hw_tpm_version)
    if not all(has_tpm or specs.get(TPM_VERSION) for specs in (before, after)):
        return
    owners = {specs.get(TPM_SECRETS, "user") for specs in (before, after)}
    if len(owners) > 1 and SITE_KEEPS_SECRETS in owners:
        raise SecretsWouldMove(
            f"The flavors keep the secrets of the TPM differently ({TPM_SECRETS}); they cannot "
            "be handed over.",
            field=FIELD,
        )
