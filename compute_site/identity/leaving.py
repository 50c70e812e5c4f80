"""Deletes projects and users together with what the other apps store for them."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, Self

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.dispatch import Signal

from compute_site.identity.errors import StillInUse
from compute_site.identity.models import Project, User
from compute_site.identity.records import GONE, note_change
from compute_site.waiting.held import Held

owner_leaves = Signal()
"""Sent within the transaction, before the rows go, with ``owner``: a project or a user. A receiver
removes what is over, and raises ``StillInUse`` for what is not.
"""

owner_is_looked_at = Signal()
"""Sent with ``owner``. A receiver returns query sets of the rows that keep it from being deleted,
for people to look at.
"""

WAIT_SECONDS = 10
"""So long a deletion waits for servers that are being deleted."""


class FindLeaving(Protocol):
    """Of some projects and users, those that have servers, all of which are being deleted."""

    def __call__(self, owners: Collection[str]) -> set[str]: ...


_finders: list[FindLeaving] = []


def find_leaving_with(finder: FindLeaving) -> None:
    """Register the function that finds them; the app with the servers calls this."""
    if finder not in _finders:
        _finders.append(finder)


class LastServers(Held):
    """A deletion that waits for the last servers of a project or user. Clients delete both without
    waiting in between, since Keystone does not ask for servers.
    """

    def __init__(self, owner: Project | User) -> None:
        super().__init__(WAIT_SECONDS)
        self.key = str(owner.pk)

    def helps(self) -> bool:
        """Is anything to be waited for?"""
        return bool(_leaving({self.key}))

    @classmethod
    def look(cls, held: Sequence[Self]) -> Mapping[Self, bytes]:
        leaving = _leaving({wait.key for wait in held})
        return {wait: b"" for wait in held if wait.key not in leaving}


def _leaving(owners: Collection[str]) -> set[str]:
    return set().union(*(find(owners) for find in _finders))


def find_obstacles(owner: Project | User) -> list[QuerySet[Any]]:
    """The rows in the way of the deletion, a query set for each kind. They may be many or none."""
    answers: list[tuple[Any, Any]] = owner_is_looked_at.send(sender=type(owner), owner=owner)
    return [rows for _, found in answers for rows in found or ()]


def find_hindrance(owner: Project | User) -> str | None:
    """Why the project or user cannot be deleted now; ``None`` if it can. Nothing changes."""
    try:
        with transaction.atomic():
            remove_owner(copy.copy(owner))  # a deleted object has no key any more
            transaction.set_rollback(True)
    except StillInUse as error:
        return error.detail
    return None


def remove_owner(owner: Project | User, *, by: str = "") -> None:
    """Delete a project or user and everything that only it uses. ``by`` is the user who does so by
    the API; the admin has its own log.

    Raises:
        StillInUse: it has servers, or things that others use.
    """
    try:
        with transaction.atomic():
            owner_leaves.send(sender=type(owner), owner=owner)
            if by:
                note_change(owner, GONE, by=by)
            owner.delete()
    except (ProtectedError, IntegrityError):
        what = "project {} still has servers or volume snapshots"
        if isinstance(owner, User):
            what = "user {} still has servers"
        raise StillInUse(f"The {what.format(owner.pk)}; delete them first.") from None
