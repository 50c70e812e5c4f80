"""``/os-migrations``: query string."""

from __future__ import annotations

from typing import Any

from compute_site.microversions.fields import NonNegative, Refused
from compute_site.microversions.history import History
from compute_site.microversions.queries import Time
from compute_site.microversions.serializers import QuerySerializer
from compute_site.microversions.texts import Text
from compute_site.microversions.version import Microversion


class MigrationListQuery(QuerySerializer):
    """Filters; becomes the project whose moves are asked for (none: all)."""

    unknown = {"2.1": "drop", "2.59": "refuse"}
    hidden = Text(repeat="last")
    host = Text(repeat="last")
    instance_uuid = Text(repeat="last")
    source_compute = Text(repeat="last")
    status = Text(repeat="last")
    migration_type = Text(repeat="last")
    limit = History({"2.59": NonNegative()})
    marker = History({"2.59": Text()})
    changes_since = History({"2.59": Time(key="changes-since")})
    changes_before = History({"2.66": Time(key="changes-before")})
    user_id = History({"2.80": Text()})
    project_id = History({"2.80": Text()})

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        since, before = values.get("changes_since"), values.get("changes_before")
        if since and before and before < since:
            raise Refused("lies before changes-since", field="changes-before")
        if values.get("marker") is not None:
            raise Refused("there is no such move", field="marker")
        return values.get("project_id")
