"""``/os-migrations`` and ``/servers/{id}/migrations``: query string, body, answers."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    INTEGER_OR_NULL,
    LINKS,
    TEXT,
    TEXT_OR_NULL,
    TIME,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, NonNegative, Null, Refused
from compute_site.api.microversions.history import History
from compute_site.api.microversions.queries import Time
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from compute_site.db.paging import WHOLE, Paging
from servers.models import Migration, MigrationType
from servers.read.moves import IN_PROGRESS, MoveQuery

PAGED = Microversion.parse("2.59")
QUEUED_CAN_BE_ABORTED = Microversion.parse("2.65")


def is_paged(version: Microversion) -> bool:
    """Does the list come in pages?"""
    return version >= PAGED


def aborts_early(version: Microversion) -> bool:
    """Can a live migration be aborted that has not begun to copy?"""
    return version >= QUEUED_CAN_BE_ABORTED


class MigrationListQuery(QuerySerializer):
    """The query string; the result is a ``MoveQuery``."""

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

    def build(self, values: dict[str, Any], version: Microversion) -> MoveQuery:
        since, before = values.get("changes_since"), values.get("changes_before")
        if since and before and before < since:
            raise Refused("lies before changes-since", field="changes-before")
        paged = is_paged(version)
        paging = Paging.of(values) if paged else WHOLE
        filters = {key: value for key, value in values.items() if key not in ("limit", "marker")}
        return MoveQuery(paging=paging, newest_first=paged, **filters)


class ForceComplete(VersionedSerializer):
    """The body that ends a live migration at once."""

    force_complete = Null(required=True)


def _host(name: str) -> Shown:
    """Nova: who may not see hosts gets nulls."""

    def show(move: Migration, frame: Frame) -> Any:
        return getattr(move, name) if frame.extra["shows_hosts"] else None

    return Shown(TEXT_OR_NULL, show)


def _nothing(_move: Migration, _frame: Frame) -> None:
    return None


def _links(move: Migration, frame: Frame) -> Any:
    if move.migration_type != MigrationType.LIVE or move.status not in IN_PROGRESS:
        return ABSENT
    return frame.links.both(f"servers/{move.instance.uuid}/migrations", str(move.pk))


def _bytes(name: str) -> Shown:
    return Shown(INTEGER_OR_NULL, lambda move, _: move.copied.get(name))


class MigrationAnswer(AnswerSerializer):
    """A move in the list of all. The frame's extra says whether hosts are shown."""

    created_at = Shown(TIME, lambda move, _: exact_time(move.created_at))
    dest_compute = _host("dest_compute")
    dest_host = Shown(TEXT_OR_NULL, _nothing)
    dest_node = _host("dest_node")
    id = Shown(INTEGER, "pk")
    instance_uuid = Shown(UUID, lambda move, _: str(move.instance.uuid))
    new_instance_type_id = Shown(INTEGER_OR_NULL, "new_flavor_record_id")
    old_instance_type_id = Shown(INTEGER_OR_NULL, "old_flavor_record_id")
    source_compute = _host("source_compute")
    source_node = _host("source_node")
    status = Shown(TEXT)
    updated_at = Shown(TIME_OR_NULL, lambda move, _: exact_time(move.updated_at))
    migration_type = History({"2.23": Shown(TEXT)})
    links = History({"2.23": Shown(LINKS, _links, optional=True)})
    uuid = History({"2.59": Shown(UUID, lambda move, _: str(move.uuid))})
    user_id = History({"2.80": Shown(TEXT)})
    project_id = History({"2.80": Shown(TEXT)})


class LiveMigrationAnswer(AnswerSerializer):
    """A live migration of a server. Simulated hosts do not tell how much was copied."""

    created_at = Shown(TIME, lambda move, _: exact_time(move.created_at))
    dest_compute = _host("dest_compute")
    dest_host = Shown(TEXT_OR_NULL, _nothing)
    dest_node = _host("dest_node")
    disk_processed_bytes = _bytes("disk_processed")
    disk_remaining_bytes = _bytes("disk_remaining")
    disk_total_bytes = _bytes("disk_total")
    id = Shown(INTEGER, "pk")
    memory_processed_bytes = _bytes("memory_processed")
    memory_remaining_bytes = _bytes("memory_remaining")
    memory_total_bytes = _bytes("memory_total")
    server_uuid = Shown(UUID, lambda move, _: str(move.instance.uuid))
    source_compute = _host("source_compute")
    source_node = _host("source_node")
    status = Shown(TEXT)
    updated_at = Shown(TIME, lambda move, _: exact_time(move.updated_at or move.created_at))
    uuid = History({"2.59": Shown(UUID, lambda move, _: str(move.uuid))})
    user_id = History({"2.80": Shown(TEXT)})
    project_id = History({"2.80": Shown(TEXT)})
