"""What a server remembers of the image that it was made of: entries of its system metadata."""

from __future__ import annotations

from typing import Any

from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.models import Instance

PREFIX = "image_"
BASE_IMAGE = f"{PREFIX}base_image_ref"
LARGE_PROPERTIES = frozenset(
    ("mappings", "block_device_mapping", "img_mappings", "img_block_device_mapping")
)
"""These are not remembered."""
LONGEST_VALUE = 255
"""Bytes that are remembered of a value."""


def image_entries(image: ImageData | None, flavor: Flavor, image_ref: str) -> dict[str, str]:
    """The entries; ``image_ref`` is the id that the client named. All values are texts."""
    values = {f"{PREFIX}{key}": value for key, value in _image_values(image, flavor).items()}
    return {key: _cut(value) for key, value in {BASE_IMAGE: image_ref, **values}.items()}


def base_image_of(instance: Instance) -> str:
    """The id of the image that the root disk was made of; empty where there was none."""
    return str(instance.image_ref or instance.system_metadata.get(BASE_IMAGE) or "")


def kept_image(instance: Instance) -> ImageData:
    """The image as the server remembers it; its size is not known any more."""
    kept = {
        key.removeprefix(PREFIX): value
        for key, value in instance.system_metadata.items()
        if key.startswith(PREFIX)
    }
    return ImageData(
        id=instance.image_ref or None,
        min_ram=int(kept.pop("min_ram", 0) or 0),
        min_disk=int(kept.pop("min_disk", 0) or 0),
        disk_format=kept.pop("disk_format", None),
        container_format=kept.pop("container_format", None),
        properties=kept,
    )


def _image_values(image: ImageData | None, flavor: Flavor) -> dict[str, Any]:
    if image is None:
        return {"min_disk": flavor.root_gb}
    values = {key: value for key, value in image.properties.items() if key not in LARGE_PROPERTIES}
    values["min_ram"] = image.min_ram
    values["min_disk"] = max(image.min_disk, flavor.root_gb)
    if image.disk_format == "vhd":
        values["min_disk"] = flavor.root_gb
    for key in ("disk_format", "container_format"):
        if getattr(image, key) is not None:
            values[key] = getattr(image, key)
    return values


def _cut(value: object) -> str:
    return str(value).encode()[:LONGEST_VALUE].decode(errors="ignore")
