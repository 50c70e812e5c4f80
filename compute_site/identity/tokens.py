"""The one home of tokens: issue, find, revoke, purge. Only the SHA-256 of a token is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.utils import timezone

from compute_site.identity.models import ApplicationCredential, Token
from compute_site.identity.scope import Scope, find_by_token


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
    credential: ApplicationCredential | None = None,
) -> tuple[str, ValidToken]:
    """Make a token; its text is given here and never again.

    ``expires_at`` is that of the token or credential which this one was got with: it does not
    live longer.
    """
    text = secrets.token_urlsafe(32)
    now = timezone.now()
    longest = now + dt.timedelta(seconds=settings.OPTIONS.token_lifetime_seconds)
    token = Token.objects.create(
        digest=digest_of(text),
        user_id=scope.user_id,
        project_id=scope.project_id if in_project else None,
        methods=list(methods),
        audit_id=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=min(expires_at or longest, longest),
        credential=credential,
    )
    return text, ValidToken(token, scope)


def find_token(text: str) -> ValidToken | None:
    """The token if it is valid now: not over, user active, project enabled, a role held in it."""
    digest = digest_of(text)
    token = Token.objects.select_related("credential").filter(digest=digest).first()
    if token is None:
        return None
    scope = find_by_token(digest)
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
