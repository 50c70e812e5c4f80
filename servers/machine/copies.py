"""What a server keeps of its flavor and image."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor

Record = dict[str, Any]


def image_columns(image: ImageData | None) -> Record:
    """Columns of a server that its image decides."""
    properties: Mapping[str, Any] = image.properties if image else {}
    values = {name: properties.get(name) for name in ("os_type", "architecture", "vm_mode")}
    return {name: None if text is None else str(text)[:255] for name, text in values.items()}


def copy_flavor(flavor: Flavor) -> Record:
    """The flavor as it is now; what becomes of it later does not touch the server."""
    return {"flavorid": flavor.flavorid, "name": flavor.name, **flavor.offer()}


def copy_image(image: ImageData | None) -> Record:
    """The image data as they are now; empty when there are none."""
    if image is None:
        return {}
    record = {field.name: getattr(image, field.name) for field in dataclasses.fields(image)}
    return record | {"properties": dict(image.properties), "tags": list(image.tags)}
