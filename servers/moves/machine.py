"""What another flavor makes of a server: does it fit the image, and what does it ask of hosts?"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings

from compute_site.caller import Caller
from flavors.models import Flavor
from servers.hardware import (
    ImageProperties,
    NumaTopology,
    PciRequest,
    check_hardware,
    check_packed_ring,
    read_image_properties,
)
from servers.hardware.numa import plan_numa
from servers.hardware.pci import plan_pci_requests
from servers.kept_image import kept_image
from servers.machine.fit import check_local_root, check_memory
from servers.machine.plan import check_mixed_policy, hardware_of
from servers.models import Instance
from servers.moves.errors import SecretsWouldMove, ZeroDiskRefused

FIELD = "resize.flavorRef"
TPM_VERSION, TPM_SECRETS = "hw:tpm_version", "hw:tpm_secret_security"
SITE_KEEPS_SECRETS = "deployment"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewMachine:
    """The server's hardware with the new flavor, beside the amounts of its resources."""

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
    """Raises ``ZeroDiskRefused`` where the new flavor has no root disk, and the server uses its
    own.
    """
    if flavor.root_gb == 0 and instance.flavor["root_gb"] and not is_bfv:
        raise ZeroDiskRefused(
            f"The flavor {flavor.flavorid} has no root disk, and the server needs one.",
            field=FIELD,
        )


def plan_new_machine(
    caller: Caller, instance: Instance, flavor: Flavor, *, is_bfv: bool
) -> NewMachine:
    """Raises a class of ``servers.hardware.errors`` or ``servers.machine.errors`` where the flavor
    does not go with the image that the server was made of; in Nova's order.
    """
    image = kept_image(instance)
    properties = read_image_properties(image.properties)
    specs = hardware_of(flavor)
    if not is_bfv:
        check_memory(flavor, image, field=FIELD)
        check_packed_ring(specs, properties)
        # the server remembers the size of its disk as what its image needs: disks do not shrink
        check_local_root(caller, flavor, image, field=FIELD)
    check_hardware(specs, properties)
    numa = plan_numa(specs, properties)
    aliases = settings.OPTIONS.pci_alias
    pci_requests = plan_pci_requests(specs, aliases, numa_policy=None)
    if is_bfv:
        check_memory(flavor, image, field=FIELD)
    check_mixed_policy(numa, field=FIELD)
    _check_secrets(instance, flavor, properties)
    return NewMachine(numa=numa, pci_requests=pci_requests)


def _check_secrets(instance: Instance, flavor: Flavor, properties: ImageProperties) -> None:
    """Raise where another one (user or site) would own the secrets of a virtual TPM."""
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
