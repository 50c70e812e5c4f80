"""The bodies of ``/servers/{id}/tags``."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Tag
from compute_site.api.microversions.version import Microversion
from servers.models.tag import MOST_TAGS


class TagsChange(VersionedSerializer):
    """All tags."""

    tags = ListOf(Tag(), 0, MOST_TAGS, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> tuple[str, ...]:
        tags: tuple[str, ...] = values["tags"]
        return tags
