"""Images, asked of the image service, for clients that look for them in compute."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.db.paging import Paging
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import ImageRecord, ImageSearch
from servers.proxies.errors import NoSuchImage


def list_images(caller: Caller, search: ImageSearch) -> Sequence[ImageRecord]:
    """A page of the images that the caller may use, the newest first."""
    return image_service().list_images(caller, search)


def find_image(caller: Caller, image_id: str) -> ImageRecord:
    """An image that the caller may use.

    Raises:
        NoSuchImage: there is none.
    """
    search = ImageSearch(image_id=image_id, paging=Paging(1))
    found = image_service().list_images(caller, search)
    if not found:
        raise NoSuchImage(f"There is no image {image_id[:80]}.")
    return found[0]


def delete_image(caller: Caller, image_id: str) -> None:
    """Delete an image.

    Raises:
        NoSuchImage: there is none.
        PolicyRefused: the image service does not let the caller.
    """
    find_image(caller, image_id)
    image_service().delete_images(caller, [image_id])
