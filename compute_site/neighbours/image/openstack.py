"""The image service of an existing cloud: a Glance elsewhere (``image_service``)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import BinaryIO

from compute_site.caller import Caller
from compute_site.db.statements import Statement
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image.glance.changes import (
    change_properties,
    check_deletable,
    complete_image,
    create_image,
    delete_images,
    fill_image,
    forget_images,
)
from compute_site.neighbours.image.glance.data import open_data
from compute_site.neighbours.image.glance.images import (
    find_images,
    find_images_with,
    find_source,
    list_images,
)

__all__ = [
    "change_properties",
    "check_deletable",
    "complete_image",
    "create_image",
    "delete_images",
    "fill_image",
    "find_file",
    "find_images",
    "find_images_with",
    "find_source",
    "forget_images",
    "list_images",
    "lookups",
]


def lookups(caller: Caller, ids: Collection[str]) -> Sequence[Statement]:  # noqa: ARG001 - of the protocol
    return []


def find_file(image_id: str) -> BinaryIO | None:
    known = canonical_ids([image_id])
    return open_data(str(known[0])) if known else None
