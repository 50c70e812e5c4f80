"""The one home of tokens: issue, find, revoke, purge. Only the SHA-256 of a token is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils import timezone

from compute_site.identity.models import Token
from compute_site.identity.scope import Scope, find_by_user


@dataclasses.dataclass(frozen=True, slots=True)
class ValidToken:
    """A token with the user and project that it stands for."""

    token: Token
    scope: Scope

    @property
    def user_id(self) -> str:
        return self.scope.user_id

    @property
    def is_admin(self) -> bool:
        return self.token.project_id is not None and "admin" in self.scope.all_roles


def digest_of(text: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def issue_token(
    scope: Scope,
    *,
    in_project: bool,
    methods: Sequence[str],
    expires_at: dt.datetime | None = None,
) -> tuple[str, ValidToken]:
    """Make a token; its text is given here and never again.

    ``expires_at`` is that of the token which this one was got with, so that exchanging tokens
    does not lengthen a life.
    """
    text = secrets.token_urlsafe(32)
    now = timezone.now()
    token = Token.objects.create(
        digest=digest_of(text),
        user_id=scope.user_id,
        project_id=scope.project_id if in_project else None,
        methods=list(methods),
        audit_id=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=expires_at
        or now + dt.timedelta(seconds=settings.OPTIONS.token_lifetime_seconds),
    )
    return text, ValidToken(token, scope)


def find_token(text: str) -> ValidToken | None:
    """The token if it is valid now: not over, user active, project enabled, a role held in it."""
    token = Token.objects.filter(digest=digest_of(text), expires_at__gt=timezone.now()).first()
    if token is None:
        return None
    scope = find_by_user(user_id=token.user_id, project_id=token.project_id)
    if scope is None or (token.project_id is not None and not scope.roles):
        return None
    return ValidToken(token, scope)


def revoke_token(token: Token) -> None:
    """Nobody can use the token from the next request on."""
    Token.objects.filter(pk=token.pk).delete()


def revoke_tokens_of(user_ids: Iterable[str]) -> int:
    """After a new password, say; return how many tokens there were."""
    return Token.objects.filter(user__in=list(user_ids)).delete()[0]


def purge_tokens() -> int:
    """Delete the tokens that are over; return how many there were."""
    return Token.objects.filter(expires_at__lte=timezone.now()).delete()[0]
