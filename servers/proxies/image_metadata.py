"""The properties of an image, for clients that look for them in compute."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import Change, Properties
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
    return _change(caller, image_id, lambda kept: {**kept, **items})


def replace_image_metadata(caller: Caller, image_id: str, items: Mapping[str, str]) -> Metadata:
    """Exactly these properties from now on; raises as ``add_image_metadata``."""
    return _change(caller, image_id, lambda _: items)


def remove_image_item(caller: Caller, image_id: str, key: str) -> None:
    """One property less; raises as ``add_image_metadata``, and ``NoSuchItem``."""
    read_image_item(caller, image_id, key)

    def without(kept: Properties) -> Properties:
        return {name: value for name, value in kept.items() if name != key}

    _change(caller, image_id, without)


def _change(caller: Caller, image_id: str, change: Change) -> Metadata:
    find_image(caller, image_id)
    limits = effective_limits(caller.project_id, caller.user_id, [ITEMS])

    def within_limit(kept: Properties) -> Properties:
        changed = change(kept)
        check_limit(limits, ITEMS, len(changed), field="metadata")
        return changed

    return dict(image_service().change_properties(caller, image_id, within_limit))
