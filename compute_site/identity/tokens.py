"""The one home of tokens: issue, find, revoke, purge. Only the SHA-256 of a token is kept."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import secrets
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from psycopg.types.json import Jsonb

from compute_site.faults import Forbidden
from compute_site.identity.errors import EndedMeanwhile
from compute_site.identity.models import (
    AccessToken,
    ApplicationCredential,
    Revocation,
    Role,
    Token,
    Trust,
    User,
    of_people,
)
from compute_site.identity.scope import LADDER, Scope, find_by_token
from compute_site.identity.wide_roles import find_wide_roles

INSERT = """
INSERT INTO identity_token (
       digest, user_id, project_id, credential_id, methods, audit_id, issued_at, expires_at,
       domain_id, system, trust_id, access_id, role, others, holder, access_rules)
SELECT %(digest)s, account.id, %(project_id)s, %(credential_id)s, %(methods)s, %(audit_id)s,
       %(issued_at)s, %(expires_at)s, %(domain_id)s, %(system)s, %(trust_id)s,
       %(access_id)s, %(role)s, %(others)s, %(holder)s, %(access_rules)s
  FROM identity_user account {place}
 WHERE account.id = %(user_id)s AND account.is_active
   AND account.signed_out_at IS NOT DISTINCT FROM %(signed_out_at)s
"""
INSERT_IN_PROJECT = (
    INSERT.format(
        place="""
  JOIN identity_project project ON project.id = %(project_id)s AND project.enabled
  JOIN identity_domain place ON place.id = project.domain_id AND place.enabled"""
    )
    + " FOR SHARE OF account, project FOR KEY SHARE OF place"
)
INSERT_IN_DOMAIN = (
    INSERT.format(place="JOIN identity_domain place ON place.id = %(domain_id)s AND place.enabled")
    + " FOR SHARE OF account FOR KEY SHARE OF place"
)
INSERT_WITHOUT_PROJECT = INSERT.format(place="") + " FOR SHARE OF account"
# A domain that is disabled signs its users out; that of a project has a lock of its own here.


OWN_METHODS = frozenset(("password", "token", "totp"))
"""By which users themselves get tokens."""


class WideToken(Forbidden):
    """Compute and its services do all in projects: a token for a domain or the system is of no use
    there.
    """

    code = "wide_token"


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What a token is for: a project, a domain or the system, or none of them."""

    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False


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
        return not self.is_unscoped and "admin" in self.scope.all_roles

    @property
    def is_delegated(self) -> bool:
        """Was it got with something that others may hold in place of the user: an application
        credential, an access token or a pair of keys? Then it may give nothing on. Whether a token
        is one of a trust, which has its own rules, ``token.trust_id`` says.
        """
        return not OWN_METHODS.issuperset(self.token.methods)

    @property
    def is_unscoped(self) -> bool:
        token = self.token
        return token.project_id is None and token.domain_id is None and not token.system


def digest_of(text: str) -> str:
    """The digest under which a token is stored."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def issue_token(
    scope: Scope,
    *,
    target: Target,
    methods: Sequence[str],
    expires_at: dt.datetime | None = None,
    credential: ApplicationCredential | None = None,
    trust: Trust | None = None,
    access: AccessToken | None = None,
) -> tuple[str, ValidToken]:
    """Make a token; its text is returned here and never again.

    ``expires_at`` is that of the token or credential that this one was got with: the new token does
    not outlive it.

    Raises:
        EndedMeanwhile: the user or project was disabled, or the password changed, while the proof
            was checked.
    """
    text = secrets.token_urlsafe(32)
    now = timezone.now()
    longest = now + dt.timedelta(seconds=settings.OPTIONS.token_lifetime_seconds)
    token = Token(
        digest=digest_of(text),
        user_id=scope.user_id,
        project_id=target.project_id,
        domain_id=target.domain_id,
        system=target.system,
        methods=list(methods),
        audit_id=secrets.token_urlsafe(16),
        issued_at=now,
        expires_at=min(expires_at or longest, longest),
        credential=credential,
        trust=trust,
        access=access,
        holder=trust.holder_id if trust else None,
        access_rules=credential.access_rules if credential else None,
    )
    limits = credential or trust or access
    if limits is not None:
        token.role, token.others = limits.role, limits.others
    _insert(token, scope)
    return text, ValidToken(token, scope)


def find_token(text: str) -> ValidToken | None:
    """The token if it is valid: not expired, user active, project enabled, a role held in it."""
    digest = digest_of(text)
    token = (
        Token.objects.select_related("credential", "trust", "access").filter(digest=digest).first()
    )
    if token is None:
        return None
    scope = find_by_token(digest)
    if scope is None:
        return None
    if token.domain_id is not None or token.system:
        scope = in_wide_scope(scope, token.domain_id)
        return ValidToken(token, scope) if scope.holds_any else None
    if token.project_id is not None and not scope.holds_any:
        return None
    return ValidToken(token, scope)


def in_wide_scope(scope: Scope, domain_id: str | None) -> Scope:
    """The user in a domain, or, with ``None``, on the system: with the roles held there, and their
    groups.
    """
    held = find_wide_roles(scope.user_id, domain_id)
    others = scope.group_ids if scope.project_id is None else ()  # not those of roles in projects
    return dataclasses.replace(
        scope,
        project_id=None,
        project_name=None,
        group_ids=(*others, *(group for group in held.values() if group is not None)),
        roles=tuple(role for role in Role if role.value in held),
        others=tuple(sorted(key for key in held if key not in LADDER)),
    )


def is_wide(digest: str) -> bool:
    """Is this a token for a domain or the system?"""
    return Token.objects.filter(Q(system=True) | Q(domain__isnull=False), digest=digest).exists()


def revoke_token(token: Token) -> None:
    """Make the token invalid from the next request on."""
    Token.objects.filter(pk=token.pk).delete()


def sign_out(user_ids: Iterable[str]) -> int:
    """End all tokens and sessions, for example after a new password; return how many tokens."""
    wanted = list(user_ids)
    with transaction.atomic():
        User.objects.filter(pk__in=wanted).update(signed_out_at=timezone.now())
        return Token.objects.filter(of_people(wanted)).delete()[0]


def purge_tokens() -> int:
    """Delete expired tokens; return how many there were. Those that were ended before are forgotten
    when they would have expired.
    """
    over = {"expires_at__lte": timezone.now()}
    Revocation.objects.filter(**over).delete()
    return Token.objects.filter(**over).delete()[0]


def purge_sessions() -> None:
    """Delete expired sessions of browsers."""
    SessionStore.clear_expired()


def _insert(token: Token, scope: Scope) -> None:
    """Store the token, unless the account or project was disabled, or its tokens were ended, since
    the proof was read: the token would survive that. Row locks put both transactions in order.
    """
    values = {field.attname: getattr(token, field.attname) for field in token._meta.concrete_fields}  # noqa: SLF001
    rules = None if token.access_rules is None else Jsonb(token.access_rules)
    values |= {"methods": Jsonb(token.methods), "access_rules": rules}
    values["signed_out_at"] = scope.signed_out_at
    statement = INSERT_WITHOUT_PROJECT
    if token.project_id is not None:
        statement = INSERT_IN_PROJECT
    elif token.domain_id is not None:
        statement = INSERT_IN_DOMAIN
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        if cursor.rowcount != 1:
            raise EndedMeanwhile("Your account or project changed while you signed in; try again.")
