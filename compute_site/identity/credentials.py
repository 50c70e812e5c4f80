"""The one home of application credentials: make, find, delete."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import Mapping, Sequence

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from compute_site.db.conflicts import is_duplicate
from compute_site.identity.access_rules import keep_rules
from compute_site.identity.auth_request import AuthRequest
from compute_site.identity.delegated import check_own
from compute_site.identity.derived import implications
from compute_site.identity.errors import NameInUse, NoProject, RestrictedToken
from compute_site.identity.models import ApplicationCredential, NamedRole, Role
from compute_site.identity.records import note_change
from compute_site.identity.tokens import ValidToken


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOrder:
    """The asked application credential. ``role``: the largest of the asked roles, and ``others``
    the keys of those that operators have made; none of both: the roles that the user holds.
    """

    name: str
    description: str = ""
    secret: str | None = None
    role: Role | None = None
    others: tuple[str, ...] = ()
    expires_at: dt.datetime | None = None
    unrestricted: bool = False
    access_rules: tuple[Mapping[str, str], ...] | None = None


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
    role, others = _allowed(owner, order)
    secret = order.secret or secrets.token_urlsafe(64)
    credential = ApplicationCredential(
        name=order.name,
        description=order.description,
        user_id=owner.user_id,
        project_id=project_id,
        role=role or "",
        others=others,
        secret_hash=make_password(secret),
        unrestricted=order.unrestricted,
        expires_at=order.expires_at,
    )
    try:
        with transaction.atomic():
            if order.access_rules:
                credential.access_rules = keep_rules(owner.user_id, order.access_rules)
            credential.save(force_insert=True)
            what = f"Made the application credential {credential.name}."
            note_change(credential.user, what, by=owner.user_id, project_id=project_id)
    except IntegrityError as error:
        if not is_duplicate(error):
            raise
        raise NameInUse(f"You have an application credential {order.name!r} already.") from None
    return credential, secret


def _allowed(owner: ValidToken, order: CredentialOrder) -> tuple[Role | None, list[str]]:
    """The asked roles, or all that the owner holds.

    Raises:
        RestrictedToken: one of them is not held.
    """
    held = max(owner.scope.roles, key=list(Role).index, default=None)
    if order.role is None and not order.others:
        return held, list(owner.scope.others)
    if order.role is not None and (held is None or order.role not in held.implied):
        raise RestrictedToken(f"You do not hold the role {order.role.value} in this project.")
    missing = set(order.others) - set(owner.scope.others)
    if missing:
        raise RestrictedToken(f"You do not hold the role {min(missing)} in this project.")
    return _with_implied(order.role, order.others, set(owner.scope.others), held)


def _with_implied(
    role: Role | None, others: Sequence[str], own: set[str], held: Role | None
) -> tuple[Role | None, list[str]]:
    """The roles with what those of one's own imply, as far as it is held."""
    if not others:
        return role, []
    keys = {row.pk: row.key for row in NamedRole.objects.all()}
    implied = implications()
    found = {*others} | {
        keys[one] for prior, key in keys.items() if key in others for one in implied.get(prior, ())
    }
    ladder = [one for one in Role if one == role or one.value in found]
    largest = max(
        (one for one in ladder if held is not None and one in held.implied),
        key=list(Role).index,
        default=None,
    )
    return largest, sorted(found & own)


def check_unrestricted(owner: ValidToken) -> None:
    """May the token make and delete application credentials?

    Raises:
        RestrictedToken: it was got with an application credential that may not, by a trust, an
            access token or a pair of keys.
    """
    check_own(owner)
    credential = owner.token.credential
    if credential is not None and not credential.unrestricted:
        raise RestrictedToken(
            f"The application credential {credential.name!r} may not manage others."
        )


def delete_credential(credential: ApplicationCredential, *, by: str) -> None:
    """Delete it with the tokens that were issued for it."""
    with transaction.atomic():
        what = f"Deleted the application credential {credential.name}."
        note_change(credential.user, what, by=by, project_id=credential.project_id)
        credential.delete()


def unexpired() -> QuerySet[ApplicationCredential]:
    return ApplicationCredential.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    )


def find_credential(asked: AuthRequest) -> ApplicationCredential | None:
    """The application credential that the request names, unless it has expired."""
    domain = asked.user_domain
    user = (asked.user_name, asked.user_id, domain.id, domain.name)
    named = (asked.credential_id, asked.credential_name, *user)
    if any("\0" in text for text in named if text is not None):
        return None
    alive = unexpired()
    if asked.credential_id is not None:
        return alive.filter(pk=asked.credential_id).first()
    if asked.user_id is not None:
        owner: dict[str, str | None] = {"user": asked.user_id}
    elif domain.id is not None:
        owner = {"user__username": asked.user_name, "user__domain": domain.id}
    else:
        owner = {"user__username": asked.user_name, "user__domain__name": domain.name}
    return alive.filter(name=asked.credential_name, **owner).first()
