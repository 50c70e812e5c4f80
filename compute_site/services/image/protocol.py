"""What we need of an image service."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.faults import Unavailable
from compute_site.identity.caller import Caller


class ImageServiceUnavailable(Unavailable):
    """The image service does not answer."""

    code = "image_service_unavailable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageData:
    """An image: ``min_ram`` MiB, ``min_disk`` GiB, ``size`` bytes (``None``: unknown).

    ``properties`` are those beyond the service's own fields, mostly texts. Boot from volume
    makes such data from the volume (then ``id`` is ``None``).
    """

    id: str | None
    name: str = ""
    status: str = "active"
    visibility: str = "private"
    owner: str | None = None
    min_ram: int = 0
    min_disk: int = 0
    size: int | None = None
    disk_format: str | None = None
    container_format: str | None = None
    checksum: str | None = None
    tags: tuple[str, ...] = ()
    properties: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class ImageService(Protocol):
    def find_images(self, caller: Caller, ids: Collection[str]) -> dict[str, ImageData]:
        """The images among ``ids`` that the caller may use, by id as given; one call however many.

        A text that is no canonical UUID finds nothing.

        Raises:
            ImageServiceUnavailable: 503.
        """
        ...

    def create_image(
        self,
        caller: Caller,
        *,
        name: str,
        properties: Mapping[str, Any],
        like: ImageData | None = None,
    ) -> str:
        """Make a private image of the caller's project, ready for use; its id. Limits and formats
        are those of ``like``.
        """
        ...

    def find_images_with(
        self, caller: Caller, properties: Mapping[str, str]
    ) -> Sequence[ImageData]:
        """The project's own images with all of these properties, the newest first."""
        ...

    def delete_images(self, caller: Caller, ids: Collection[str]) -> None:
        """Delete images of the caller's project; unknown ones are fine."""
        ...
