"""``/usages``: query string and answers."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.api.microversions.answers import INTEGER
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from servers.serializers.placement_api.fields import GENERATION, map_of, object_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuestion:
    project_id: str
    user_id: str | None = None
    consumer_type: str | None = None


class UsageQuery(QuerySerializer):
    """``GET /usages``"""

    unknown = "refuse"

    project_id = Text(1, 255, required=True, repeat="last")
    user_id = Text(1, 255, repeat="last")
    consumer_type = History(
        {
            "1.38": Text(
                *(1, 255),
                pattern=r"[A-Z0-9_]+|all|unknown",
                means="is no type of consumers, nor all or unknown",
                repeat="last",
            )
        }
    )

    def build(self, values: dict[str, Any], version: Microversion) -> UsageQuestion:
        return UsageQuestion(**values)


USAGES = object_of(usages=map_of({}))
USAGES_OF_PROVIDER = object_of(usages=map_of(INTEGER), **{GENERATION: INTEGER})
