"""Reads images of a Glance elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.utils.dateparse import parse_datetime

from compute_site.caller import Caller
from compute_site.neighbours.elsewhere.faults import BadThere, NotThere
from compute_site.neighbours.elsewhere.remote import RemoteService
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image.protocol import (
    ImageData,
    ImageRecord,
    ImageSearch,
    ImageServiceUnavailable,
    ImageSource,
    NoSuchMarker,
)

GLANCE = RemoteService("image", "image", "/v2", "image_endpoint", ImageServiceUnavailable)
SHA512 = "sha512"
"""The only hash that hosts check; Glance's default."""
OPEN = ("public", "community")
OWN_KEYS = frozenset(
    (
        *("id", "name", "status", "visibility", "owner", "protected", "os_hidden", "tags"),
        *("min_disk", "min_ram", "size", "virtual_size", "disk_format", "container_format"),
        *("checksum", "os_hash_algo", "os_hash_value", "created_at", "updated_at"),
        *("self", "file", "schema", "locations", "direct_url", "stores", "members"),
    )
)
"""The keys of Glance itself; all others are properties."""
PAGE = 100

Shown = Mapping[str, Any]
"""An image as Glance shows it."""


def find_shown(caller: Caller | None, image_id: str) -> Shown | None:
    """An image that the caller may use, or any without a caller; ``None``: there is none."""
    try:
        answer = GLANCE.call("GET", f"/images/{image_id}", caller=caller)
    except NotThere:
        return None
    found: Shown = GLANCE.read(answer, dict)
    if caller is None or caller.token or _is_seen_by(caller, found):
        return found
    return None


def find_images(caller: Caller, ids: Collection[str]) -> dict[str, ImageData]:
    found = ((image_id, find_shown(caller, str(image_id))) for image_id in canonical_ids(ids))
    return {str(image_id): read(shown) for image_id, shown in found if shown is not None}


def find_source(image_id: str) -> ImageSource | None:
    for known_id in canonical_ids([image_id]):
        shown = find_shown(None, str(known_id))
        if shown is not None and shown.get("status") == "active" and shown.get("size"):
            return GLANCE.understand(shown, _source)
    return None


def list_images(caller: Caller, search: ImageSearch) -> Sequence[ImageRecord]:
    if search.image_id is not None:
        ids = canonical_ids([search.image_id])
        shown = (find_shown(caller, str(image_id)) for image_id in ids)
        return [_record(image) for image in shown if image is not None]
    found: list[ImageRecord] = []
    for image in _pages(caller, search):
        if len(found) == search.paging.limit:
            break
        if _is_wanted(image, search):
            found.append(_record(image))
    return found


def find_images_with(caller: Caller, properties: Mapping[str, str]) -> Sequence[ImageData]:
    asked = {**properties, "owner": caller.project_id}
    return [read(shown) for shown in _list(caller, asked) if _has(shown, properties)]


def read(shown: Shown) -> ImageData:
    """Raises ``ImageServiceUnavailable``: it is no image that we can read."""
    return GLANCE.understand(shown, lambda image: ImageData(**_columns(image)))


def _record(shown: Shown) -> ImageRecord:
    return GLANCE.understand(
        shown,
        lambda image: ImageRecord(
            **_columns(image),
            created_at=_time(image["created_at"]),
            updated_at=_time(image["updated_at"]),
        ),
    )


def _columns(image: Shown) -> dict[str, Any]:
    return {
        "id": str(image["id"]),
        "name": image.get("name") or "",
        "status": str(image["status"]),
        "visibility": str(image["visibility"]),
        "owner": image.get("owner"),
        "min_ram": int(image.get("min_ram") or 0),
        "min_disk": int(image.get("min_disk") or 0),
        "size": image.get("size"),
        "disk_format": image.get("disk_format"),
        "container_format": image.get("container_format"),
        "checksum": image.get("checksum"),
        "tags": tuple(image.get("tags") or ()),
        "properties": properties_of(image),
    }


def properties_of(image: Shown) -> dict[str, str]:
    """The properties, without those that have no value."""
    return {
        key: str(value) for key, value in image.items() if key not in OWN_KEYS and value is not None
    }


def _source(image: Shown) -> ImageSource | None:
    if image.get("os_hash_algo") != SHA512:
        return None
    return ImageSource(
        id=str(image["id"]),
        size=int(image["size"]),
        sha512=str(image["os_hash_value"]),
        disk_format=image["disk_format"] or "",
        container_format=image["container_format"] or "",
        virtual_size=image.get("virtual_size"),
    )


def _time(text: str) -> dt.datetime:
    time = parse_datetime(text)
    if time is None:
        raise ValueError(text)
    return time


def _is_seen_by(caller: Caller, image: Shown) -> bool:
    """May somebody use the image whom Glance does not know?"""
    if _is_listed_for(caller, image) or image.get("visibility") in OPEN:
        return True
    if image.get("visibility") != "shared":
        return False
    try:
        GLANCE.call("GET", f"/images/{image['id']}/members/{caller.project_id}")
    except NotThere:
        return False
    return True


def _pages(caller: Caller, search: ImageSearch) -> Iterator[Shown]:
    """The images that may be wanted, the newest first."""
    asked: dict[str, Any] = {
        "name": search.name,
        "status": search.status,
        "marker": search.paging.marker,
        **search.properties,
    }
    asked = {key: value for key, value in asked.items() if value is not None}
    try:
        yield from _list(caller, asked)
    except (BadThere, NotThere):
        if search.paging.marker is None:
            raise
        raise NoSuchMarker(
            f"There is no image {search.paging.marker[:80]} to begin behind."
        ) from None


def _list(caller: Caller, asked: Mapping[str, Any]) -> Iterator[Shown]:
    """All images of a list, page by page. Glance's own order is that of the newest first."""
    params: dict[str, Any] = {"limit": PAGE, **asked}
    while True:
        answer = GLANCE.call("GET", "/images", caller=caller, params=params)
        page: list[Shown] = GLANCE.read(answer, lambda body: list(body["images"]))
        for image in page:
            if caller.token or _is_listed_for(caller, image):
                yield image
        if len(page) < PAGE:
            return
        params["marker"] = GLANCE.understand(page[-1], lambda last: last["id"])


def _is_listed_for(caller: Caller, image: Shown) -> bool:
    own = image.get("owner") == caller.project_id
    return caller.is_admin or own or image.get("visibility") == "public"


def _is_wanted(image: Shown, search: ImageSearch) -> bool:
    """What Glance does not filter by as compute does."""
    least = ((search.min_ram, "min_ram"), (search.min_disk, "min_disk"))
    if any(limit is not None and int(image.get(key) or 0) < limit for limit, key in least):
        return False
    since = search.changed_since
    return since is None or GLANCE.understand(image, lambda i: _time(i["updated_at"])) >= since


def _has(image: Shown, properties: Mapping[str, str]) -> bool:
    return properties.items() <= properties_of(image).items()
