"""The properties of an image, for clients that look for them in compute."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from quotas.fit import check_limit
from quotas.limits import effective_limits
from servers.edit.metadata import ITEMS, Metadata
from servers.errors import NoSuchItem
from servers.proxies.images import find_image


def read_image_metadata(caller: Caller, image_id: str) -> Metadata:
    """All properties.

    Raises:
        NoSuchImage: there is no such image.
    """
    return dict(find_image(caller, image_id).properties)


def read_image_item(caller: Caller, image_id: str, key: str) -> str:
    """One property.

    Raises:
        NoSuchImage: there is no such image.
        NoSuchItem: it has no such property.
    """
    try:
        return read_image_metadata(caller, image_id)[key]
    except KeyError:
        raise NoSuchItem(f"The image {image_id} has no {key[:255]}.") from None


def add_image_metadata(caller: Caller, image_id: str, items: Mapping[str, str]) -> Metadata:
    """Add properties or change them; all that the image has afterwards.

    Raises:
        NoSuchImage: there is no such image.
        PolicyRefused: the image service does not let the caller.
        OverLimit: more properties than the quota allows.
    """
    kept = read_image_metadata(caller, image_id)
    return replace_image_metadata(caller, image_id, {**kept, **items})


def replace_image_metadata(caller: Caller, image_id: str, items: Mapping[str, str]) -> Metadata:
    """Exactly these properties from now on; raises as ``add_image_metadata``."""
    find_image(caller, image_id)
    limits = effective_limits(caller.project_id, caller.user_id, [ITEMS])
    check_limit(limits, ITEMS, len(items), field="metadata")
    image_service().set_properties(caller, image_id, items)
    return dict(items)


def remove_image_item(caller: Caller, image_id: str, key: str) -> None:
    """One property less; raises as ``add_image_metadata``, and ``NoSuchItem``."""
    read_image_item(caller, image_id, key)
    kept = read_image_metadata(caller, image_id)
    kept.pop(key, None)
    replace_image_metadata(caller, image_id, kept)
