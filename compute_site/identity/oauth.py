"""The one home of OAuth: consumers, and how they get access.

A consumer asks for a request token of a project; a user says yes, with some of the own roles, and
hands the verifier to the consumer; the consumer shows it and gets an access token, with which it
signs requests for tokens.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from compute_site.identity.delegated import check_direct, choose_roles
from compute_site.identity.errors import (
    Expired,
    MalformedRequest,
    NoRole,
    NoSuchThing,
    WrongSignature,
)
from compute_site.identity.models import AccessToken, Consumer, Project, RequestToken
from compute_site.identity.records import GONE, MADE, note_change
from compute_site.identity.rows import change_row, make_row, remove_row
from compute_site.identity.signed_requests import SignedRequest
from compute_site.identity.tokens import ValidToken
from compute_site.request_id import note_user
from compute_site.secrets.sealing import seal, unseal

COLUMNS = {"description": "description", "secret": "sealed_secret"}
SHOWN = ("secret",)
LETTERS = "".join(
    letter
    for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    if letter not in "jiIl1oO0"
)
"""Of verifiers: those that people do not mix up."""
VERIFIER_LENGTH = 8
Row = TypeVar("Row", bound=Model)


def make_consumer(members: Mapping[str, Any], *, by: str) -> Consumer:
    """Raises as ``make_row``."""
    wanted = {**members, "secret": seal(_new_secret())}
    return make_row(Consumer(), wanted, columns=COLUMNS, by=by, shown=SHOWN)


def change_consumer(consumer: Consumer, members: Mapping[str, Any], *, by: str) -> Consumer:
    """Raises as ``change_row``."""
    return change_row(consumer, members, columns=COLUMNS, by=by, shown=SHOWN)


def remove_consumer(consumer: Consumer, *, by: str) -> None:
    """Delete it, with all that it has access to."""
    remove_row(consumer, by=by)


def secret_of(row: Consumer | RequestToken | AccessToken) -> str:
    return unseal(row.sealed_secret)


def ask_for_access(signed: SignedRequest, project_id: str) -> RequestToken:
    """A consumer wants to act for somebody in a project.

    Raises:
        MalformedRequest: the callback is missing.
        NoSuchThing: there is no such consumer or project.
        WrongSignature: the consumer has not signed this.
    """
    consumer = _find(Consumer.objects.all(), signed.value("oauth_consumer_key"), "consumer")
    signed.value("oauth_callback")
    signed.check(secret_of(consumer))
    if "\0" in project_id or not Project.objects.filter(pk=project_id).exists():
        raise NoSuchThing(f"There is no project {project_id[:60]}.")
    return RequestToken.objects.create(
        consumer=consumer,
        project_id=project_id,
        sealed_secret=seal(_new_secret()),
        expires_at=_end(settings.OPTIONS.oauth_request_seconds),
    )


def authorize(caller: ValidToken, request_id: str, roles: Sequence[str]) -> RequestToken:
    """The caller says yes to what a consumer asks for, with these roles (ids).

    Raises:
        RestrictedToken: the caller acts for somebody else.
        NoSuchThing: nothing is asked under this id.
        Expired: it was asked too long ago.
        NoRole: the caller does not hold one of the roles in that project.
    """
    check_direct(caller)
    with transaction.atomic():
        rows = RequestToken.objects.select_for_update(of=("self",))
        request = alive(_find(rows, request_id, "request token"))
        if not roles:
            raise MalformedRequest("roles: name at least one role.")
        choose_roles(caller.user_id, request.project_id, roles, missing=NoRole)
        request.user_id, request.roles = caller.user_id, list(roles)
        request.verifier = "".join(secrets.choice(LETTERS) for _ in range(VERIFIER_LENGTH))
        request.save(update_fields=["user", "roles", "verifier"])
    return request


def fetch_access(signed: SignedRequest) -> AccessToken:
    """The consumer comes back with the verifier; its request token is used up.

    Raises:
        NoSuchThing: there is no such request token.
        WrongSignature: it is another consumer's, nobody has said yes, or the verifier or the
            signature is wrong.
        Expired: it was asked too long ago.
        NoRole: the user does not hold one of the roles any more.
    """
    key, verifier = signed.value("oauth_consumer_key"), signed.value("oauth_verifier")
    with transaction.atomic():
        rows = RequestToken.objects.select_for_update(of=("self",)).select_related("consumer")
        request = alive(_find(rows, signed.value("oauth_token"), "request token"))
        if request.consumer_id != key:
            raise WrongSignature("The request token is another consumer's.")
        signed.check(secret_of(request.consumer), secret_of(request))
        if request.user_id is None or not request.verifier:
            raise WrongSignature("No user has authorized this request token.")
        if not secrets.compare_digest(request.verifier.encode(), verifier.encode()):
            raise WrongSignature("oauth_verifier is wrong.")
        role, others = choose_roles(
            request.user_id, request.project_id, request.roles, missing=NoRole
        )
        access = AccessToken.objects.create(
            consumer=request.consumer,
            user_id=request.user_id,
            project_id=request.project_id,
            sealed_secret=seal(_new_secret()),
            roles=request.roles,
            role=role,
            others=others,
            expires_at=_end(settings.OPTIONS.oauth_access_seconds),
        )
        note_change(access, MADE, by=access.user_id, project_id=access.project_id)
        request.delete()
    return access


def prove_access(signed: SignedRequest) -> AccessToken:
    """The access token with which the request is signed.

    Raises:
        NoSuchThing: there is none of this id.
        Expired: it has expired.
        WrongSignature: it is another consumer's, or the signature is wrong.
    """
    rows = AccessToken.objects.select_related("consumer")
    access = alive(_find(rows, signed.value("oauth_token"), "access token"))
    if access.consumer_id != signed.value("oauth_consumer_key"):
        raise WrongSignature("The access token is another consumer's.")
    signed.check(secret_of(access.consumer), secret_of(access))
    note_user(access.user_id)
    return access


def find_access(user_id: str, access_id: str) -> AccessToken:
    """An access token that the user has given.

    Raises:
        NoSuchThing: there is none of this id, or somebody else has given it.
    """
    return _find(AccessToken.objects.filter(user=user_id), access_id, "access token")


def remove_access(access: AccessToken, *, by: str) -> None:
    """Delete it with the tokens that were got with it."""
    with transaction.atomic():
        note_change(access, GONE, by=by, project_id=access.project_id)
        access.delete()


def purge_requests() -> int:
    """Forget what has expired; return how many there were."""
    now = timezone.now()
    gone = RequestToken.objects.filter(expires_at__lte=now).delete()[0]
    return gone + AccessToken.objects.filter(expires_at__lte=now).delete()[0]


def _find(rows: QuerySet[Row], key: str, noun: str) -> Row:
    found = None if "\0" in key else rows.filter(pk=key).first()
    if found is None:
        raise NoSuchThing(f"There is no {noun} {key[:60]}.")
    return found


Ending = TypeVar("Ending", RequestToken, AccessToken)


def alive(row: Ending) -> Ending:
    """Raises: Expired."""
    if row.expires_at is not None and row.expires_at <= timezone.now():
        raise Expired("This token has expired; ask for a new one.")
    return row


def _end(seconds: int) -> dt.datetime | None:
    """None with 0: never."""
    return timezone.now() + dt.timedelta(seconds=seconds) if seconds else None


def _new_secret() -> str:
    return secrets.token_hex(16)
