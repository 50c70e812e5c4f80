"""The one home of application credentials: read an order, make, find, delete."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from compute_site.db.conflicts import is_duplicate
from compute_site.identity.assignments import ROLE_OF_ID
from compute_site.identity.auth_request import AuthRequest
from compute_site.identity.errors import MalformedRequest, NameInUse, NoProject, RestrictedToken
from compute_site.identity.members import text
from compute_site.identity.models import ApplicationCredential, Role
from compute_site.identity.tokens import ValidToken

KEYS = {"name", "description", "secret", "roles", "expires_at", "unrestricted", "project_id"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOrder:
    """The asked application credential. ``role``: the largest of the asked roles; ``None``: the
    roles that the user holds.
    """

    name: str
    description: str = ""
    secret: str | None = None
    role: Role | None = None
    expires_at: dt.datetime | None = None
    unrestricted: bool = False


def read_credential_order(body: Any) -> CredentialOrder:
    """Check the body of ``POST …/application_credentials``.

    Raises:
        MalformedRequest: it is not well formed; the text names the member.
    """
    given = body.get("application_credential") if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise MalformedRequest("application_credential: give an object.")
    surplus = sorted(key for key in given if key not in KEYS and given[key] not in (None, []))
    if surplus:
        raise MalformedRequest(f"application_credential.{surplus[0]}: this is not supported.")
    name = given.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 255 or "\0" in name:
        raise MalformedRequest("application_credential.name: give 1 to 255 characters.")
    for key in ("description", "secret"):
        text(given.get(key), f"application_credential.{key}")
    unrestricted = given.get("unrestricted")
    if unrestricted not in (None, True, False):
        raise MalformedRequest("application_credential.unrestricted: give true or false.")
    return CredentialOrder(
        name=name,
        description=given.get("description") or "",
        secret=given.get("secret"),
        role=_read_roles(given.get("roles")),
        expires_at=_read_time(given.get("expires_at")),
        unrestricted=bool(unrestricted),
    )


def make_credential(owner: ValidToken, order: CredentialOrder) -> tuple[ApplicationCredential, str]:
    """Make a credential for the owner's user and project; only here is its secret returned.

    Raises:
        RestrictedToken: the owner came with a credential that may not make others, or wants a
            role that is not held.
        NoProject: the owner's token is not for a project.
        NameInUse: the user has one of that name.
    """
    check_unrestricted(owner)
    project_id = owner.token.project_id
    if project_id is None:
        raise NoProject("An application credential is for a project; so must the token be.")
    held = max(owner.scope.roles, key=list(Role).index)
    role = order.role or held
    if role not in held.implied:
        raise RestrictedToken(f"You do not hold the role {role.value} in this project.")
    secret = order.secret or secrets.token_urlsafe(64)
    credential = ApplicationCredential(
        name=order.name,
        description=order.description,
        user_id=owner.user_id,
        project_id=project_id,
        role=role,
        secret_hash=make_password(secret),
        unrestricted=order.unrestricted,
        expires_at=order.expires_at,
    )
    try:
        with transaction.atomic():
            credential.save(force_insert=True)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise NameInUse(f"You have an application credential {order.name!r} already.") from None
    return credential, secret


def check_unrestricted(owner: ValidToken) -> None:
    """May the token make and delete application credentials?

    Raises:
        RestrictedToken: it was got with an application credential that may not.
    """
    credential = owner.token.credential
    if credential is not None and not credential.unrestricted:
        raise RestrictedToken(
            f"The application credential {credential.name!r} may not manage others."
        )


def find_credential(asked: AuthRequest) -> ApplicationCredential | None:
    """The application credential that the request names, unless it has expired."""
    if "\0" in f"{asked.credential_id}{asked.credential_name}{asked.user_name}{asked.user_id}":
        return None
    alive = ApplicationCredential.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    )
    if asked.credential_id is not None:
        return alive.filter(pk=asked.credential_id).first()
    if not asked.domain_exists:
        return None
    owner = (
        {"user": asked.user_id}
        if asked.user_id is not None
        else {"user__username": asked.user_name}
    )
    return alive.filter(name=asked.credential_name, **owner).first()


def _read_roles(given: Any) -> Role | None:
    if given is None or given == []:
        return None
    where = "application_credential.roles"
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise MalformedRequest(f"{where}: give a list of objects with id or name.")
    roles = []
    for entry in given:
        name, role_id = entry.get("name"), entry.get("id")
        role = ROLE_OF_ID.get(role_id) if isinstance(role_id, str) else None
        if role is None and name in list(Role):
            role = Role(name)
        if role is None:
            raise MalformedRequest(f"{where}: there is no role {name or role_id!r}.")
        roles.append(role)
    return max(roles, key=list(Role).index)


def _read_time(given: Any) -> dt.datetime | None:
    if given is None:
        return None
    where = "application_credential.expires_at"
    try:
        moment = parse_datetime(given) if isinstance(given, str) else None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        moment = moment and moment.astimezone(dt.UTC)
    except (ValueError, OverflowError):  # not a time, or a time beyond the year 9999
        moment = None
    if moment is None:
        raise MalformedRequest(f"{where}: give a time such as 2030-01-31T12:00:00Z.")
    if moment <= timezone.now():
        raise MalformedRequest(f"{where}: this time is over.")
    return moment
