"""Deletes projects and users together with what the other apps store for them."""

from __future__ import annotations

import copy
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, QuerySet
from django.dispatch import Signal

from compute_site.identity.errors import StillInUse
from compute_site.identity.models import Project, User
from compute_site.identity.records import GONE, note_change

owner_leaves = Signal()
"""Sent within the transaction, before the rows go, with ``owner``: a project or a user. A receiver
removes what is over, and raises ``StillInUse`` for what is not.
"""

owner_is_looked_at = Signal()
"""Sent with ``owner``. A receiver returns query sets of the rows that keep it from being deleted,
for people to look at.
"""


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
