"""The memory of a server: page size, locking, encryption, persistent memory
(docs/contract/create-flow.md I3, I5).
"""

from __future__ import annotations

from servers.hardware.errors import FlavorImageClash, WrongMemoryDemand
from servers.hardware.properties import ENCRYPTION_MODELS, ImageProperties
from servers.hardware.sources import (
    FlavorHardware,
    agree_on_flag,
    clash,
    read_property,
    read_spec,
    read_word,
)
from servers.hardware.values import PageSize, page_size

PAGE_SIZE = "hw:mem_page_size"
PMEM = "hw:pmem"
LOCKED = "hw:locked_memory"
ENCRYPTION = "hw:mem_encryption"
ENCRYPTION_MODEL = "hw:mem_encryption_model"

DEFAULT_MODEL = "amd-sev"
LOCKING_MODELS = {"amd-sev", "amd-sev-es"}
STATELESS_MODELS = {"amd-sev-snp", "intel-tdx"}
TDX = "intel-tdx"


def choose_page_size(flavor: FlavorHardware, image: ImageProperties) -> PageSize | None:
    """The page size; the image may choose it only if the flavor has ``any`` or ``large``.

    Raises:
        FlavorImageClash: the image names a size that the flavor does not allow.
    """
    asked = flavor.extra_specs.get(PAGE_SIZE)
    wanted = image.hw_mem_page_size
    if not asked:
        if wanted:
            raise FlavorImageClash(
                f"The image property hw_mem_page_size is {wanted!r}; it only counts with a flavor"
                f" whose extra spec {PAGE_SIZE} is any or large."
            )
        return None
    size = read_spec(flavor, PAGE_SIZE, page_size)
    if not wanted:
        return size
    if size not in {"any", "large"}:
        raise FlavorImageClash(
            f"The flavor's extra spec {PAGE_SIZE} is {asked!r}, which leaves no choice to the image"
            f" property hw_mem_page_size ({wanted!r})."
        )
    return read_property("hw_mem_page_size", wanted, page_size)


def choose_pmem(flavor: FlavorHardware) -> tuple[str, ...]:
    """The labels of the persistent memory that the flavor asks for."""
    labels = flavor.extra_specs.get(PMEM, "").split(",")
    return tuple(label.strip() for label in labels if label.strip())


def choose_locked_memory(flavor: FlavorHardware, image: ImageProperties) -> bool | None:
    """Is the memory kept from being swapped out? Memory encryption may need that too.

    Raises:
        WrongMemoryDemand: locked memory without a page size.
    """
    locked = agree_on_flag(flavor, image, LOCKED)
    if locked:
        if not (flavor.extra_specs.get(PAGE_SIZE) or image.hw_mem_page_size):
            raise WrongMemoryDemand(f"{LOCKED} needs a page size; set {PAGE_SIZE} too.")
        return True
    # Nova: encryption locks memory even where flavor or image say that it is not to be locked.
    return choose_memory_encryption(flavor, image) in LOCKING_MODELS or locked


def choose_memory_encryption(flavor: FlavorHardware, image: ImageProperties) -> str | None:
    """The model of memory encryption, ``None`` without encryption.

    Raises:
        FlavorImageClash: flavor and image do not agree.
        WrongMemoryDemand: the image's firmware or machine type does not support it.
    """
    if not agree_on_flag(flavor, image, ENCRYPTION):
        return None
    asked = flavor.extra_specs.get(ENCRYPTION_MODEL)
    wanted = image.hw_mem_encryption_model
    if asked is not None and wanted is not None and asked != wanted:
        raise clash(ENCRYPTION_MODEL, asked, wanted)
    model = read_word(flavor, ENCRYPTION_MODEL, ENCRYPTION_MODELS) or wanted or DEFAULT_MODEL
    check_encryption_firmware(model, image)
    return model


def check_encryption_firmware(model: str, image: ImageProperties) -> None:
    """Memory encryption needs UEFI and a q35 machine; SNP and TDX need stateless firmware besides,
    TDX a guest without video.

    Raises:
        WrongMemoryDemand: the image does not have one of them.
    """
    if image.hw_firmware_type != "uefi":
        raise WrongMemoryDemand(
            "Memory encryption needs an image whose property hw_firmware_type is uefi."
        )
    if image.hw_machine_type is not None and "q35" not in image.hw_machine_type:
        raise WrongMemoryDemand(
            f"Memory encryption needs a q35 machine; the image property hw_machine_type is"
            f" {image.hw_machine_type!r}."
        )
    if model in STATELESS_MODELS and not image.hw_firmware_stateless:
        raise WrongMemoryDemand(
            f"Memory encryption by {model} needs an image whose property"
            " hw_firmware_stateless is true."
        )
    if model == TDX and image.hw_video_model != "none":
        raise WrongMemoryDemand(
            f"Memory encryption by {model} needs an image whose property hw_video_model is none."
        )
