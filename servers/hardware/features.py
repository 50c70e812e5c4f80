"""Features that a host must have, and that are looked at when a host is searched: TPM, secure boot,
firmware, address space (docs/contract/create-flow.md I6).
"""

from __future__ import annotations

import dataclasses

from servers.hardware.errors import WrongExtraSpec
from servers.hardware.properties import ImageProperties
from servers.hardware.sources import FlavorHardware, agree_on_word, read_word

TPM_VERSION, TPM_MODEL = "hw:tpm_version", "hw:tpm_model"
TPM_SECRETS = "hw:tpm_secret_security"
SECURE_BOOT = "os:secure_boot"
ADDRESS_SPACE = "hw:maxphysaddr_mode"
CRB, TIS, TPM_2 = "tpm-crb", "tpm-tis", "2.0"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tpm:
    """``secrets``: who keeps those of the guest's TPM: the user, the host or the deployment."""

    version: str
    model: str
    secrets: str


def choose_tpm(flavor: FlavorHardware, image: ImageProperties) -> Tpm | None:
    """
    Raises:
        FlavorImageClash: flavor and image do not agree.
        WrongExtraSpec: a word that does not exist, or a model that the version does not know.
    """
    version = agree_on_word(flavor, image, TPM_VERSION, "1.2 2.0")
    if version is None:
        return None
    model = agree_on_word(flavor, image, TPM_MODEL, f"{TIS} {CRB}") or TIS
    if model == CRB and version != TPM_2:
        raise WrongExtraSpec(f"A TPM of the version {version} is never of the model {model}.")
    secrets = read_word(flavor, TPM_SECRETS, "user host deployment") or "user"
    return Tpm(version=version, model=model, secrets=secrets)


def needs_secure_boot(flavor: FlavorHardware, image: ImageProperties) -> bool:
    """Raises as ``choose_tpm``."""
    return agree_on_word(flavor, image, SECURE_BOOT, "required disabled optional") == "required"


def choose_address_space(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    """How wide the guest's physical addresses are: ``passthrough`` or ``emulate``. Raises as
    ``choose_tpm``.
    """
    return agree_on_word(flavor, image, ADDRESS_SPACE, "passthrough emulate")


def needs_stateless_firmware(image: ImageProperties) -> bool:
    """Nova: it says nothing of firmware other than UEFI."""
    return image.hw_firmware_type == "uefi" and bool(image.hw_firmware_stateless)
