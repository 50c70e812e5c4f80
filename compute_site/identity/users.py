"""The one home of users that clients make and change."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from compute_site.identity.errors import MalformedRequest, NameInUse
from compute_site.identity.lockout import unlock
from compute_site.identity.members import (
    Reader,
    flag,
    name_of,
    no_options,
    our_domain,
    read_members,
    text,
    text_up_to,
    with_extra,
)
from compute_site.identity.models import Project, User
from compute_site.identity.proof import prove_password
from compute_site.identity.scope import find_by_user

SHOWN = {"id", "links", "extra", "password_expires_at", "federated"}
"""Made by the site: a client that sends back what it was shown changes nothing by it."""


password_text = text_up_to(4096)


def _password(value: Any, where: str) -> str | None:
    """Read a password; ``null`` means that the user cannot log in with one."""
    return None if value is None else password_text(value, where)


def _project(value: Any, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or "\0" in value or not Project.objects.filter(pk=value).exists():
        raise MalformedRequest(f"{where}: there is no such project.")
    return value


READERS: dict[str, Reader] = {
    "name": name_of(150),
    "enabled": flag,
    "email": text_up_to(254),
    "password": _password,
    "default_project_id": _project,
    "domain_id": our_domain,
    "options": no_options,
}
COLUMNS = {
    "name": "username",
    "enabled": "is_active",
    "email": "email",
    "default_project_id": "default_project_id",
}


def make_user(body: Any) -> User:
    """Make the user of a body of ``POST /v3/users``, who holds no role anywhere yet.

    Raises:
        MalformedRequest: the body is wrong; the text names the member.
        NameInUse: another user has this name.
    """
    members = read_members(body, "user", READERS)
    if "name" not in members:
        raise MalformedRequest("user.name: give one.")
    return _save(User(), {"password": None, **members})


def change_user(user: User, body: Any) -> User:
    """Change what the body of a ``PATCH`` names; raises as ``make_user``."""
    members = read_members(body, "user", READERS)
    with transaction.atomic():
        return _save(User.objects.select_for_update().get(pk=user.pk), members)


def change_password(user_id: str, body: Any) -> None:
    """The user's own change of the password; it ends all tokens of the user.

    Raises:
        MalformedRequest: one of the two passwords is missing.
        InvalidPassword: the old one is wrong, or there is no such user.
    """
    members = read_members(body, "user", {"password": password_text, "original_password": text})
    if not members.get("password") or not members.get("original_password"):
        raise MalformedRequest("user: give original_password and password.")
    scope = find_by_user(user_id=user_id)
    scope = prove_password(
        scope, members["original_password"], named=user_id, by="change of the password"
    )
    user = User.objects.get(pk=scope.user_id)
    user.set_password(members["password"])
    user.save(update_fields=["password"])


def _save(user: User, members: dict[str, Any]) -> User:
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
