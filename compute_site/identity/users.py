"""The one home of users that clients make and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from compute_site.identity.errors import NameInUse
from compute_site.identity.extra import with_extra
from compute_site.identity.lockout import unlock
from compute_site.identity.models import User
from compute_site.identity.proof import prove_password
from compute_site.identity.records import MADE, describe_members, note_change
from compute_site.identity.scope import find_by_user

SHOWN = {"id", "links", "extra", "password_expires_at", "federated"}
"""Made by the site: a client that sends back what it was shown changes nothing by it."""
COLUMNS = {
    "name": "username",
    "enabled": "is_active",
    "email": "email",
    "default_project_id": "default_project_id",
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
        changed = _save(User.objects.select_for_update().get(pk=user.pk), members)
        note_change(changed, describe_members(members), by=by)
        return changed


def change_password(user_id: str, original: str, new: str) -> None:
    """The user's own change of the password; it ends all tokens of the user.

    Raises:
        InvalidPassword: the old one is wrong, or there is no such user.
    """
    scope = find_by_user(user_id=user_id)
    scope = prove_password(scope, original, named=user_id, by="change of the password")
    user = User.objects.get(pk=scope.user_id)
    user.set_password(new)
    with transaction.atomic():
        user.save(update_fields=["password"])
        note_change(user, describe_members({"password": new}), by=user.pk)


def _save(user: User, members: Mapping[str, Any]) -> User:
    for key, column in COLUMNS.items():
        if key in members:
            setattr(user, column, members[key])
    if "password" in members:
        user.set_password(members["password"])
    user.extra = with_extra(user.extra, members, shown=SHOWN)
    if members.get("enabled"):  # Keystone: this is how an operator unlocks an account
        unlock([user.pk])
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise NameInUse(f"There is a user {user.username!r} already.") from None
    return user
