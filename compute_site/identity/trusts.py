"""The one home of trusts: make, find, use, delete."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from compute_site.identity.delegated import choose_roles
from compute_site.identity.errors import (
    ForeignUser,
    MalformedRequest,
    NoSuchThing,
    RestrictedToken,
    TooDeep,
)
from compute_site.identity.models import Role, Trust, User
from compute_site.identity.records import GONE, MADE, note_change
from compute_site.identity.scope import Scope, find_by_user
from compute_site.identity.tokens import Target, ValidToken, issue_token

MOST_REDELEGATED = 3
"""How long a chain of trusts can be, as in Keystone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrustOrder:
    """The asked trust; ``roles`` are ids."""

    trustor_id: str
    trustee_id: str
    project_id: str
    roles: tuple[str, ...]
    impersonation: bool
    expires_at: dt.datetime | None = None
    remaining_uses: int | None = None
    allow_redelegation: bool = False
    redelegation_count: int | None = None


def make_trust(caller: ValidToken, order: TrustOrder) -> Trust:
    """Make a trust of the caller; with a token of another trust, one that follows from that.

    Raises:
        RestrictedToken: the caller came with an application credential or the like, or wants more
            than the other trust gives.
        ForeignUser: the trustor is not the caller.
        NoSuchThing: there is no such trustee, or the trustor does not hold one of the roles.
        MalformedRequest: uses are counted of a trust from which others may follow.
    """
    check_direct(caller)
    if order.trustor_id != caller.user_id:
        raise ForeignUser("Users make trusts of their own roles alone.")
    if not order.roles:
        raise RestrictedToken("trust.roles: name at least one role.")
    if not User.objects.filter(pk=order.trustee_id).exists():
        raise NoSuchThing(f"There is no user {order.trustee_id[:60]}.")
    parent = caller.token.trust
    holder = parent.holder_id if parent is not None else caller.user_id
    role, others = choose_roles(holder, order.project_id, order.roles, missing=NoSuchThing)
    trust = Trust(
        trustor_id=order.trustor_id,
        trustee_id=order.trustee_id,
        holder_id=holder,
        project_id=order.project_id,
        impersonation=order.impersonation,
        roles=list(order.roles),
        role=role,
        others=others,
        expires_at=order.expires_at,
        remaining_uses=order.remaining_uses,
        redelegation_count=_depth(order, parent),
        parent=parent,
    )
    if parent is not None:
        _follow(trust, parent)
    with transaction.atomic():
        trust.save(force_insert=True)
        note_change(trust, MADE, by=caller.user_id, project_id=order.project_id)
    return trust


def check_direct(caller: ValidToken) -> None:
    """Raises: RestrictedToken: the token was got by what others may hold, but a trust."""
    if caller.is_delegated:
        raise RestrictedToken(
            "Application credentials, access tokens and keys have nothing to do with trusts."
        )


def find_trust(trust_id: str, *, locked: bool = False) -> Trust:
    """A trust that can still be used; ``locked``: nobody else uses it until the transaction ends.

    Raises:
        NoSuchThing: there is none, it has expired, or it was used up.
    """
    rows = alive().select_for_update(of=("self",)) if locked else alive()
    found = None if "\0" in trust_id else rows.filter(pk=trust_id).first()
    if found is None:
        raise NoSuchThing(f"There is no trust {trust_id[:60]}.")
    return found


def alive() -> QuerySet[Trust]:
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    unused = Q(remaining_uses=None) | Q(remaining_uses__gt=0)
    return Trust.objects.filter(unexpired & unused)


def remove_trust(trust: Trust, *, by: str) -> None:
    """Delete it with its tokens, and with the trusts that follow from it."""
    with transaction.atomic():
        note_change(trust, GONE, by=by, project_id=trust.project_id)
        trust.delete()


def log_in_by_trust(
    trustee: Scope, trust_id: str, *, methods: Sequence[str], expires_at: dt.datetime | None
) -> tuple[str, ValidToken]:
    """A token of the trust for its trustee; it counts as one use.

    Raises:
        NoSuchThing: there is no such trust.
        ForeignUser: somebody else is the trustee.
        RestrictedToken: one of those who made the trust is disabled, or holds none of its roles
            any more.
    """
    with transaction.atomic():
        trust = find_trust(trust_id, locked=True)
        if trust.trustee_id != trustee.user_id:
            raise ForeignUser("Somebody else is the trustee.")
        scope = _scope_of(trust)
        if trust.remaining_uses is not None:
            trust.remaining_uses -= 1
            trust.save(update_fields=["remaining_uses"])
        ends = [end for end in (expires_at, trust.expires_at) if end is not None]
        return issue_token(
            scope,
            target=Target(project_id=trust.project_id),
            methods=methods,
            expires_at=min(ends, default=None),
            trust=trust,
        )


def _scope_of(trust: Trust) -> Scope:
    """Who its tokens are, with its roles."""
    people = {person for link in chain(trust) for person in (link.trustor_id, link.trustee_id)}
    active = User.objects.filter(pk__in=people, is_active=True, domain__enabled=True)
    if active.count() < len(people):
        raise RestrictedToken("Somebody who made this trust, or got it, is disabled.")
    holder = find_by_user(user_id=trust.holder_id, project_id=trust.project_id)
    role = Role(trust.role) if trust.role else None
    held = holder and holder.project_id and holder.restricted_to(role, others=trust.others)
    if not held or not held.holds_any:
        raise RestrictedToken("The trustor holds none of these roles any more.")
    if trust.impersonation and trust.trustor_id == trust.holder_id:
        return held
    owner = find_by_user(user_id=trust.trustor_id if trust.impersonation else trust.trustee_id)
    assert owner is not None  # noqa: S101 - known to be active
    return dataclasses.replace(
        held,
        user_id=owner.user_id,
        user_name=owner.user_name,
        is_superuser=False,
        signed_out_at=owner.signed_out_at,
    )


def chain(trust: Trust) -> list[Trust]:
    """The trust and those that it follows from, the nearest first."""
    found = [trust]
    while found[-1].parent is not None:
        found.append(found[-1].parent)
    return found


def _depth(order: TrustOrder, parent: Trust | None) -> int:
    """How many trusts may still follow from the new one."""
    if not order.allow_redelegation or order.redelegation_count == 0:
        return 0
    if order.remaining_uses is not None:
        raise MalformedRequest("trust.remaining_uses: not with allow_redelegation.")
    most = MOST_REDELEGATED if parent is None else parent.redelegation_count - 1
    asked = most if order.redelegation_count is None else order.redelegation_count
    if asked > most or (parent is not None and asked != most):
        raise TooDeep(f"trust.redelegation_count: give {most}, or nothing.")
    return asked


def _follow(trust: Trust, parent: Trust) -> None:
    """Check that the trust gives no more than all that it follows from.

    Raises:
        TooDeep, RestrictedToken: it does.
    """
    if trust.expires_at is None:
        trust.expires_at = parent.expires_at
    for link in chain(parent):
        if not 0 < link.redelegation_count <= MOST_REDELEGATED:
            raise TooDeep("No other trust may follow from this one.")
        if trust.remaining_uses is not None:
            raise RestrictedToken("trust.remaining_uses: not of a trust that follows from another.")
        if link.expires_at is not None and (trust.expires_at or link.expires_at) > link.expires_at:
            raise RestrictedToken("trust.expires_at: the trust would outlive the one before.")
        if not set(trust.roles) <= set(link.roles):
            raise RestrictedToken("trust.roles: the trust before does not give all of them.")
        if trust.impersonation and not link.impersonation:
            raise RestrictedToken("trust.impersonation: the trust before does not give it.")
        if trust.project_id != link.project_id:
            raise RestrictedToken("trust.project_id: the trust before is for another project.")
