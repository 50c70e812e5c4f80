"""Waits for the status of a server: one statement looks after all that a process waits for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

from compute_site.db.prepared import array, prepared_cursor
from compute_site.waiting.held import Held
from servers.models.states import STATUS, status_of

STATUSES = tuple(
    sorted({word for usual, special in STATUS.values() for word in (usual, *special.values())})
)
"""Every status that a server can have."""
FIND = """
    SELECT uuid::text, vm_state, task_state FROM servers_instance
    WHERE uuid = ANY(%s::uuid[]) AND deleted_at IS NULL
"""


@dataclasses.dataclass(frozen=True, slots=True)
class StatusWanted:
    """What a request waits for: that the server has one of the statuses or, if there is none, that
    it is gone.
    """

    statuses: frozenset[str]
    seconds: float

    def is_met_by(self, status: str) -> bool:
        return status in self.statuses


class StatusWait(Held):
    """A request that waits for a server; it need not wait on when the server is gone."""

    def __init__(self, server_id: str, wanted: StatusWanted) -> None:
        super().__init__(wanted.seconds)
        self.server_id = server_id
        self.wanted = wanted

    @classmethod
    def look(cls, held: Sequence[Self]) -> Mapping[Self, bytes]:
        with prepared_cursor() as cursor:
            cursor.execute(FIND, [array({wait.server_id for wait in held})])
            found = {row[0]: status_of(row[1], row[2]) for row in cursor.fetchall()}
        return {
            wait: b""
            for wait in held
            if (status := found.get(wait.server_id)) is None or wait.wanted.is_met_by(status)
        }
