"""May the host resize the root partition?"""

from __future__ import annotations

from compute_site.neighbours.image.protocol import ImageData
from servers.machine.disk import read_flag
from servers.machine.errors import DiskConfigForbidden


def check_disk_config(asked: bool | None, image: ImageData | None, *, field: str) -> None:
    """Refuse AUTO where the image forbids it (docs/contract/create-flow.md B7)."""
    if asked and image is not None and _forbids_resizing(image):
        raise DiskConfigForbidden(
            "The image forbids that the root partition is resized; ask for MANUAL.", field=field
        )


def choose_disk_config(asked: bool | None, image: ImageData | None) -> bool:
    """The client's choice, or else the image's."""
    if asked is not None:
        return asked
    return read_flag(image.properties.get("auto_disk_config")) if image else False


def _forbids_resizing(image: ImageData) -> bool:
    return str(image.properties.get("auto_disk_config", "")).strip().lower() == "disabled"
