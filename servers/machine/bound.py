"""What cannot be done with servers whose hardware is bound to a host: a virtual TPM, whose state
no image holds, and encrypted memory, which no other host reads.
"""

from __future__ import annotations

from servers.hardware import ImageProperties, read_image_properties
from servers.hardware.features import choose_tpm
from servers.hardware.memory import ENCRYPTION, choose_memory_encryption
from servers.hardware.sources import FlavorHardware
from servers.kept_image import kept_image
from servers.machine.errors import HardwareBound
from servers.models import Instance

WITHOUT_TPM = frozenset(("rebuild", "rescue", "shelve", "evacuate"))
WITHOUT_ENCRYPTION = frozenset(("suspend", "live-migration"))
LIVE_MIGRATION = "live-migration"
MOVABLE_SECRETS = "host"
"""Nova: the secrets of a TPM go along only where the hosts keep them."""
MARKS = ("hw:tpm_version", "hw_tpm_version", ENCRYPTION, ENCRYPTION.replace(":", "_"))


def check_unbound(instance: Instance, action: str) -> None:
    """Check that the server's hardware allows the action. Nova asks this before it looks at the
    lock and the state (``nova/compute/api.py``).

    Raises:
        HardwareBound: it does not.
    """
    kept = instance.flavor.get("extra_specs") or {}
    image = kept_image(instance)
    if not any(mark in kept or mark in image.properties for mark in MARKS):
        return
    flavor = FlavorHardware(
        vcpus=instance.flavor["vcpus"], memory_mb=instance.flavor["memory_mb"], extra_specs=kept
    )
    properties = read_image_properties(image.properties)
    if action in WITHOUT_ENCRYPTION and choose_memory_encryption(flavor, properties) is not None:
        raise _refused(instance, action, "encrypted memory")
    if _needs_tpm_gone(flavor, properties, action):
        raise _refused(instance, action, "a virtual TPM")


def _needs_tpm_gone(flavor: FlavorHardware, image: ImageProperties, action: str) -> bool:
    tpm = choose_tpm(flavor, image)
    if tpm is None:
        return False
    stuck = action == LIVE_MIGRATION and tpm.secrets != MOVABLE_SECRETS
    return stuck or action in WITHOUT_TPM


def _refused(instance: Instance, action: str, what: str) -> HardwareBound:
    return HardwareBound(f"The server {instance.uuid} has {what}: it does not support {action}.")
