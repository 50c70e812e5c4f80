"""The bodies of ``/servers/{id}/metadata``."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.containers import MapOf
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion


class Items(MapOf):
    """Keys and values that users keep with a server."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            Text(0, 255),
            keys=r"[a-zA-Z0-9_:. -]{1,255}",
            means="is not 1 to 255 letters, digits, spaces and -_:.",
            **options,
        )


class MetadataChange(VersionedSerializer):
    """All items, or those to add."""

    metadata = Items(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, str]:
        items: dict[str, str] = values["metadata"]
        return items


class ItemChange(VersionedSerializer):
    """One item."""

    meta = Items(required=True, shortest=1, longest=1)

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, str]:
        item: dict[str, str] = values["meta"]
        return item
