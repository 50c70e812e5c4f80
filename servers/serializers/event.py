"""The query string of the stream of events."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.queries import Word
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.version import Microversion


class EventQuery(QuerySerializer):
    """The result: the servers of all projects?"""

    unknown = "refuse"

    all_tenants = Word(empty=True, help_text="the servers of all projects")

    def build(self, values: dict[str, Any], _version: Microversion) -> bool:
        return bool(values.get("all_tenants", False))
