"""What has changed of the servers of a project, or of all: for clients that follow along.

Nothing is written for it. A change is a new version of a server's row, and PostgreSQL keeps with
each version the number of the transaction that wrote it. Numbers are given out in order, but
transactions end in any order, so a reader goes on from the oldest transaction that had not ended
when it last looked (``Position.oldest``): everything that it could not see then has that number or
a later one, and whatever it sees again is left out as it has been told. Nothing is skipped,
however long a transaction takes. ``Position.since`` keeps the search short: the index of the times
of changes is read from there on.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, Self

from django.conf import settings

from compute_site.caller import Caller
from compute_site.db.prepared import array, prepared_cursor
from compute_site.faults import BadRequest
from compute_site.values.strict_json import write_json
from compute_site.waiting.held import Held
from servers.models.states import status_of
from servers.policies import server as rules

MOST = 1000
"""More changes at once are not told one by one: the client reads its list again."""
OLDEST_POSITION = dt.timedelta(hours=24)
"""Who was away for longer reads its list again: deleted servers may be archived by now."""
MARGIN = dt.timedelta(seconds=60)
"""So much may lie between the time in a changed row and its transaction's first change: the clocks
of two machines differ, and a statement has waited.
"""
AT_WORK = dt.timedelta(minutes=10)
"""A transaction that ends after a stream began has not been at work for longer."""
HEARTBEAT_SECONDS = 15.0
RETRY = b"retry: 1000\n"
"""The client comes again after so many milliseconds when the stream has ended."""
RESET = b"event: reset\ndata: {}\n"
"""Too much has changed: the client reads its list again."""
POSITION = re.compile(r"([0-9]{1,19})-([0-9]{1,17})", re.ASCII)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)

# A row knows its transaction by 32 bits of the number; the rest is that of the next number.
# Each project is read off its own part of the index.
READ = """
WITH snapshot AS MATERIALIZED (
    SELECT pg_snapshot_xmin(seen)::text::bigint AS oldest,
           pg_snapshot_xmax(seen)::text::bigint AS next, statement_timestamp() AS at
      FROM pg_current_snapshot() AS seen
), changed AS (
    SELECT server.*
      FROM snapshot
     CROSS JOIN identity_project AS project
     CROSS JOIN LATERAL (
        SELECT id, uuid, display_name, project_id, vm_state, task_state, power_state, host,
               updated_at, deleted_at, number
          FROM servers_instance
         CROSS JOIN LATERAL (
            SELECT snapshot.next + 2147483648
                   - ((snapshot.next + 2147483648 - xmin::text::bigint) & 4294967295) AS number
         ) AS written
         WHERE project_id = project.id AND updated_at >= %(since)s AND number >= %(oldest)s
     ) AS server
     WHERE %(everywhere)s OR project.id = ANY(%(projects)s::text[])
     LIMIT %(most)s
)
SELECT snapshot.oldest, snapshot.next, snapshot.at, changed.uuid::text, changed.display_name,
       changed.project_id, changed.vm_state, changed.task_state, changed.power_state, changed.host,
       changed.updated_at, changed.deleted_at IS NOT NULL, changed.number,
       newest.action, newest.request_id
  FROM snapshot
  LEFT JOIN changed ON true
  LEFT JOIN LATERAL (
    SELECT action, request_id FROM servers_instanceaction
     WHERE instance_id = changed.id ORDER BY id DESC LIMIT 1
  ) AS newest ON true
 ORDER BY changed.updated_at, changed.id
"""


class PositionInvalid(BadRequest):
    """``Last-Event-ID`` is none of ours."""

    code = "last_event_id_invalid"


@dataclasses.dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has read. ``oldest``: transactions from this number on may hold changes that
    were not told yet; none of those was made before ``since``.
    """

    oldest: int
    since: dt.datetime

    def __str__(self) -> str:
        return f"{self.oldest}-{(self.since - EPOCH) // MICROSECOND}"


NOWHERE = Position(1 << 62, EPOCH + dt.timedelta(days=365_000))
"""Nothing has changed since."""


def read_position(text: str) -> Position:
    """The position that a client was told last.

    Raises:
        PositionInvalid: nobody was told this.
    """
    found = POSITION.fullmatch(text)
    if found is None:
        raise PositionInvalid(
            "Last-Event-ID: send the id of an event of this stream, or none.",
            field="Last-Event-ID",
        )
    return Position(int(found[1]), EPOCH + int(found[2]) * MICROSECOND)


class Change(NamedTuple):
    """A server as it is after its last change; ``number`` is that of the transaction."""

    server_id: str
    name: str
    project_id: str
    vm_state: str
    task_state: str | None
    power_state: int
    host: str | None
    updated_at: dt.datetime
    is_deleted: bool
    number: int
    action: str | None
    request_id: str | None

    def as_json(self, *, with_host: bool) -> dict[str, Any]:
        status = "DELETED" if self.is_deleted else status_of(self.vm_state, self.task_state)
        return {
            "id": self.server_id,
            "name": self.name,
            "project_id": self.project_id,
            "status": status,
            "vm_state": self.vm_state,
            "task_state": self.task_state,
            "power_state": self.power_state,
            "updated_at": self.updated_at.isoformat(),
            "action": self.action,
            "request_id": self.request_id,
            **({"host": self.host} if with_host else {}),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one statement saw: all changes since a position, or too many to tell. ``oldest`` is the
    oldest transaction that had not ended, ``next`` the number that nobody had.
    """

    oldest: int
    next: int
    at: dt.datetime
    changes: Sequence[Change]
    by_project: Mapping[str, Sequence[Change]]

    def of(self, project_id: str | None) -> Sequence[Change]:
        """Those of a project, or all."""
        return self.changes if project_id is None else self.by_project.get(project_id, ())

    @property
    def is_cut(self) -> bool:
        return len(self.changes) > MOST


def look_for_changes(position: Position, *, projects: Iterable[str], everywhere: bool) -> Look:
    """The changes since a position in these projects, or everywhere."""
    values: dict[str, Any] = {
        "since": position.since,
        "oldest": position.oldest,
        "everywhere": everywhere,
        "projects": array(projects),
        "most": MOST + 1,
    }
    with prepared_cursor(keeps_plans=False) as cursor:
        cursor.execute(READ, values)
        rows = cursor.fetchall()
    oldest, following, at = rows[0][:3]
    changes = [Change._make(row[3:]) for row in rows if row[3] is not None]
    by_project: dict[str, list[Change]] = {}
    for change in changes:
        by_project.setdefault(change.project_id, []).append(change)
    return Look(oldest=oldest, next=following, at=at, changes=changes, by_project=by_project)


class ChangeStream(Held):
    """A stream of events: the servers of a project, or of all, each when it has changed."""

    pause = 0.5
    stays = True

    def __init__(
        self, *, project_id: str | None, with_host: bool, asked: Position | None = None
    ) -> None:
        """``project_id`` ``None``: all projects; ``asked``: where the client was, if anywhere."""
        super().__init__(settings.OPTIONS.event_stream_seconds)
        self.project_id = project_id
        self.with_host = with_host
        self.asked = asked
        self.position = asked or NOWHERE
        self.told: Mapping[str, int] = {}
        """By server: the numbers of what was told, as far as it would be found again."""
        self.before: Look | None = None
        self.spoke_at = 0.0

    @classmethod
    def open(cls, caller: Caller, *, everywhere: bool, last_event_id: str | None) -> Self:
        """A stream for a caller who may list these servers.

        Raises:
            PolicyRefused: the caller may not.
            PositionInvalid: nobody was told this id.
        """
        caller.permit(rules.DETAIL)
        if everywhere:
            caller.permit(rules.DETAIL_ALL_PROJECTS)
        return cls(
            project_id=None if everywhere else caller.project_id,
            with_host=caller.may(rules.EXTENDED_ATTRIBUTES),
            asked=read_position(last_event_id) if last_event_id else None,
        )

    def begin(self) -> bytes:
        """What the client gets first: where it is, and what it has missed."""
        found = self._look()
        known = self.asked is not None and _is_known(self.asked, found)
        if known and not found.is_cut:
            return RETRY + (self.tell(found) or self._say_where())
        self.position = Position(found.oldest, found.at - AT_WORK)
        self._go_on(self._look())  # what is there already is no news
        return RETRY + (b"" if self.asked is None else RESET) + self._say_where()

    @classmethod
    def look(cls, held: Sequence[Self]) -> Mapping[Self, bytes]:
        found = look_for_changes(
            Position(
                min(stream.position.oldest for stream in held),
                min(stream.position.since for stream in held),
            ),
            projects={stream.project_id for stream in held if stream.project_id is not None},
            everywhere=any(stream.project_id is None for stream in held),
        )
        pieces = {stream: stream.tell(found) or stream.beat() for stream in held}
        return {stream: piece for stream, piece in pieces.items() if piece}

    def _look(self) -> Look:
        projects = () if self.project_id is None else (self.project_id,)
        return look_for_changes(
            self.position, projects=projects, everywhere=self.project_id is None
        )

    def tell(self, found: Look) -> bytes:
        """The events of what is new, the last one with the id to go on from; or nothing."""
        new = [
            change
            for change in found.of(self.project_id)
            if change.number >= self.position.oldest
            and self.told.get(change.server_id) != change.number
        ]
        self._go_on(found)
        if found.is_cut:
            return RESET + self._say_where()
        if not new:
            return b""
        events = [
            b"event: server\ndata: " + write_json(change.as_json(with_host=self.with_host))
            for change in new
        ]
        self.spoke_at = monotonic()
        return b"\n\n".join(events) + b"\n" + self._say_where()

    def beat(self) -> bytes:
        """Something now and then, so that nobody on the way takes the connection for dead."""
        if monotonic() - self.spoke_at < HEARTBEAT_SECONDS:
            return b""
        return self._say_where()

    def _say_where(self) -> bytes:
        """The id to go on from; it belongs to the event before it, if that has not ended."""
        self.spoke_at = monotonic()
        return f"id: {self.position}\n\n".encode()

    def _go_on(self, found: Look) -> None:
        since = self.position.since
        if self.before is not None and found.oldest >= self.before.next:
            since = self.before.at - MARGIN  # what comes now has begun after the look before
        self.position = Position(found.oldest, since)
        self.before = found
        self.told = {
            change.server_id: change.number
            for change in found.of(self.project_id)
            if change.number >= found.oldest
        }


def _is_known(position: Position, found: Look) -> bool:
    """Can all that has changed since be told? Not after a long time, or in another database."""
    return position.since > found.at - OLDEST_POSITION and position.oldest <= found.next
