"""Lists the moves of servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from compute_site.db.paging import Paging, cut_page
from compute_site.values.words import LOOSE_TRUE, parse_uuid
from servers.errors import MarkerNotFound, NoSuchItem
from servers.models import HostOrder, Instance, Migration, MigrationStatus, MigrationType

IN_PROGRESS = (
    MigrationStatus.QUEUED,
    MigrationStatus.PREPARING,
    MigrationStatus.RUNNING,
    MigrationStatus.POST_MIGRATING,
)
"""Statuses of live migrations that are shown while they last."""
LIVE = "live_start"
"""The order of a host that copies a guest."""
NEWEST_FIRST = (("created_at", True), ("id", True))
OLDEST_FIRST = (("id", False),)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MoveQuery:
    """Which moves; ``host`` is on either end."""

    paging: Paging
    newest_first: bool = True
    hidden: str | None = None
    host: str | None = None
    instance_uuid: str | None = None
    source_compute: str | None = None
    status: str | None = None
    migration_type: str | None = None
    changes_since: datetime | None = None
    changes_before: datetime | None = None
    user_id: str | None = None
    project_id: str | None = None


def list_moves(query: MoveQuery) -> list[Migration]:
    """One page.

    Raises:
        MarkerNotFound: the page shall begin behind a move that does not exist.
    """
    moves = _changed(_filtered(query), query).select_related("instance")
    after = _find_marker(query.paging.marker)
    order = NEWEST_FIRST if query.newest_first else OLDEST_FIRST
    return cut_page(moves, order, query.paging, after)


def live_moves(instance: Instance) -> Sequence[Migration]:
    """The live migrations of the server that go on."""
    live = Migration.objects.filter(instance=instance, migration_type=MigrationType.LIVE)
    going = live.filter(status__in=IN_PROGRESS).select_related("instance").order_by("pk")
    moves = list(going)
    if moves:
        moves[-1].copied = _copied(instance)
    return moves


def _copied(instance: Instance) -> Mapping[str, int]:
    """What an agent has told of the live migration that goes on."""
    orders = HostOrder.objects.filter(server_id=str(instance.uuid), task=LIVE, done_at=None)
    told = orders.order_by("-pk").values_list("progress", flat=True).first() or {}
    return {name: value for name, value in told.get("copied", {}).items() if value is not None}


def find_live_move(instance: Instance, move_id: str) -> Migration:
    """A live migration of the server that goes on.

    Raises:
        NoSuchItem: there is none of that number.
    """
    for move in live_moves(instance):
        if str(move.pk) == move_id:
            return move
    raise NoSuchItem(f"No live migration {move_id[:20]!r} of {instance.uuid} goes on.")


def find_move(instance: Instance, move_id: str) -> Migration:
    """A move of the server, whatever became of it.

    Raises:
        NoSuchItem: there is none of that number.
    """
    is_number = move_id.isascii() and move_id.isdigit() and len(move_id) < 19
    moves = Migration.objects.filter(instance=instance, pk=int(move_id)) if is_number else None
    move = moves.first() if moves is not None else None
    if move is None:
        raise NoSuchItem(f"The server {instance.uuid} has no move {move_id[:20]!r}.")
    return move


def _filtered(query: MoveQuery) -> QuerySet[Migration]:
    """Nova: those of deleted servers are gone; a host on either end makes the one of the source
    meaningless.
    """
    moves = Migration.objects.filter(instance__deleted_at__isnull=True)
    for name in ("status", "migration_type", "user_id", "project_id"):
        if (value := getattr(query, name)) is not None:
            moves = moves.filter(**{name: value})
    if query.hidden is not None and query.hidden.lower() in LOOSE_TRUE:
        moves = moves.none()  # no move is hidden
    if query.instance_uuid is not None:
        server_id = parse_uuid(query.instance_uuid)
        moves = moves.filter(instance__uuid=server_id) if server_id else moves.none()
    if query.host is not None:
        return moves.filter(Q(source_compute=query.host) | Q(dest_compute=query.host))
    if query.source_compute is not None:
        return moves.filter(source_compute=query.source_compute)
    return moves


def _changed(moves: QuerySet[Migration], query: MoveQuery) -> QuerySet[Migration]:
    if query.changes_since is None and query.changes_before is None:
        return moves
    moves = moves.annotate(changed=Coalesce(F("updated_at"), F("created_at")))
    if query.changes_since is not None:
        moves = moves.filter(changed__gte=query.changes_since)
    if query.changes_before is not None:
        moves = moves.filter(changed__lte=query.changes_before)
    return moves


def _find_marker(marker: str | None) -> Migration | None:
    if marker is None:
        return None
    move_id = parse_uuid(marker)
    found = Migration.objects.filter(uuid=move_id).first() if move_id else None
    if found is None:
        raise MarkerNotFound(f"There is no move {marker[:64]!r} to go on from.")
    return found
