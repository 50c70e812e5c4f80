"""What a server keeps of its flavor and image."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor

Record = dict[str, Any]


def image_columns(image: ImageData | None) -> Record:
    """The columns of a server that depend on its image."""
    properties: Mapping[str, Any] = image.properties if image else {}
    values = {name: properties.get(name) for name in ("os_type", "architecture", "vm_mode")}
    return {name: None if text is None else str(text)[:255] for name, text in values.items()}


def copy_flavor(flavor: Flavor) -> Record:
    """A copy of the flavor; later changes of the flavor do not affect the server."""
    return {"flavorid": flavor.flavorid, "name": flavor.name, **flavor.offer()}


def copy_image(image: ImageData | None) -> Record:
    """A copy of the image data; empty when there are none."""
    if image is None:
        return {}
    record = {field.name: getattr(image, field.name) for field in dataclasses.fields(image)}
    return record | {"properties": dict(image.properties), "tags": list(image.tags)}
