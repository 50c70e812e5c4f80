"""The one home of users that clients make and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.identity.errors import LockedPassword, MalformedRequest
from compute_site.identity.lockout import unlock
from compute_site.identity.models import User
from compute_site.identity.proof import prove_password
from compute_site.identity.records import MADE, describe_members, note_change
from compute_site.identity.rows import save_row
from compute_site.identity.scope import find_by_user

LOCKED = "lock_password"
"""The option of a user who may not change the own password."""

SHOWN = ("password_expires_at", "federated")
"""Made by the site: a client that sends back what it was shown changes nothing by it."""
COLUMNS = {
    "name": "username",
    "enabled": "is_active",
    "email": "email",
    "default_project_id": "default_project_id",
    "domain_id": "domain_id",
}


def make_user(members: Mapping[str, Any], *, by: str) -> User:
    """Make a user of checked members, those of ``POST /v3/users``, who holds no role anywhere yet.

    Raises:
        NameInUse: another user has this name.
        MalformedRequest: the unknown members are too large.
    """
    with transaction.atomic():
        user = _save(User(), members)
        note_change(user, MADE, by=by)
        return user


def change_user(user: User, members: Mapping[str, Any], *, by: str) -> User:
    """Change what is named; raises as ``make_user``."""
    with transaction.atomic():
        locked = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
        if members.get("domain_id") not in (None, locked.domain_id):
            raise MalformedRequest("user.domain_id: a user stays in the domain.")
        changed = _save(locked, {k: v for k, v in members.items() if k != "domain_id"})
        note_change(changed, describe_members(members), by=by)
        return changed


def change_password(user_id: str, original: str, new: str) -> None:
    """The user's own change of the password; it ends all tokens of the user.

    Raises:
        InvalidPassword: the old one is wrong, or there is no such user.
        LockedPassword: the user may not.
    """
    scope = find_by_user(user_id=user_id)
    scope = prove_password(scope, original, named=user_id, by="change of the password")
    user = User.objects.get(pk=scope.user_id)
    if user.options.get(LOCKED):
        raise LockedPassword("Only an operator changes the password of this user.")
    user.set_password(new)
    with transaction.atomic():
        user.save(update_fields=["password"])
        note_change(user, describe_members({"password": new}), by=user.pk)


def _save(user: User, members: Mapping[str, Any]) -> User:
    if "password" in members:
        user.set_password(members["password"])
    if members.get("enabled"):  # Keystone: this is how an operator unlocks an account
        unlock([user.pk])
    return save_row(user, members, columns=COLUMNS, shown=SHOWN)
